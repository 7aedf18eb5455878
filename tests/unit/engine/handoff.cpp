#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

TEST_CASE("a new rotation fills its group and says who is on call, not that somebody handed off") {
  Payments p;
  CHECK(p.members() == Names{"UADA"});
  REQUIRE(p.messages().size() == 1);
  CHECK(p.messages()[0].text.find("now on call") != std::string::npos);
  CHECK(p.state() == "in_sync");
  CHECK(p.world.slack.violations.empty());
}

TEST_CASE(
    "a handoff is in Slack within a second of its boundary, and announced once the source confirmed it") {
  Payments p;
  p.world.loop.run_until(p.boundary - 1ms);
  CHECK(p.members() == Names{"UADA"});
  p.world.advance(1s);
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.messages().size() == 1);
  p.world.advance(3s);
  REQUIRE(p.messages().size() == 2);
  CHECK(p.messages()[1].text.find("<@UBO>") != std::string::npos);
  const auto history = p.world.history();
  REQUIRE(history.size() == 2);
  CHECK(history[0].cause == Cause::handoff);
  CHECK(history[0].result == "ok");
  CHECK(history[0].held_since == p.boundary);
}

TEST_CASE("an override that nobody announced is in Slack within a poll interval") {
  Payments p;
  const Instant now = p.world.loop.now();
  auto& shifts = p.world.system.truth["P1"];
  shifts[0].end = now + 1s;
  shifts.insert(shifts.begin() + 1, Shift{FakeSystem::person("cy"), now + 1s, p.boundary});
  p.world.advance(61s);
  CHECK(p.members() == Names{"UCY"});
}

TEST_CASE("a source that is down hands off on time along what is known, until that ends") {
  Payments p;
  p.world.system.down = true;
  p.world.loop.run_until(p.boundary + 1s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(20s);
  CHECK(p.messages().size() == 2);
  CHECK(p.state() == "stale");
}

TEST_CASE(
    "after weeks without its source a restarted daemon still hands off on time, and past the horizon keeps "
    "the last") {
  Payments p;
  p.world.system.down = true;
  p.world.kill();
  p.world.loop.set_wall(p.boundary + days{30} + 10min);
  p.world.start();
  p.world.advance(30s);
  CHECK(p.members() == Names{"UBO"});
  p.world.loop.run_until(p.boundary + days{30} + 1h + 1s);
  CHECK(p.members() == Names{"UADA"});
  p.world.kill();
  p.world.loop.set_wall(p.boundary + days{65});
  p.world.start();
  p.world.advance(1h);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "stale");
  CHECK(p.world.slack.violations.empty());
}

TEST_CASE("a schedule taken out of its last escalation policy does not empty or disable the group") {
  Payments p([](Rotation& r) { r.empty = Empty::disable; });
  p.world.system.shows_nobody = true;
  p.world.advance(10min);
  CHECK(p.members() == Names{"UADA"});
  CHECK_FALSE(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
}

TEST_CASE("a deleted schedule is named, and its group is left as it is") {
  Payments p([](Rotation& r) { r.empty = Empty::disable; });
  p.world.system.presence["P1"] = AnswerStatus::gone;
  p.world.advance(3min);
  CHECK(p.members() == Names{"UADA"});
  CHECK_FALSE(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  CHECK(p.state() == "error");
  REQUIRE_FALSE(p.world.status(p.id).problems.empty());
  CHECK(p.world.status(p.id).problems[0].find("does not exist any more") != std::string::npos);
}

TEST_CASE("a gap that the schedule itself confirms disables the group, and it comes back with its people") {
  Payments p([](Rotation& r) { r.empty = Empty::disable; });
  auto& shifts = p.world.system.truth["P1"];
  shifts[0].end = p.world.loop.now();
  p.world.advance(3min);
  CHECK(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  p.world.loop.run_until(p.boundary + 2s);
  CHECK_FALSE(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  CHECK(p.members() == Names{"UBO"});
}

TEST_CASE("a confirming answer that lags behind the boundary does not bring the old people back") {
  Payments p;
  p.world.kill();
  p.world.system.moments = true;
  p.world.start();
  p.world.advance(20s);
  p.world.system.lag = 8s;
  std::vector<Names> seen;
  p.world.loop.run_until(p.boundary - 1s);
  for (int i = 0; i < 200; ++i) {
    p.world.advance(100ms);
    if (seen.empty() || seen.back() != p.members()) seen.push_back(p.members());
  }
  CHECK(seen == std::vector<Names>{{"UADA"}, {"UBO"}});
}

TEST_CASE("a group that a person edits is repaired, and after the third time slowly and with a problem") {
  Payments p;
  for (int i = 0; i < 3; ++i) {
    p.world.slack.groups.at(GroupId{"Spayments"}).members = {UserId{"UCY"}};
    p.world.advance(70s);
    if (i < 2) CHECK(p.members() == Names{"UADA"});
  }
  CHECK(p.members() == Names{"UCY"});
  CHECK(p.state() == "error");
  p.world.advance(10min);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.messages().size() == 1);
}

TEST_CASE("groups that Slack refuses to write do not hold up the others") {
  EngineWorld world;
  const Instant boundary = world.loop.now() + 5min;
  for (int i = 0; i < 30; ++i) {
    const auto name = "r" + std::to_string(i);
    world.slack.add_user("UA" + name, "a" + name + "@example.com");
    world.slack.add_user("UB" + name, "b" + name + "@example.com");
    world.system.rotate("P" + name, {"a" + name, "b" + name}, boundary - 1h, 1h);
    world.create(world.rotation(name, {"P" + name}), true);
  }
  world.start();
  world.advance(4min);
  world.slack.fate = [](slack::Method method, const std::string& what) {
    const bool refused =
        method == slack::Method::usergroups_users_update && what < "Sr2";  // r0, r1, r10 to r19
    return refused ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  world.loop.run_until(boundary + 125s);
  int right = 0;
  for (int i = 0; i < 30; ++i) {
    const auto name = "r" + std::to_string(i);
    right += world.slack.members("S" + name) == Names{"UB" + name} ? 1 : 0;
  }
  CHECK(right == 18);
  world.slack.fate = {};
  world.advance(10min);
  for (int i = 0; i < 30; ++i)
    CHECK(world.slack.members("Sr" + std::to_string(i)).front().substr(0, 2) == "UB");
}

TEST_CASE("nobody unknown to Slack blocks those who are known") {
  Payments p;
  p.world.system.truth["P1"].push_back({FakeSystem::person("zoe"), p.boundary, p.boundary + 1h});
  p.world.advance(20min);
  p.world.loop.run_until(p.boundary + 10s);
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.state() == "error");
  REQUIRE_FALSE(p.world.status(p.id).problems.empty());
  CHECK(p.world.status(p.id).problems[0].find("watchbill people map zoe@example.com") != std::string::npos);
}
