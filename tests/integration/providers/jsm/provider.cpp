#include "tests/integration/providers/bench.hpp"
#include "tests/support/project.hpp"

// What only JSM Operations has: no call for all schedules, account IDs without addresses, deleted rotations,
// empty lists for those who may see nothing.

using namespace watchbill;
using namespace watchbill::providers;
using bench::Bench;

namespace {

using Texts = std::vector<std::string>;
const Texts kAda{"ada@example.com"};
const Texts kBo{"bo@example.com"};

struct JsmBench : Bench {
  JsmBench() : Bench("jsm") {}

  std::size_t calls(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(http.urls.begin(), http.urls.end(), [&](const auto& url) {
      return url.find(part) != std::string::npos;
    }));
  }
  std::vector<std::string> bulk(int schedules) {
    control(fmt::format(
        R"({{"do":"bulk","people":60,"schedules":{{"jsm":{}}},"people_per_schedule":2,"boundary_at":600}})",
        schedules));
    std::vector<std::string> ids;
    for (int i = 0; i < schedules; ++i) ids.push_back(fmt::format("J{:04}", i));
    return ids;
  }
};

}  // namespace

TEST_CASE("a pass over JSM schedules costs one call each, and names are looked up once a day") {
  JsmBench bench;
  const int schedules = GENERATE(50, 500);
  const auto ids = bench.bulk(schedules);
  bench.connect();
  bench.poll(ids);
  CHECK(bench.calls("/tenant_info") == 1);
  // 60 people, by lots of at most 50.
  CHECK(bench.calls("/user/bulk") <= 4);
  bench.http.urls.clear();
  for (const auto& answer : bench.poll(ids)) {
    CHECK(answer.status == AnswerStatus::ok);
    CHECK_FALSE(answer.moment);
    CHECK(Bench::people(answer) == bench.truth(answer.schedule.id));
  }
  CHECK(bench.http.urls.size() == static_cast<std::size_t>(schedules));
  CHECK(bench.calls("/timeline") == static_cast<std::size_t>(schedules));
  // As docs/sizing.md says.
  const auto sizing = test::project_text("docs/sizing.md");
  const auto row = sizing.substr(std::min(sizing.find("| JSM Operations ("), sizing.size() - 1));
  CHECK_THAT(row.substr(0, row.find('\n')),
             Catch::Matchers::ContainsSubstring(fmt::format(" {} |", schedules)));
}

TEST_CASE("a JSM poll tells when the shift ends, and who is on call at a boundary ahead") {
  JsmBench bench;
  const auto boundary = std::chrono::floor<seconds>(bench.loop.now()) + 6s;
  bench.act("schedule",
            fmt::format(R"("id":"S1","name":"One","shifts":[{{"start":-600,"end":"{0}","people":["ada"]}},
      {{"start":"{0}","end":3600,"people":["bo"]}}])",
                        format_rfc3339(boundary)));
  bench.connect();
  const auto now = bench.poll({"S1"}).at(0);
  CHECK(Bench::people(now) == kAda);
  CHECK(next_boundary(merge(Timeline{}, now).timeline, now.window.from) == boundary);
  std::vector<ScheduleAnswer> answers;
  const Window window{boundary, boundary + 2min};
  bench.loop.run_until_done(bench.provider->poll(
      {"S1"}, window, [&](ScheduleAnswer answer) { answers.push_back(std::move(answer)); }));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].window == window);
  CHECK(Bench::people(answers[0]) == kBo);
}

TEST_CASE("a JSM team and an escalation give their people by one more call") {
  JsmBench bench;
  bench.control(R"({"do":"team","id":"T1","name":"Team","people":["bo","cy"]})");
  bench.control(
      R"({"do":"escalation","id":"E1","name":"Escalation","steps":[{"who":"ada"},{"who":"team:T1"}]})");
  bench.schedule("S1", R"(["escalation:E1"])");
  bench.schedule("S2", R"([["ada","team:T1"]])");
  bench.connect();
  const Texts all{"ada@example.com", "bo@example.com", "cy@example.com"};
  for (const auto* id : {"S1", "S2"}) {
    const auto answer = bench.poll({id}).at(0);
    CHECK(answer.moment);
    CHECK(Bench::people(answer) == all);
    CHECK(Bench::people(bench.confirm(id)) == all);
    const auto ahead = bench.look_ahead({id}, days{8}).at(0);
    CHECK(ahead.moment);
    CHECK(ahead.window.to - ahead.window.from <= 10min);
  }
}

TEST_CASE("a JSM rotation that was deleted is on call no more") {
  JsmBench bench;
  bench.act("schedule", R"("id":"S1","name":"One","parts":[
      {"name":"New","people":["ada"],"shift_seconds":7200,"start":-3600},
      {"name":"Old","deleted":true,"people":["bo"],"shift_seconds":7200,"start":-3600}])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
}

TEST_CASE("a JSM forwarding puts the other person on call, for its time") {
  JsmBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"forward","system":"jsm","from":"ada","to":"bo","start":-60,"seconds":660})");
  bench.connect();
  CHECK(bench.who("S1") == kBo);
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  const auto timeline = merge(Timeline{}, ahead).timeline;
  const auto later = on_call_at(timeline, bench.loop.now() + 15min);
  REQUIRE(std::holds_alternative<People>(later));
  CHECK(std::get<People>(later).responders.at(0).email == "ada@example.com");
}

TEST_CASE("an address that Jira hides is none, and shown again once it is visible") {
  JsmBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"person","key":"ada","jsm":{"email_hidden":true}})");
  bench.connect();
  CHECK(bench.who("S1") == Texts{"nameless ada example"});
  bench.control(R"({"do":"person","key":"ada","jsm":{"email_hidden":false}})");
  bench.provider->forget_people();
  CHECK(bench.who("S1") == kAda);
}

TEST_CASE("JSM people that cannot be looked up are a failure that says what to do, and yesterday's go on") {
  JsmBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  bench.control(R"({"do":"jsm","jira_forbidden":true})");
  bench.provider->forget_people();
  CHECK(bench.who("S1") == kAda);
  for (const auto& answer : {bench.poll({"S2"}).at(0), bench.confirm("S2")}) {
    CHECK(answer.status == AnswerStatus::failed);
    REQUIRE(answer.error);
    CHECK_THAT(answer.error->message,
               Catch::Matchers::ContainsSubstring("watchbill@example.com look up users"));
  }
  bench.control(R"({"do":"jsm","jira_forbidden":false})");
  CHECK(bench.who("S2") == kBo);
}

TEST_CASE("an account that may see no JSM team is told so, and no schedule is called gone") {
  JsmBench bench;
  bench.schedule("S1", R"(["ada"])", R"(,"forbidden":true)");
  bench.control(fmt::format(R"({{"do":"jsm","hidden_is_404":{}}})", GENERATE(false, true)));
  bench.connect();
  const auto verified = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE(verified.ok());
  CHECK_THAT(*verified, Catch::Matchers::ContainsSubstring("sees no schedule") &&
                            Catch::Matchers::ContainsSubstring("member of the schedules' teams"));
  const auto confirmed = bench.confirm("S1");
  CHECK(confirmed.status == AnswerStatus::forbidden);
  REQUIRE(confirmed.error);
  CHECK_THAT(confirmed.error->message, Catch::Matchers::ContainsSubstring("no schedule at all"));
  // That is known at the first refusal, and nobody is called off call by it.
  bench.connect();
  bench.http.urls.clear();
  for (int i = 0; i < 2; ++i) {
    for (const auto& answer : bench.poll({"S1", "S2", "S3"})) {
      CHECK(answer.status == AnswerStatus::forbidden);
      REQUIRE(answer.error);
      CHECK_THAT(answer.error->message, Catch::Matchers::ContainsSubstring("no schedule at all"));
    }
  }
  CHECK(bench.calls("/schedules?") == 1);
}

TEST_CASE("a JSM schedule of a team that may not be seen any more leaves the others alone") {
  JsmBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  bench.poll({"S1", "S2"});
  bench.act("schedule", R"("id":"S2","forbidden":true)");
  bench.http.urls.clear();
  for (int i = 0; i < 3; ++i) {
    const auto answers = bench.poll({"S1", "S2"});
    CHECK(Bench::people(answers[0]) == kAda);
    CHECK(answers[1].status == AnswerStatus::forbidden);
    CHECK(answers[1].from_schedule);
    CHECK_THAT(answers[1].error->message,
               Catch::Matchers::ContainsSubstring("member of the schedules' teams"));
  }
  // The list of all is not read with every poll.
  CHECK(bench.calls("/schedules?") == 1);
  const auto confirmed = bench.confirm("S2");
  CHECK(confirmed.status == AnswerStatus::forbidden);
  CHECK_THAT(confirmed.error->message, Catch::Matchers::ContainsSubstring("member of the schedules' teams"));
  bench.act("delete", R"("id":"S2")");
  // That it may not be seen any more would be told in the same way.
  for (const auto& answer : {bench.poll({"S1", "S2"}).at(1), bench.confirm("S2")}) {
    CHECK(answer.status == AnswerStatus::forbidden);
    CHECK_THAT(answer.error->message, Catch::Matchers::ContainsSubstring("it was deleted, or"));
  }
}

TEST_CASE("JSM's pages are followed behind the base and by whole URLs") {
  JsmBench bench;
  bench.bulk(120);
  bench.control(fmt::format(R"({{"do":"jsm","absolute_links":{}}})", GENERATE(false, true)));
  bench.connect();
  const auto listed = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(listed.ok());
  CHECK(listed->size() == 120);
  CHECK(bench.calls("/schedules?") == 3);
}

TEST_CASE("JSM's limit is obeyed before it is reached") {
  JsmBench bench;
  const auto ids = bench.bulk(20);
  bench.control(R"({"do":"jsm","calls_a_minute":10})");
  bench.connect();
  int answered = 0;
  for (const auto& answer : bench.poll(ids)) answered += answer.status == AnswerStatus::ok ? 1 : 0;
  CHECK(answered <= 10);
  REQUIRE(bench.provider->health().throttled_until);
  const auto before = bench.http.urls.size();
  for (const auto& answer : bench.poll(ids)) CHECK(answer.error->kind == ErrorKind::rate_limited);
  CHECK(bench.http.urls.size() == before);
}

TEST_CASE("a cloud ID that is given is not asked for, and its site goes without credentials") {
  JsmBench bench;
  bench.schedule("S1", R"(["ada"])");
  auto given = bench.connection();
  given.settings["cloud_id"] = "11111111-2222-4333-8444-555555555555";
  bench.connect(given);
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/tenant_info") == 0);
  given.settings["cloud_id"] = "of-another-site";
  bench.connect(given);
  CHECK_FALSE(bench.loop.run_until_done(bench.provider->verify()).ok());
}
