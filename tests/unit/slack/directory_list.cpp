#include "tests/unit/slack/people_world.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using World = test::PeopleWorld;

namespace {

net::Task<void> resolve_into(Directory& directory, std::vector<std::string> emails, Priority priority,
                             std::vector<Result<void>>& results) {
  results.push_back(co_await directory.resolve(std::move(emails), priority));
}

}  // namespace

TEST_CASE("many unknown addresses are found by reading the list once, and only they are kept") {
  World w;
  w.populate(950);
  auto wanted = World::addresses(0, 300);
  wanted.emplace_back("nobody@example.com");
  REQUIRE(w.resolve(wanted));
  CHECK(w.people.pages == 5);
  CHECK(w.people.calls() == 5);
  CHECK(w.directory.size() == 300);
  CHECK(w.directory.by_email("p299@example.com"));
  CHECK(w.directory.absent("nobody@example.com"));
  CHECK(w.directory.unasked(wanted).empty());
}

TEST_CASE("who is wanted soon after the list was read is found in it") {
  World w;
  w.populate(950);
  REQUIRE(w.resolve(World::addresses(0, 300)));
  auto more = World::addresses(300, 500);
  more.emplace_back("nobody@example.com");
  REQUIRE(w.resolve(more));
  CHECK(w.people.calls() == 5);
  CHECK(w.directory.size() == 500);
  CHECK(w.directory.absent("nobody@example.com"));
  // DeferredAnswer the list is too old to be believed.
  w.loop.advance(3min);
  REQUIRE(w.resolve(World::addresses(500, 600)));
  CHECK(w.people.pages == 10);
}

TEST_CASE("callers who come while the list is read share that reading") {
  World w;
  w.populate(600);
  std::vector<Result<void>> results;
  net::TaskScope tasks;
  tasks.spawn(resolve_into(w.directory, World::addresses(0, 100), Priority::background, results));
  w.loop.advance(250ms);  // the first pages are gone by
  tasks.spawn(resolve_into(w.directory, World::addresses(50, 150), Priority::handoff, results));
  w.loop.advance(1min);
  REQUIRE(results.size() == 2);
  CHECK(results[0].ok());
  CHECK(results[1].ok());
  CHECK(w.people.pages == 3);
  CHECK(w.directory.size() == 150);
}

TEST_CASE("a reading goes on when the caller who began it is cancelled") {
  World w;
  w.populate(600);
  std::vector<Result<void>> results;
  net::TaskScope first;
  net::TaskScope second;
  first.spawn(resolve_into(w.directory, World::addresses(0, 100), Priority::background, results));
  second.spawn(resolve_into(w.directory, World::addresses(0, 100), Priority::background, results));
  w.loop.advance(150ms);
  first.cancel();
  w.loop.advance(1min);
  REQUIRE(results.size() == 1);
  CHECK(results[0].ok());
  CHECK(w.directory.size() == 100);
}

TEST_CASE("many ids are refreshed by reading the list") {
  World w;
  w.populate(400);
  std::vector<UserId> ids;
  for (int i = 0; i < 150; ++i) ids.emplace_back("Up" + std::to_string(i));
  ids.emplace_back("Unever");
  REQUIRE(w.refresh(ids));
  CHECK(w.people.pages == 2);
  CHECK(w.people.infos == 1);  // the one who is not on the list
  CHECK(w.directory.size() == 151);
}

TEST_CASE("an expired cursor starts the list again, a hasty page waits, a failed one is tried again") {
  World w;
  w.populate(500);
  w.people.failures = {Error{ErrorKind::invalid, "expired", "invalid_cursor"},
                       Error{ErrorKind::rate_limited, "wait", "ratelimited"},
                       Error{ErrorKind::server, "broken", "internal_error"}};
  REQUIRE(w.resolve(World::addresses(0, 30)));
  CHECK(w.people.pages == 6);
  CHECK(w.directory.size() == 30);
}

TEST_CASE("a list that keeps failing ends as its error, and the addresses stay unasked") {
  World w;
  w.populate(500);
  w.people.failures.assign(3, Error{ErrorKind::server, "broken", "internal_error"});
  const auto result = w.resolve(World::addresses(0, 30));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == "internal_error");
  CHECK(w.directory.unasked(World::addresses(0, 30)).size() == 30);
  REQUIRE(w.resolve(World::addresses(0, 30)));
}

TEST_CASE("without the scope for addresses nobody is called absent") {
  World w;
  w.populate(50);
  w.people.no_emails = true;
  w.people.lookup_refused = true;
  const auto result = w.resolve(World::addresses(0, 30));
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::forbidden);
  CHECK(result.error().code == "missing_scope");
  CHECK(result.error().message.find("users:read.email") != std::string::npos);
  CHECK_FALSE(w.directory.absent("p0@example.com"));
}

TEST_CASE("where the workspace hides addresses people are found one by one, and stay found") {
  World w;
  w.populate(50);
  w.people.no_emails = true;
  REQUIRE(w.resolve(World::addresses(0, 30)));
  CHECK(w.people.pages == 1);
  CHECK(w.people.lookups == 30);
  REQUIRE(w.directory.by_email("p7@example.com"));
  // What Slack tells of them later has no address either.
  REQUIRE(w.refresh({UserId("Up7")}));
  REQUIRE(w.refresh_all());
  REQUIRE(w.directory.by_email("p7@example.com"));
  CHECK(w.directory.unasked(World::addresses(0, 30)).empty());
  REQUIRE(w.resolve(World::addresses(0, 50)));
  CHECK(w.people.lookups == 50);
}

TEST_CASE("a list that loses more than half of the known people is believed the third time") {
  World w;
  w.populate(40);
  REQUIRE(w.resolve(World::addresses(0, 30)));
  for (int i = 0; i < 16; ++i) w.people.hidden.insert(UserId("Up" + std::to_string(i)));
  for (int i = 0; i < 2; ++i) {
    const auto result = w.refresh_all();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "implausible_list");
    CHECK_FALSE(w.directory.by_id(UserId("Up0"))->deleted);
    w.loop.advance(30s);
  }
  // Who is missing is then asked for one by one: being left out of a list deactivates nobody.
  w.people.find("p0").deleted = true;
  REQUIRE(w.refresh_all());
  w.loop.advance(1min);
  CHECK(w.people.infos == 16);
  CHECK(w.directory.by_id(UserId("Up0"))->deleted);
  CHECK_FALSE(w.directory.by_id(UserId("Up1"))->deleted);
}

TEST_CASE("a list that loses half of the known people is believed at once") {
  World w;
  w.populate(40);
  REQUIRE(w.resolve(World::addresses(0, 30)));
  for (int i = 0; i < 15; ++i) w.people.find("p" + std::to_string(i)).deleted = true;
  REQUIRE(w.refresh_all());
  CHECK(w.directory.by_id(UserId("Up0"))->deleted);
}

TEST_CASE("deactivated people do not make the list be read every five minutes") {
  World w;
  w.populate(50);
  for (int i = 0; i < 30; ++i) w.people.find("p" + std::to_string(i)).deleted = true;
  for (int minute = 0; minute < 120; ++minute) {
    REQUIRE(w.resolve(World::addresses(0, 40)));
    w.loop.advance(1min);
  }
  CHECK(w.people.pages == 5);  // at 0, 5, 15, 35 and 75 minutes
  CHECK(w.people.calls() == 5);
}

TEST_CASE("three implausible lists within seconds are one doubt, and a good one ends it") {
  World w;
  w.populate(40);
  REQUIRE(w.resolve(World::addresses(0, 30)));
  for (int i = 0; i < 40; ++i) w.people.find("p" + std::to_string(i)).deleted = i < 39;
  for (int i = 0; i < 5; ++i) CHECK_FALSE(w.refresh_all());
  for (auto& user : w.people.users) user.deleted = false;
  CHECK(w.refresh_all());
  for (auto& user : w.people.users) user.deleted = user.name != "p39";
  w.loop.advance(1min);
  CHECK_FALSE(w.refresh_all());
  w.loop.advance(1min);
  CHECK_FALSE(w.refresh_all());
  CHECK_FALSE(w.directory.by_id(UserId("Up0"))->deleted);
  w.loop.advance(1min);
  CHECK(w.refresh_all());
  CHECK(w.directory.by_id(UserId("Up0"))->deleted);
}

TEST_CASE("a list that names nobody is never believed") {
  World w;
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(w.resolve(World::addresses(0, 30)));
    w.loop.advance(1min);
  }
  CHECK_FALSE(w.directory.absent("p0@example.com"));
}

TEST_CASE("a list without end is given up") {
  World w;
  w.populate(10);
  w.people.endless = true;
  RateLimiter fast(w.loop, 100000);
  Directory directory(w.loop, fast, w.people);
  const auto result = w.loop.run_until_done(directory.resolve(World::addresses(0, 30), Priority::background));
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::unreadable);
}

TEST_CASE("if very many entries are old the list is read instead") {
  World w;
  w.populate(450);
  REQUIRE(w.resolve(World::addresses(0, 400)));
  CHECK(w.people.pages == 3);
  net::TaskScope tasks;
  tasks.spawn(w.directory.keep_fresh());
  w.loop.advance(25h);
  CHECK(w.people.pages == 6);
  CHECK(w.people.infos == 0);
}
