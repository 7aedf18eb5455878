#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

Reply post(Room& room, const std::string& body) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = room.sandbox->control() + "/_control";
  request.body = body;
  return room.send(request);
}

}  // namespace

TEST_CASE("control over HTTP: right and wrong use") {
  Room room;
  CHECK(post(room, R"({"do":"person","key":"ada"})").status() == 200);
  const auto wrong = post(room, R"({"do":"person","key":"ada","colour":"blue"})");
  CHECK(wrong.status() == 400);
  CHECK(wrong["error"].string_or("") == "person: unknown field \"colour\"");
  CHECK(post(room, R"({"do":"dance"})").status() == 400);
  CHECK(post(room, "{").status() == 400);
  CHECK(post(room, "[]").status() == 400);
  CHECK(post(room, R"({"do":"delete","system":"pagerduty","id":"P1"})").status() == 404);
  CHECK(post(room, R"({"do":"person","key":"eve","slack":{"id":"U0ADA"}})").status() == 409);
  CHECK(room.get(room.sandbox->control() + "/_control", "").status() == 405);
}

TEST_CASE("control refuses what no system would have") {
  Room room;
  room.people();
  CHECK(room.refused(
            R"({"do":"schedule","system":"pagerduty","id":"P1","people":["zoe"],"shift_seconds":1})") ==
        "schedule: pagerduty knows no \"zoe\"");
  CHECK(
      room.refused(
          R"({"do":"schedule","system":"pagerduty","id":"P1","people":[["ada","bo"]],"shift_seconds":1})") ==
      "schedule: a layer-based schedule has one person at a time");
  room.refused(
      R"({"do":"schedule","system":"opsgenie","id":"s","kind":"v3","people":["ada"],"shift_seconds":1})");
  room.refused(R"({"do":"schedule","system":"slack","id":"s","people":["ada"],"shift_seconds":1})");
  room.refused(R"({"do":"override","system":"pagerduty","schedule":"P1","person":"ada","seconds":1})");
  room.refused(R"({"do":"group","handle":"x","people":["zoe"]})");
  room.refused(R"({"do":"fault","kind":"earthquake"})");
  room.refused(R"({"do":"fault","system":"pagerduty","kind":"error","code":"x"})");
  room.refused(R"({"do":"rate","scale":0})");
}

TEST_CASE("turns, overrides, the end of a shift, nobody") {
  Room room;
  room.people();
  room.control(R"({"do":"schedule","system":"pagerduty","id":"P1","people":["ada","bo",null,"cy"],
    "shift_seconds":60,"start":-30})");
  CHECK(room.on_call("P1") == "ada");
  const auto boundary = [&] {
    const auto reply = room.control(R"({"do":"on_call","system":"pagerduty","id":"P1"})");
    return *parse_rfc3339(first(reply["schedules"])["next_boundary"].string_or("")) - room.loop.now();
  };
  CHECK(boundary() <= 30s);
  CHECK(boundary() > 25s);
  const auto id =
      room.control(R"({"do":"override","system":"pagerduty","schedule":"P1","person":"cy","seconds":10})");
  CHECK(room.on_call("P1") == "cy");
  CHECK(boundary() <= 10s);
  room.control(R"({"do":"nobody","system":"pagerduty","schedule":"P1","seconds":5})");
  CHECK(room.on_call("P1").empty());
  room.control(
      R"({"do":"schedule","system":"pagerduty","id":"P2","people":["ada","bo"],"shift_seconds":60,"start":-30})");
  for (const std::string next : {"bo", "ada", "bo"}) {
    room.control(R"({"do":"end_shift","system":"pagerduty","schedule":"P2"})");
    CHECK(room.on_call("P2") == next);
  }
  const auto over = room.control(R"({"do":"override","system":"pagerduty","schedule":"P2","person":"cy"})");
  CHECK(room.on_call("P2") == "cy");
  room.control(fmt::format(R"({{"do":"cancel_override","system":"pagerduty","schedule":"P2","id":"{}"}})",
                           over["id"].string_or("")));
  CHECK(room.on_call("P2") == "bo");
}

TEST_CASE("short turns end some time, and the last one stays") {
  Room room;
  room.people();
  room.control(R"({"do":"schedule","system":"pagerduty","id":"P1","people":["ada","bo","cy"],
    "shift_seconds":1,"start":-1,"count":5})");
  const auto until = net::percent_encode(room.at(24h));
  const auto reply = room.pagerduty("/oncalls?schedule_ids[]=P1&limit=100&until=" + until);
  CHECK(reply["oncalls"].size() <= 6);
  bool endless = false;
  for (const auto entry : reply["oncalls"].items()) endless = endless || entry["end"].is_null();
  CHECK(endless);
}

TEST_CASE("the demo world is complete, and `reset` brings it back") {
  Room room;
  room.control(R"({"do":"reset"})");
  const auto state = room.control(R"({"do":"state"})");
  CHECK(state["groups"].size() == 3);
  CHECK(state["channels"].size() == 4);
  REQUIRE(state["schedules"].size() == 3);
  for (const auto schedule : state["schedules"].items()) {
    INFO(schedule.dump());
    CHECK(schedule["slack"].size() == 1);
    CHECK(schedule["emails"].size() == 1);
    CHECK(schedule["next_boundary"].is_string());
  }
  room.control(R"({"do":"delete","system":"pagerduty","id":"PSCHED1"})");
  room.control(R"({"do":"reset"})");
  CHECK(room.pagerduty("/schedules")["schedules"].size() == 1);
  const auto ready = json::parse(room.sandbox->ready_line());
  REQUIRE(ready);
  CHECK(ready->root()["page"].is_null());
  for (const auto* name : {"slack_api", "pagerduty", "identity", "opsgenie", "xmatters", "control"}) {
    CHECK(ready->root()[name].text());
  }
  CHECK(room.sandbox->ready_line().find('\n') == std::string::npos);
}

TEST_CASE("scenarios: people, schedules, and what happens later") {
  net::EventLoop loop;
  sandbox::Options options;
  options.scenario = R"(
people:
  - {key: ada, name: Ada, email: ada@example.com}
  - {key: bo}
groups:
  - {handle: oncall, people: [bo]}
schedules:
  - system: xmatters
    id: g1
    people: [[ada, bo]]
    delays: [0, 15]
    shift_seconds: 3600
at:
  - {after: 50ms, do: {do: group, handle: oncall, people: [ada]}}
)";
  auto started = sandbox::Sandbox::start(loop, options);
  REQUIRE(started);
  auto& sandbox = **started;
  const auto members = [&] {
    const auto state = json::parse(*sandbox.control(R"({"do":"state","only":["groups"]})"));
    return first(state->root()["groups"])["people"].dump();
  };
  CHECK(members() == R"(["bo"])");
  CHECK(sandbox.control(R"({"do":"on_call"})")->find(R"("people":["ada"])") != std::string::npos);
  struct Nap {
    static net::Task<void> take(net::Loop& on) { co_await net::sleep_for(on, 100ms); }
  };
  loop.run_until_done(Nap::take(loop));
  CHECK(members() == R"(["ada"])");

  const auto refused = [&](const char* yaml) {
    sandbox::Options wrong;
    wrong.scenario = yaml;
    auto result = sandbox::Sandbox::start(loop, wrong);
    REQUIRE_FALSE(result);
    return result.error().message;
  };
  CHECK(refused("people:\n  - {key: ada}\n  - {name: x}\n").find("line 3") != std::string::npos);
  CHECK(refused("persons: []").find("persons") != std::string::npos);
  refused("people: [");
  refused("at:\n  - {after: soon, do: {do: state}}\n");
}

TEST_CASE("scenarios: an action that fails when its time comes is told") {
  net::EventLoop loop;
  sandbox::Options options;
  options.scenario = R"(
people: [{key: ada}]
at:
  - {after: 20ms, do: {do: fault, system: pagerduty, kind: hung}}
  - {after: 20ms, do: {do: group, handle: oncall, people: [ada]}}
)";
  std::vector<std::string> told;
  options.complain = [&](const std::string& what) {
    told.push_back(what);
    loop.stop();
  };
  auto started = sandbox::Sandbox::start(loop, options);
  REQUIRE(started);
  const net::Timer limit{loop, loop.start_timer(10s, [&] { loop.stop(); })};
  loop.run();
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("scenario: {\"do\":\"fault\"") == 0);
  CHECK(told[0].find("hung") != std::string::npos);
}

TEST_CASE("a large world is built at once and answers in one piece") {
  Room room;
  room.control(R"({"do":"bulk","groups":10000,"people":2000,"channels":5,
    "schedules":{"pagerduty":1000,"opsgenie":500,"xmatters":500},"shift_seconds":3600,"boundary_at":600})");
  const auto groups =
      room.slack("usergroups.list", {{"include_users", "true"}, {"include_disabled", "true"}});
  CHECK(groups["usergroups"].size() == 10000);
  room.slack("usergroups.users.update", {{"usergroup", "S09999"}, {"users", "U00001,U00002"}});
  CHECK(room.members("S09999") == "U00001,U00002");
  const auto after = room.slack("usergroups.list", {{"include_users", "true"}, {"include_disabled", "true"}});
  CHECK(after.http->body != groups.http->body);
  const auto all = room.control(R"({"do":"on_call"})");
  CHECK(all["schedules"].size() == 2000);
  const auto boundary = first(all["schedules"])["next_boundary"].string_or("");
  for (const auto schedule : all["schedules"].items()) {
    REQUIRE(schedule["next_boundary"].string_or("") == boundary);
    REQUIRE(schedule["people"].size() == 1);
  }
  CHECK(room.opsgenie("/v2/schedules/on-calls?flat=true")["data"].size() == 500);
}

}  // namespace watchbill::test
