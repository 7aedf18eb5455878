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

TEST_CASE("a few unknown addresses are looked up, and then known") {
  World w;
  w.populate(300);
  REQUIRE(w.resolve(World::addresses(0, 20)));
  CHECK(w.people.lookups == 20);
  CHECK(w.people.pages == 0);
  CHECK(w.directory.by_email("P7@Example.com")->id == UserId("Up7"));
  CHECK(w.directory.by_id(UserId("Up7"))->name == "p7");
  CHECK(w.directory.size() == 20);
  REQUIRE(w.resolve(World::addresses(0, 20)));
  CHECK(w.people.calls() == 20);
}

TEST_CASE("two who look for the same person at the same time cost one call") {
  World w;
  w.populate(3);
  std::vector<Result<void>> results;
  net::TaskScope tasks;
  net::TaskScope doomed;
  doomed.spawn(resolve_into(w.directory, World::addresses(1, 2), Priority::background, results));
  tasks.spawn(resolve_into(w.directory, World::addresses(1, 2), Priority::background, results));
  tasks.spawn(resolve_into(w.directory, World::addresses(1, 2), Priority::background, results));
  SECTION("both wait") {
    w.loop.advance(1s);
    CHECK(w.people.lookups == 1);
    CHECK(results.size() == 3);
  }
  SECTION("the one who asks is cancelled: another asks") {
    w.loop.advance(50ms);
    doomed.cancel();
    w.loop.advance(1s);
    CHECK(w.people.lookups == 2);
    CHECK(results.size() == 2);
  }
  CHECK(w.directory.by_email("p1@example.com"));
}

TEST_CASE("an unknown address is asked for again after 5 minutes, then 10, up to an hour") {
  World w;
  w.populate(1);
  const std::vector<std::string> emails{"ghost@example.com"};
  REQUIRE(w.resolve(emails));
  CHECK(w.directory.absent("Ghost@example.com"));
  CHECK(w.directory.by_email("ghost@example.com") == nullptr);
  for (const auto pause : {5min, 10min, 20min, 40min, 60min, 60min}) {
    const auto before = w.people.lookups;
    w.loop.advance(pause - 1s);
    REQUIRE(w.resolve(emails));
    CHECK(w.people.lookups == before);
    w.loop.advance(1s);
    REQUIRE(w.resolve(emails));
    CHECK(w.people.lookups == before + 1);
  }
  // He joins the workspace: an explicit refresh finds him at once.
  w.people.add("ghost");
  REQUIRE(w.refresh_all());
  CHECK(w.directory.by_email("ghost@example.com"));
  CHECK_FALSE(w.directory.absent("ghost@example.com"));
}

TEST_CASE("what is no address is not asked for") {
  World w;
  w.populate(1);
  REQUIRE(w.resolve({"", "alice", "@", "a b@example.com", "a@", "a@b\n"}));
  CHECK(w.people.calls() == 0);
  CHECK(w.directory.absent("alice"));
}

TEST_CASE("deactivated people, guests and bots are known as such") {
  World w;
  w.populate(30);
  w.people.find("p1").deleted = true;
  w.people.find("p2").guest = true;
  w.people.find("p3").bot = true;
  REQUIRE(w.resolve(World::addresses(0, 30)));
  CHECK(w.directory.by_email("p1@example.com")->deleted);
  CHECK(w.directory.absent("p1@example.com"));
  CHECK_FALSE(w.directory.by_email("p2@example.com")->assignable());
  CHECK_FALSE(w.directory.by_email("p3@example.com")->assignable());
  const auto calls = w.people.calls();
  REQUIRE(w.resolve(World::addresses(0, 30)));
  CHECK(w.people.calls() == calls);
}

TEST_CASE("a person who comes back under the same address is found, and the old account is not in the way") {
  World w;
  w.populate(1);
  REQUIRE(w.resolve(World::addresses(0, 1)));
  w.people.find("p0").deleted = true;
  REQUIRE(w.refresh({UserId("Up0")}));
  CHECK(w.directory.by_email("p0@example.com")->deleted);
  auto& again = w.people.add("p0");
  again.id = UserId("Unew");
  w.loop.advance(6min);
  REQUIRE(w.resolve(World::addresses(0, 1)));
  CHECK(w.directory.by_email("p0@example.com")->id == UserId("Unew"));
}

TEST_CASE("a refresh by id takes what Slack says now, and who is not there is deleted") {
  World w;
  w.populate(3);
  REQUIRE(w.resolve(World::addresses(0, 3)));
  w.people.find("p0").deleted = true;
  w.people.find("p1").email = "other@example.com";
  REQUIRE(w.refresh({UserId("Up0"), UserId("Up1"), UserId("Unever"), UserId("Up0")}));
  CHECK(w.people.infos == 3);
  CHECK(w.directory.by_id(UserId("Up0"))->deleted);
  CHECK(w.directory.by_email("p1@example.com") == nullptr);
  CHECK(w.directory.by_email("other@example.com")->id == UserId("Up1"));
  CHECK(w.directory.by_id(UserId("Unever"))->deleted);
  CHECK(w.directory.by_id(UserId("Unasked")) == nullptr);
}

TEST_CASE("one failed look-up does not lose the others") {
  World w;
  w.populate(3);
  w.people.failures = {Error{ErrorKind::timeout, "slow"}};
  const auto result = w.resolve(World::addresses(0, 3));
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::timeout);
  CHECK(w.directory.size() == 2);
  CHECK(w.directory.unasked(World::addresses(0, 3)).size() == 1);
}

TEST_CASE("people survive a restart") {
  World w;
  w.populate(5);
  REQUIRE(w.resolve(World::addresses(0, 5)));
  Directory next(w.loop, w.limiter, w.people);
  next.load(w.cache.load());
  CHECK(next.size() == 5);
  CHECK(next.by_email("p3@example.com")->id == UserId("Up3"));
  CHECK(next.unasked(World::addresses(0, 5)).empty());
}

namespace {

net::Task<void> count_changes(Directory& directory, int& count) {
  for (;;) {
    co_await directory.changed().wait();
    ++count;
  }
}

}  // namespace

TEST_CASE("a change is told, a mere confirmation is not") {
  World w;
  w.populate(2);
  int told = 0;
  net::TaskScope tasks;
  tasks.spawn(count_changes(w.directory, told));
  REQUIRE(w.resolve(World::addresses(0, 1)));
  w.loop.run_until_idle();
  CHECK(told == 1);
  const auto revision = w.directory.revision();
  REQUIRE(w.refresh({UserId("Up0")}));
  w.loop.run_until_idle();
  CHECK(told == 1);
  CHECK(w.directory.revision() == revision);
  w.people.find("p0").name = "New Name";
  REQUIRE(w.refresh({UserId("Up0")}));
  w.loop.run_until_idle();
  CHECK(told == 2);
  REQUIRE(w.resolve({"nobody@example.com"}));
  w.loop.run_until_idle();
  CHECK(told == 3);
}

TEST_CASE("entries older than a day are asked for again, a few a minute") {
  World w;
  w.populate(60);
  REQUIRE(w.resolve(World::addresses(0, 60)));
  net::TaskScope tasks;
  tasks.spawn(w.directory.keep_fresh());
  w.loop.advance(23h);
  CHECK(w.people.infos == 0);
  w.people.find("p5").deleted = true;
  w.loop.advance(1h);
  CHECK(w.people.infos <= 5);
  w.loop.advance(15min);
  CHECK(w.people.infos == 60);
  CHECK(w.directory.by_id(UserId("Up5"))->deleted);
  CHECK(w.people.pages == 1);
}

TEST_CASE("a refresh that fails is a problem until one works") {
  World w;
  w.populate(2);
  REQUIRE(w.resolve(World::addresses(0, 2)));
  net::TaskScope tasks;
  tasks.spawn(w.directory.keep_fresh());
  w.loop.advance(23h);
  w.people.failures.assign(2, Error{ErrorKind::unauthorized, "revoked", "token_revoked"});
  w.loop.advance(62min);
  REQUIRE(w.directory.problem());
  CHECK(w.directory.problem()->code == "token_revoked");
  w.loop.advance(11min);
  CHECK_FALSE(w.directory.problem());
}
