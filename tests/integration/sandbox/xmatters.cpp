#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

struct Tenant : Room {
  Tenant() {
    people();
    group("g1", R"([["ada","bo","cy"],["bo"]])", R"(,"delays":[0,15])");
  }
  void group(const std::string& id, const std::string& turns, const std::string& more = "") {
    control(fmt::format(R"({{"do":"schedule","system":"xmatters","id":"{0}","name":"Group {0}",
      "people":{1},"shift_seconds":3600,"start":-1800{2}}})",
                        id, turns, more));
  }
  std::string when(milliseconds from_now) const { return net::percent_encode(at(from_now)); }
  Reply range(milliseconds from, milliseconds to) {
    return xmatters("/on-call?groups=g1&from=" + when(from) + "&to=" + when(to));
  }
};

}  // namespace

TEST_CASE("xMatters: credentials and groups") {
  Tenant t;
  CHECK(t.get(t.sandbox->xmatters() + "/api/xm/1/groups", "Basic d3Jvbmc6d3Jvbmc=").status() == 401);
  CHECK(t.get(t.sandbox->xmatters() + "/api/xm/1/groups", "").status() == 401);
  t.control(R"({"do":"bulk","people":5,"schedules":{"xmatters":150}})");
  const auto page = t.xmatters("/groups?groupType=ON_CALL&limit=100");
  CHECK(page["count"].integer_or(0) == 100);
  CHECK(page["total"].integer_or(0) == 151);
  const auto next = page["links"]["next"].string_or("");
  REQUIRE(next.rfind("/api/xm/1/groups?", 0) == 0);
  const auto rest = t.xmatters(next.substr(std::string("/api/xm/1").size()));
  CHECK(rest["count"].integer_or(0) == 51);
  CHECK_FALSE(rest["links"]["next"].exists());
  CHECK(t.xmatters("/groups/none").status() == 404);
  t.control(R"({"do":"schedule","system":"xmatters","id":"g1","forbidden":true})");
  CHECK(t.xmatters("/groups/g1").status() == 403);
  CHECK(t.xmatters("/on-call?groups=g1")["data"].size() == 0);
}

TEST_CASE("xMatters: on-call shows shifts, rosters and delays") {
  Tenant t;
  CHECK(t.xmatters("/on-call").status() == 400);
  const auto now = t.xmatters("/on-call?groups=g1&membersPerShift=100&embed=shift");
  const auto item = first(now["data"]);
  CHECK(item["members"]["total"].integer_or(0) == 3);
  CHECK(*parse_rfc3339(item["end"].string_or("")) > t.loop.now() + 29min);
  CHECK(item["shift"]["name"].exists());
  CHECK(first(item["members"]["data"])["member"]["targetName"].string_or("") == "ada");
  CHECK(t.on_call("g1") == "ada");
  CHECK(t.xmatters("/on-call?groups=g1&membersPerShift=101").status() == 400);

  t.group("g2", R"([["ada"]])", R"(,"delays":[1])");
  t.control(R"({"do":"schedule","system":"xmatters","id":"g3","name":"Two shifts","parts":[
    {"name":"Day","people":["ada"],"shift_seconds":3600},{"name":"Night","people":["bo"],"shift_seconds":3600}]})");
  CHECK(t.xmatters("/on-call?groups=g1,g2,g3")["data"].size() == 4);
  CHECK(t.on_call("g3") == "ada,bo");
  CHECK(t.xmatters("/on-call?groups=g1,none").status() == 200);
  t.control(R"({"do":"xmatters","unknown_group_is_404":true})");
  CHECK(t.xmatters("/on-call?groups=g1,none").status() == 404);
}

TEST_CASE("xMatters: more members than asked for are behind a link") {
  Tenant t;
  const auto reply = t.xmatters("/on-call?groups=g1&membersPerShift=2");
  const auto shown = first(reply["data"])["members"];
  CHECK(shown["count"].integer_or(0) == 2);
  const auto next = shown["links"]["next"].string_or("");
  REQUIRE_FALSE(next.empty());
  const auto rest = t.xmatters(next.substr(std::string("/api/xm/1").size()));
  CHECK(rest["count"].integer_or(0) == 1);
  CHECK(first(rest["data"])["member"]["targetName"].string_or("") == "cy");
  CHECK_FALSE(rest["links"]["next"].exists());
}

TEST_CASE("xMatters: no range spans past and future, and the last day is not known") {
  Tenant t;
  CHECK(t.range(1s, 2h)["data"].size() == 3);
  CHECK(t.range(-1s, 2h).status() == 400);
  CHECK(t.range(2h, 1h).status() == 400);
  CHECK(t.range(-2h, -1h)["data"].size() == 0);
  CHECK(t.range(-50h, -49h)["data"].size() == 2);
  CHECK(t.xmatters("/on-call?groups=g1&from=" + t.when(1s)).status() == 400);
  CHECK(t.xmatters("/on-call?groups=g1&at=" + t.when(1s)).status() == 403);
}

TEST_CASE("xMatters: overrides are absences, addresses are devices") {
  Tenant t;
  t.control(R"({"do":"override","system":"xmatters","schedule":"g1","person":"cy","seconds":60})");
  CHECK(t.on_call("g1") == "cy");
  const auto away = t.xmatters("/on-call?groups=g1");
  const auto absence = first(first(first(away["data"])["members"]["data"])["absences"]["data"]);
  CHECK(absence["absenceType"].string_or("") == "REPLACEMENT");
  CHECK(absence["replacement"]["targetName"].string_or("") == "cy");
  t.control(R"({"do":"xmatters","absences_as_replacements":true})");
  t.control(R"({"do":"nobody","system":"xmatters","schedule":"g1","seconds":30})");
  const auto vacant = t.xmatters("/on-call?groups=g1");
  const auto older = first(first(first(vacant["data"])["members"]["data"])["replacements"]["data"]);
  CHECK(older.exists());
  CHECK_FALSE(older["replacement"].exists());
  CHECK(t.on_call("g1").empty());

  CHECK(t.xmatters("/people/ada/devices").http->body.find("ada@example.com") != std::string::npos);
  t.control(R"({"do":"person","key":"ada","xmatters":{"email":null}})");
  CHECK(t.xmatters("/people/ada/devices").http->body.find("@") == std::string::npos);
  t.control(R"({"do":"person","key":"ada","xmatters":{"devices_forbidden":true}})");
  CHECK(t.xmatters("/people/ada/devices").status() == 403);
  CHECK(t.xmatters("/people?embed=devices&search=bo@")["data"].size() == 1);
}

TEST_CASE("xMatters: one member's absence leaves the others where they are") {
  Tenant t;
  t.group("g1", R"([["ada","bo","cy"]])", R"(,"delays":[0,15,5])");
  t.control(R"({"do":"nobody","system":"xmatters","schedule":"g1","of":"ada","seconds":600})");
  // The delay before the one who is away counts, the next member's does not.
  CHECK(t.on_call("g1") == "bo");
  const auto reply = t.xmatters("/on-call?groups=g1");
  std::vector<std::size_t> absences;
  const auto members = first(reply["data"])["members"]["data"];
  for (const auto member : members.items()) absences.push_back(member["absences"]["data"].size());
  CHECK(absences == std::vector<std::size_t>{1, 0, 0});
  t.control(R"({"do":"override","system":"xmatters","schedule":"g1","of":"ada","person":"cy","seconds":60})");
  CHECK(t.on_call("g1") == "cy");
  CHECK(t.xmatters("/on-call?groups=g1")["data"].size() == 1);  // occurrences are not cut
}

TEST_CASE("xMatters: devices and nested groups as members, also in circles") {
  Tenant t;
  t.group("g2", R"([["device:bo","group:g1"]])");
  t.group("g1", R"([["group:g2","cy"]])");
  const auto reply = t.xmatters("/on-call?groups=g2&embed=members.owner");
  const auto members = first(reply["data"])["members"]["data"];
  REQUIRE(members.size() == 2);
  CHECK(first(members)["member"]["emailAddress"].string_or("") == "bo@example.com");
  CHECK(first(members)["member"]["owner"]["targetName"].string_or("") == "bo");
  CHECK_FALSE(
      first(first(t.xmatters("/on-call?groups=g2")["data"])["members"]["data"])["member"]["owner"].exists());
  CHECK(t.on_call("g2") == "bo,cy");

  t.control(R"({"do":"person","key":"bo","xmatters":{"deleted":true}})");
  CHECK(t.on_call("g2") == "cy");
}

}  // namespace watchbill::test
