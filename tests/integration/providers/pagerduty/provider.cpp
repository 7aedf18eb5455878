#include "tests/integration/providers/bench.hpp"

// What only PagerDuty has: three kinds of credentials, two kinds of schedule, escalation policies.

using namespace watchbill;
using namespace watchbill::providers;
using bench::Bench;
using Catch::Matchers::ContainsSubstring;

namespace {

using Texts = std::vector<std::string>;
const Texts kAda{"ada@example.com"};
const Texts kBo{"bo@example.com"};

struct PagerDutyBench : Bench {
  PagerDutyBench() : Bench("pagerduty") {}

  Connection bare() {
    auto made = connection();
    made.secrets.clear();
    made.settings["client_id"] = "pd-sandbox-client";
    made.secrets["client_secret"] = Secret("pd-sandbox-client-secret");
    return made;
  }
  Connection app() {
    auto made = bare();
    made.settings["subdomain"] = "acme";
    return made;
  }
  Connection user(const std::string& refresh_token) {
    auto made = bare();
    made.secrets["access_token"] = Secret("long-dead");
    made.secrets["refresh_token"] = Secret(refresh_token);
    made.settings["token_expires_at"] = format_rfc3339(loop.now() - 1h);
    return made;
  }
  /// The connection as a next run finds it.
  Connection with_kept(Connection made) const {
    for (const auto& [key, value] : keeper.kept.settings) made.settings[key] = value;
    for (const auto& [key, value] : keeper.kept.secrets) made.secrets[key] = value;
    return made;
  }
  std::size_t calls(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(http.urls.begin(), http.urls.end(), [&](const auto& url) {
      return url.find(part) != std::string::npos;
    }));
  }
};

net::Task<void> ask_many(Provider& provider, Window window, int& left, int& good) {
  const std::vector<std::string> ids{"S1"};
  const AnswerSink sink = [&good](ScheduleAnswer answer) {
    good += answer.status == AnswerStatus::ok ? 1 : 0;
  };
  co_await provider.poll(ids, window, sink);
  --left;
}

net::Task<void> wait_for(net::Loop& loop, const int& left) {
  while (left > 0) co_await net::sleep_for(loop, 5ms);
}

}  // namespace

TEST_CASE("an app token is fetched, kept, and renewed when PagerDuty ends it early") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.connect(bench.app());
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") == 1);
  CHECK_FALSE(bench.keeper.kept.secrets.at("access_token").empty());
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") == 1);

  bench.control(R"({"do":"pagerduty","expire_tokens":true})");
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") == 2);
  // A 401 in HTML is a 401 as well.
  bench.connect(bench.with_kept(bench.app()));
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") == 2);
  bench.act("fault", R"("kind":"401_html","times":1,"match":"/oncalls")");
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") == 3);
}

TEST_CASE("an app token that lives for seconds is renewed before it ends") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"pagerduty","token_seconds":2})");
  bench.connect(bench.app());
  CHECK(bench.who("S1") == kAda);
  const auto later = [](net::Loop& loop) -> net::Task<void> { co_await net::sleep_for(loop, 1900ms); };
  bench.loop.run_until_done(later(bench.loop));
  const auto before = bench.calls("/oncalls");
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") >= 2);
  // Not by way of a refusal.
  CHECK(bench.calls("/oncalls") == before + 1);
}

TEST_CASE("wrong app credentials say which option mends them") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  auto wrong = bench.app();
  wrong.secrets["client_secret"] = Secret("wrong-secret");
  bench.connect(wrong);
  auto refused = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::unauthorized);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("--client-secret-file") && !ContainsSubstring("wrong-secret"));

  wrong = bench.app();
  wrong.settings["subdomain"] = "other";
  bench.connect(wrong);
  refused = bench.loop.run_until_done(bench.provider->verify());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::unauthorized);
  CHECK_THAT(refused.error().message, ContainsSubstring("--subdomain"));
}

TEST_CASE("a user's tokens: the rotated pair survives a crash right after the refresh") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"pagerduty","refresh_token":"refresh+1"})");
  bench.connect(bench.user("refresh+1"));
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.keeper.calls == 1);
  CHECK(bench.keeper.kept.secrets.at("refresh_token").reveal() != "refresh+1");
  // The next run starts from what was kept, with tokens that have ended meanwhile.
  bench.control(R"({"do":"pagerduty","expire_tokens":true})");
  bench.connect(bench.with_kept(bench.user("refresh+1")));
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.keeper.calls == 2);
}

TEST_CASE("a user's tokens are not used before they are kept, and not lost while that fails") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"pagerduty","refresh_token":"refresh+1"})");
  bench.connect(bench.user("refresh+1"));
  bench.keeper.broken = true;
  for (int round = 0; round < 2; ++round) {
    const auto answer = bench.poll({"S1"}).at(0);
    CHECK(answer.status == AnswerStatus::failed);
    REQUIRE(answer.error);
    CHECK(answer.error->kind == ErrorKind::storage);
  }
  CHECK(bench.calls("/oauth/token") == 1);
  CHECK(bench.calls("/oncalls") == 0);
  bench.keeper.broken = false;
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.calls("/oauth/token") == 1);
}

TEST_CASE("a spent refresh token asks for a person") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.connect(bench.user("spent"));
  const auto answer = bench.poll({"S1"}).at(0);
  REQUIRE(answer.error);
  CHECK(answer.error->kind == ErrorKind::unauthorized);
  CHECK_THAT(answer.error->message, ContainsSubstring("connect PagerDuty again"));
}

TEST_CASE("ten polls at once refresh once") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.control(R"({"do":"pagerduty","refresh_token":"refresh+1"})");
  bench.connect(bench.user("refresh+1"));
  int left = 10;
  int good = 0;
  net::TaskScope scope;
  for (int i = 0; i < 10; ++i) scope.spawn(ask_many(*bench.provider, bench.window(), left, good));
  bench.loop.run_until_done(wait_for(bench.loop, left));
  CHECK(good == 10);
  CHECK(bench.calls("/oauth/token") == 1);
  CHECK(bench.calls("/oncalls") == 10);
}

TEST_CASE("a schedule of three escalation policies has its people once") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada","bo"])", R"(,"escalation_policies":3)");
  bench.control(R"({"do":"pagerduty","direct_targets":["cy"]})");
  bench.connect();
  const auto answer = bench.poll({"S1"}).at(0);
  CHECK(Bench::people(answer) == bench.truth("S1"));
  const auto now = bench.loop.now();
  CHECK(std::count_if(answer.shifts.begin(), answer.shifts.end(),
                      [&](const Shift& shift) { return shift.start <= now && now < shift.end; }) == 1);
}

TEST_CASE("a schedule that no escalation policy uses is asked itself") {
  PagerDutyBench bench;
  const std::string kind = GENERATE("layer", "v3");
  CAPTURE(kind);
  bench.schedule("S1", R"(["ada"])", fmt::format(R"(,"kind":"{}","escalation_policies":0)", kind));
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  const auto answers = bench.poll({"S1", "S2"});
  CHECK(Bench::people(answers[0]) == kAda);
  CHECK(answers[0].from_schedule);
  CHECK(Bench::people(answers[1]) == kBo);
  CHECK_FALSE(answers[1].from_schedule);
}

TEST_CASE("shift-based schedules, whether on-calls show them or not") {
  PagerDutyBench bench;
  const bool shown = GENERATE(true, false);
  CAPTURE(shown);
  bench.control(fmt::format(R"({{"do":"pagerduty","v3_in_oncalls":{}}})", shown));
  bench.schedule("S1", R"([["ada","bo"],["cy"]])", R"(,"kind":"v3")");
  bench.act("schedule",
            R"("id":"S2","name":"Gap","kind":"v3","shifts":[{"start":-60,"end":3600,"empty_member":true}])");
  bench.connect();
  CHECK(bench.who("S1").size() == bench.truth("S1").size());
  CHECK(bench.who("S1") == bench.truth("S1"));
  CHECK(bench.who("S2").empty());
  const auto confirmed = bench.confirm("S1");
  CHECK(Bench::people(confirmed) == bench.truth("S1"));
  const auto ahead = bench.look_ahead({"S1"}, days{8}).at(0);
  const auto boundary = next_boundary(merge(Timeline{}, ahead).timeline, bench.loop.now());
  REQUIRE(boundary);
  CHECK(*boundary - bench.loop.now() <= 30min);
}

TEST_CASE("a rotation of a shift-based schedule is listed, polled, looked ahead and confirmed by itself") {
  PagerDutyBench bench;
  const bool shown = GENERATE(true, false);
  CAPTURE(shown);
  bench.control(fmt::format(R"({{"do":"pagerduty","v3_in_oncalls":{}}})", shown));
  bench.act("schedule", R"("id":"S1","name":"SRE","kind":"v3","parts":[
      {"name":"Main","id":"R1","people":["ada","bo"],"shift_seconds":3600,"start":-1800},
      {"name":"Observers","id":"R2","people":["cy"],"shift_seconds":3600,"start":-1800}])");
  bench.connect();
  const auto listed = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(listed.ok());
  REQUIRE(listed->size() == 3);
  CHECK((*listed)[1].id == "S1#R1");
  CHECK((*listed)[1].name == "SRE, rotation 1");
  CHECK((*listed)[1].note.find("now ada") == 0);
  CHECK((*listed)[2].id == "S1#R2");
  CHECK(bench.who("S1").size() == 2);
  CHECK(bench.who("S1#R1") == kAda);
  CHECK(Bench::people(bench.confirm("S1#R1")) == kAda);
  CHECK(Bench::people(bench.confirm("S1#R2")) == Texts{"cy@example.com"});
  const auto ahead = bench.look_ahead({"S1#R1"}, days{8}).at(0);
  const auto timeline = merge(Timeline{}, ahead).timeline;
  const auto boundary = next_boundary(timeline, bench.loop.now());
  REQUIRE(boundary);
  const auto next = on_call_at(timeline, *boundary);
  REQUIRE(std::holds_alternative<People>(next));
  CHECK(std::get<People>(next).responders.at(0).email == "bo@example.com");
  CHECK(std::get<People>(next).responders.size() == 1);
  CHECK(bench.confirm("S1#R3").status == AnswerStatus::gone);
}

TEST_CASE("a schedule is upgraded to the other kind while we watch it") {
  PagerDutyBench bench;
  const bool shown = GENERATE(true, false);
  CAPTURE(shown);
  bench.control(fmt::format(R"({{"do":"pagerduty","v3_in_oncalls":{}}})", shown));
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  bench.act("schedule", R"("id":"S1","kind":"v3")");
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.who("S1") == kAda);
  CHECK(bench.confirm("S1").status == AnswerStatus::ok);
  bench.act("schedule", R"("id":"S1","kind":"layer")");
  CHECK(bench.who("S1") == kAda);
  CHECK(Bench::people(bench.confirm("S1")) == kAda);
}

TEST_CASE("a schedule taken out of its last escalation policy keeps its people") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  CHECK(bench.who("S1") == kAda);
  bench.act("schedule", R"("id":"S1","escalation_policies":0)");
  const auto listed = bench.poll({"S1"}).at(0);
  CHECK(listed.status == AnswerStatus::ok);
  CHECK_FALSE(listed.from_schedule);
  CHECK(listed.shifts.empty());
  CHECK(Bench::people(bench.confirm("S1")) == kAda);
  CHECK(Bench::people(bench.poll({"S1"}).at(0)) == kAda);
}

TEST_CASE("a shift without end and a deleted user are read as what they are") {
  PagerDutyBench bench;
  bench.act("schedule", R"("id":"S1","name":"Ever","shifts":[{"start":-60,"end":null,"people":["ada"]}])");
  bench.schedule("S2", R"(["bo"])");
  bench.connect();
  const auto ahead = bench.look_ahead({"S1"}, days{60}).at(0);
  REQUIRE(ahead.shifts.size() == 1);
  CHECK(ahead.shifts[0].end == kNever);
  CHECK_FALSE(ahead.shifts[0].end_unknown);

  bench.control(R"({"do":"person","key":"bo","pagerduty":{"deleted":true}})");
  for (const auto& answer : {bench.poll({"S2"}).at(0), bench.confirm("S2")}) {
    REQUIRE(answer.status == AnswerStatus::ok);
    REQUIRE_FALSE(answer.shifts.empty());
    CHECK_FALSE(answer.shifts[0].responder->email);
    CHECK_FALSE(answer.shifts[0].responder->name.empty());
    CHECK(answer.shifts[0].responder->deleted);
  }
}

TEST_CASE("one schedule that hangs costs its neighbours nothing but time") {
  PagerDutyBench bench;
  for (const auto* id : {"S1", "S2", "S3"}) bench.schedule(id, R"(["ada"])", R"(,"escalation_policies":0)");
  bench.connect();
  bench.poll({"S1", "S2", "S3"});
  bench.act("fault", R"("kind":"hang","match":"/schedules/S2")");
  bench.http.deadline = 2s;
  const auto answers = bench.poll({"S1", "S2", "S3"});
  CHECK(Bench::people(answers[0]) == kAda);
  REQUIRE(answers[1].error);
  CHECK(answers[1].error->kind == ErrorKind::timeout);
  CHECK(Bench::people(answers[2]) == kAda);
}

TEST_CASE(
    "a schedule that may not be read is forbidden, and a key that may read nothing is a broken connection") {
  PagerDutyBench bench;
  bench.schedule("S1", R"(["ada"])");
  bench.connect();
  bench.act("fault", R"("kind":"403","match":"/schedules/S1")");
  CHECK(bench.confirm("S1").status == AnswerStatus::forbidden);
  bench.act("fault", R"("kind":"403")");
  const auto confirmed = bench.confirm("S1");
  CHECK(confirmed.status == AnswerStatus::failed);
  REQUIRE(confirmed.error);
  CHECK(confirmed.error->kind == ErrorKind::server);
}

TEST_CASE("a steady poll of many schedules costs batches and pages, no more") {
  PagerDutyBench bench;
  bench.control(
      R"({"do":"bulk","people":100,"schedules":{"pagerduty":500},"people_per_schedule":2,"boundary_at":3600})");
  bench.connect();
  const auto listed = bench.loop.run_until_done(bench.provider->list_schedules());
  REQUIRE(listed.ok());
  std::vector<std::string> ids;
  for (const auto& schedule : *listed) ids.push_back(schedule.id);
  bench.poll(ids);
  bench.http.urls.clear();
  bench.poll(ids);
  CHECK(bench.http.urls.size() == 10);
}
