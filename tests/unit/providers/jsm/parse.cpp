#include "providers/jsm/parse.hpp"

#include "providers/jsm/provider.hpp"
#include "providers/jsm/site.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers::jsm;

namespace {

Instant at(std::string_view text) {
  return *parse_rfc3339(text);
}

Result<FinalTimeline> read(const std::string& text) {
  auto parsed = json::parse(text);
  REQUIRE(parsed);
  return parse_timeline(parsed->root());
}

std::string rotation(const std::string& periods, const std::string& more = R"("order":1.0,"deleted":false)") {
  return R"({"id":"r","name":"Weekly",)" + more + R"(,"periods":[)" + periods + "]}";
}

/// A timeline of the week from 5 October with these rotations.
FinalTimeline week(const std::string& rotations) {
  auto timeline = read(R"({"startDate":"2026-10-05T00:00:00Z","endDate":"2026-10-12T00:00:00Z",
    "finalTimeline":{"rotations":[)" +
                       rotations + R"(]},"_expands":["base","forwarding","override"]})");
  if (!timeline) FAIL(timeline.error().message);
  return *timeline;
}

std::string period(const std::string& type, const std::string& from, const std::string& to,
                   const std::string& responder, const std::string& more = "") {
  return fmt::format(R"({{"startDate":"{}","endDate":"{}","type":"{}","responder":{}{}}})", from, to, type,
                     responder, more);
}
std::string user(const std::string& id) {
  return R"({"id":")" + id + R"(","type":"user","deleted":false})";
}

/// "who from to", joined.
std::string text_of(const TimelineCover& covered) {
  std::string text;
  for (const auto& span : covered.spans)
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", span.account.id, format_rfc3339(span.start),
                        format_rfc3339(span.end));
  return text;
}

}  // namespace

TEST_CASE("a JSM shift that is cut at the present is one shift with its true start") {
  const auto timeline = week(
      rotation(period("historical", "2026-10-05T00:00:00Z", "2026-10-07T09:12:41.263Z", user("ada"),
                      R"(,"flattenedResponders":[{"id":"ada","type":"user","deleted":false}])") +
               "," + period("base", "2026-10-07T09:12:41.263Z", "2026-10-10T08:00:00Z", user("ada")) + "," +
               period("base", "2026-10-10T08:00:00Z", "2026-10-12T00:00:00Z", R"({"type":"noone"})")));
  const auto covered = cover(timeline, at("2026-10-07T09:12:41Z"));
  CHECK(text_of(covered) == "ada 2026-10-05T00:00:00Z 2026-10-10T08:00:00Z");
  CHECK(covered.known_to == at("2026-10-12T00:00:00Z"));
}

TEST_CASE("a JSM responder noone is nobody, with an id, without one and with an empty one") {
  for (const auto* noone : {R"({"type":"noone"})", R"({"id":"","type":"noone","deleted":false})",
                            R"({"id":null,"type":"noone"})"}) {
    const auto timeline =
        week(rotation(period("override", "2026-10-05T00:00:00Z", "2026-10-12T00:00:00Z", noone)));
    CHECK(cover(timeline, at("2026-10-07T00:00:00Z")).spans.empty());
  }
}

TEST_CASE("a JSM rotation that was deleted is not on call, though its past is told up to the present") {
  const auto old = rotation(period("historical", "2026-10-05T00:00:00Z", "2026-10-07T09:00:05Z", user("bo")),
                            R"("order":null,"deleted":true)");
  const auto timeline =
      week(old + "," +
           rotation(period("historical", "2026-10-05T00:00:00Z", "2026-10-07T09:00:05Z", user("ada")) + "," +
                    period("base", "2026-10-07T09:00:05Z", "2026-10-12T00:00:00Z", user("ada"))));
  CHECK(text_of(cover(timeline, at("2026-10-07T09:00:04Z"))) ==
        "ada 2026-10-05T00:00:00Z 2026-10-12T00:00:00Z");
}

TEST_CASE("whom JSM's present shows is on call now, though our clock is behind it") {
  const auto timeline =
      week(rotation(period("historical", "2026-10-05T00:00:00Z", "2026-10-07T09:00:00Z", user("ada")) + "," +
                    period("historical", "2026-10-07T09:00:00Z", "2026-10-07T09:02:00Z", user("bo")) + "," +
                    period("override", "2026-10-07T09:02:00Z", "2026-10-07T11:00:00Z", user("bo")) + "," +
                    period("base", "2026-10-07T11:00:00Z", "2026-10-12T00:00:00Z", user("ada"))));
  // Asked a moment before the boundary by our clock, answered two minutes after it by theirs.
  CHECK(text_of(cover(timeline, at("2026-10-07T08:59:59Z"))) ==
        "bo 2026-10-07T08:59:59Z 2026-10-07T11:00:00Z, ada 2026-10-07T11:00:00Z 2026-10-12T00:00:00Z");
  // A clock that is hours behind is another matter: then what stands at the moment counts.
  CHECK(cover(timeline, at("2026-10-07T08:00:00Z")).spans.at(0).account.id == "ada");
}

TEST_CASE("a JSM forwarding and an override stand as they are, and all rotations are on call") {
  const auto timeline =
      week(rotation(period("forwarding", "2026-10-05T00:00:00Z", "2026-10-06T00:00:00Z", user("bo"),
                           R"(,"from":{"id":"ada","type":"user","deleted":false})") +
                    "," + period("override", "2026-10-06T00:00:00Z", "2026-10-12T00:00:00Z", user("ada"))) +
           "," + rotation(period("base", "2026-10-05T00:00:00Z", "2026-10-12T00:00:00Z", user("cy"))) + "," +
           R"({"id":"e","name":"Empty","order":3.0,"deleted":false})");
  CHECK(text_of(cover(timeline, at("2026-10-05T00:00:00Z"))) ==
        "bo 2026-10-05T00:00:00Z 2026-10-06T00:00:00Z, cy 2026-10-05T00:00:00Z 2026-10-12T00:00:00Z, "
        "ada 2026-10-06T00:00:00Z 2026-10-12T00:00:00Z");
}

TEST_CASE("a JSM team ends what is known, and its past does not") {
  const std::string team = R"({"id":"t1","type":"team","deleted":false})";
  const auto timeline =
      week(rotation(period("historical", "2026-10-05T00:00:00Z", "2026-10-07T00:00:00Z", team,
                           R"(,"flattenedResponders":[{"id":"bo","type":"user"},{"type":"noone"}])") +
                    "," + period("base", "2026-10-07T00:00:00Z", "2026-10-08T00:00:00Z", user("ada")) + "," +
                    period("base", "2026-10-08T00:00:00Z", "2026-10-12T00:00:00Z", team)));
  const auto covered = cover(timeline, at("2026-10-07T00:00:01Z"));
  CHECK(covered.known_to == at("2026-10-08T00:00:00Z"));
  CHECK_THAT(covered.reason, Catch::Matchers::ContainsSubstring("\"team\""));
  CHECK(cover(timeline, at("2026-10-09T00:00:00Z")).known_to == at("2026-10-09T00:00:00Z"));
}

TEST_CASE("a JSM timeline that is not what the API promises is no answer") {
  for (const auto* broken :
       {R"({"type":"user","id":7})", R"({"type":"user"})", R"({"id":"ada"})", R"("ada")", R"({"type":3})"}) {
    INFO(broken);
    CHECK_FALSE(read(R"({"startDate":"2026-10-05T00:00:00Z","endDate":"2026-10-12T00:00:00Z",
      "finalTimeline":{"rotations":[)" +
                     rotation(period("base", "2026-10-05T00:00:00Z", "2026-10-12T00:00:00Z", broken)) +
                     "]}}"));
  }
  CHECK_FALSE(read(R"({"startDate":"2026-10-05T00:00:00Z","finalTimeline":{"rotations":[]}})"));
  CHECK_FALSE(read(R"({"startDate":"x","endDate":"y","finalTimeline":{"rotations":[]}})"));
  CHECK_FALSE(read(R"({"startDate":"2026-10-05T00:00:00Z","endDate":"2026-10-12T00:00:00Z"})"));
}

TEST_CASE("JSM's lists are read as values and as data, with a link, a null one and none") {
  const auto page = [](const std::string& text) {
    auto parsed = json::parse(text);
    auto schedules = parse_schedules(parsed->root());
    return schedules ? fmt::format("{} next={}", schedules->schedules.size(), schedules->next) : "broken";
  };
  CHECK(page(R"({"values":[{"id":"a","name":"A"}],"links":{"next":"/v1/schedules?offset=50"}})") ==
        "1 next=/v1/schedules?offset=50");
  CHECK(page(R"({"data":[],"links":{"next":null}})") == "0 next=");
  CHECK(page(R"({"values":[]})") == "0 next=");
  CHECK(page(R"({"values":[{"name":"A"}]})") == "broken");
  CHECK(page(R"({"values":[],"links":{"next":7}})") == "broken");
  CHECK(page("[]") == "broken");
}

TEST_CASE("an address that Jira hides is none, absent or empty") {
  const auto parsed = json::parse(R"({"values":[
    {"accountId":"712020:a","displayName":"Ada\nExample","emailAddress":"Ada@Example.com"},
    {"accountId":"712020:b","displayName":"Bo","emailAddress":""},{"accountId":"c"}]})");
  const auto page = parse_users(parsed->root());
  REQUIRE(page);
  CHECK(page->last);
  const auto& users = page->users;
  REQUIRE(users.size() == 3);
  CHECK(users[0].email == "ada@example.com");
  CHECK(users[0].name == "Ada Example");
  CHECK_FALSE(users[1].email);
  CHECK_FALSE(users[2].email);
}

TEST_CASE("JSM's refusals are told in its own words, in each of their forms") {
  using providers::fakes::answer;
  const auto message = [](int status, const std::string& body) {
    return explain(answer(status, body), "a@example.com")->message;
  };
  CHECK_THAT(message(404, R"({"errors":[{"title":"No schedule exists with id [x]","code":"404"}]})"),
             Catch::Matchers::ContainsSubstring("No schedule exists") &&
                 Catch::Matchers::ContainsSubstring("a@example.com"));
  CHECK_THAT(message(401, R"({"code":401,"message":"Unauthorized; scope does not match"})"),
             Catch::Matchers::ContainsSubstring("scope does not match") &&
                 Catch::Matchers::ContainsSubstring("read:ops-config"));
  CHECK_THAT(
      message(403, R"({"errorMessages":["No permission"],"errors":{}})"),
      Catch::Matchers::ContainsSubstring("No permission") && Catch::Matchers::ContainsSubstring("member"));
  CHECK_THAT(message(429, ""), Catch::Matchers::ContainsSubstring("does not say which of its limits"));
  auto limited = answer(429, "");
  limited.headers.emplace_back("RateLimit-Reason", "jira-burst-based");
  CHECK_THAT(explain(limited, "a@example.com")->message,
             Catch::Matchers::ContainsSubstring("the limit that was reached: jira-burst-based"));
  for (const auto* body : {"", "<html>", "[]", "7", R"({"errors":"x"})", R"({"errors":[{"title":7}]})"})
    CHECK(explain(answer(403, body), "a@example.com")->kind == ErrorKind::forbidden);
  CHECK_FALSE(explain(answer(200, ""), "a"));
}

TEST_CASE("Atlassian's limits are obeyed by the time of the reset, also before they are reached") {
  using providers::fakes::answer;
  const auto now = at("2026-10-07T09:00:00Z");
  const net::Headers reset{{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "2026-10-07T09:00:30Z"}};
  CHECK(limit_pause(answer(200, "", reset), now) == 30s);
  CHECK(limit_pause(answer(429, "", {reset[1]}), now) == 30s);
  CHECK_FALSE(limit_pause(answer(200, "", {{"X-RateLimit-Remaining", "5"}, reset[1]}), now));
  CHECK_FALSE(limit_pause(answer(429, ""), now));
  CHECK_FALSE(limit_pause(answer(429, "", {{"X-RateLimit-Reset", "soon"}}), now));
  auto skewed = answer(200, "", reset);
  skewed.clock_skew = 20s;
  CHECK(limit_pause(skewed, now) == 10s);
}

TEST_CASE("a Jira site is taken as people type it, and no other host") {
  for (const auto* good :
       {"acme.atlassian.net", " https://Acme.atlassian.net/jira/ops?x=1 ", "acme.atlassian.net/"})
    CHECK(clean_site(good).value() == "acme.atlassian.net");
  CHECK(clean_site("acme.jira.com").ok());
  for (const auto* bad :
       {"", "acme", "http://acme.atlassian.net", "acme.atlassian.net.evil.example", "a.b.atlassian.net",
        ".atlassian.net", "evil.example/.atlassian.net", "user@acme.atlassian.net", "acme.atlassian.net:8443",
        "127.0.0.1", "acme.atlassian.com"}) {
    INFO(bad);
    const auto refused = clean_site(bad);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Matchers::StartsWith("--site: "));
  }
}
