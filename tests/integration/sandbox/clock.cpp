#include "sandbox/wall_rule.hpp"
#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

Instant at(const char* text) {
  return *parse_rfc3339(text);
}

/// "08:00 ada, 17:00 bo": the takeovers of a schedule within a span, by PagerDuty's answer.
std::string entries(Room& room, const std::string& id, const char* since, const char* until) {
  const auto reply = room.pagerduty(fmt::format("/schedules/{}?since={}&until={}", id,
                                                net::percent_encode(since), net::percent_encode(until)));
  std::string text;
  for (const auto entry : reply["schedule"]["final_schedule"]["rendered_schedule_entries"].items()) {
    text += fmt::format("{} {}\n", entry["start"].string_or("?"),
                        entry["user"]["summary"].string_or("?").substr(0, 3));
  }
  return text;
}

}  // namespace

TEST_CASE("clock: frozen, stepped, run fast, and back") {
  Room room;
  room.people();
  room.control(R"({"do":"clock","set":"2026-03-01T12:00:00Z","freeze":true})");
  room.control(
      R"({"do":"schedule","system":"pagerduty","id":"P1","people":["ada","bo"],"shift_seconds":3600})");
  const auto now = [&] { return room.control(R"({"do":"state","only":[]})")["now"].string_or(""); };
  CHECK(now() == "2026-03-01T12:00:00.000Z");
  room.wait(30ms);
  CHECK(now() == "2026-03-01T12:00:00.000Z");
  CHECK(room.on_call("P1") == "ada");
  room.control(R"({"do":"clock","step_seconds":3599})");
  CHECK(room.on_call("P1") == "ada");
  room.control(R"({"do":"clock","step_seconds":1})");
  CHECK(room.on_call("P1") == "bo");
  CHECK(room.pagerduty("/schedules").http->header("date").value_or("") == "Sun, 01 Mar 2026 13:00:00 GMT");

  room.control(R"({"do":"clock","speed":36000})");
  room.wait(150ms);  // at least an hour and a half
  CHECK(at(now().c_str()) - at("2026-03-01T13:00:00Z") >= 90min);
  room.control(R"({"do":"clock","real":true})");
  CHECK(std::chrono::abs(at(now().c_str()) - room.loop.now()) < 10s);
}

TEST_CASE("clock: a step plays what the scenario planned on its way, each at its moment") {
  net::EventLoop loop;
  sandbox::Options options;
  options.scenario = R"(
people: [{key: ada}]
channels: [{name: general, people: [ada]}]
do:
  - {do: clock, freeze: true}
at:
  - {after: 1h, do: {do: message, channel: general, person: ada, text: first}}
  - {after: 2h, do: {do: message, channel: general, person: ada, text: second}}
)";
  auto started = sandbox::Sandbox::start(loop, options);
  REQUIRE(started);
  auto& sandbox = **started;
  const auto messages = [&] {
    auto reply = json::parse(*sandbox.control(R"({"do":"messages","channel":"general"})"));
    return std::move(*reply);
  };
  REQUIRE(sandbox.control(R"({"do":"clock","step_seconds":3600})"));
  CHECK(messages().root()["messages"].size() == 1);
  REQUIRE(sandbox.control(R"({"do":"clock","step_seconds":36000})"));
  const auto all = messages();
  REQUIRE(all.root()["messages"].size() == 2);
  std::vector<double> stamps;
  for (const auto one : all.root()["messages"].items()) stamps.push_back(std::stod(one["ts"].string_or("0")));
  CHECK(stamps[1] - stamps[0] == Catch::Approx(3600).margin(1));
}

TEST_CASE("shifts by the clock on the wall, across both changes of daylight saving time") {
  Room room;
  room.people();
  room.control(R"({"do":"clock","set":"2026-03-27T12:00:00Z","freeze":true})");
  room.control(
      R"({"do":"schedule","system":"pagerduty","id":"P1","daily":{"at":"09:00","time_zone":"Europe/Berlin"},
    "people":["ada","bo","cy"]})");
  // The clocks in Berlin go forward on 29 March: 09:00 is 08:00 UTC before and 07:00 UTC after.
  CHECK(entries(room, "P1", "2026-03-27T08:00:00Z", "2026-03-30T12:00:00Z") ==
        "2026-03-27T08:00:00Z ada\n2026-03-28T08:00:00Z bo \n2026-03-29T07:00:00Z cy \n2026-03-30T07:00:00Z "
        "ada\n");
  CHECK(room.on_call("P1") == "ada");
  // Back on 25 October.
  CHECK(entries(room, "P1", "2026-10-24T07:00:00Z", "2026-10-26T09:00:00Z").find("2026-10-25T08:00:00Z") !=
        std::string::npos);

  room.control(R"({"do":"schedule","system":"pagerduty","id":"P2","weekly":{"day":"monday","at":"10:00",
    "time_zone":"America/New_York"},"people":["ada","bo"],"start":"2026-03-01T00:00:00Z"})");
  // The week of 1 March (a Sunday) began on 23 February; New York changes on 8 March.
  CHECK(entries(room, "P2", "2026-02-23T15:00:00Z", "2026-03-17T00:00:00Z") ==
        "2026-02-23T15:00:00Z ada\n2026-03-02T15:00:00Z bo \n2026-03-09T14:00:00Z ada\n2026-03-16T14:00:00Z "
        "bo \n");
}

TEST_CASE("shifts that follow the sun") {
  Room room;
  room.people();
  room.control(R"({"do":"clock","set":"2026-06-15T00:30:00Z","freeze":true})");
  room.control(R"({"do":"schedule","system":"pagerduty","id":"P1","follow_the_sun":[
    {"at":"09:00","time_zone":"Asia/Tokyo","people":["ada"]},
    {"at":"09:00","time_zone":"Europe/Berlin","people":["bo"]},
    {"at":"09:00","time_zone":"America/New_York","people":["cy"]}]})");
  CHECK(entries(room, "P1", "2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z") ==
        "2026-06-15T00:00:00Z ada\n2026-06-15T07:00:00Z bo \n2026-06-15T13:00:00Z cy \n");
  CHECK(room.on_call("P1") == "ada");
  room.control(R"({"do":"clock","step_seconds":23400})");
  CHECK(room.on_call("P1") == "bo");
}

TEST_CASE("a local time that is skipped or comes twice") {
  sandbox::WallRule rule;
  rule.sites = {{"Europe/Berlin", 150min, {{"ada"}}}};
  rule.start = at("2026-03-01T00:00:00Z");
  const auto starts = [&](const char* from, const char* to) {
    std::string text;
    for (const auto& shift : wall_shifts(rule, {at(from), at(to)})) text += format_rfc3339(shift.start) + " ";
    return text;
  };
  // 02:30 on 29 March does not exist: the change itself (01:00 UTC) counts.
  CHECK(starts("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") ==
        "2026-03-28T01:30:00Z 2026-03-29T01:00:00Z ");
  // 02:30 on 25 October comes twice: the first one counts.
  CHECK(starts("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z") ==
        "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z ");
}

TEST_CASE("rules by the clock on the wall are read strictly") {
  Room room;
  room.people();
  const auto refused = [&](const char* rule) {
    return room.refused(R"({"do":"schedule","system":"pagerduty","id":"P1","people":["ada"],)" +
                        std::string(rule) + "}");
  };
  CHECK(refused(R"("daily":{"at":"9:00"})").find("09:30") != std::string::npos);
  CHECK(refused(R"("daily":{"at":"09:00","time_zone":"Mars/Base"})").find("Mars/Base") != std::string::npos);
  CHECK(refused(R"("weekly":{"at":"09:00"})").find("day") != std::string::npos);
  CHECK(refused(R"("daily":{"at":"09:00","until":"x"})").find("until") != std::string::npos);
}

TEST_CASE("another pace: the same people, other turns") {
  Room room;
  room.people();
  room.control(R"({"do":"schedule","system":"pagerduty","id":"P1","people":["ada","bo"],"shift_seconds":60,
    "start":-90})");
  CHECK(room.on_call("P1") == "bo");
  room.control(R"({"do":"speed","shift_seconds":600})");
  CHECK(room.on_call("P1") == "bo");
  const auto schedule = room.control(R"({"do":"on_call","id":"P1"})");
  const auto next = *parse_rfc3339(first(schedule["schedules"])["next_boundary"].string_or(""));
  CHECK(next - room.loop.now() > 300s);
}

}  // namespace watchbill::test
