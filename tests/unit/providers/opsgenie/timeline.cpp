#include "providers/opsgenie/timeline.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::providers::opsgenie;
using Catch::Matchers::ContainsSubstring;

namespace {

Instant at(std::string_view text) {
  return *parse_rfc3339(text);
}

Result<ScheduleTimeline> read(const std::string& text) {
  auto parsed = json::parse(text);
  REQUIRE(parsed);
  return parse_timeline(parsed->root());
}

/// A timeline from 4 to 11 October with these periods in one rotation.
ScheduleTimeline week(const std::string& id, const std::string& periods) {
  auto timeline = read(R"({"_parent":{"id":")" + id + R"(","name":"Schedule )" + id + R"("},
    "startDate":"2026-10-04T22:00:00Z","endDate":"2026-10-11T22:00:00Z",
    "finalTimeline":{"rotations":[{"id":"r","name":"Weekly","order":null,"periods":[)" +
                       periods + "]}]}}");
  if (!timeline) FAIL(timeline.error().message);
  return *timeline;
}

std::string period(const std::string& from, const std::string& to, const std::string& recipient,
                   const std::string& more = R"("type":"default")") {
  return R"({"startDate":")" + from + R"(","endDate":")" + to + R"(","recipient":)" + recipient + "," + more +
         "}";
}

const std::string kAda = R"({"id":"1","name":"ada@example.com","type":"user"})";
const std::string kBo = R"({"id":"2","name":"bo@example.com","type":"user"})";
const UserReference kAdaUser{"1", "ada@example.com"};
const UserReference kBoUser{"2", "bo@example.com"};
const Instant kNow = at("2026-10-07T09:12:41.118Z");

}  // namespace

TEST_CASE("a period that Opsgenie splits at the present moment is one shift") {
  const auto timeline =
      week("s", period("2026-10-04T22:00:00Z", "2026-10-07T09:12:41.118Z", kAda,
                       R"("type":"historical","flattenedRecipients":[)" + kAda + "]") +
                    "," + period("2026-10-07T11:12:41.118+02:00", "2026-10-09T08:00:00Z", kAda) + "," +
                    period("2026-10-09T08:00:00Z", "2026-10-11T22:00:00Z", kBo, R"("type":"no such type")"));
  const auto covered = cover({{"s", timeline}}, "s", kNow);
  CHECK(covered.reason.empty());
  CHECK(covered.known_to == at("2026-10-11T22:00:00Z"));
  CHECK(covered.spans ==
        std::vector<UserSpan>{{kAdaUser, at("2026-10-04T22:00:00Z"), at("2026-10-09T08:00:00Z")},
                              {kBoUser, at("2026-10-09T08:00:00Z"), at("2026-10-11T22:00:00Z")}});
  const auto shifts = shifts_of("og", covered.spans, {kNow, covered.known_to});
  REQUIRE(shifts.size() == 2);
  CHECK(shifts[0].start == at("2026-10-04T22:00:00Z"));
  CHECK(shifts[0].end == at("2026-10-09T08:00:00Z"));
  CHECK_FALSE(shifts[0].end_unknown);
  // The reply ends there; whether Bo's shift does is not told.
  CHECK(shifts[1].end_unknown);
}

TEST_CASE("all rotations of an Opsgenie timeline count at once") {
  const auto timeline =
      read(R"({"_parent":{"id":"s"},"startDate":"2026-10-04T22:00:00Z","endDate":"2026-10-11T22:00:00Z",
    "finalTimeline":{"rotations":[
      {"id":"a","periods":[)" +
           period("2026-10-04T22:00:00Z", "2026-10-08T00:00:00Z", kAda) + R"(]},
      {"id":"empty"},
      {"id":"b","periods":[)" +
           period("2026-10-06T00:00:00Z", "2026-10-09T00:00:00Z", kBo) + "," +
           period("2026-10-07T00:00:00Z", "2026-10-10T00:00:00Z", kAda) + "]}]}}");
  REQUIRE(timeline);
  const auto covered = cover({{"s", *timeline}}, "s", kNow);
  CHECK(covered.spans ==
        std::vector<UserSpan>{{kAdaUser, at("2026-10-04T22:00:00Z"), at("2026-10-10T00:00:00Z")},
                              {kBoUser, at("2026-10-06T00:00:00Z"), at("2026-10-09T00:00:00Z")}});
}

TEST_CASE("periods for nobody, and what is over, become no shifts") {
  const auto timeline = week(
      "s", period("2026-10-05T00:00:00Z", "2026-10-06T00:00:00Z", kAda) + "," +
               period("2026-10-06T00:00:00Z", "2026-10-09T00:00:00Z", R"({"type":"none"})") + "," +
               R"({"startDate":"2026-10-09T00:00:00Z","endDate":"2026-10-10T00:00:00Z","type":"default"},)" +
               period("2026-10-10T00:00:00Z", "2026-10-10T00:00:00Z", kBo));
  const auto covered = cover({{"s", timeline}}, "s", kNow);
  CHECK(covered.reason.empty());
  CHECK(shifts_of("og", covered.spans, {kNow, covered.known_to}).empty());
}

TEST_CASE("a schedule nested in an Opsgenie timeline gives its people for the period that names it") {
  const auto outer = week("outer", period("2026-10-06T00:00:00Z", "2026-10-08T00:00:00Z",
                                          R"({"id":"inner","name":"Inner","type":"schedule"})"));
  const auto inner = week("inner", period("2026-10-05T00:00:00Z", "2026-10-07T12:00:00Z", kAda) + "," +
                                       period("2026-10-07T12:00:00Z", "2026-10-11T00:00:00Z", kBo));
  CHECK(nested_schedules(outer, kNow) == std::vector<std::string>{"inner"});
  CHECK(nested_schedules(outer, at("2026-10-08T00:00:00Z")).empty());
  const auto covered = cover({{"outer", outer}, {"inner", inner}}, "outer", kNow);
  CHECK(covered.reason.empty());
  CHECK(covered.spans ==
        std::vector<UserSpan>{{kAdaUser, at("2026-10-06T00:00:00Z"), at("2026-10-07T12:00:00Z")},
                              {kBoUser, at("2026-10-07T12:00:00Z"), at("2026-10-08T00:00:00Z")}});
}

TEST_CASE("Opsgenie timelines nested in each other end") {
  const auto nest = [](const std::string& id) {
    return period("2026-10-04T22:00:00Z", "2026-10-11T22:00:00Z",
                  R"({"id":")" + id + R"(","name":"x","type":"schedule"})");
  };
  const auto a = week("a", nest("b") + "," + period("2026-10-06T00:00:00Z", "2026-10-08T00:00:00Z", kAda));
  const auto b = week("b", nest("a") + "," + nest("b"));
  const auto covered = cover({{"a", a}, {"b", b}}, "a", kNow);
  CHECK(covered.reason.empty());
  CHECK(covered.spans ==
        std::vector<UserSpan>{{kAdaUser, at("2026-10-06T00:00:00Z"), at("2026-10-08T00:00:00Z")}});
}

TEST_CASE("an escalation in an Opsgenie timeline ends what is known, instead of showing a gap") {
  const std::string escalation = R"({"id":"e","name":"Second line","type":"escalation"})";
  const auto later = week("s", period("2026-10-04T22:00:00Z", "2026-10-09T00:00:00Z", kAda) + "," +
                                   period("2026-10-09T00:00:00Z", "2026-10-10T00:00:00Z", escalation) + "," +
                                   period("2026-10-10T00:00:00Z", "2026-10-11T00:00:00Z", kBo));
  auto covered = cover({{"s", later}}, "s", kNow);
  CHECK(covered.known_to == at("2026-10-09T00:00:00Z"));
  CHECK_THAT(covered.reason, ContainsSubstring("escalation \"Second line\""));
  const auto shifts = shifts_of("og", covered.spans, {kNow, covered.known_to});
  REQUIRE(shifts.size() == 1);
  // The escalation may name Ada again.
  CHECK(shifts[0].end_unknown);

  const auto now = week("s", period("2026-10-04T22:00:00Z", "2026-10-09T00:00:00Z", escalation));
  CHECK(cover({{"s", now}}, "s", kNow).known_to == kNow);
  const auto past = week("s", period("2026-10-04T22:00:00Z", "2026-10-07T00:00:00Z", escalation));
  CHECK(cover({{"s", past}}, "s", kNow).reason.empty());
  // By a server whose clock is ahead the present is past, and its people are not told.
  const auto untold = week("s", period("2026-10-04T22:00:00Z", "2026-10-09T00:00:00Z", escalation,
                                       R"("type":"historical","flattenedRecipients":[])"));
  CHECK(cover({{"s", untold}}, "s", kNow).known_to == kNow);
  // A past one may name its people.
  const auto named =
      week("s", period("2026-10-04T22:00:00Z", "2026-10-09T00:00:00Z", escalation,
                       R"("type":"historical","flattenedRecipients":[{"type":"none"},)" + kBo + "]"));
  CHECK(cover({{"s", named}}, "s", kNow).spans.at(0).user == kBoUser);
}

TEST_CASE("a nested Opsgenie schedule that was not answered ends what is known") {
  const auto outer = week("outer", period("2026-10-08T00:00:00Z", "2026-10-09T00:00:00Z",
                                          R"({"id":"secret","name":"Secret","type":"schedule"})"));
  const auto covered = cover({{"outer", outer}}, "outer", kNow);
  CHECK(covered.known_to == at("2026-10-08T00:00:00Z"));
  CHECK_THAT(covered.reason, ContainsSubstring("Secret"));
}

TEST_CASE("an Opsgenie timeline that is not what the API promises is no answer") {
  const std::string head = R"({"_parent":{"id":"s"},"startDate":"2026-10-04T22:00:00Z","endDate":)";
  for (
      const auto& text : std::vector<std::string>{
          "{}", "[]", head + R"("2026-10-11T22:00:00Z"})",
          head + R"("tomorrow","finalTimeline":{"rotations":[]}})",
          head + R"("2026-10-11T22:00:00Z","finalTimeline":{"rotations":{}}})",
          head + R"("2026-10-11T22:00:00Z","finalTimeline":{"rotations":[{"periods":"none"}]}})",
          head + R"("2026-10-11T22:00:00Z","finalTimeline":{"rotations":[{"periods":[{"startDate":1}]}]}})",
          head +
              R"("2026-10-11T22:00:00Z","finalTimeline":{"rotations":[{"periods":[{"startDate":"2026-10-05T00:00:00Z","endDate":"2026-10-06T00:00:00Z","recipient":{"type":"user"}}]}]}})"}) {
    INFO(text);
    const auto timeline = read(text);
    REQUIRE_FALSE(timeline);
    CHECK(timeline.error().kind == ErrorKind::unreadable);
  }
}

TEST_CASE("one week more than needed is asked of an Opsgenie timeline") {
  CHECK(weeks_to_ask(kNow, kNow) == 1);
  CHECK(weeks_to_ask(kNow, kNow + 2min) == 2);
  CHECK(weeks_to_ask(kNow, kNow + days{8}) == 3);
  CHECK(weeks_to_ask(kNow, kNow + days{60}) == 10);
}
