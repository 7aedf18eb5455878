#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

struct Account : Room {
  Account() {
    people();
    schedule("s1", R"(["ada","bo"])");
  }
  void schedule(const std::string& id, const std::string& turns, const std::string& more = "") {
    control(fmt::format(R"({{"do":"schedule","system":"opsgenie","id":"{0}","name":"Schedule {0}",
      "people":{1},"shift_seconds":3600,"start":-1800{2}}})",
                        id, turns, more));
  }
  std::string flat(const std::string& id, const std::string& more = "") {
    return joined(opsgenie("/v2/schedules/" + id + "/on-calls?flat=true" + more)["data"]["onCallRecipients"]);
  }
};

}  // namespace

TEST_CASE("Opsgenie: keys, and what they may see") {
  Account a;
  CHECK(a.opsgenie("/v2/schedules", "").status() == 401);
  CHECK(a.opsgenie("/v2/schedules", "GenieKey wrong").status() == 401);
  CHECK(a.opsgenie("/v2/schedules")["data"].size() == 1);
  CHECK(a.opsgenie("/v2/schedules/none").status() == 404);
  a.schedule("s2", R"(["cy"])", R"(,"forbidden":true)");
  CHECK(a.opsgenie("/v2/schedules")["data"].size() == 1);
  CHECK(a.opsgenie("/v2/schedules/on-calls")["data"].size() == 1);
  const auto refused = a.opsgenie("/v2/schedules/s2");
  CHECK(refused.status() == 403);
  CHECK(refused["code"].integer_or(0) == 40301);
  // To a team's key what is not there looks like what it may not see.
  a.control(R"({"do":"opsgenie","team_key":true})");
  CHECK(a.opsgenie("/v2/schedules/none")["code"].integer_or(0) == 40301);
}

TEST_CASE("Opsgenie: two names for the same parameter") {
  Account a;
  CHECK(a.opsgenie("/v2/schedules/Schedule%20s1?identifierType=name").status() == 200);
  CHECK(a.opsgenie("/v2/schedules/Schedule%20s1?scheduleIdentifierType=name").status() == 400);
  CHECK(a.opsgenie("/v2/schedules/Schedule%20s1/on-calls?scheduleIdentifierType=name").status() == 200);
  CHECK(a.opsgenie("/v2/schedules/Schedule%20s1/on-calls?identifierType=name").status() == 400);
  CHECK(a.opsgenie("/v2/schedules/Schedule%20s1/timeline?identifierType=name").status() == 200);
  CHECK(a.opsgenie("/v2/schedules/Schedule%20s1").status() == 404);
}

TEST_CASE("Opsgenie: on-calls, flat and nested") {
  Account a;
  CHECK(a.flat("s1") == "ada@example.com");
  CHECK(a.flat("s1", "&date=" + net::percent_encode(a.at(1h))) == "bo@example.com");
  CHECK(a.opsgenie("/v2/schedules/s1/on-calls?date=tomorrow").status() == 422);

  a.control(R"({"do":"team","id":"t1","people":["bo","cy"]})");
  a.control(R"({"do":"escalation","id":"e1","steps":[{"who":"ada"},{"who":"team:t1","delay":10}]})");
  a.schedule("s2", R"([["escalation:e1","schedule:s1"]])");
  const auto reply = a.opsgenie("/v2/schedules/s2/on-calls");
  const auto tree = reply["data"]["onCallParticipants"];
  REQUIRE(tree.size() == 2);
  CHECK(first(tree)["type"].string_or("") == "escalation");
  CHECK(first(first(tree)["onCallParticipants"])["escalationTime"].integer_or(-1) == 0);
  CHECK(a.flat("s2") == "ada@example.com,bo@example.com,cy@example.com");
  CHECK(a.on_call("s2") == "ada");  // reached first
  a.control(R"({"do":"forward","from":"ada","to":"cy","seconds":600})");
  CHECK(a.flat("s1") == "cy@example.com");
  const auto forwarded = a.opsgenie("/v2/schedules/s1/on-calls");
  CHECK(first(forwarded["data"]["onCallParticipants"])["forwardedFrom"]["name"].string_or("") ==
        "ada@example.com");
  CHECK(a.on_call("s1") == "cy");
  a.control(R"({"do":"schedule","system":"opsgenie","id":"s1","enabled":false})");
  CHECK(a.flat("s1").empty());
}

TEST_CASE("Opsgenie: the timeline begins with the unit and is split at the present") {
  Account a;
  a.control(
      R"({"do":"override","system":"opsgenie","schedule":"s1","person":"cy","start":600,"seconds":60})");
  const auto reply = a.opsgenie("/v2/schedules/s1/timeline?interval=2&intervalUnit=days");
  const auto start = *parse_rfc3339(reply["data"]["startDate"].string_or(""));
  CHECK(start == std::chrono::floor<days>(a.loop.now()));
  CHECK(*parse_rfc3339(reply["data"]["endDate"].string_or("")) == start + days(2));
  const auto periods = first(reply["data"]["finalTimeline"]["rotations"])["periods"];
  std::string last_historical;
  std::string first_default;
  std::string overriding;
  for (const auto period : periods.items()) {
    const auto type = period["type"].string_or("");
    if (type == "historical") last_historical = period["endDate"].string_or("");
    if (type == "default" && first_default.empty()) first_default = period["startDate"].string_or("");
    if (type == "override") overriding = period["recipient"]["name"].string_or("");
  }
  CHECK(last_historical == first_default);
  CHECK(overriding == "cy@example.com");
  const auto week = a.opsgenie("/v2/schedules/s1/timeline");
  CHECK(std::chrono::weekday(std::chrono::floor<days>(
            *parse_rfc3339(week["data"]["startDate"].string_or("")))) == std::chrono::Monday);
  CHECK(a.opsgenie("/v2/schedules/s1/timeline?intervalUnit=years").status() == 422);
}

TEST_CASE("Opsgenie: users by page") {
  Account a;
  a.control(R"({"do":"bulk","people":120})");
  const auto page = a.opsgenie("/v2/users?limit=100");
  CHECK(page["data"].size() == 100);
  CHECK(page["totalCount"].integer_or(0) == 123);
  CHECK(page["paging"]["next"].exists());
  CHECK_FALSE(a.opsgenie("/v2/users?limit=100&offset=100")["paging"]["next"].exists());
  CHECK(a.opsgenie("/v2/users?limit=101").status() == 422);
  CHECK(a.opsgenie("/v2/users/ada@example.com")["data"]["fullName"].string_or("") == "ada Example");
}

}  // namespace watchbill::test
