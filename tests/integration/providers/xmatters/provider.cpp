#include "tests/integration/providers/bench.hpp"

// What only xMatters has: rosters with delays, absences, nested groups, devices, members behind pages.

using namespace watchbill;
using namespace watchbill::providers;
using bench::Bench;
using Catch::Matchers::ContainsSubstring;

namespace {

using Texts = std::vector<std::string>;
const Texts kAda{"ada@example.com"};
const Texts kBo{"bo@example.com"};

struct XmattersBench : Bench {
  XmattersBench() : Bench("xmatters") {}

  std::size_t calls(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(http.urls.begin(), http.urls.end(), [&](const auto& url) {
      return url.find(part) != std::string::npos;
    }));
  }
};

}  // namespace

TEST_CASE("xMatters members behind a delay are on call only when nobody is before them") {
  XmattersBench bench;
  bench.schedule("S1", R"([["ada","bo","cy"]])", R"(,"delays":[0,15,0])");
  bench.schedule("S2", R"([["ada","bo","cy"]])", R"(,"delays":[5,0,10])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.who("S2") == Texts{"ada@example.com", "bo@example.com"});
  for (const auto* id : {"S1", "S2"}) CHECK(bench.who(id) == bench.truth(id));

  // Ada leaves the company: the next in line is reached first.
  bench.control(R"({"do":"person","key":"ada","xmatters":{"deleted":true}})");
  CHECK(bench.who("S1") == Texts{"bo@example.com", "cy@example.com"});
}

TEST_CASE("all shifts of an xMatters group are on call") {
  XmattersBench bench;
  bench.act("schedule", R"("id":"S1","name":"One","parts":[
      {"name":"A","people":["ada"],"shift_seconds":3600,"start":-1800},
      {"name":"B","people":[["bo","cy"]],"delays":[5,5],"shift_seconds":7200,"start":-1800}])");
  bench.connect();
  CHECK(bench.who("S1") == Texts{"ada@example.com", "bo@example.com"});
}

TEST_CASE("an xMatters poll knows the shift's true start and the handoff within its window") {
  XmattersBench bench;
  const auto now = std::chrono::floor<seconds>(bench.loop.now());
  bench.act("schedule",
            fmt::format(R"("id":"S1","name":"One","shifts":[{{"start":"{}","end":"{}","people":["ada"]}},
                {{"start":"{}","end":"{}","people":["bo"]}}])",
                        format_rfc3339(now - 1h), format_rfc3339(now + 60s), format_rfc3339(now + 60s),
                        format_rfc3339(now + 2h)));
  bench.connect();
  const auto answer = bench.poll({"S1"}).at(0);
  REQUIRE(answer.status == AnswerStatus::ok);
  CHECK(answer.schedule_name == "One");
  CHECK_FALSE(answer.moment);
  REQUIRE(answer.shifts.size() == 2);
  CHECK(answer.shifts[0].start == now - 1h);
  CHECK(answer.shifts[0].end == now + 60s);
  CHECK_FALSE(answer.shifts[0].end_unknown);
  CHECK(answer.shifts[1].start == now + 60s);
  CHECK(answer.shifts[1].responder->email == "bo@example.com");
  CHECK(answer.shifts[1].responder->name == "bo example");
}

TEST_CASE("xMatters groups are polled in batches, and each person's devices once") {
  XmattersBench bench;
  std::vector<std::string> ids;
  for (int i = 0; i < 45; ++i) {
    ids.push_back(fmt::format("S{:02}", i));
    bench.schedule(ids.back(), R"(["ada"])");
  }
  bench.connect();
  bench.poll(ids);
  CHECK(bench.calls("/on-call?") == 6);
  CHECK(bench.calls("/devices") == 1);
  for (const auto& answer : bench.poll(ids)) CHECK(Bench::people(answer) == kAda);
  CHECK(bench.calls("/on-call?") == 12);
  CHECK(bench.calls("/devices") == 1);
}

TEST_CASE("xMatters members past a hundred are found") {
  XmattersBench bench;
  std::string people;
  for (int i = 0; i < 130; ++i) {
    bench.control(
        fmt::format(R"({{"do":"person","key":"p{0}","name":"P {0}","email":"p{0}@example.com"}})", i));
    people += fmt::format("{}\"p{}\"", i ? "," : "", i);
  }
  bench.schedule("S1", "[[" + people + "]]");
  bench.connect();
  CHECK(bench.who("S1").size() == 130);
  CHECK(bench.who("S1") == bench.truth("S1"));
  CHECK(bench.calls("/occurrences/") >= 1);
}

TEST_CASE("an xMatters replacement is on call for its time, and a vacancy leaves it to the next") {
  XmattersBench bench;
  for (const bool older : {false, true}) {
    CAPTURE(older);
    bench.control(fmt::format(R"({{"do":"xmatters","absences_as_replacements":{}}})", older));
    const std::string id = older ? "S2" : "S1";
    bench.schedule(id, R"([["ada","cy"]])", R"(,"delays":[0,15])");
    bench.connect();
    CHECK(bench.who(id) == kAda);
    const auto now = std::chrono::floor<seconds>(bench.loop.now());
    bench.act("override", fmt::format(R"("schedule":"{}","person":"bo","start":"{}","end":"{}")", id,
                                      format_rfc3339(now - 60s), format_rfc3339(now + 10min)));
    CHECK(bench.who(id) == kBo);
    const auto answer = bench.poll({id}).at(0);
    const auto bo = std::find_if(answer.shifts.begin(), answer.shifts.end(), [](const Shift& shift) {
      return shift.responder->email == "bo@example.com";
    });
    REQUIRE(bo != answer.shifts.end());
    CHECK(bo->end == now + 10min);
    const auto timeline = merge(Timeline{}, bench.look_ahead({id}, days{8}).at(0)).timeline;
    CHECK(next_boundary(timeline, bench.loop.now() + 5s) == now + 10min);
  }
  // Nobody stands in for anybody: the whole roster is away.
  bench.schedule("S3", R"(["ada"])");
  bench.act("nobody", R"("schedule":"S3","start":-60,"seconds":600)");
  CHECK(bench.who("S3").empty());
}

TEST_CASE("a group nested in an xMatters roster gives its people, and circles end") {
  XmattersBench bench;
  bench.act("schedule", R"("id":"INNER","name":"Inner","shifts":[{"start":-600,"end":600,"people":["ada"]},
      {"start":600,"end":7200,"people":["bo"]}])");
  bench.act("schedule",
            R"("id":"S1","name":"Outer","shifts":[{"start":-60,"end":3600,"people":["group:INNER","cy"]}],
      "delays":[0,15])");
  bench.schedule("B", R"(["bo"])");
  bench.schedule("A", R"([["group:B","ada"]])");
  bench.schedule("B", R"([["group:A","bo"]])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  const auto timeline = merge(Timeline{}, bench.look_ahead({"S1"}, days{8}).at(0)).timeline;
  const auto later = on_call_at(timeline, bench.loop.now() + 15min);
  REQUIRE(std::holds_alternative<People>(later));
  CHECK(std::get<People>(later).responders.at(0).email == "bo@example.com");
  const Texts both{"ada@example.com", "bo@example.com"};
  CHECK(bench.who("A") == both);
  CHECK(bench.who("B") == both);
  const auto before = bench.calls("/on-call?");
  bench.poll({"A", "B", "S1"});
  // The batch, and one level below it; now and ahead.
  CHECK(bench.calls("/on-call?") - before == 4);
}

TEST_CASE("an xMatters member that is a device is its owner") {
  XmattersBench bench;
  bench.schedule("S1", R"(["device:ada"])");
  bench.schedule("S2", R"(["ada"])");
  bench.connect();
  const auto answers = bench.poll({"S1", "S2"});
  CHECK(Bench::people(answers[0]) == kAda);
  // The same person, whichever way he is reached.
  CHECK(answers[0].shifts.at(0).responder == answers[1].shifts.at(0).responder);
}

TEST_CASE("an xMatters person whose devices may not be seen is known by a login that is an address") {
  XmattersBench bench;
  bench.control(R"({"do":"person","key":"di","name":"Di Example","email":"di@example.com",
      "xmatters":{"login":"di@example.com","devices_forbidden":true}})");
  bench.control(R"({"do":"person","key":"ed","name":"Ed Example","email":"ed@example.com",
      "xmatters":{"login":"ed","devices_forbidden":true}})");
  bench.schedule("S1", R"([["di","ed"]])");
  bench.connect();
  CHECK(bench.who("S1") == Texts{"di@example.com", "nameless Ed Example"});
}

TEST_CASE("an xMatters person whose devices cannot be had just now stays who he is") {
  XmattersBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.act("fault", R"("kind":"500","match":"/devices","times":1)");
  bench.connect();
  CHECK(bench.poll({"S1"}).at(0).status == AnswerStatus::failed);
  CHECK(bench.who("S1") == kAda);
}

TEST_CASE("an unknown xMatters group spoils no other, whether it is refused or left out") {
  XmattersBench bench;
  bench.schedule("S1", R"(["ada"])");
  for (const bool refused : {false, true}) {
    CAPTURE(refused);
    bench.control(fmt::format(R"({{"do":"xmatters","unknown_group_is_404":{}}})", refused));
    bench.connect();
    const auto answers = bench.poll({"NOSUCH", "S1"});
    CHECK(Bench::people(answers[0]).empty());
    CHECK(Bench::people(answers[1]) == kAda);
    CHECK(bench.confirm("NOSUCH").status == AnswerStatus::gone);
  }
}

TEST_CASE("an xMatters group without a shift is nobody, listed or not, and so is an inactive one") {
  XmattersBench bench;
  bench.act("schedule", R"("id":"S1","name":"One","shifts":[{"start":600,"end":1200,"people":["ada"]}])");
  bench.schedule("S2", R"(["ada"])");
  bench.connect();
  for (const bool listed : {false, true}) {
    bench.control(fmt::format(R"({{"do":"xmatters","idle_groups_listed":{}}})", listed));
    CHECK(bench.who("S1").empty());
  }
  CHECK(bench.who("S2") == kAda);
  bench.act("schedule", R"("id":"S2","enabled":false)");
  CHECK(bench.who("S2").empty());
  const auto groups = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(groups.ok());
  CHECK(groups->back().note == "inactive");
}

TEST_CASE("xMatters is never asked for the past, wherever its clock stands") {
  XmattersBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  // Its refusal of a range that begins before its own now would fail the answer.
  for (int i = 0; i < 20; ++i) CHECK(bench.poll({"S1"}).at(0).status == AnswerStatus::ok);
  CHECK(bench.look_ahead({"S1"}, days{60}).at(0).status == AnswerStatus::ok);
  CHECK(bench.calls("at=") == 0);
}

TEST_CASE("xMatters' refusals say what to check") {
  XmattersBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  bench.act("fault", R"("kind":"401_html","times":1)");
  const auto verified = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE_FALSE(verified.ok());
  CHECK(verified.error().kind == ErrorKind::unauthorized);
  CHECK_THAT(verified.error().message, ContainsSubstring("secret") && ContainsSubstring("REST web service"));
  bench.act("fault", R"("kind":"429","times":1,"bare":true)");
  const auto answer = bench.poll({"S1"}).at(0);
  CHECK(answer.error->kind == ErrorKind::rate_limited);
  REQUIRE(bench.provider->health().throttled_until);
  CHECK(*bench.provider->health().throttled_until > bench.loop.now() + 50s);
}
