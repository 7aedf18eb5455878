#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;
using Fate = FakeSlack::Fate;

namespace {

constexpr auto kUpdate = slack::Method::usergroups_users_update;

/// Every write of a group is `how`; all else is normal.
void writes_are(EngineWorld& world, Fate how) {
  world.slack.fate = [how](slack::Method method, const std::string&) {
    return method == kUpdate ? how : Fate::normal;
  };
}

std::size_t count_of(const std::vector<Change>& history, Cause cause) {
  return static_cast<std::size_t>(
      std::count_if(history.begin(), history.end(), [&](const Change& c) { return c.cause == cause; }));
}

}  // namespace

TEST_CASE("a write that never reached Slack is made again within seconds") {
  Payments p;
  p.world.loop.run_until(p.boundary - 1s);
  writes_are(p.world, Fate::dropped);
  p.world.advance(1s + 100ms);
  p.world.slack.fate = {};
  p.world.loop.run_until(p.boundary + 8s);
  CHECK(p.members() == Names{"UBO"});
  p.world.loop.run_until(p.boundary + 30s);
  CHECK(p.messages().size() == 2);
}

TEST_CASE("a rotation that is given another group while its old one is being written fills the new one") {
  Payments p;
  p.world.slack.add_group("Sother", "other", {"UCY"});
  p.world.slack.latency = 3s;
  p.world.loop.run_until(p.boundary + 1s);
  p.world.edit("payments", [](Rotation& r) { r.group = GroupId{"Sother"}; });
  for (int i = 0; i < 200; ++i) {
    p.world.advance(50ms);
    const auto newest = p.world.history().front();
    const bool done = newest.group == GroupId{"Sother"} && newest.result == "ok";
    if (done) CHECK(p.world.slack.members("Sother") == Names{"UBO"});
  }
  p.world.advance(1min);
  CHECK(p.world.slack.members("Sother") == Names{"UBO"});
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a group that Slack refused at first stands in history twice: refused, and written") {
  Payments p;
  writes_are(p.world, Fate::refused);
  p.world.loop.run_until(p.boundary + 90s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "error");
  CHECK(p.problems().find("On call is bo") != std::string::npos);
  REQUIRE(p.world.history().size() == 2);
  CHECK(p.world.history()[0].result == "forbidden");

  const bool restarted = GENERATE(false, true);
  if (restarted) {
    p.world.kill();
    p.world.start();
    p.world.advance(30s);
    CHECK(p.world.history().size() == 2);
  }
  p.world.slack.fate = {};
  p.world.advance(6min);
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.state() == "in_sync");
  const auto history = p.world.history();
  REQUIRE(history.size() == 3);
  CHECK(history[0].cause == Cause::handoff);
  CHECK(history[0].result == "ok");
  CHECK(history[0].before == std::vector{UserId{"UADA"}});
  CHECK(history[0].after == std::vector{UserId{"UBO"}});
  CHECK(history[0].held_since == p.boundary);
  CHECK(history[1].result == "forbidden");
  CHECK(p.messages().size() == 2);
}

TEST_CASE("a refused write whose group a person made right by hand is done") {
  Payments p;
  writes_are(p.world, Fate::refused);
  p.world.loop.run_until(p.boundary + 30s);
  p.edit_group({"UBO"});
  p.world.advance(70s);
  CHECK(p.state() == "in_sync");
  CHECK(p.world.history().size() == 3);
  p.world.slack.fate = {};
  p.world.advance(20min);
  CHECK(count_of(p.world.history(), Cause::drift) == 0);
}

TEST_CASE("`sync` tries a refused write again at once") {
  Payments p;
  writes_are(p.world, Fate::refused);
  p.world.loop.run_until(p.boundary + 10min);
  p.world.slack.fate = {};
  REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
  p.world.advance(5s);
  CHECK(p.members() == Names{"UBO"});
}

TEST_CASE("`sync` too soon after a write to tell an edit from Slack's lag looks again when it can tell") {
  Payments p;
  p.world.loop.run_until(p.boundary + 1s);
  CHECK(p.members() == Names{"UBO"});
  p.edit_group({"UCY"});
  REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
  p.world.advance(10s);
  CHECK(p.members() == Names{"UBO"});
}

TEST_CASE("a group that a human keeps editing is repaired at most every 10 minutes, with one problem") {
  Payments p;
  std::size_t before = p.world.slack.writes.size();
  p.world.loop.run_until(p.boundary + 1min);
  CHECK(p.world.slack.writes.size() == before + 1);
  before = p.world.slack.writes.size();
  for (int minute = 0; minute < 57; ++minute) {
    p.edit_group({"UCY"});
    p.world.advance(1min);
  }
  // Two at once, then one in ten minutes.
  CHECK(p.world.slack.writes.size() - before <= 2 + 6);
  CHECK(p.world.slack.writes.size() - before >= 2 + 4);
  CHECK(p.problems().find("@payments is other than it was written again and again") != std::string::npos);
  // A handoff does not wait for that.
  p.world.loop.run_until(p.boundary + 1h + 2s);
  CHECK(p.members() == Names{"UADA"});
  // Nobody touches it any more: the problem ends, and the next drift is repaired at once.
  p.world.advance(25min);
  CHECK(p.state() == "in_sync");
  p.edit_group({"UCY"});
  p.world.advance(65s);
  CHECK(p.members() == Names{"UADA"});
}

TEST_CASE("a drift is not blamed on who edited the rotation long ago") {
  Payments p;
  p.world.edit("payments", [](Rotation& r) { r.owners = {"UCY"}; });
  p.world.advance(10min);
  p.edit_group({"UCY"});
  p.world.advance(65s);
  REQUIRE(p.world.history().size() == 2);
  CHECK(p.world.history()[0].cause == Cause::drift);
  CHECK_FALSE(p.world.history()[0].by);
}

TEST_CASE("after a restart in the middle of a storm Slack says at most once that it is too much") {
  EngineWorld world;
  world.slack.limits[kUpdate] = 20;
  const Instant boundary = world.loop.now() + 15min;
  for (int i = 0; i < 100; ++i) {
    const auto name = "r" + std::to_string(i);
    world.slack.add_user("UA" + name, "a" + name + "@example.com");
    world.slack.add_user("UB" + name, "b" + name + "@example.com");
    world.system.rotate("P" + name, {"a" + name, "b" + name}, boundary - 1h, 1h);
    auto rotation = world.rotation(name, {"P" + name});
    rotation.channels.clear();
    world.create(rotation);
  }
  world.start();
  world.loop.run_until(boundary + 10s);
  CHECK(world.slack.too_many == 0);
  const auto written = world.slack.writes.size();
  world.kill();
  world.start();
  world.advance(8min);
  CHECK(world.slack.too_many <= 1);
  CHECK(world.slack.writes.size() >= written + 80);
  for (int i = 0; i < 100; ++i)
    CHECK(world.slack.members("Sr" + std::to_string(i)) == Names{"UBr" + std::to_string(i)});
}

TEST_CASE("somebody whom Slack does not take holds up neither who is on call with them nor who comes next") {
  using Invalid = FakeSlack::Invalid;
  Payments p;
  p.world.slack.invalid = GENERATE(Invalid::refused, Invalid::emptied);
  const auto shift = p.world.system.truth["P1"][1];
  p.world.system.truth["P1"].push_back({FakeSystem::person("cy"), shift.start, shift.end});
  p.world.loop.run_until(p.boundary - 1s);
  p.world.slack.users.at(UserId{"UBO"}).deleted = true;
  p.world.loop.run_until(p.boundary + 1s);
  CHECK(p.members() == Names{"UCY"});
  p.world.advance(10s);
  CHECK(p.state() == "error");
  CHECK(p.problems().find("bo is on call but cannot be in @payments") != std::string::npos);
  REQUIRE(p.messages().size() == 2);
  CHECK(p.messages()[1].text.find("<@UBO>") == std::string::npos);
  p.world.loop.run_until(shift.end + 1s);
  CHECK(p.members() == Names{"UADA"});
}

TEST_CASE("a group keeps its members when the only one on call is somebody whom Slack does not take") {
  using Invalid = FakeSlack::Invalid;
  Payments p;
  p.world.slack.invalid = GENERATE(Invalid::refused, Invalid::emptied);
  const auto end = p.world.system.truth["P1"][1].end;
  p.world.loop.run_until(p.boundary - 1s);
  p.world.slack.users.at(UserId{"UBO"}).deleted = true;
  p.world.loop.run_until(p.boundary + 10s);
  CHECK(p.members() == Names{"UADA"});
  REQUIRE(p.messages().size() == 2);
  CHECK(p.messages()[1].text.find("takes over from ada") != std::string::npos);
  CHECK(p.messages()[1].text.find("it keeps its members") != std::string::npos);
  for (const auto& change : p.world.history()) {
    if (change.after == std::vector{UserId{"UBO"}}) CHECK(change.result == "invalid_users");
  }
  p.world.loop.run_until(end + 1s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a group that an invalid list emptied is filled although Slack asked to wait before that") {
  Payments p([](Rotation& rotation) {
    rotation.empty = Empty::fallback;
    rotation.fallback_members = {UserId{"UADA"}};
  });
  p.world.slack.invalid = FakeSlack::Invalid::emptied;
  p.world.loop.run_until(p.boundary - 1s);
  p.world.slack.users.at(UserId{"UBO"}).deleted = true;
  p.world.slack.limits[kUpdate] = 1;
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_list ? Fate::refused : Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 5s);
  CHECK(p.members() == Names{});
  CHECK(p.world.slack.too_many == 1);
  p.world.loop.run_until(p.boundary + 70s);
  CHECK(p.members() == Names{"UADA"});
}

TEST_CASE(
    "a group that nobody may edit is tried once for each handoff, and its problem names who is on call") {
  Payments p;
  p.world.system.truth["P1"][2].responder = FakeSystem::person("cy");
  writes_are(p.world, Fate::refused);
  const auto tried = [&] { return p.world.slack.calls[kUpdate]; };
  p.world.loop.run_until(p.boundary + 50min);
  const auto before = tried();
  p.world.loop.run_until(p.boundary + 1h - 1s);
  CHECK(tried() == before);
  p.world.loop.run_until(p.boundary + 1h + 5s);
  CHECK(tried() == before + 1);
  CHECK(p.problems().find("On call is cy") != std::string::npos);
  p.world.slack.fate = {};
  p.world.loop.run_until(p.boundary + 2h + 1s);
  CHECK(p.members() == Names{"UBO"});
}
