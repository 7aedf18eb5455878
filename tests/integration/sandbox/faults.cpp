#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

struct All : Room {
  All() {
    people();
    control(R"({"do":"channel","name":"payments"})");
    control(R"({"do":"group","handle":"oncall","people":["bo"]})");
    for (const auto* system : {"pagerduty", "opsgenie", "xmatters"}) {
      control(fmt::format(R"({{"do":"schedule","system":"{0}","id":"{1}1","name":"One",
        "people":["ada","bo"],"shift_seconds":3600,"start":-1800}})",
                          system, system[0]));
    }
  }
  /// One harmless call to the system.
  Reply ask(const std::string& system) {
    if (system == "slack") return slack("users.info", {{"user", "U0ADA"}});
    if (system == "pagerduty") return pagerduty("/users/PUADA");
    if (system == "opsgenie") return opsgenie("/v2/users/ada@example.com");
    if (system == "xmatters") return xmatters("/people/ada");
    return token({{"grant_type", "client_credentials"},
                  {"client_id", "pd-sandbox-client"},
                  {"client_secret", "pd-sandbox-client-secret"},
                  {"scope", "as_account-us.acme users.read"}});
  }
  void fault(const std::string& fields) { control(R"({"do":"fault",)" + fields + "}"); }
  Reply update(const char* users) {
    return slack("usergroups.users.update", {{"usergroup", "S0ONCALL"}, {"users", users}});
  }
};

const std::vector<std::string> kAll{"slack", "pagerduty", "identity", "opsgenie", "xmatters"};

}  // namespace

TEST_CASE("each fault strikes each system, and is over after its times") {
  All a;
  for (const auto& system : kAll) {
    INFO(system);
    REQUIRE(a.ask(system).status() == 200);
    for (const auto* kind : {"429", "500", "502", "503", "504", "401_html"}) {
      a.fault(fmt::format(R"("system":"{}","kind":"{}","times":1)", system, kind));
      CHECK(a.ask(system).status() == std::stoi(kind));
      CHECK(a.ask(system).status() == 200);
    }
    for (const auto* kind : {"401", "403", "404"}) {
      a.fault(fmt::format(R"("system":"{}","kind":"{}","times":1)", system, kind));
      const auto refused = a.ask(system);
      // Slack has no status but 200 for an error.
      CHECK(refused.status() == (system == "slack" ? 200 : std::stoi(kind)));
      CHECK((system != "slack" || refused.slack() != "ok"));
    }
    a.fault(fmt::format(R"("system":"{}","kind":"html","times":1)", system));
    CHECK(a.ask(system).http->body.rfind("<!DOCTYPE", 0) == 0);
    a.fault(fmt::format(R"("system":"{}","kind":"empty","times":1)", system));
    CHECK(a.ask(system).http->body.empty());
    a.fault(fmt::format(R"("system":"{}","kind":"truncated","times":1)", system));
    const auto cut = a.ask(system);
    CHECK(cut.status() == 200);
    CHECK_FALSE(json::parse(cut.http->body));
    a.fault(fmt::format(R"("system":"{}","kind":"huge","times":1,"mb":20)", system));
    const auto huge = a.ask(system);
    REQUIRE_FALSE(huge.http);
    CHECK(huge.http.error().kind == ErrorKind::unreadable);
    a.fault(fmt::format(R"("system":"{}","kind":"reset","times":1)", system));
    CHECK_FALSE(a.ask(system).http);
    CHECK(a.ask(system).status() == 200);
  }
}

TEST_CASE("wrong types change every leaf") {
  All a;
  a.fault(R"("system":"slack","kind":"wrong_types","times":1)");
  const auto reply = a.ask("slack");
  CHECK(reply["ok"].boolean_or(false));
  CHECK(reply["user"]["id"].is_number());
  CHECK(reply["user"]["deleted"].is_string());
  CHECK(reply["user"]["tz_offset"].is_array());
}

TEST_CASE("a system that hangs answers nobody, and only that system") {
  All a;
  a.fault(R"("system":"pagerduty","kind":"hang","times":1)");
  net::HttpRequest request;
  request.url = a.sandbox->pagerduty() + "/users/PUADA";
  request.deadline = 200ms;
  const auto hung = a.send(request);
  REQUIRE_FALSE(hung.http);
  CHECK(hung.http.error().kind == ErrorKind::timeout);
  CHECK(a.ask("opsgenie").status() == 200);
  CHECK(a.ask("pagerduty").status() == 200);
  a.fault(R"("system":"pagerduty","kind":"slow","slow_ms":150,"times":1)");
  const auto before = a.loop.steady_now();
  CHECK(a.ask("pagerduty").status() == 200);
  CHECK(a.loop.steady_now() - before >= 150ms);
}

TEST_CASE("with `after` the request takes effect and only its answer is lost") {
  All a;
  const auto messages = [&] {
    return a.control(R"({"do":"messages","channel":"payments"})")["messages"].size();
  };
  const net::Fields post{{"channel", "C0PAYMENTS"}, {"text", "x"}};
  std::size_t posted = 0;
  for (const auto* kind : {"reset", "500", "html", "empty", "429"}) {
    INFO(kind);
    a.fault(fmt::format(R"("system":"slack","kind":"{}","match":"chat.postMessage","times":1)", kind));
    CHECK(a.slack("chat.postMessage", post).slack() != "ok");
    CHECK(messages() == posted);
    a.fault(fmt::format(R"("system":"slack","kind":"{}","match":"chat.postMessage","times":1,"after":true)",
                        kind));
    CHECK(a.slack("chat.postMessage", post).slack() != "ok");
    CHECK(messages() == ++posted);
  }
}

TEST_CASE("a fault may be for one method, one group, one time") {
  All a;
  a.control(R"({"do":"group","handle":"other","people":["cy"]})");
  a.fault(
      R"("system":"slack","kind":"error","code":"permission_denied","match":"usergroups.users.update","group":"S0OTHER")");
  CHECK(a.update("U0ADA").slack() == "ok");
  const auto other = [&] {
    return a.slack("usergroups.users.update", {{"usergroup", "S0OTHER"}, {"users", "U0ADA"}}).slack();
  };
  CHECK(other() == "permission_denied");
  CHECK(a.members("S0OTHER") == "U0CY");
  a.control(R"({"do":"clear_faults","system":"pagerduty"})");
  CHECK(other() == "permission_denied");
  CHECK(a.control(R"({"do":"faults"})")["faults"].size() == 1);
  a.control(R"({"do":"clear_faults"})");
  CHECK(other() == "ok");

  a.fault(R"("system":"pagerduty","kind":"503","match":"GET /oncalls","seconds":0.2)");
  CHECK(a.ask("pagerduty").status() == 200);
  CHECK(a.pagerduty("/oncalls").status() == 503);
  a.wait(210ms);
  CHECK(a.pagerduty("/oncalls").status() == 200);

  a.fault(R"("kind":"503","times":2)");
  CHECK(a.ask("slack").status() == 503);
  CHECK(a.ask("xmatters").status() == 503);
  CHECK(a.ask("opsgenie").status() == 200);
}

TEST_CASE("a 429 says how long, unless it is bare") {
  All a;
  const auto header = [&](const std::string& system, const char* name) {
    a.fault(fmt::format(R"("system":"{}","kind":"429","times":1,"retry_after":7)", system));
    return std::string(a.ask(system).http->header(name).value_or("none"));
  };
  CHECK(header("slack", "Retry-After") == "7");
  CHECK(header("pagerduty", "ratelimit-reset") == "7");
  CHECK(header("opsgenie", "X-RateLimit-Period-In-Sec") == "7");
  CHECK(header("opsgenie", "X-RateLimit-State") == "THROTTLED");
  CHECK(header("xmatters", "Retry-After") == "7");
  a.fault(R"("system":"pagerduty","kind":"429","times":1,"bare":true)");
  const auto bare = a.ask("pagerduty");
  CHECK(bare.status() == 429);
  CHECK(bare.http->body.empty());
  CHECK_FALSE(bare.http->header("ratelimit-reset"));
}

TEST_CASE("a lagging system has not noticed the last boundary nor the last override") {
  All a;
  a.control(fmt::format(R"({{"do":"schedule","system":"opsgenie","id":"lagging","people":["ada","bo"],
    "shift_seconds":3600,"start":"{}"}})",
                        a.at(-3600s + 150ms)));
  const auto who = [&](const char* id) {
    const auto reply = a.opsgenie(fmt::format("/v2/schedules/{}/on-calls?flat=true", id));
    return Room::joined(reply["data"]["onCallRecipients"]);
  };
  CHECK(who("lagging") == "ada@example.com");
  a.control(R"({"do":"lag","system":"opsgenie","ms":400})");
  a.wait(200ms);
  CHECK(who("lagging") == "ada@example.com");
  CHECK(a.on_call("lagging") == "bo");  // the truth
  a.control(R"({"do":"override","system":"opsgenie","schedule":"o1","person":"cy"})");
  CHECK(who("o1") == "ada@example.com");
  a.wait(450ms);
  CHECK(who("lagging") == "bo@example.com");
  CHECK(who("o1") == "cy@example.com");
}

TEST_CASE("the log has every request with its outcome") {
  All a;
  const auto start = a.control(R"({"do":"log"})")["last"].integer_or(-1);
  a.fault(R"("system":"slack","kind":"reset","match":"auth.test","times":1)");
  a.slack("auth.test");
  a.slack("usergroups.users.update", {{"usergroup", "S0NONE"}, {"users", "U0ADA"}});
  a.pagerduty("/oncalls?limit=1");
  const auto log = a.control(fmt::format(R"({{"do":"log","since":{}}})", start));
  const auto entries = log["entries"];
  REQUIRE(entries.size() == 3);
  std::vector<json::View> rows;
  for (const auto entry : entries.items()) rows.push_back(entry);
  CHECK(rows[0]["fault"].string_or("") == "reset");
  CHECK(rows[0]["status"].integer_or(-1) == 0);
  CHECK(rows[1]["path"].string_or("") == "usergroups.users.update");
  CHECK(rows[1]["error"].string_or("") == "no_such_subteam");
  CHECK(rows[2]["path"].string_or("") == "/oncalls?limit=1");
  CHECK(a.control(R"({"do":"log","system":"pagerduty"})")["counters"].size() == 1);
}

TEST_CASE("the servers' clocks can be wrong") {
  All a;
  a.control(R"({"do":"skew","system":"xmatters","seconds":120})");
  const auto skew = a.ask("xmatters").http->clock_skew;
  REQUIRE(skew);
  CHECK(*skew >= 118s);
  CHECK(*skew <= 121s);
}

}  // namespace watchbill::test
