#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

/// ada, bo and cy take turns of an hour; ada's began half an hour ago.
struct Account : Room {
  Account() {
    people();
    schedule("P1");
  }
  void schedule(const std::string& id, const std::string& more = "") {
    control(fmt::format(R"({{"do":"schedule","system":"pagerduty","id":"{0}","name":"Schedule {0}",
      "people":["ada","bo","cy"],"shift_seconds":3600,"start":-1800{1}}})",
                        id, more));
  }
  Reply oncalls(const std::string& query) { return pagerduty("/oncalls?" + query); }
  std::string when(milliseconds from_now) const { return net::percent_encode(at(from_now)); }
};

}  // namespace

TEST_CASE("PagerDuty: headers that are required") {
  Account a;
  const auto url = a.sandbox->pagerduty() + "/schedules";
  CHECK(a.get(url, "Token token=pd-sandbox-key").status() == 406);
  CHECK(a.pagerduty("/schedules", "").status() == 401);
  CHECK(a.pagerduty("/schedules", "Token token=wrong").status() == 401);
  CHECK(a.pagerduty("/schedules", "Bearer pd-sandbox-key").status() == 401);
  const auto good = a.pagerduty("/schedules");
  CHECK(good.status() == 200);
  CHECK(good.http->header("ratelimit-limit") == "960");
  CHECK(a.pagerduty("/nothing").status() == 404);
}

TEST_CASE("PagerDuty: /oncalls has one entry for each policy, and none for unattached schedules") {
  Account a;
  a.schedule("P2", R"(,"escalation_policies":3)");
  a.schedule("P3", R"(,"escalation_policies":0)");
  const auto some = a.oncalls("schedule_ids[]=P2&schedule_ids[]=P3&include[]=users");
  REQUIRE(some["oncalls"].size() == 3);
  const auto entry = first(some["oncalls"]);
  CHECK(entry["user"]["email"].string_or("") == "ada@example.com");
  CHECK(entry["schedule"]["id"].string_or("") == "P2");
  const auto end = parse_rfc3339(entry["end"].string_or(""));
  REQUIRE(end);
  CHECK(*end > a.loop.now() + 29min);
  CHECK(*end < a.loop.now() + 31min);
  CHECK_FALSE(first(a.oncalls("schedule_ids[]=P1")["oncalls"])["user"]["email"].exists());
  CHECK(a.oncalls("schedule_ids=P1").status() == 400);
  CHECK(a.oncalls("")["oncalls"].size() == 4);

  a.control(R"({"do":"pagerduty","direct_targets":["cy"]})");
  CHECK(a.oncalls("")["oncalls"].size() == 5);
  CHECK(a.oncalls("schedule_ids[]=P1")["oncalls"].size() == 1);
  CHECK(a.oncalls("schedule_ids[]=P1&schedule_ids[]=null")["oncalls"].size() == 2);

  a.control(R"({"do":"person","key":"ada","pagerduty":{"deleted":true}})");
  const auto gone = a.oncalls("schedule_ids[]=P1&include[]=users");
  CHECK(first(gone["oncalls"])["user"]["deleted_at"].exists());
  CHECK_FALSE(first(gone["oncalls"])["user"]["email"].exists());
  CHECK(a.pagerduty("/users/PUADA").status() == 404);
  CHECK(a.pagerduty("/users/PUBO")["user"]["email"].string_or("") == "bo@example.com");
}

TEST_CASE("PagerDuty: windows and paging") {
  Account a;
  const auto range = [&](milliseconds from, milliseconds to) {
    return a.oncalls("schedule_ids[]=P1&since=" + a.when(from) + "&until=" + a.when(to));
  };
  CHECK(range(0s, 2h)["oncalls"].size() == 3);
  CHECK(range(2s, 0s).status() == 400);
  CHECK(range(0s, days(91)).status() == 400);
  CHECK(a.oncalls("limit=101").status() == 400);
  CHECK(a.oncalls("limit=100&offset=9901").status() == 400);
  CHECK(a.oncalls("limit=100&offset=9900").status() == 200);

  a.control(R"({"do":"bulk","people":10,"schedules":{"pagerduty":230},"boundary_at":600})");
  std::size_t found = 0;
  for (std::size_t offset = 0;; offset += 100) {
    const auto page = a.pagerduty(fmt::format("/schedules?limit=100&offset={}&total=true", offset));
    CHECK(page["total"].integer_or(0) == 231);
    found += page["schedules"].size();
    if (!page["more"].boolean_or(false)) break;
  }
  CHECK(found == 231);
  CHECK(a.pagerduty("/users?limit=2")["users"].size() == 2);
  CHECK(a.pagerduty("/users?query=ada")["users"].size() == 1);
}

TEST_CASE("PagerDuty: a schedule is cut at the window unless it may overflow") {
  Account a;
  const auto span = "since=" + a.when(0s) + "&until=" + a.when(10s);
  const auto entry = [](const Reply& reply) {
    return first(reply["schedule"]["final_schedule"]["rendered_schedule_entries"]);
  };
  const auto cut = a.pagerduty("/schedules/P1?" + span);
  CHECK(*parse_rfc3339(entry(cut)["end"].string_or("")) < a.loop.now() + 11s);
  const auto whole = a.pagerduty("/schedules/P1?overflow=true&" + span);
  CHECK(*parse_rfc3339(entry(whole)["end"].string_or("")) > a.loop.now() + 29min);
  const auto none = a.pagerduty("/schedules/P1?since=" + a.when(0s) + "&until=" + a.when(0s));
  CHECK(none.status() == 200);
  CHECK_FALSE(entry(none).exists());
  CHECK(a.pagerduty("/schedules/P1?since=" + a.when(5s) + "&until=" + a.when(0s)).status() == 400);
  CHECK(a.pagerduty("/schedules/P1/users?" + span)["users"].size() == 1);
}

TEST_CASE("PagerDuty: two kinds of schedule") {
  Account a;
  a.control(R"({"do":"schedule","system":"pagerduty","id":"V1","name":"Shifts","kind":"v3",
    "people":[["ada","bo"],["cy"]],"shift_seconds":3600,"start":-1800})");
  CHECK(a.pagerduty("/schedules")["schedules"].size() == 1);
  CHECK(a.pagerduty("/v3/schedules")["schedules"].size() == 1);
  CHECK(a.pagerduty("/schedules/V1").status() == 400);
  CHECK(a.pagerduty("/v3/schedules/P1").status() == 400);
  CHECK(a.pagerduty("/schedules/NONE").status() == 404);
  CHECK(a.pagerduty("/v3/schedules/NONE").status() == 404);
  // Of the refusals only 400 has a form of its own on v3 paths.
  CHECK(a.pagerduty("/v3/schedules/NONE").http->body == a.pagerduty("/schedules/NONE").http->body);
  CHECK(a.pagerduty("/v3/schedules?limit=0")["error"]["errors"].is_object());
  CHECK(a.pagerduty("/schedules?limit=0")["error"]["errors"].is_array());
  const auto span = "since=" + a.when(0s) + "&until=" + a.when(1s);
  const auto list = [](const Reply& r) {
    return r["schedule"]["final_schedule"]["computed_shift_assignments"];
  };
  CHECK(list(a.pagerduty("/v3/schedules/V1?include[]=final_schedule&" + span)).size() == 2);
  CHECK_FALSE(list(a.pagerduty("/v3/schedules/V1?" + span)).exists());
  CHECK(a.oncalls("schedule_ids[]=V1")["oncalls"].size() == 2);
  a.control(R"({"do":"pagerduty","v3_in_oncalls":false})");
  CHECK(a.oncalls("schedule_ids[]=V1")["oncalls"].size() == 0);

  a.control(R"({"do":"schedule","system":"pagerduty","id":"P1","kind":"v3"})");
  CHECK(a.pagerduty("/schedules/P1").status() == 400);
  CHECK(a.pagerduty("/v3/schedules/P1").status() == 200);
  a.control(R"({"do":"schedule","system":"pagerduty","id":"P1","forbidden":true})");
  CHECK(a.pagerduty("/v3/schedules/P1").status() == 403);
  a.control(R"({"do":"delete","system":"pagerduty","id":"P1"})");
  CHECK(a.pagerduty("/v3/schedules/P1").status() == 404);

  a.control(R"({"do":"schedule","system":"pagerduty","id":"V2","kind":"v3",
    "shifts":[{"start":-10,"end":null,"person":"ada"},{"start":-10,"end":10,"empty_member":true}]})");
  const auto both = a.pagerduty("/v3/schedules/V2?overflow=true&include[]=final_schedule&" + span);
  REQUIRE(list(both).size() == 2);
  CHECK(first(list(both))["end_time"].is_null());
  CHECK(both.http->body.find("empty_member") != std::string::npos);
}

TEST_CASE("PagerDuty: an override of one member of a shift") {
  Account a;
  a.control(R"({"do":"schedule","system":"pagerduty","id":"V1","name":"Shifts","kind":"v3",
    "people":[["ada","bo"]],"shift_seconds":3600,"start":-1800})");
  a.control(
      R"({"do":"override","system":"pagerduty","schedule":"V1","of":"ada","person":"cy","seconds":60})");
  CHECK(a.on_call("V1") == "bo,cy");
  a.control(R"({"do":"nobody","system":"pagerduty","schedule":"V1","of":"bo","seconds":60})");
  CHECK(a.on_call("V1") == "cy");
  const auto reply =
      a.pagerduty("/v3/schedules/V1?include[]=final_schedule&since=" + a.when(1s) + "&until=" + a.when(2s));
  CHECK(reply.http->body.find("empty_member") != std::string::npos);
  CHECK(reply.http->body.find("schedule_rotation_override") != std::string::npos);
}

TEST_CASE("PagerDuty: an app's token has its scopes and its end") {
  Account a;
  const auto ask = [&](const char* secret, const char* scope) {
    return a.token({{"grant_type", "client_credentials"},
                    {"client_id", "pd-sandbox-client"},
                    {"client_secret", secret},
                    {"scope", scope}});
  };
  const char* secret = "pd-sandbox-client-secret";
  CHECK(ask("wrong", "as_account-us.acme schedules.read").status() == 401);
  CHECK(ask(secret, "schedules.read").status() == 400);
  CHECK(ask(secret, "as_account-us.acme schedules.eat").status() == 400);
  const auto given = ask(secret, "as_account-us.acme schedules.read");
  REQUIRE(given.status() == 200);
  CHECK_FALSE(given["refresh_token"].exists());
  const auto bearer = "Bearer " + given["access_token"].string_or("");
  CHECK(a.pagerduty("/schedules", bearer).status() == 200);
  const auto refused = a.pagerduty("/oncalls", bearer);
  CHECK(refused.status() == 403);
  CHECK(Room::joined(refused["error"]["required_scopes"]) == "oncalls.read");
  CHECK(a.pagerduty("/schedules/P1/users", bearer).status() == 403);
  a.control(R"({"do":"pagerduty","expire_tokens":true})");
  CHECK(a.pagerduty("/schedules", bearer).status() == 401);
}

TEST_CASE("PagerDuty: a refresh token works once") {
  Account a;
  const auto refresh = [&](const std::string& token) {
    return a.token({{"grant_type", "refresh_token"},
                    {"client_id", "pd-sandbox-client"},
                    {"client_secret", "pd-sandbox-client-secret"},
                    {"refresh_token", token}});
  };
  const auto next = refresh("pdus+_1XSANDBOX");
  REQUIRE(next.status() == 200);
  CHECK(a.pagerduty("/oncalls", "Bearer " + next["access_token"].string_or("")).status() == 200);
  CHECK(refresh("pdus+_1XSANDBOX")["error"].string_or("") == "invalid_grant");
  CHECK(refresh(next["refresh_token"].string_or("")).status() == 200);
}

TEST_CASE("PagerDuty: 960 calls a minute") {
  Account a;
  a.control(R"({"do":"rate","scale":1})");
  for (int i = 0; i < 960; ++i) REQUIRE(a.pagerduty("/users/PUADA").status() == 200);
  const auto refused = a.pagerduty("/users/PUADA");
  CHECK(refused.status() == 429);
  CHECK(refused.http->header("ratelimit-remaining") == "0");
  CHECK(std::stoi(std::string(*refused.http->header("ratelimit-reset"))) > 0);
}

}  // namespace watchbill::test
