#include "tests/support/catch.hpp"
#include "tests/unit/engine/judge.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// Rotations one to four, whose schedules P1 to P4 hand off from Ada to Bo together.
struct Four {
  EngineWorld world;
  Judge judge{world};
  std::vector<RotationId> ids;
  Instant boundary;

  ~Four() {
    judge.look();
    CHECK(judge.wrong == Names{});
  }
  Four() {
    world.slack.add_user("UADA", "ada@example.com");
    world.slack.add_user("UBO", "bo@example.com");
    world.slack.add_user("UCY", "cy@example.com");
    boundary = world.loop.now() + 10min;
    for (int i = 1; i <= 4; ++i) {
      const auto number = std::to_string(i);
      world.system.rotate("P" + number, {"ada", "bo"}, boundary - 1h, 1h);
      ids.push_back(world.create(world.rotation(number, {"P" + number})));
    }
    world.start();
    world.advance(30s);
  }
  Names members(int number) { return world.slack.members("S" + std::to_string(number)); }
};

/// A rotation of each of three systems, and one over all of them. All hand off every hour, together.
struct ThreeSystems {
  EngineWorld world;
  std::optional<Judge> judge;
  std::map<std::string, RotationId> ids;
  Instant boundary;

  ~ThreeSystems() {
    judge->look();
    CHECK(judge->wrong == Names{});
  }
  ThreeSystems() {
    boundary = world.loop.now() + 30min;
    for (const std::string name : {"og", "xm"}) world.connect(name);
    for (const std::string name : {"pd", "og", "xm"}) {
      for (const std::string who : {"a", "b"})
        world.slack.add_user("U" + who + name, who + name + "@example.com");
      world.systems.at(name).rotate("1", {"a" + name, "b" + name}, boundary - 1h, 1h, 1600);
      ids[name] = world.create(world.rotation(name, {name + "/1"}));
    }
    judge.emplace(world);
    ids["all"] = world.create(world.rotation("all", {"pd/1", "og/1", "xm/1"}));
    world.start();
    world.advance(30s);
  }
  std::string state(const std::string& name) { return world.status(ids.at(name)).state; }
  Names members(const std::string& name) { return world.slack.members("S" + name); }
};

}  // namespace

TEST_CASE(
    "a list that misses more than half of the groups is believed the third time, and nothing is written from "
    "it") {
  Four four;
  auto& world = four.world;
  world.slack.hidden = {GroupId{"S1"}, GroupId{"S2"}, GroupId{"S3"}};
  world.slack.groups.at(GroupId{"S4"}).members = {UserId{"UCY"}};
  const auto writes = world.slack.writes.size();
  world.advance(2min);
  CHECK(world.slack.writes.size() == writes);
  CHECK(four.members(4) == Names{"UCY"});
  for (const auto id : four.ids) CHECK(world.status(id).state == "in_sync");
  // The third list: what it shows is repaired, what it misses is named. Nobody is put anywhere else.
  world.advance(61s);
  CHECK(four.members(4) == Names{"UADA"});
  CHECK(world.slack.writes.size() == writes + 1);
  CHECK(world.status(four.ids[0]).state == "error");
  CHECK(world.status(four.ids[0]).problems.at(0).find("Slack has no user group S1") != std::string::npos);
  // It was Slack's mistake: all goes on, and no handoff was lost.
  world.slack.hidden.clear();
  world.loop.run_until(four.boundary + 2min);
  for (int i = 1; i <= 4; ++i) CHECK(four.members(i) == Names{"UBO"});
  for (const auto id : four.ids) CHECK(world.status(id).state == "in_sync");
}

TEST_CASE("while Slack's list is not believed known handoffs go on") {
  Four four;
  auto& world = four.world;
  world.loop.run_until(four.boundary - 50s);
  world.slack.hidden = {GroupId{"S1"}, GroupId{"S2"}, GroupId{"S3"}};
  world.loop.run_until(four.boundary + 1s);
  for (int i = 1; i <= 4; ++i) CHECK(four.members(i) == Names{"UBO"});
}

TEST_CASE("a rotation over three systems goes on along what is known while one of them is down") {
  ThreeSystems three;
  auto& world = three.world;
  CHECK(three.members("all") == Names{"Uaog", "Uapd", "Uaxm"});
  const bool hangs = GENERATE(false, true);
  world.systems.at("og").down = true;
  if (hangs) world.systems.at("og").latency = 15s;
  world.loop.run_until(three.boundary + 1s);
  for (const std::string name : {"pd", "og", "xm"}) CHECK(three.members(name) == Names{"Ub" + name});
  CHECK(three.members("all") == Names{"Ubog", "Ubpd", "Ubxm"});
  world.advance(20s);
  // The neighbours' announcements are confirmed; those with the broken system go out after 15 s.
  for (const std::string name : {"pd", "og", "xm", "all"})
    CHECK(world.slack.messages("C" + name).size() == 2);
  CHECK(three.state("pd") == "in_sync");
  CHECK(three.state("xm") == "in_sync");
  CHECK(three.state("og") == "stale");
  CHECK(three.state("all") == "stale");

  // An override in a system that works is seen in time, also in the rotation over all three.
  auto& shifts = world.systems.at("pd").truth["1"];
  shifts[1].end = world.loop.now();
  shifts.insert(shifts.begin() + 2, Shift{FakeSystem::person("apd"), shifts[1].end, three.boundary + 1h});
  world.advance(61s);
  CHECK(three.members("pd") == Names{"Uapd"});
  CHECK(three.members("all") == Names{"Uapd", "Ubog", "Ubxm"});
  world.systems.at("og").down = false;
  world.systems.at("og").latency = 30ms;
  world.advance(2min);
  CHECK(three.state("og") == "in_sync");
  CHECK(three.state("all") == "in_sync");
  CHECK(world.slack.violations.empty());
}

TEST_CASE("a source that is down for ten days hands off on time up to its horizon, and then keeps the last") {
  EngineWorld world;
  world.slack.add_user("UADA", "ada@example.com");
  world.slack.add_user("UBO", "bo@example.com");
  // It tells of eight days, and is down from the first hour on.
  world.system.reach = days{8};
  const auto start = world.loop.now();
  const auto boundary = start + 2h;
  world.system.rotate("P1", {"ada", "bo"}, boundary - days{1}, days{1});
  auto rotation = world.rotation("payments", {"P1"});
  rotation.empty = Empty::disable;
  const auto id = world.create(rotation);
  world.start();
  world.advance(1min);
  world.system.down = true;
  for (int day = 0; day < 10; ++day) {
    // The host sleeps most of the day, so that the test does not take long.
    const auto at = boundary + days{day};
    world.loop.suspend(at - 5s - world.loop.now());
    world.loop.run_until(at - 1ms);
    const auto before = world.slack.members("Spayments");
    world.advance(1s);
    const bool known = at < start + days{8};
    const Names now{day % 2 == 0 ? "UBO" : "UADA"};
    INFO("day " << day);
    if (known) CHECK(world.slack.members("Spayments") == now);
    if (!known) CHECK(world.slack.members("Spayments") == before);
    world.advance(2s);
    CHECK(world.status(id).state == "stale");
  }
  CHECK_FALSE(world.slack.groups.at(GroupId{"Spayments"}).disabled);
  CHECK(world.status(id).problems.at(0).find("is not known since") != std::string::npos);
  world.system.down = false;
  world.system.rotate("P1", {"ada", "bo"}, boundary - days{1}, days{1});
  world.advance(2min);
  CHECK(world.slack.members("Spayments") == Names{"UADA"});
  CHECK(world.status(id).state == "in_sync");
}

TEST_CASE("a schedule that may not be read any more is named, and its group is not disabled") {
  Payments p([](Rotation& r) { r.empty = Empty::disable; });
  p.world.system.presence["P1"] = AnswerStatus::forbidden;
  p.world.advance(3min);
  CHECK(p.members() == Names{"UADA"});
  CHECK_FALSE(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  CHECK(p.state() == "error");
  CHECK(p.problems().find("may not be read") != std::string::npos);
  CHECK(p.problems().find("connection pd") != std::string::npos);
}

TEST_CASE("a source whose answers flap does not make the group flap") {
  Payments p;
  const auto writes = p.world.slack.writes.size();
  bool other = false;
  p.world.system.before_poll = [&](FakeSystem& system) {
    other = !other;
    system.truth["P1"][0].responder = FakeSystem::person(other ? "cy" : "ada");
  };
  p.world.advance(9min);
  // The first change acts at once; its reversal would take two answers that agree.
  CHECK(p.world.slack.writes.size() == writes + 1);
  CHECK(p.members() == Names{"UCY"});
  p.world.system.before_poll = {};
  p.world.system.truth["P1"][0].responder = FakeSystem::person("ada");
  p.world.advance(75s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.world.slack.writes.size() == writes + 2);
}

TEST_CASE("a required schedule with nobody is named although the others have people") {
  EngineWorld world;
  world.slack.add_user("UADA", "ada@example.com");
  world.system.rotate("P1", {"ada"}, world.loop.now() - 1h, days{30}, 1);
  world.system.truth["P2"] = {};
  auto rotation = world.rotation("payments", {"P1", "P2"});
  rotation.schedules[1].required = true;
  const auto id = world.create(rotation);
  world.start();
  world.advance(2min);
  CHECK(world.slack.members("Spayments") == Names{"UADA"});
  REQUIRE(world.status(id).problems.size() == 1);
  CHECK(world.status(id).problems[0].find("nobody is on call in the required schedule P2") !=
        std::string::npos);
  CHECK(world.status(id).state == "in_sync");
  CHECK(world.engine->figures().open_problems == 1);
}

TEST_CASE("a long window that failed once is asked again soon, so that an outage finds a far horizon") {
  Payments p;
  p.world.kill();
  REQUIRE(p.world.store->engine().remove_schedule_state({"pd", "P1"}));
  p.world.system.reach = 10min;  // both long windows fail
  p.world.start();
  p.world.advance(30s);
  p.world.system.reach = days{365};
  p.world.advance(6min);
  p.world.system.down = true;
  p.world.kill();
  p.world.loop.set_wall(p.boundary + days{20} - 10s);
  p.world.start();
  p.world.advance(11s);
  CHECK(p.members() == Names{"UBO"});
}

TEST_CASE("what is stored of a new schedule together with an edit is known ahead before it answers") {
  const bool fresh = GENERATE(true, false);
  Payments p;
  auto& other = p.world.connect("og");
  other.connection = "og";
  other.rotate("1", {"ada", "bo"}, p.boundary - 1h, 1h);
  other.down = true;
  ScheduleAnswer answer;
  answer.schedule = {"og", "1"};
  answer.status = AnswerStatus::ok;
  answer.asked_at = fresh ? p.world.loop.now() : p.world.loop.now() - 10min;
  answer.window = {answer.asked_at, answer.asked_at + days{14}};
  answer.shifts = other.truth["1"];
  ScheduleState state;
  state.schedule = answer.schedule;
  apply_answer(state, answer, false);
  REQUIRE(p.world.as_cli()->engine().put_schedule_state(state));
  const auto told = p.messages().size();
  p.world.edit("payments", [](Rotation& r) { r.schedules = {{{"og", "1"}}}; });
  p.world.loop.run_until(p.boundary + 40s);
  // What is older was left there by a rotation of before.
  CHECK(p.members() == (fresh ? Names{"UBO"} : Names{"UADA"}));
  CHECK(p.messages().size() == told + (fresh ? 1 : 0));
}

TEST_CASE("an override does not shorten for hours what is known of the future") {
  Payments p;
  auto& shifts = p.world.system.truth["P1"];
  shifts[0].end = p.world.loop.now();
  shifts.insert(shifts.begin() + 1, Shift{FakeSystem::person("cy"), shifts[0].end, p.boundary});
  p.world.advance(2min);
  CHECK(p.members() == Names{"UCY"});
  p.world.system.down = true;
  p.world.kill();
  p.world.loop.set_wall(p.boundary + days{20} - 10s);
  p.world.start();
  p.world.advance(11s);
  CHECK(p.members() == Names{"UBO"});
}

TEST_CASE("a long window that was asked before an override does not bring the old people back") {
  EngineWorld world;
  world.slack.add_user("UADA", "ada@example.com");
  world.slack.add_user("UCY", "cy@example.com");
  world.system.rotate("P1", {"ada"}, world.loop.now() - 1h, days{90}, 1);
  world.system.paging = 100s;
  world.create(world.rotation("payments", {"P1"}));
  world.start();
  world.advance(30s);
  auto& shifts = world.system.truth["P1"];
  const Instant end = shifts[0].end;
  shifts[0].end = world.loop.now();
  shifts.push_back({FakeSystem::person("cy"), shifts[0].end, shifts[0].end + 8h});
  shifts.push_back({FakeSystem::person("ada"), shifts[0].end + 8h, end});
  world.advance(10min);
  CHECK(world.slack.members("Spayments") == Names{"UCY"});
  CHECK(world.slack.writes.size() == 2);
  CHECK(world.slack.messages("Cpayments").size() == 2);
  // Nor is the future forgotten: it is asked again.
  world.system.down = true;
  world.loop.set_wall(world.loop.now() + 8h);
  world.advance(1min);
  CHECK(world.slack.members("Spayments") == Names{"UADA"});
}

namespace {

std::string joined_problems(EngineWorld& world, RotationId id) {
  std::string all;
  for (const auto& problem : world.status(id).problems) all += problem + "\n";
  return all;
}

store::ConnectionStatus shown_connection(EngineWorld& world, const std::string& name) {
  auto statuses = world.store->connections().statuses();
  REQUIRE(statuses);
  for (const auto& [connection, status] : *statuses) {
    if (connection == name) return status;
  }
  FAIL("no such connection");
  return {};
}

}  // namespace

TEST_CASE("a rotation that is stale because of Slack says so, with what Slack says and since when") {
  Payments p;
  const auto since = format_minutes(p.world.loop.now() + 40s);
  p.world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  const bool unauthorized = GENERATE(true, false);
  p.world.slack.error = unauthorized ? fail(ErrorKind::unauthorized,
                                            "Slack does not accept the bot token [invalid_auth]: check it")
                                     : fail(ErrorKind::unreachable, "no way to slack.com");
  p.world.advance(63s);
  // What only a person can mend is told at once; a hiccup is not worth a word.
  CHECK(p.problems().empty() != unauthorized);
  p.world.advance(5min);
  CHECK(p.state() == "stale");
  CHECK(p.problems() ==
        fmt::format("Slack's user groups cannot be read since {}: {}\n", since, p.world.slack.error.message));
  CHECK(shown_connection(p.world, "pd").state == "ok");
  p.world.slack.fate = {};
  p.world.advance(2min);
  CHECK(p.state() == "in_sync");
  CHECK(p.problems().empty());
}

TEST_CASE("a rotation that waits for Slack since the start says why after the first failure") {
  EngineWorld world;
  world.slack.add_user("UADA", "ada@example.com");
  world.system.rotate("P1", {"ada"}, world.loop.now() - 1h, days{30}, 1);
  const auto id = world.create(world.rotation("payments", {"P1"}));
  world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  world.slack.error = fail(ErrorKind::unreachable, "no way to slack.com");
  world.start();
  world.advance(3s);
  CHECK(world.status(id).state == "pending");
  CHECK(joined_problems(world, id).find("cannot be read since") != std::string::npos);
  CHECK(joined_problems(world, id).find("no way to slack.com") != std::string::npos);
}

TEST_CASE("a rotation that is stale because of a source names the schedule, since when and why") {
  ThreeSystems three;
  auto& world = three.world;
  world.systems.at("og").down = true;
  world.advance(5min);
  CHECK(three.state("all") == "stale");
  const auto problems = joined_problems(world, three.ids.at("all"));
  CHECK(problems.find("schedule og/1") != std::string::npos);
  CHECK(problems.find("has not answered since 20") != std::string::npos);
  CHECK(problems.find("watchbill connection test og") != std::string::npos);
  CHECK(problems.find("Slack's user groups") == std::string::npos);
  CHECK(problems.find("schedule pd/1") == std::string::npos);
  CHECK(joined_problems(world, three.ids.at("pd")).empty());
}

TEST_CASE("a connection that hangs does not look well while its schedules are silent") {
  ThreeSystems three;
  auto& world = three.world;
  world.systems.at("og").latency = 24h;
  world.advance(10min);
  CHECK(three.state("og") == "stale");
  CHECK(joined_problems(world, three.ids.at("og")).find("schedule og/1") != std::string::npos);
  CHECK(shown_connection(world, "og").state == "failing");
  REQUIRE(shown_connection(world, "og").problem);
  CHECK(shown_connection(world, "og").problem->find("schedule og/1") != std::string::npos);
  CHECK(shown_connection(world, "pd").state == "ok");
  CHECK_FALSE(shown_connection(world, "pd").problem);
  CHECK(world.engine->figures().open_problems == 1);
}

TEST_CASE("a schedule that is new on a daemon that has run for long is not silent yet") {
  ThreeSystems three;
  auto& world = three.world;
  world.advance(30min);
  world.systems.at("pd").rotate("2", {"apd"}, world.loop.now() - 1h, days{30}, 1);
  world.systems.at("pd").latency = 5s;
  const auto added =
      world.as_cli()->rotations().add(world.rotation("fresh", {"pd/2"}), false, std::nullopt, "test");
  REQUIRE(added);
  const auto id = *added;
  world.advance(3s);
  CHECK(world.status(id).state == "pending");
  CHECK_FALSE(shown_connection(world, "pd").problem);
}

TEST_CASE("while nobody believes that a system emptied, its connection says so") {
  Four four;
  four.world.system.shows_nobody = true;
  four.world.advance(70s);
  const auto shown = shown_connection(four.world, "pd");
  REQUIRE(shown.problem);
  CHECK(shown.problem->find("more than half of its schedules show nobody on call") != std::string::npos);
  four.world.system.shows_nobody = false;
  four.world.advance(3min);
  CHECK_FALSE(shown_connection(four.world, "pd").problem);
}

TEST_CASE("a schedule that goes on being silent does not look well meanwhile, however slowly it fails") {
  engine::EngineOptions options;
  options.poll_interval = GENERATE(5s, 10s);
  Payments p({}, options);
  const bool alone = GENERATE(false, true);
  if (!alone) {
    p.world.system.rotate("P2", {"cy"}, p.world.loop.now() - 1h, days{90}, 1);
    p.world.create(p.world.rotation("other", {"P2"}));
    p.world.advance(20s);
  }
  // As one whose connections are never answered: each question takes until its limit.
  p.world.system.latency = 15s;
  if (alone)
    p.world.system.down = true;
  else
    p.world.system.failing = {"P1"};
  const auto began = p.world.loop.now();
  while (p.world.status(p.id).state == "in_sync") p.world.advance(1s);
  CHECK(p.world.loop.now() - began <= 3 * options.poll_interval + 17s);
  for (int i = 0; i < 240; ++i) {
    p.world.advance(1s);
    INFO("after " << i << " s");
    REQUIRE(p.world.status(p.id).state == "stale");
  }
  p.world.system.latency = 30ms;
  p.world.system.down = false;
  p.world.system.failing.clear();
  p.world.advance(40s);
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a long window that was answered during a doubt is asked again when the doubt ends") {
  Payments p;
  p.world.kill();
  REQUIRE(p.world.store->engine().remove_schedule_state({"pd", "P1"}));
  p.world.system.shows_nobody = true;
  p.world.start();
  p.world.advance(20s);
  p.world.system.shows_nobody = false;
  p.world.advance(70s);
  p.world.system.down = true;
  p.world.kill();
  p.world.loop.set_wall(p.boundary + days{20} - 10s);
  p.world.start();
  p.world.advance(11s);
  CHECK(p.members() == Names{"UBO"});
}
