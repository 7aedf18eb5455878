#include "providers/pagerduty/answers.hpp"
#include "providers/pagerduty/auth.hpp"
#include "providers/pagerduty/session.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;
using namespace watchbill::providers::pagerduty;
using Catch::Matchers::ContainsSubstring;
using fakes::answer;

namespace {

Instant at(std::string_view text) {
  return *parse_rfc3339(text);
}

json::Document parsed(std::string_view text) {
  auto document = json::parse(text);
  REQUIRE(document.ok());
  return std::move(document).value();
}

std::string oncalls(const std::string& rows, const std::string& rest = R"("limit":100,"more":false)") {
  return R"({"oncalls":[)" + rows + "]," + rest + "}";
}

const std::string kAda =
    R"({"id":"PADA","type":"user","summary":"Ada E.","name":"Ada Example","email":"Ada@Example.com"})";

std::string row(const std::string& user, const std::string& schedule, const std::string& start,
                const std::string& end, const std::string& policy = "PEP1") {
  return R"({"user":)" + user + R"(,"schedule":)" + schedule + R"(,"escalation_policy":{"id":")" + policy +
         R"("},"escalation_level":1,"start":)" + start + R"(,"end":)" + end + "}";
}

const std::string kSchedule = R"({"id":"PS1","type":"schedule_reference","summary":"Primary"})";

}  // namespace

TEST_CASE("an on-call entry carries its true start and end and a lower-case address") {
  const auto document =
      parsed(oncalls(row(kAda, kSchedule, R"("2026-10-05T07:00:00Z")", R"("2026-10-12T09:00:00+02:00")")));
  std::map<std::string, Oncalls> found;
  const auto page = read_oncalls(document.root(), found);
  REQUIRE(page.ok());
  CHECK_FALSE(page->more);
  REQUIRE(found["PS1"].duties.size() == 1);
  const auto& duty = found["PS1"].duties[0];
  CHECK(found["PS1"].name == "Primary");
  CHECK(duty.user.name == "Ada Example");
  CHECK(duty.user.email == "ada@example.com");
  CHECK(duty.start == at("2026-10-05T07:00:00Z"));
  CHECK(duty.end == at("2026-10-12T07:00:00Z"));
}

TEST_CASE("one person seen through three escalation policies is one shift") {
  const std::string start = R"("2026-10-05T07:00:00Z")";
  const std::string end = R"("2026-10-12T07:00:00Z")";
  const auto document = parsed(oncalls(row(kAda, kSchedule, start, end, "PEP1") + "," +
                                       row(kAda, kSchedule, start, end, "PEP2") + "," +
                                       row(kAda, kSchedule, R"("2026-10-12T07:00:00Z")", "null", "PEP2")));
  std::map<std::string, Oncalls> found;
  REQUIRE(read_oncalls(document.root(), found).ok());
  CHECK(found["PS1"].duties.size() == 2);
}

TEST_CASE("null means always and never, and a direct target of a policy is no schedule") {
  const auto document =
      parsed(oncalls(row(kAda, kSchedule, "null", "null") + "," + row(kAda, "null", "null", "null")));
  std::map<std::string, Oncalls> found;
  REQUIRE(read_oncalls(document.root(), found).ok());
  REQUIRE(found.size() == 1);
  CHECK(found["PS1"].duties[0].start == kAlways);
  CHECK(found["PS1"].duties[0].end == kNever);
}

TEST_CASE("a deleted user stays a responder without an address") {
  const std::string user = R"({"id":"PGONE","summary":"Gone Person","deleted_at":"2026-01-01T00:00:00Z"})";
  const auto document = parsed(oncalls(row(user, kSchedule, "null", "null")));
  std::map<std::string, Oncalls> found;
  REQUIRE(read_oncalls(document.root(), found).ok());
  REQUIRE(found["PS1"].duties.size() == 1);
  CHECK(found["PS1"].duties[0].user.deleted);
  CHECK(found["PS1"].duties[0].user.name == "Gone Person");
  CHECK_FALSE(found["PS1"].duties[0].user.email);
}

TEST_CASE("an entry that cannot be read spoils its own schedule, and only that") {
  const std::string other = R"({"id":"PS2","summary":"Other"})";
  const std::string good = row(kAda, other, "null", "null");
  for (const auto& bad : {row("null", kSchedule, "null", "null"), row("7", kSchedule, "null", "null"),
                          row(kAda, kSchedule, "12", "null"), row(kAda, kSchedule, R"("tomorrow")", "null"),
                          row(R"({"id":5})", kSchedule, "null", "null"),
                          row(R"({"id":"P","email":5})", kSchedule, "null", "null"),
                          R"({"user":)" + kAda + R"(,"schedule":)" + kSchedule + "}"}) {
    CAPTURE(bad);
    const auto document = parsed(oncalls(good + "," + bad + "," + row(kAda, kSchedule, "null", "null")));
    std::map<std::string, Oncalls> found;
    REQUIRE(read_oncalls(document.root(), found).ok());
    REQUIRE(found["PS1"].error);
    CHECK(found["PS1"].error->kind == ErrorKind::unreadable);
    CHECK_FALSE(found["PS2"].error);
  }
}

TEST_CASE("an on-call page that is not what the API promises is unreadable, never empty") {
  for (const auto& text :
       {std::string("{}"), std::string("[]"), std::string("null"),
        std::string(R"({"oncalls":{},"more":false})"), std::string(R"({"oncalls":"none","more":false})"),
        std::string(R"({"oncalls":[]})"), std::string(R"({"oncalls":[],"more":"no"})"), oncalls("1"),
        oncalls(row(kAda, "\"PS1\"", "null", "null")), oncalls(row(kAda, R"({"id":null})", "null", "null")),
        oncalls("", R"("limit":100,"more":true)")}) {
    CAPTURE(text);
    const auto document = parsed(text);
    std::map<std::string, Oncalls> found;
    const auto page = read_oncalls(document.root(), found);
    REQUIRE_FALSE(page.ok());
    CHECK(page.error().kind == ErrorKind::unreadable);
  }
}

TEST_CASE("a layer-based schedule: an entry without user is no gap but unreadable") {
  const auto with = [](const std::string& entries) {
    return R"({"schedule":{"id":"PS1","name":"Primary","final_schedule":{"rendered_schedule_entries":)" +
           entries + "}}}";
  };
  const auto gap = parsed(with("[]"));
  REQUIRE(read_schedule(gap.root(), Kind::layer).ok());
  CHECK(read_schedule(gap.root(), Kind::layer)->duties.empty());
  CHECK(read_schedule(gap.root(), Kind::layer)->name == "Primary");

  const auto held = parsed(with(
      R"([{"start":"2026-10-05T07:00:00Z","end":null,"user":{"id":"PADA","type":"user_reference","summary":"Ada"}}])"));
  REQUIRE(read_schedule(held.root(), Kind::layer).ok());
  CHECK(read_schedule(held.root(), Kind::layer)->duties.at(0).end == kNever);

  for (const auto& bad :
       {R"([{"start":"2026-10-05T07:00:00Z","end":null}])", "null", "{}", R"("x")", "[[]]"}) {
    CAPTURE(bad);
    const auto document = parsed(with(bad));
    const auto duties = read_schedule(document.root(), Kind::layer);
    REQUIRE_FALSE(duties.ok());
    CHECK(duties.error().kind == ErrorKind::unreadable);
  }
}

TEST_CASE("a shift-based schedule: several people at once, empty members dropped") {
  const auto document = parsed(
      R"({"schedule":{"id":"PS9","type":"schedule_v3","name":"SRE","final_schedule":{"computed_shift_assignments":[
    {"start_time":"2026-10-05T08:00:00Z","end_time":"2026-10-06T08:00:00Z","member":{"type":"user_member","user_id":"PADA"}},
    {"start_time":"2026-10-05T08:00:00Z","end_time":"2026-10-06T08:00:00Z","member":{"type":"user_member","user_id":"PBO"}},
    {"start_time":"2026-10-05T08:00:00Z","end_time":"2026-10-05T20:00:00Z","member":{"type":"empty_member"}}]}}})");
  const auto duties = read_schedule(document.root(), Kind::shift);
  REQUIRE(duties.ok());
  REQUIRE(duties->duties.size() == 2);
  CHECK(duties->duties[1].user.id == "PBO");
  CHECK_FALSE(duties->duties[1].user.email);
  // Without the final schedule (it comes only when asked for) nothing is known.
  const auto bare = parsed(R"({"schedule":{"id":"PS9","type":"schedule_v3","name":"SRE","rotations":[]}})");
  CHECK_FALSE(read_schedule(bare.root(), Kind::shift).ok());
}

namespace {

/// Rotations R1 (Ada) and R2 (Bo, and Ada at the same time), R3 without anybody, and a custom shift of Cy.
Oncalls with_rotations(const std::string& listed) {
  const auto row = [](const std::string& user, const std::string& source) {
    const auto member = user.empty() ? std::string(R"({"type":"empty_member"})")
                                     : R"({"type":"user_member","user_id":")" + user + "\"}";
    return R"({"start_time":"2026-10-05T08:00:00Z","end_time":"2026-10-06T08:00:00Z","member":)" + member +
           R"(,"source":)" + source + "}";
  };
  const auto rotation = [](const std::string& id) {
    return R"({"type":"schedule_rotation","rotation_id":")" + id + "\"}";
  };
  const auto document =
      parsed(R"({"schedule":{"name":"SRE","rotations":)" + listed +
             R"(,"final_schedule":{"computed_shift_assignments":[)" + row("PADA", rotation("R1")) + "," +
             row("PADA", R"({"type":"schedule_rotation_override","rotation_id":"R2","override_id":"O"})") +
             "," + row("PBO", rotation("R2")) + "," + row("", rotation("R3")) + "," +
             row("PCY", R"({"type":"custom_shift","shift_id":"C"})") + "]}}}");
  const auto duties = read_schedule(document.root(), Kind::shift);
  REQUIRE(duties.ok());
  return *duties;
}

std::vector<std::string> people_of(const Result<Oncalls>& duties) {
  REQUIRE(duties.ok());
  std::vector<std::string> people;
  for (const auto& duty : duties->duties) people.push_back(duty.user.id);
  return people;
}

}  // namespace

TEST_CASE(
    "a rotation of a shift-based schedule has its own people, overridden ones too, and no custom shift") {
  using People = std::vector<std::string>;
  const auto all = with_rotations(R"([{"id":"R1"},{"id":"R2"},{"id":"R3"},{"id":"R4"}])");
  CHECK(people_of(only_rotation(all, "R1")) == People{"PADA"});
  CHECK(people_of(only_rotation(all, "R2")) == People{"PADA", "PBO"});
  CHECK(people_of(only_rotation(all, "R3")).empty());
  CHECK(people_of(only_rotation(all, "R4")).empty());
  CHECK(only_rotation(all, "R2")->name == "SRE, rotation 2");
  CHECK(people_of(all) == People{"PADA", "PADA", "PBO", "PCY"});
}

TEST_CASE("a rotation is gone if the schedule lists others, and not known if it lists none") {
  CHECK(only_rotation(with_rotations(R"([{"id":"R1"}])"), "R9").error().kind == ErrorKind::not_found);
  CHECK(only_rotation(with_rotations("[]"), "R9").error().kind == ErrorKind::unreadable);
  CHECK(only_rotation(with_rotations("null"), "R9").error().kind == ErrorKind::unreadable);
  // An entry proves that there is one.
  CHECK(only_rotation(with_rotations("[]"), "R1").ok());
  CHECK(only_rotation(with_rotations(R"([{"id":"R1"}])"), "R3").ok());
}

TEST_CASE("the list tells which schedules no escalation policy uses") {
  const auto document = parsed(R"({"schedules":[
    {"id":"PS1","name":"Primary","time_zone":"Europe/Berlin","html_url":"https://acme.pagerduty.com/schedules/PS1","escalation_policies":[{"id":"PEP1"}]},
    {"id":"PS2","summary":"Lonely","escalation_policies":[]}],"limit":100,"more":true})");
  std::vector<ListedSchedule> found;
  const auto page = read_schedules(document.root(), Kind::layer, found);
  REQUIRE(page.ok());
  CHECK(page->more);
  CHECK(page->limit == 100);
  REQUIRE(found.size() == 2);
  CHECK(found[0].attached == true);
  CHECK(found[1].attached == false);
  CHECK(found[1].name == "Lonely");
}

TEST_CASE("the status decides what an answer means, the body only adds words") {
  CHECK_FALSE(explain(answer(200, "<html>")));
  CHECK_FALSE(explain(answer(201, "")));
  CHECK(explain(answer(401, "<html>Unauthorized</html>"))->kind == ErrorKind::unauthorized);
  CHECK(explain(answer(404, ""))->kind == ErrorKind::not_found);
  CHECK(explain(answer(429, ""))->kind == ErrorKind::rate_limited);
  CHECK(explain(answer(500, "{"))->kind == ErrorKind::server);
  CHECK(explain(answer(402, ""))->kind == ErrorKind::forbidden);
  CHECK(explain(answer(302, ""))->kind == ErrorKind::unreadable);

  const auto missing = explain(answer(
      403, R"({"error":{"message":"Token missing required scopes","required_scopes":["schedules.read"]}})"));
  REQUIRE(missing);
  CHECK(missing->kind == ErrorKind::forbidden);
  CHECK_THAT(missing->message, ContainsSubstring("schedules.read"));

  const auto invalid = explain(answer(
      400,
      R"({"error":{"message":"Invalid Input Provided","code":2001,"errors":["Since cannot be after until."]}})"));
  CHECK(invalid->kind == ErrorKind::invalid);
  CHECK(invalid->code == "2001");
  CHECK_THAT(invalid->message, ContainsSubstring("Since cannot be after until."));
}

TEST_CASE("PagerDuty's many shapes of an error are all read") {
  for (const auto& body :
       {R"({"error":["too early"]})", R"({"error":"too early"})", R"({"errors":{"since":["too early"]}})",
        R"({"error":{"errors":"too early"}})", R"({"error":{"message":"x","errors":{"a":"too early"}}})"}) {
    CAPTURE(body);
    CHECK_THAT(explain(answer(400, body))->message, ContainsSubstring("too early"));
  }
}

TEST_CASE("PagerDuty's refusal of a schedule is the same in the shapes of both kinds") {
  for (const auto& body :
       {R"({"error":{"message":"Not Found","code":2100}})",
        R"({"error":{"message":"Not Found","code":2100,"errors":["no such schedule"]}})",
        R"({"error":{"message":"Not Found","code":2100,"errors":{"id":["no such schedule"]}}})"}) {
    CAPTURE(body);
    const auto error = explain(answer(404, body));
    CHECK(error->kind == ErrorKind::not_found);
    CHECK(error->code == "2100");
    CHECK_THAT(error->message, ContainsSubstring("Not Found"));
  }
}

TEST_CASE("a pause follows ratelimit-reset when nothing is left") {
  CHECK_FALSE(pause(answer(200, "", {{"ratelimit-remaining", "900"}, {"ratelimit-reset", "20"}})));
  CHECK(pause(answer(200, "", {{"ratelimit-remaining", "0"}, {"ratelimit-reset", "20"}})) == 20s);
  CHECK(pause(answer(429, "", {{"Ratelimit-Reset", "7"}})) == 7s);
  CHECK_FALSE(pause(answer(429, "")));
  CHECK_FALSE(pause(answer(429, "", {{"ratelimit-reset", "soon"}})));
}

TEST_CASE("questions are of whole seconds, at least one, at most 90 days") {
  const auto from = at("2026-10-05T07:00:00Z");
  const auto narrow = range_of({from + 250ms, from + 300ms});
  CHECK(narrow.since == from);
  CHECK(narrow.until == from + 1s);
  CHECK(range_of({from, from + 1500ms}).until == from + 2s);
  CHECK(range_of({from, from + days{365}}).until == from + days{90});
  CHECK(range_of({from, kNever}).until == from + days{90});
}

TEST_CASE("a token answer without what we need says what is missing") {
  const auto good = parsed(
      R"({"access_token":"a","expires_in":86400,"scope":"as_account-us.acme oncalls.read schedules.read users.read"})");
  REQUIRE(parse_tokens(good.root(), Grant::app).ok());
  CHECK(parse_tokens(good.root(), Grant::app)->life == 86400s);
  CHECK(parse_tokens(good.root(), Grant::user).error().kind == ErrorKind::unreadable);

  const auto less = parsed(R"({"access_token":"a","expires_in":86400,"scope":"openid schedules.read"})");
  const auto error = parse_tokens(less.root(), Grant::app).error();
  CHECK(error.kind == ErrorKind::forbidden);
  CHECK_THAT(error.message, ContainsSubstring("oncalls.read, users.read"));

  const auto classic =
      parsed(R"({"access_token":"a","refresh_token":"r","expires_in":1,"scope":"openid read"})");
  CHECK(parse_tokens(classic.root(), Grant::user).ok());
  for (const auto& bad : {R"({"expires_in":5})", R"({"access_token":"a"})",
                          R"({"access_token":"a","expires_in":0})", R"({"access_token":7,"expires_in":5})"}) {
    const auto document = parsed(bad);
    CHECK(parse_tokens(document.root(), Grant::app).error().kind == ErrorKind::unreadable);
  }
}

TEST_CASE("PagerDuty's settings: exactly one kind of credential") {
  fakes::World world([](const net::HttpRequest&) { return answer(500, ""); });
  const auto* adapter = *find_adapter("pagerduty");
  const auto prepare = [&](Connection connection) {
    connection.name = "pd";
    connection.kind = "pagerduty";
    return adapter->prepare(std::move(connection), world.context);
  };
  Connection key;
  key.secrets["api_key"] = Secret("abc\n");
  const auto us = prepare(key);
  REQUIRE(us.ok());
  CHECK(us->secrets.at("api_key").reveal() == "abc");
  CHECK(us->settings.at("base_url") == "https://api.pagerduty.com");
  CHECK(us->settings.at("identity_url") == "https://identity.pagerduty.com");
  key.settings["region"] = "eu";
  CHECK(prepare(key)->settings.at("base_url") == "https://api.eu.pagerduty.com");

  Connection app;
  app.settings = {{"client_id", "id"}, {"subdomain", "acme"}};
  CHECK_THAT(prepare(app).error().message, ContainsSubstring("--client-secret-file"));
  app.secrets["client_secret"] = Secret("s");
  CHECK(prepare(app).ok());
  app.settings["subdomain"] = "acme.pagerduty.com";
  CHECK_THAT(prepare(app).error().message, ContainsSubstring("--subdomain"));
  app.settings["subdomain"] = "acme";
  app.secrets["api_key"] = Secret("abc");
  CHECK(prepare(app).error().kind == ErrorKind::invalid);
  CHECK(prepare(Connection{}).error().kind == ErrorKind::invalid);

  const auto refused = [&](const std::string& setting, const std::string& value) {
    auto connection = key;
    connection.settings[setting] = value;
    return prepare(connection).error().message;
  };
  CHECK_THAT(refused("region", "asia"), ContainsSubstring("--region"));
  CHECK_THAT(refused("base_url", "http://api.pagerduty.com"), ContainsSubstring("--base-url"));
  CHECK_THAT(refused("base_url", "https://api.pagerduty.com/v2"), ContainsSubstring("no path"));
  CHECK_THAT(refused("identity_url", "https://me@evil.example"), ContainsSubstring("--identity-url"));
  CHECK_THAT(refused("colour", "red"), ContainsSubstring("colour"));
}
