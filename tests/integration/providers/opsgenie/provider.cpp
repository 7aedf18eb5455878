#include "tests/integration/providers/bench.hpp"

// What only Opsgenie has: nested participants, forwardings, timelines split at the present moment, 40301.

using namespace watchbill;
using namespace watchbill::providers;
using bench::Bench;
using Catch::Matchers::ContainsSubstring;

namespace {

using Texts = std::vector<std::string>;
const Texts kAda{"ada@example.com"};
const Texts kBo{"bo@example.com"};

struct OpsgenieBench : Bench {
  OpsgenieBench() : Bench("opsgenie") {}

  std::size_t calls(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(http.urls.begin(), http.urls.end(), [&](const auto& url) {
      return url.find(part) != std::string::npos;
    }));
  }
  /// Who is on call in the timeline of a look ahead, from now on: "ada@example.com", "nobody", "unknown".
  Texts plan(const ScheduleAnswer& answer, const std::vector<milliseconds>& moments) {
    Texts out;
    const auto timeline = merge(Timeline{}, answer).timeline;
    for (const auto moment : moments) {
      const auto on_call = on_call_at(timeline, loop.now() + moment);
      if (const auto* people = std::get_if<People>(&on_call)) {
        std::string all;
        for (const auto& responder : people->responders) all += responder.email.value_or("?") + " ";
        out.push_back(all.substr(0, all.size() - 1));
      } else {
        out.emplace_back(std::holds_alternative<Nobody>(on_call) ? "nobody" : "unknown");
      }
    }
    return out;
  }
};

}  // namespace

TEST_CASE("one Opsgenie request answers for all schedules") {
  OpsgenieBench bench;
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) {
    ids.push_back(fmt::format("S{:02}", i));
    bench.schedule(ids.back(), i % 2 ? R"(["ada"])" : R"(["bo"])");
  }
  bench.connect();
  const auto answers = bench.poll(ids);
  CHECK(bench.http.urls.size() == 1);
  for (const auto& answer : answers) {
    CHECK(answer.moment);
    CHECK(Bench::people(answer) == bench.truth(answer.schedule.id));
    CHECK(answer.schedule_name == "Schedule " + answer.schedule.id);
  }
}

TEST_CASE("Opsgenie tells who is on call at a boundary ahead") {
  OpsgenieBench bench;
  const auto boundary = bench.loop.now() + 5s;
  bench.act("schedule",
            fmt::format(R"("id":"S1","name":"One","shifts":[{{"start":-600,"end":"{0}","people":["ada"]}},
      {{"start":"{0}","end":3600,"people":["bo"]}}])",
                        format_rfc3339_ms(boundary)));
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  std::vector<ScheduleAnswer> answers;
  const Window window{boundary, boundary + 2min};
  bench.loop.run_until_done(bench.provider->poll(
      {"S1"}, window, [&](ScheduleAnswer answer) { answers.push_back(std::move(answer)); }));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].window == window);
  CHECK(Bench::people(answers[0]) == kBo);
}

TEST_CASE("an Opsgenie escalation, a team and a nested schedule give their people") {
  OpsgenieBench bench;
  bench.control(R"({"do":"team","id":"T1","name":"Team","people":["bo","cy"]})");
  bench.schedule("INNER", R"(["cy"])");
  bench.control(R"({"do":"escalation","id":"E1","name":"Escalation","steps":[
      {"who":"ada","delay":0},{"who":"schedule:INNER","delay":0},{"who":"team:T1","delay":10}]})");
  bench.schedule("S1", R"(["escalation:E1"])");
  bench.schedule("S2", R"([["ada","team:T1"]])");
  bench.schedule("S3", R"(["schedule:S1"])");
  bench.connect();
  const Texts ada_cy{"ada@example.com", "cy@example.com"};
  CHECK(bench.who("S1") == ada_cy);
  CHECK(bench.who("S2") == Texts{"ada@example.com", "bo@example.com", "cy@example.com"});
  CHECK(bench.who("S3") == ada_cy);
  for (const auto* id : {"S1", "S2", "S3"}) CHECK(bench.who(id) == bench.truth(id));

  // A timeline names an escalation and not its people: no answer, and no gap.
  CHECK(bench.look_ahead({"S1"}, days{8}).at(0).status == AnswerStatus::failed);
  const auto confirmed = bench.confirm("S1");
  CHECK(confirmed.status == AnswerStatus::ok);
  CHECK(confirmed.from_schedule);
  CHECK(Bench::people(confirmed) == ada_cy);
}

TEST_CASE("a nested Opsgenie schedule hands off inside the outer one") {
  OpsgenieBench bench;
  bench.act("schedule", R"("id":"INNER","name":"Inner","shifts":[{"start":-600,"end":600,"people":["ada"]},
      {"start":600,"end":7200,"people":["bo"]}])");
  bench.act("schedule",
            R"("id":"S1","name":"Outer","shifts":[{"start":-60,"end":3600,"people":["schedule:INNER"]},
      {"start":3600,"end":7200,"people":["cy"]}])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(ahead.status == AnswerStatus::ok);
  CHECK(bench.plan(ahead, {1s, 15min, 70min, 3h}) ==
        Texts{"ada@example.com", "bo@example.com", "cy@example.com", "nobody"});
}

TEST_CASE("Opsgenie schedules nested in each other are answered") {
  OpsgenieBench bench;
  bench.schedule("S2", R"(["bo"])");
  bench.schedule("S1", R"([["schedule:S2","ada"]])");
  bench.schedule("S2", R"([["schedule:S1","bo"]])");
  bench.connect();
  const Texts both{"ada@example.com", "bo@example.com"};
  CHECK(bench.who("S1") == both);
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(ahead.status == AnswerStatus::ok);
  CHECK(bench.plan(ahead, {1s}) == Texts{"ada@example.com bo@example.com"});
}

TEST_CASE("an Opsgenie forwarding puts the other person on call, for its time") {
  OpsgenieBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"forward","from":"ada","to":"bo","start":-60,"seconds":660})");
  bench.connect();
  CHECK(bench.who("S1") == kBo);
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(ahead.status == AnswerStatus::ok);
  CHECK(bench.plan(ahead, {1s, 15min}) == Texts{"bo@example.com", "ada@example.com"});
}

TEST_CASE("an Opsgenie shift that is under way is one shift with its true start") {
  OpsgenieBench bench;
  const auto start = std::chrono::floor<seconds>(bench.loop.now()) - 30s;
  bench.act("schedule",
            fmt::format(R"("id":"S1","name":"One","shifts":[{{"start":"{}","end":"{}","people":["ada"]}}])",
                        format_rfc3339(start), format_rfc3339(start + 2h)));
  bench.connect();
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(ahead.status == AnswerStatus::ok);
  REQUIRE(ahead.shifts.size() == 1);
  // The system splits it at the present moment; a week may have begun a moment ago, which cuts its start.
  CHECK(ahead.shifts[0].start <= bench.loop.now());
  CHECK(ahead.shifts[0].end == start + 2h);
  CHECK_FALSE(ahead.shifts[0].end_unknown);
  CHECK(ahead.window.to >= bench.loop.now() + days{8});
}

TEST_CASE("an Opsgenie schedule that never hands off has an end that is not known") {
  OpsgenieBench bench;
  bench.act("schedule", R"("id":"S1","name":"One","shifts":[{"start":-60,"end":null,"people":["ada"]}])");
  bench.connect();
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(ahead.status == AnswerStatus::ok);
  REQUIRE(ahead.shifts.size() == 1);
  CHECK(ahead.shifts[0].end_unknown);
  CHECK(ahead.shifts[0].end == ahead.window.to);
}

TEST_CASE("all rotations of an Opsgenie schedule are on call, and nobody twice") {
  OpsgenieBench bench;
  bench.act("schedule", R"("id":"S1","name":"One","parts":[
      {"name":"A","people":["ada"],"shift_seconds":3600,"start":-1800},
      {"name":"B","people":[["bo","ada"]],"shift_seconds":7200,"start":-1800},
      {"name":"C","people":[null],"shift_seconds":7200,"start":-1800}])");
  bench.connect();
  CHECK(bench.who("S1") == Texts{"ada@example.com", "bo@example.com"});
  CHECK(bench.poll({"S1"}).at(0).shifts.size() == 2);
}

TEST_CASE("an Opsgenie key without the right, or a schedule that is gone: 403 says that it may be either") {
  OpsgenieBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.act("fault", R"("kind":"403","match":"/timeline","code":"40301","times":1)");
  bench.connect();
  const auto confirmed = bench.confirm("S1");
  CHECK(confirmed.status == AnswerStatus::forbidden);
  REQUIRE(confirmed.error);
  CHECK(confirmed.error->kind == ErrorKind::forbidden);
  CHECK_THAT(confirmed.error->message, ContainsSubstring("may be gone"));
  CHECK(bench.confirm("S1").status == AnswerStatus::ok);
}

TEST_CASE("a wrong Opsgenie key is told to check its region") {
  OpsgenieBench bench;
  auto wrong = bench.connection();
  wrong.secrets["api_key"] = Secret("of-another-region");
  wrong.settings["region"] = "eu";
  bench.connect(wrong);
  const auto verified = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE_FALSE(verified.ok());
  CHECK_THAT(verified.error().message,
             ContainsSubstring("EU region") && !ContainsSubstring("of-another-region"));
}

TEST_CASE("Opsgenie's throttling is obeyed and shown") {
  OpsgenieBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.act("fault", R"("kind":"429","times":1)");
  bench.connect();
  const auto answer = bench.poll({"S1"}).at(0);
  REQUIRE(answer.error);
  CHECK(answer.error->kind == ErrorKind::rate_limited);
  REQUIRE(bench.provider->health().throttled_until);
  CHECK(*bench.provider->health().throttled_until > bench.loop.now());
}

TEST_CASE("an Opsgenie look ahead asks once for each schedule") {
  OpsgenieBench bench;
  const std::vector<std::string> ids{"S1", "S2", "S3"};
  for (const auto& id : ids) bench.schedule(id, R"(["ada","bo"])");
  bench.connect();
  for (const auto& answer : bench.look_ahead(ids, days{60})) {
    CHECK(answer.status == AnswerStatus::ok);
    CHECK(answer.window.to >= bench.loop.now() + days{59});
  }
  CHECK(bench.calls("/timeline") == 3);
  CHECK(bench.http.urls.size() == 3);
}

TEST_CASE("an Opsgenie schedule that is disabled is listed with a note") {
  OpsgenieBench bench;
  bench.schedule("S1", R"(["ada"])", R"(,"enabled":false)");
  bench.connect();
  const auto listed = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(listed.ok());
  CHECK(listed->at(0).note == "disabled");
  CHECK(listed->at(0).kind == "schedule");
}
