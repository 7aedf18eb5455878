#include "tests/integration/providers/bench.hpp"

// What every scheduling system's adapter must do, tried on all of them.

using namespace watchbill;
using namespace watchbill::providers;
using bench::Bench;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

using Texts = std::vector<std::string>;

std::string any_kind() {
  return GENERATE(std::string("pagerduty"), std::string("opsgenie"), std::string("jsm"),
                  std::string("xmatters"));
}

void fault(Bench& bench, const std::string& kind, const std::string& more = "") {
  bench.act("fault", fmt::format(R"("kind":"{}"{})", kind, more));
}

}  // namespace

TEST_CASE("conformance: good credentials are told from bad ones") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  const auto verified = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE(verified.ok());
  CHECK_FALSE(verified->empty());

  auto wrong = bench.connection();
  wrong.secrets[bench.key_name()] = Secret("wrong");
  bench.connect(wrong);
  const auto refused = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::unauthorized);
  CHECK_THAT(refused.error().message, !ContainsSubstring("wrong"));
}

TEST_CASE("conformance: schedules are listed by name") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.act("schedule", R"("id":"S2","name":"Alpha","people":["ada"],"shift_seconds":3600,"start":0)");
  bench.act("schedule",
            R"("id":"S1","name":"Omega / \"one\"","people":["ada"],"shift_seconds":3600,"start":0)");
  bench.connect();
  const auto listed = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(listed.ok());
  REQUIRE(listed->size() == 2);
  CHECK((*listed)[0].id == "S2");
  CHECK((*listed)[0].name == "Alpha");
  CHECK((*listed)[1].name == "Omega / \"one\"");
  CHECK_FALSE((*listed)[0].kind.empty());
}

TEST_CASE("conformance: who is on call now is the sandbox's truth") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada","bo"])");
  bench.schedule("S2", R"(["cy"])");
  bench.act("schedule", R"("id":"S3","name":"Later","shifts":[{"start":600,"end":1200,"people":["bo"]}])");
  bench.connect();
  CHECK(bench.truth("S1").size() == 1);
  for (const auto* id : {"S1", "S2", "S3"}) CHECK(bench.who(id) == bench.truth(id));
  const auto answers = bench.poll({"S1", "S2"});
  for (const auto& answer : answers) {
    CHECK(answer.status == AnswerStatus::ok);
    CHECK(Bench::people(answer) == bench.truth(answer.schedule.id));
  }
  // The same after the next shift has begun.
  const auto before = bench.truth("S1");
  bench.act("end_shift", R"("schedule":"S1")");
  CHECK(bench.truth("S1") != before);
  CHECK(bench.who("S1") == bench.truth("S1"));
}

TEST_CASE("conformance: several people at once are all on call") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  const std::string kind = bench.kind == "pagerduty" ? R"(,"kind":"v3")" : R"()";
  bench.schedule("S1", R"([["ada","bo"]])", kind);
  bench.connect();
  CHECK(bench.truth("S1").size() == 2);
  CHECK(bench.who("S1") == bench.truth("S1"));
}

TEST_CASE("conformance: a look ahead knows when the shift ends and who is next") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  const auto now = std::chrono::floor<seconds>(bench.loop.now());
  const Instant first = now - 30min;
  const Instant middle = now + 30min;
  const Instant last = now + 10h;
  bench.act("schedule",
            fmt::format(R"("id":"S1","name":"One","shifts":[{{"start":"{0}","end":"{1}","people":["ada"]}},
                           {{"start":"{1}","end":"{2}","people":["bo"]}}])",
                        format_rfc3339(first), format_rfc3339(middle), format_rfc3339(last)));
  bench.connect();
  const auto answer = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(answer.status == AnswerStatus::ok);
  CHECK_FALSE(answer.moment);
  CHECK(answer.window.to - answer.window.from >= days{7});
  const auto timeline = merge(Timeline{}, answer).timeline;
  // xMatters is asked from a moment ahead: it does not answer across the present.
  const auto now_or_soon = std::max(answer.window.from, bench.loop.now());
  CHECK(now_or_soon - bench.loop.now() <= 10s);
  CHECK(next_boundary(timeline, now_or_soon) == middle);
  const auto on_call = on_call_at(timeline, now_or_soon);
  REQUIRE(std::holds_alternative<People>(on_call));
  const auto ada = std::get<People>(on_call).responders.at(0);
  CHECK(ada.email == "ada@example.com");
  CHECK(on_call_until(timeline, ada, now_or_soon) == middle);
  const auto next = on_call_at(timeline, middle);
  REQUIRE(std::holds_alternative<People>(next));
  CHECK(std::get<People>(next).responders.at(0).email == "bo@example.com");
  CHECK(std::holds_alternative<Nobody>(on_call_at(timeline, last)));
}

TEST_CASE("conformance: an override is seen, and its end") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  CHECK(bench.who("S1") == Texts{"ada@example.com"});
  bench.act("override", R"("schedule":"S1","person":"bo","start":0,"seconds":600)");
  CHECK(bench.who("S1") == Texts{"bo@example.com"});
  CHECK(bench.who("S1") == bench.truth("S1"));
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  REQUIRE(ahead.status == AnswerStatus::ok);
  const auto boundary = next_boundary(merge(Timeline{}, ahead).timeline, ahead.window.from);
  REQUIRE(boundary);
  CHECK(*boundary - bench.loop.now() <= 10min);
  CHECK(*boundary - bench.loop.now() >= 9min);
}

TEST_CASE("conformance: nobody is an answer that the schedule itself confirms") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  CHECK(bench.who("S1") == Texts{"ada@example.com"});
  bench.act("nobody", R"("schedule":"S1","start":0,"seconds":600)");
  const auto polled = bench.poll({"S1", "S2"});
  CHECK(polled[0].status == AnswerStatus::ok);
  CHECK(Bench::people(polled[0]).empty());
  CHECK(Bench::people(polled[1]) == Texts{"bo@example.com"});
  const auto confirmed = bench.confirm("S1");
  CHECK(confirmed.status == AnswerStatus::ok);
  CHECK(confirmed.from_schedule);
  CHECK(Bench::people(confirmed).empty());
}

TEST_CASE("conformance: a responder without an address is still a responder") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.control(fmt::format(
      R"({{"do":"person","key":"noel","name":"Noel Nomail","{}":{{"email":null,"login":"noel"}}}})",
      bench.kind));
  bench.schedule("S1", R"(["noel"])");
  bench.connect();
  const auto answer = bench.poll({"S1"}).at(0);
  REQUIRE(answer.status == AnswerStatus::ok);
  const auto people = Bench::people(answer);
  REQUIRE(people.size() == 1);
  CHECK_THAT(people[0], StartsWith("nameless "));
}

TEST_CASE("conformance: whatever breaks is a failure of the right kind for every schedule, never an answer") {
  struct Case {
    std::string kind;
    std::set<ErrorKind> expected;
  };
  const auto broken = GENERATE(values<Case>({
      {"429", {ErrorKind::rate_limited}},
      {"500", {ErrorKind::server}},
      {"502", {ErrorKind::server}},
      {"503", {ErrorKind::server}},
      {"504", {ErrorKind::server}},
      {"hang", {ErrorKind::timeout}},
      {"reset", {ErrorKind::timeout}},
      {"truncated", {ErrorKind::unreadable, ErrorKind::timeout}},
      {"html", {ErrorKind::unreadable}},
      {"wrong_types", {ErrorKind::unreadable}},
      {"huge", {ErrorKind::unreadable}},
      {"empty", {ErrorKind::unreadable}},
      {"401", {ErrorKind::unauthorized}},
      {"401_html", {ErrorKind::unauthorized}},
      {"403", {ErrorKind::server, ErrorKind::forbidden}},
  }));
  const bool warm = GENERATE(false, true);
  Bench bench(any_kind());
  CAPTURE(bench.kind, broken.kind, warm);
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  if (warm) bench.poll({"S1", "S2"});
  fault(bench, broken.kind, R"(,"retry_after":30)");
  if (broken.kind == "hang") bench.http.deadline = 300ms;
  const auto check = [&](const ScheduleAnswer& answer) {
    CHECK(answer.status != AnswerStatus::ok);
    CHECK(answer.status != AnswerStatus::gone);
    // A key that may read nothing is no matter of one schedule.
    CHECK(answer.status != AnswerStatus::forbidden);
    CHECK(answer.shifts.empty());
    REQUIRE(answer.error);
    CAPTURE(answer.error->message);
    CHECK(broken.expected.contains(answer.error->kind));
  };
  for (const auto& answer : bench.poll({"S1", "S2"})) check(answer);
  for (const auto& answer : bench.look_ahead({"S1", "S2"}, days{8})) check(answer);
  check(bench.confirm("S1"));
  if (broken.kind == "429") {
    // It does not go on asking.
    CHECK(bench.provider->health().throttled_until);
    const auto before = bench.http.urls.size();
    for (const auto& answer : bench.poll({"S1", "S2"})) check(answer);
    CHECK(bench.http.urls.size() == before);
    return;
  }
  bench.control(R"({"do":"clear_faults"})");
  bench.http.deadline.reset();
  CHECK(bench.who("S1") == bench.truth("S1"));
}

TEST_CASE("conformance: after one short 429 the answers come back") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  bench.poll({"S1"});
  fault(bench, "429", R"(,"retry_after":1,"times":1)");
  CHECK(bench.poll({"S1"}).at(0).error->kind == ErrorKind::rate_limited);
  CHECK(bench.who("S1") == Texts{"ada@example.com"});
}

TEST_CASE("conformance: a schedule that does not exist says so itself and spoils no other") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  bench.poll({"S1", "S2"});
  bench.act("delete", R"("id":"S2")");
  const auto answers = bench.poll({"NOSUCH", "S1", "S2"});
  CHECK(Bench::people(answers[0]).size() <= 1);
  CHECK(Bench::people(answers[1]) == Texts{"ada@example.com"});
  // Only PagerDuty's shift-based schedules have parts that can be chosen.
  for (const auto* id : {"NOSUCH", "S2", "S1#NOSUCH"}) {
    const auto confirmed = bench.confirm(id);
    CAPTURE(id);
    CHECK((confirmed.status == AnswerStatus::gone || confirmed.status == AnswerStatus::forbidden));
    REQUIRE(confirmed.error);
    CHECK(confirmed.from_schedule);
  }
  CHECK(bench.confirm("S1").status == AnswerStatus::ok);
}

TEST_CASE("conformance: a schedule that may not be read is forbidden or gone, never empty") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  bench.poll({"S1", "S2"});
  bench.act("schedule", R"("id":"S2","forbidden":true)");
  const auto confirmed = bench.confirm("S2");
  CHECK(confirmed.status != AnswerStatus::ok);
  CHECK(confirmed.error.has_value());
  CHECK(bench.who("S1") == Texts{"ada@example.com"});
}

TEST_CASE("conformance: a task may be destroyed at any moment") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  for (int turns = 0; turns < 40; ++turns) {
    if (turns % 10 == 0) bench.connect();
    {
      net::TaskScope scope;
      scope.spawn(bench.provider->poll({"S1", "S2"}, bench.window(), [](ScheduleAnswer) {}));
      scope.spawn(bench.provider->look_ahead({"S1", "S2"}, bench.window(days{8}), [](ScheduleAnswer) {}));
      for (int turn = 0; turn < turns; ++turn)
        bench.loop.run_until_done(
            [](net::Loop& loop) -> net::Task<void> { co_await net::sleep_for(loop, 0ms); }(bench.loop));
    }
    if (turns % 8 == 0) CHECK(bench.who("S1") == Texts{"ada@example.com"});
  }
}

TEST_CASE("conformance: more than one page of schedules") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.control(fmt::format(
      R"({{"do":"bulk","people":30,"schedules":{{"{}":250}},"people_per_schedule":2,"boundary_at":600}})",
      bench.kind));
  bench.connect();
  const auto listed = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(listed.ok());
  CHECK(listed->size() == 250);
  std::vector<std::string> ids;
  for (const auto& schedule : *listed) ids.push_back(schedule.id);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == 250);
  for (const auto& answer : bench.poll(ids)) {
    CHECK(answer.status == AnswerStatus::ok);
    CHECK(Bench::people(answer) == bench.truth(answer.schedule.id));
  }
}

TEST_CASE("conformance: a link to another origin gets no credentials") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.control(fmt::format(
      R"({{"do":"bulk","people":30,"schedules":{{"{}":250}},"people_per_schedule":2,"boundary_at":600}})",
      bench.kind));
  bench.connect();
  bench.http.evil_links = true;
  (void)bench.loop.run_until_done(bench.provider->list_schedules());
  bench.poll({"S1", "S2"});
  for (const auto& url : bench.http.urls) CHECK_THAT(url, StartsWith(bench.base_url()));
}

TEST_CASE("conformance: the clock of the other side is seen") {
  Bench bench(any_kind());
  CAPTURE(bench.kind);
  bench.schedule("S1", R"(["ada"])");
  bench.act("skew", R"("seconds":40)");
  bench.connect();
  bench.poll({"S1"});
  const auto skew = bench.provider->health().clock_skew;
  REQUIRE(skew);
  CHECK(*skew >= 38s);
  CHECK(*skew <= 42s);
}
