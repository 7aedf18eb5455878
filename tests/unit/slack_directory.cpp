#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "slack/directory.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using test::SimLoop;

namespace {

/// A workspace's people: answers after 100 ms, counts what it is asked.
class FakePeople final : public People {
 public:
  explicit FakePeople(SimLoop& loop) : loop_(loop) {}

  net::Task<Result<User>> lookup_by_email(Permit permit, std::string email) override {
    CHECK(permit.method() == Method::users_lookup_by_email);
    ++lookups;
    co_await net::sleep_for(loop_, 100ms);
    if (auto error = take_failure()) co_return *error;
    for (const auto& user : users) {
      if (!user.deleted && user.email == email) co_return user;
    }
    co_return Error{ErrorKind::not_found, "nobody", "users_not_found"};
  }
  net::Task<Result<User>> user_info(Permit permit, UserId id) override {
    CHECK(permit.method() == Method::users_info);
    ++infos;
    co_await net::sleep_for(loop_, 100ms);
    if (auto error = take_failure()) co_return *error;
    for (const auto& user : users) {
      if (user.id == id) co_return user;
    }
    co_return Error{ErrorKind::not_found, "nobody", "user_not_found"};
  }
  net::Task<Result<UserPage>> list_users(Permit permit, std::string cursor) override {
    CHECK(permit.method() == Method::users_list);
    ++pages;
    co_await net::sleep_for(loop_, 100ms);
    if (auto error = take_failure()) co_return *error;
    const std::size_t from = cursor.empty() ? 0 : std::stoul(cursor);
    UserPage page;
    for (std::size_t i = from; i < std::min(users.size(), from + 200); ++i) {
      if (hidden.count(users[i].id) == 0) page.users.push_back(users[i]);
      if (no_emails) page.users.back().email.reset();
    }
    if (endless || from + 200 < users.size()) page.next_cursor = std::to_string(from + 200);
    co_return page;
  }

  User& add(const std::string& name) {
    User user;
    user.id = UserId("U" + name);
    user.name = name;
    user.email = name + "@example.com";
    return users.emplace_back(user);
  }
  User& find(const std::string& name) {
    for (auto& user : users) {
      if (user.name == name) return user;
    }
    throw std::logic_error("no such user");
  }
  [[nodiscard]] int calls() const { return lookups + infos + pages; }

  std::vector<User> users;
  std::set<UserId> hidden;  ///< left out of lists
  bool no_emails = false;
  bool endless = false;
  std::vector<Error> failures;  ///< the next calls fail so
  int lookups = 0;
  int infos = 0;
  int pages = 0;

 private:
  std::optional<Error> take_failure() {
    if (failures.empty()) return std::nullopt;
    auto error = failures.front();
    failures.erase(failures.begin());
    return error;
  }
  SimLoop& loop_;
};

class FakeCache final : public UserCache {
 public:
  Result<std::vector<SeenUser>> load() override {
    std::vector<SeenUser> out;
    for (const auto& [id, seen] : rows) out.push_back(seen);
    return out;
  }
  Result<void> save(const std::vector<SeenUser>& users) override {
    if (full) return fail(ErrorKind::storage, "disk full");
    for (const auto& seen : users) rows[seen.user.id] = seen;
    return {};
  }
  std::map<UserId, SeenUser> rows;
  bool full = false;
};

struct World {
  SimLoop loop;
  Gate gate{loop, 1};
  FakePeople people{loop};
  FakeCache cache;
  Directory directory{loop, gate, people, cache};

  /// People named p0, p1, ...
  void populate(int count) {
    for (int i = 0; i < count; ++i) people.add("p" + std::to_string(i));
  }
  [[nodiscard]] static std::vector<std::string> addresses(int from, int to) {
    std::vector<std::string> out;
    for (int i = from; i < to; ++i) out.push_back("p" + std::to_string(i) + "@example.com");
    return out;
  }
  Result<void> resolve(std::vector<std::string> emails) {
    return loop.run_until_done(directory.resolve(std::move(emails), Priority::background));
  }
  Result<void> refresh(std::vector<UserId> users) {
    return loop.run_until_done(directory.refresh(std::move(users), Priority::background));
  }
  Result<void> refresh_all() { return loop.run_until_done(directory.refresh_all(Priority::background)); }
};

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

TEST_CASE("without the scope for addresses nobody is called absent") {
  World w;
  w.populate(50);
  w.people.no_emails = true;
  const auto result = w.resolve(World::addresses(0, 30));
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::forbidden);
  CHECK(result.error().code == "missing_scope");
  CHECK(result.error().message.find("users:read.email") != std::string::npos);
  CHECK_FALSE(w.directory.absent("p0@example.com"));
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
  Gate fast(w.loop, 100000);
  Directory directory(w.loop, fast, w.people, w.cache);
  const auto result = w.loop.run_until_done(directory.resolve(World::addresses(0, 30), Priority::background));
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::unreadable);
}

TEST_CASE("people survive a restart") {
  World w;
  w.populate(5);
  REQUIRE(w.resolve(World::addresses(0, 5)));
  Directory next(w.loop, w.gate, w.people, w.cache);
  REQUIRE(next.load());
  CHECK(next.size() == 5);
  CHECK(next.by_email("p3@example.com")->id == UserId("Up3"));
  CHECK(next.unasked(World::addresses(0, 5)).empty());
}

TEST_CASE("what could not be saved is saved next time, and the problem is told until then") {
  World w;
  w.populate(3);
  w.cache.full = true;
  REQUIRE(w.resolve(World::addresses(0, 2)));
  CHECK(w.directory.by_email("p0@example.com"));
  REQUIRE(w.directory.problem());
  CHECK(w.directory.problem()->kind == ErrorKind::storage);
  w.cache.full = false;
  REQUIRE(w.resolve(World::addresses(2, 3)));
  CHECK(w.cache.rows.size() == 3);
  CHECK_FALSE(w.directory.problem());
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
