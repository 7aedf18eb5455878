#include "providers/opsgenie/provider.hpp"

#include "providers/adapters.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;

namespace {

using Catch::Matchers::ContainsSubstring;
using fakes::answer;

Connection opsgenie_connection() {
  Connection connection;
  connection.name = "og";
  connection.kind = "opsgenie";
  connection.secrets["api_key"] = Secret("00000000-1111\n");
  return connection;
}

std::string path_of(const net::HttpRequest& request) {
  return net::parse_url(request.url)->path;
}

/// A provider in front of replies by path; anything else is 404.
struct Desk {
  explicit Desk(std::map<std::string, net::HttpResponse> given, Connection connection = opsgenie_connection())
      : replies(std::move(given)),
        world([this](const net::HttpRequest& request) -> Result<net::HttpResponse> {
          const auto found = replies.find(path_of(request));
          if (found == replies.end()) return answer(404, R"({"message":"not here"})");
          return found->second;
        }) {
    const auto adapter = opsgenie_adapter();
    auto prepared = adapter.prepare(std::move(connection), world.context);
    REQUIRE(prepared);
    provider = adapter.shifts(*prepared, world.context);
  }

  Window window(milliseconds length = 2min) const { return {world.loop.now(), world.loop.now() + length}; }
  AnswerSink sink() {
    return [this](ScheduleAnswer one) { answers.push_back(std::move(one)); };
  }
  void poll(std::vector<std::string> ids, Window asked) {
    world.loop.run_until_done(provider->poll(std::move(ids), asked, sink()));
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> out;
    for (const auto& request : world.http.requests) out.push_back(path_of(request));
    return out;
  }

  std::map<std::string, net::HttpResponse> replies;
  fakes::World world;
  std::unique_ptr<Provider> provider;
  std::vector<ScheduleAnswer> answers;
};

const std::string kAll = "/v2/schedules/on-calls?flat=false";
using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("one Opsgenie request answers for all schedules, and for those it leaves out") {
  Desk desk({{kAll, answer(200, R"({"data":[
      {"_parent":{"id":"a","name":"Alpha"},"onCallParticipants":[{"id":"1","name":"ada@example.com","type":"user"}]},
      {"_parent":{"id":"b","name":"Beta"},"onCallParticipants":[]},
      {"_parent":{"id":"x"},"onCallParticipants":"what"}]})")}});
  const auto window = desk.window();
  desk.poll({"a", "b", "c", "x"}, window);
  CHECK(desk.paths() == Paths{kAll});
  CHECK(desk.world.http.requests[0].url == "https://api.opsgenie.com" + kAll);
  CHECK(desk.world.http.requests[0].authorization.reveal() == "GenieKey 00000000-1111");
  REQUIRE(desk.answers.size() == 4);
  const auto& a = desk.answers[0];
  CHECK(a.schedule == ScheduleRef{"og", "a"});
  CHECK(a.status == AnswerStatus::ok);
  CHECK(a.moment);
  CHECK_FALSE(a.from_schedule);
  CHECK(a.window == window);
  CHECK(a.schedule_name == "Alpha");
  REQUIRE(a.shifts.size() == 1);
  CHECK(a.shifts[0].responder->email == "ada@example.com");
  CHECK(a.shifts[0].start == window.from);
  CHECK(a.shifts[0].end == window.to);
  CHECK(a.shifts[0].end_unknown);
  for (const std::size_t i : {1U, 2U}) {
    CHECK(desk.answers[i].status == AnswerStatus::ok);
    CHECK(desk.answers[i].shifts.empty());
  }
  CHECK(desk.answers[3].status == AnswerStatus::failed);
  CHECK(desk.answers[3].error->kind == ErrorKind::unreadable);
}

TEST_CASE("Opsgenie is asked for a date only if the moment lies ahead") {
  const std::string ahead = kAll + "&date=2026-11-22T09%3A00%3A05%2B00%3A00";
  Desk desk({{ahead, answer(200, R"({"data":[]})")}, {kAll, answer(200, R"({"data":[]})")}});
  const auto now = desk.world.loop.now();
  desk.poll({"a"}, {now + 5s, now + 2min});
  desk.poll({"a"}, {desk.world.loop.now() + 1s, now + 2min});
  CHECK(desk.paths() == Paths{ahead, kAll});
}

TEST_CASE("an Opsgenie team without its people is asked for by a flat list, and only that schedule") {
  const std::string flat = "/v2/schedules/t%2F1/on-calls?scheduleIdentifierType=id&flat=true";
  Desk desk(
      {{kAll, answer(200, R"({"data":[
      {"_parent":{"id":"t/1","name":"Tea"},"onCallParticipants":[
        {"id":"1","name":"ada@example.com","type":"user"},{"id":"team","type":"team","name":"T"},
        {"id":"9","name":"zoe@example.com","type":"user","escalationTime":10}]},
      {"_parent":{"id":"u"},"onCallParticipants":[{"id":"1","name":"ada@example.com","type":"user"}]}]})")},
       {flat, answer(200, R"({"data":{"_parent":{"id":"t/1"},
                  "onCallRecipients":["ada@example.com","bo@example.com","zoe@example.com"]}})")},
       {"/v2/users/bo%40example.com", answer(200, R"({"data":{"id":"2","username":"bo@example.com"}})")}});
  desk.poll({"t/1", "u"}, desk.window());
  CHECK(desk.paths() == Paths{kAll, flat, "/v2/users/bo%40example.com", "/v2/users/zoe%40example.com"});
  REQUIRE(desk.answers.size() == 2);
  CHECK(desk.answers[0].schedule.id == "u");  // it does not wait for the other
  const auto& tea = desk.answers[1];
  CHECK(tea.status == AnswerStatus::ok);
  CHECK(tea.schedule_name == "Tea");
  // Zoe may be in the team as well: nobody is taken out of the flat list.
  REQUIRE(tea.shifts.size() == 3);
  CHECK(tea.shifts[0].responder->id == "1");
  CHECK(tea.shifts[1].responder->id == "2");
  CHECK(tea.shifts[1].responder->email == "bo@example.com");
  CHECK(tea.shifts[2].responder->email == "zoe@example.com");

  // Ids are kept: the next poll asks for none.
  desk.poll({"t/1"}, desk.window());
  CHECK(desk.paths().size() == 6);
}

TEST_CASE("a flat list of Opsgenie that fails leaves its schedule without an answer, not without people") {
  Desk desk(
      {{kAll,
        answer(200,
               R"({"data":[{"_parent":{"id":"t"},"onCallParticipants":[{"type":"team","id":"x"}]}]})")}});
  desk.poll({"t"}, desk.window());
  REQUIRE(desk.answers.size() == 1);
  CHECK(desk.answers[0].status == AnswerStatus::failed);
}

TEST_CASE("a whole Opsgenie answer that is unreadable fails every schedule") {
  for (const auto* body :
       {"<html>", "", R"({"data":{"x":[]}})", R"({"data":null})", "[1", R"({"data":[{"_parent":{}}]})"}) {
    INFO(body);
    Desk desk({{kAll, answer(200, body)}});
    desk.poll({"a", "b"}, desk.window());
    REQUIRE(desk.answers.size() == 2);
    for (const auto& one : desk.answers) {
      CHECK(one.status == AnswerStatus::failed);
      CHECK(one.error->kind == ErrorKind::unreadable);
    }
  }
}

TEST_CASE("a 401 of Opsgenie points at the region") {
  Desk desk({{kAll, answer(401, "<html>no</html>")}});
  desk.poll({"a"}, desk.window());
  REQUIRE(desk.answers.at(0).error);
  CHECK(desk.answers[0].error->kind == ErrorKind::unauthorized);
  CHECK_THAT(desk.answers[0].error->message, ContainsSubstring("US region") && ContainsSubstring("--region"));
}

TEST_CASE("a 403 of Opsgenie for a schedule says that it may be gone") {
  Desk desk({{"/v2/schedules/s/timeline?identifierType=id&intervalUnit=weeks&interval=2",
              answer(403, R"({"message":"You are not authorized","code":40301})")},
             {"/v2/schedules", answer(200, R"({"data":[{"id":"s","name":"Sigma"}]})")}});
  auto confirmed = desk.world.loop.run_until_done(desk.provider->confirm("s", desk.window()));
  CHECK(confirmed.status == AnswerStatus::forbidden);
  CHECK(confirmed.from_schedule);
  CHECK(confirmed.error->code == "40301");
  CHECK_THAT(confirmed.error->message, ContainsSubstring("may be gone"));
}

TEST_CASE("an Opsgenie schedule is gone only if the list of schedules goes without it") {
  Desk desk({});
  const auto confirm = [&] {
    return desk.world.loop.run_until_done(desk.provider->confirm("s", desk.window())).status;
  };
  CHECK(confirm() == AnswerStatus::failed);  // every path is refused
  desk.replies["/v2/schedules"] = answer(404, "<html>");
  CHECK(confirm() == AnswerStatus::failed);
  desk.replies["/v2/schedules"] = answer(200, R"({"data":[{"id":"s","name":"Sigma"}]})");
  CHECK(confirm() == AnswerStatus::failed);
  desk.replies["/v2/schedules"] = answer(200, R"({"data":[{"id":"other","name":"Other"}]})");
  CHECK(confirm() == AnswerStatus::gone);
}

TEST_CASE("Opsgenie's throttling headers make the connection pause") {
  Desk desk({{kAll, answer(200, R"({"data":[]})",
                           {{"X-RateLimit-State", "THROTTLED"}, {"X-RateLimit-Period-In-Sec", "30"}})}});
  desk.poll({"a"}, desk.window());
  CHECK(desk.answers.at(0).status == AnswerStatus::ok);
  REQUIRE(desk.provider->health().throttled_until);
  CHECK(*desk.provider->health().throttled_until == desk.world.loop.now() + 30s);
  desk.poll({"a"}, desk.window());
  CHECK(desk.paths().size() == 1);
  CHECK(desk.answers.at(1).error->kind == ErrorKind::rate_limited);
  desk.world.loop.advance(30s);
  desk.poll({"a"}, desk.window());
  CHECK(desk.paths().size() == 2);

  CHECK(opsgenie::throttle_pause(answer(429, "")) == milliseconds{60s});
  CHECK(opsgenie::throttle_pause(answer(429, "", {{"X-RateLimit-Period-In-Sec", "1"}})) == milliseconds{1s});
  CHECK(opsgenie::throttle_pause(answer(429, "", {{"X-RateLimit-Period-In-Sec", "soon"}})) ==
        milliseconds{60s});
  CHECK_FALSE(opsgenie::throttle_pause(answer(200, "", {{"X-RateLimit-State", "OK"}})));
}

TEST_CASE("an Opsgenie look-ahead asks each schedule and stops asking when nothing answers") {
  const auto timeline = [](const std::string& id) {
    return "/v2/schedules/" + id + "/timeline?identifierType=id&intervalUnit=weeks&interval=3";
  };
  const auto good =
      answer(200, R"({"data":{"_parent":{"id":"a","name":"Alpha"},"startDate":"2026-11-16T00:00:00Z",
    "endDate":"2026-12-07T00:00:00Z","finalTimeline":{"rotations":[{"periods":[
      {"startDate":"2026-11-20T00:00:00Z","endDate":"2026-11-25T00:00:00Z","type":"default",
       "recipient":{"id":"1","name":"ada@example.com","type":"user"}}]}]}}})");
  Desk desk({{timeline("a"), good},
             {timeline("d"), answer(500, "")},
             {timeline("e"), answer(502, "<html>")},
             {timeline("f"), answer(503, "")},
             {timeline("g"), good}});
  const auto window = desk.window(days{8});
  desk.world.loop.run_until_done(
      desk.provider->look_ahead({"a", "b", "c", "d", "e", "f", "g"}, window, desk.sink()));
  REQUIRE(desk.answers.size() == 7);
  const auto& a = desk.answers[0];
  CHECK(a.status == AnswerStatus::ok);
  CHECK_FALSE(a.moment);
  CHECK(a.window == Window{window.from, *parse_rfc3339("2026-12-07T00:00:00Z")});
  REQUIRE(a.shifts.size() == 1);
  CHECK(a.shifts[0].start == *parse_rfc3339("2026-11-20T00:00:00Z"));
  CHECK(a.shifts[0].end == *parse_rfc3339("2026-11-25T00:00:00Z"));
  for (std::size_t i = 1; i < 7; ++i) CHECK(desk.answers[i].status == AnswerStatus::failed);
  CHECK(desk.answers[6].error->kind == ErrorKind::server);
  CHECK(desk.paths().size() == 6);  // "g" waits for the next round
}

TEST_CASE("an Opsgenie schedule whose timeline names an escalation is confirmed by its own on-calls") {
  const std::string timeline = "/v2/schedules/s/timeline?identifierType=id&intervalUnit=weeks&interval=2";
  const std::string own = "/v2/schedules/s/on-calls?scheduleIdentifierType=id&flat=false";
  Desk desk({{timeline,
              answer(200, R"({"data":{"_parent":{"id":"s","name":"Sigma"},"startDate":"2026-11-16T00:00:00Z",
      "endDate":"2026-11-30T00:00:00Z","finalTimeline":{"rotations":[{"periods":[
        {"startDate":"2026-11-20T00:00:00Z","endDate":"2026-11-25T00:00:00Z","type":"default",
         "recipient":{"id":"e","name":"Second line","type":"escalation"}}]}]}}})")},
             {own, answer(200, R"({"data":{"_parent":{"id":"s","name":"Sigma"},"onCallParticipants":[
        {"id":"e","type":"escalation","onCallParticipants":[{"id":"1","name":"ada@example.com","type":"user"}]}]}})")}});
  const auto confirmed = desk.world.loop.run_until_done(desk.provider->confirm("s", desk.window()));
  CHECK(desk.paths() == Paths{timeline, own});
  CHECK(confirmed.status == AnswerStatus::ok);
  CHECK(confirmed.from_schedule);
  CHECK(confirmed.moment);
  CHECK(confirmed.schedule_name == "Sigma");
  REQUIRE(confirmed.shifts.size() == 1);
  CHECK(confirmed.shifts[0].responder->id == "1");

  // Who is next cannot be told: that is no gap.
  desk.world.loop.run_until_done(desk.provider->look_ahead({"s"}, desk.window(), desk.sink()));
  CHECK(desk.answers.at(0).status == AnswerStatus::failed);
  CHECK_THAT(desk.answers[0].error->message, ContainsSubstring("Second line"));
}

TEST_CASE("an Opsgenie connection is checked before anything is sent") {
  fakes::World world([](const net::HttpRequest&) { return answer(200, ""); });
  const auto adapter = opsgenie_adapter();
  const auto prepare = [&](const std::function<void(Connection&)>& change) {
    auto connection = opsgenie_connection();
    change(connection);
    return adapter.prepare(std::move(connection), world.context);
  };
  CHECK(prepare([](Connection&) {})->settings.at("region") == "us");
  CHECK(prepare([](Connection& c) { c.settings["region"] = "eu"; }));
  CHECK(prepare([](Connection& c) {
          c.settings["base_url"] = "http://127.0.0.1:8080/";
        })->settings.at("base_url") == "http://127.0.0.1:8080");
  CHECK_FALSE(prepare([](Connection& c) { c.settings["region"] = "asia"; }));
  CHECK_FALSE(prepare([](Connection& c) { c.settings["base_url"] = "http://example.com"; }));
  CHECK_FALSE(prepare([](Connection& c) { c.settings["host"] = "acme.xmatters.com"; }));
  const auto keyless = prepare([](Connection& c) { c.secrets.clear(); });
  REQUIRE_FALSE(keyless);
  CHECK_THAT(keyless.error().message, ContainsSubstring("--api-key-file"));
  CHECK(world.http.requests.empty());

  auto eu = opsgenie_connection();
  eu.settings["region"] = "eu";
  Desk desk({{"/v2/schedules", answer(200, R"({"data":[{"id":"1","name":"Alpha"}]})")}}, eu);
  const auto verified = desk.world.loop.run_until_done(desk.provider->verify());
  REQUIRE(verified);
  CHECK(*verified == "Opsgenie EU, 1 schedule");
  CHECK(desk.world.http.requests[0].url == "https://api.eu.opsgenie.com/v2/schedules");
}
