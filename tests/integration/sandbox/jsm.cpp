#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

const std::string kOps = "/jsm/ops/api/11111111-2222-4333-8444-555555555555/v1";
const std::string kJira = "/ex/jira/11111111-2222-4333-8444-555555555555/rest/api/3";

struct Site : Room {
  Site() {
    people();
    control(R"({"do":"person","key":"ada","jsm":{"id":"712020:ada"}})");
    control(R"({"do":"person","key":"bo","jsm":{"id":"712020:bo"}})");
    schedule("s1", R"(["ada","bo"])");
  }
  void schedule(const std::string& id, const std::string& turns, const std::string& more = "") {
    control(fmt::format(R"({{"do":"schedule","system":"jsm","id":"{0}","name":"Schedule {0}",
      "people":{1},"shift_seconds":3600,"start":-1800{2}}})",
                        id, turns, more));
  }
  std::string flat(const std::string& id, const std::string& more = "") {
    return joined(jsm(kOps + "/schedules/" + id + "/on-calls?flat=true" + more)["onCallUsers"]);
  }
  /// "type who" of each period of the first rotation, joined.
  std::string periods(const std::string& id, const std::string& more = "") {
    const auto reply = jsm(kOps + "/schedules/" + id + "/timeline?interval=2&intervalUnit=days" + more);
    std::string text;
    for (const auto period : first(reply["finalTimeline"]["rotations"])["periods"].items()) {
      const auto responder = period["responder"];
      text += fmt::format("{}{} {}", text.empty() ? "" : ",", period["type"].string_or("?"),
                          responder["id"].string_or(responder["type"].string_or("?")));
    }
    return text;
  }
};

}  // namespace

TEST_CASE("JSM: credentials, the cloud ID, and what an account may see") {
  Site site;
  CHECK(site.jsm("/_edge/tenant_info", "")["cloudId"].string_or("") ==
        "11111111-2222-4333-8444-555555555555");
  for (const auto* wrong : {"", "Basic wrong", "GenieKey ATATT3xSandbox", "Bearer ATATT3xSandbox"}) {
    const auto refused = site.jsm(kOps + "/schedules", wrong);
    CHECK(refused.status() == 401);
    CHECK(refused["code"].integer_or(0) == 401);
  }
  CHECK(site.jsm("/jsm/ops/api/another-cloud/v1/schedules").status() == 404);
  CHECK(site.jsm(kOps + "/schedules")["values"].size() == 1);
  CHECK(site.jsm(kOps + "/schedules/none").status() == 404);
  site.schedule("s2", R"(["cy"])", R"(,"forbidden":true)");
  CHECK(site.jsm(kOps + "/schedules")["values"].size() == 1);
  const auto refused = site.jsm(kOps + "/schedules/s2/timeline");
  CHECK(refused.status() == 403);
  CHECK(first(refused["errors"])["code"].string_or("") == "403");
  site.control(R"({"do":"jsm","hidden_is_404":true})");
  CHECK(site.jsm(kOps + "/schedules/s2/timeline").status() == 404);
}

TEST_CASE("JSM: schedules come by pages of at most 50, without a total") {
  Site site;
  site.control(R"({"do":"bulk","people":3,"schedules":{"jsm":60},"boundary_at":600})");
  const auto page = site.jsm(kOps + "/schedules?size=50&offset=0");
  CHECK(page["values"].size() == 50);
  CHECK_FALSE(page["total"].exists());
  CHECK(page["links"]["next"].string_or("") == "/v1/schedules?offset=50&size=50");
  CHECK_FALSE(site.jsm(kOps + "/schedules?size=50&offset=50")["links"]["next"].exists());
  CHECK(site.jsm(kOps + "/schedules")["values"].size() == 25);
  for (const auto* wrong : {"size=51", "size=0", "size=x", "offset=-1", "expand=everything"})
    CHECK(site.jsm(kOps + "/schedules?" + wrong).status() == 400);
  CHECK(site.jsm(kOps + "/schedules?query=schedule%20S*")["values"].size() == 1);
  CHECK(site.jsm(kOps + "/schedules?query=schedule%20S")["values"].size() == 0);
  site.control(R"({"do":"jsm","absolute_links":true})");
  CHECK(site.jsm(kOps + "/schedules")["links"]["next"].string_or("") ==
        site.sandbox->jsm() + kOps + "/schedules?offset=25&size=25");
}

TEST_CASE("JSM: on-calls name account IDs and nothing else") {
  Site site;
  CHECK(site.flat("s1") == "712020:ada");
  CHECK(site.flat("s1", "&date=" + net::percent_encode(site.at(1h))) == "712020:bo");
  CHECK(site.jsm(kOps + "/schedules/s1/on-calls?date=tomorrow").status() == 400);
  CHECK(site.jsm(kOps + "/schedules/s1/on-calls?flat=maybe").status() == 400);
  site.control(R"({"do":"team","id":"t1","people":["bo"]})");
  site.control(R"({"do":"escalation","id":"e1","steps":[{"who":"ada"},{"who":"team:t1","delay":10}]})");
  site.schedule("s2", R"([["escalation:e1","team:t1"]])");
  const auto reply = site.jsm(kOps + "/schedules/s2/on-calls");
  const auto escalation = first(reply["onCallParticipants"]);
  CHECK(escalation["type"].string_or("") == "escalation");
  CHECK(escalation["onCallParticipants"].size() == 2);
  CHECK_FALSE(first(escalation["onCallParticipants"])["name"].exists());
  CHECK(site.flat("s2") == "712020:ada,712020:bo");
  const auto next = site.jsm(kOps + "/schedules/s1/next-on-calls?flat=true");
  CHECK(Site::joined(next["nextOnCallUsers"]) == "712020:bo");
}

TEST_CASE(
    "JSM: a timeline is cut at the present, says noone in a gap, and tells the past of deleted rotations") {
  Site site;
  site.control(R"({"do":"schedule","system":"jsm","id":"s2","name":"Two","parts":[
    {"name":"R","shifts":[{"start":-600,"end":600,"people":["ada"]},{"start":1200,"end":null,"people":["bo"]}]},
    {"name":"Old","deleted":true,"shifts":[{"start":-900,"end":null,"people":["cy"]}]}]})");
  const auto text = site.periods("s2");
  CHECK_THAT(text,
             Catch::Matchers::EndsWith("historical 712020:ada,base 712020:ada,base noone,base 712020:bo"));
  const auto reply = site.jsm(kOps + "/schedules/s2/timeline");
  int deleted = 0;
  for (const auto rotation : reply["finalTimeline"]["rotations"].items()) {
    if (!rotation["deleted"].boolean_or(false)) continue;
    ++deleted;
    CHECK(rotation["order"].is_null());
    CHECK(rotation["periods"].size() == 1);
    CHECK(first(rotation["periods"])["type"].string_or("") == "historical");
  }
  CHECK(deleted == 1);
  CHECK(site.flat("s2") == "712020:ada");
  CHECK(site.on_call("s2") == "ada");

  site.control(R"({"do":"override","system":"jsm","schedule":"s2","person":"bo","start":0,"seconds":300})");
  CHECK_THAT(site.periods("s2"), Catch::Matchers::ContainsSubstring("override 712020:bo,base 712020:ada"));
  site.control(R"({"do":"forward","system":"jsm","from":"bo","to":"ada","start":0,"seconds":300})");
  CHECK_THAT(site.periods("s2"), Catch::Matchers::ContainsSubstring("forwarding 712020:ada"));
  CHECK(site.flat("s2") == "712020:ada");
  for (const auto* wrong : {"&intervalUnit=years", "&interval=0", "&interval=1000&intervalUnit=weeks",
                            "&expand=all", "&date=yesterday"}) {
    INFO(wrong);
    CHECK(site.jsm(kOps + "/schedules/s2/timeline?" + (wrong + 1)).status() == 400);
  }
}

TEST_CASE("JSM: Jira's users, ten unless more are asked for, and some without an address") {
  Site site;
  const auto bulk = site.jsm(kJira + "/user/bulk?maxResults=50&accountId=712020%3Aada&accountId=nobody");
  REQUIRE(bulk["values"].size() == 1);
  CHECK(first(bulk["values"])["emailAddress"].string_or("") == "ada@example.com");
  CHECK(site.jsm(kJira + "/user?accountId=712020%3Abo")["displayName"].string_or("") == "bo Example");
  CHECK(site.jsm(kJira + "/user?accountId=nobody").status() == 404);
  site.control(R"({"do":"person","key":"ada","jsm":{"email_hidden":true}})");
  CHECK_FALSE(site.jsm(kJira + "/user?accountId=712020%3Aada")["emailAddress"].exists());
  std::string many = "/user/bulk?";
  for (int i = 0; i < 12; ++i) {
    site.control(fmt::format(R"({{"do":"person","key":"p{0}","jsm":{{"id":"712020:p{0}"}}}})", i));
    many += fmt::format("&accountId=712020%3Ap{}", i);
  }
  CHECK(site.jsm(kJira + many)["values"].size() == 10);
  CHECK(site.jsm(kJira + many + "&maxResults=50")["values"].size() == 12);
  site.control(R"({"do":"jsm","jira_forbidden":true})");
  CHECK(site.jsm(kJira + many).status() == 403);
}

TEST_CASE("JSM: a limit is told by headers before and when it is reached") {
  Site site;
  site.control(R"({"do":"rate","off":false})");
  site.control(R"({"do":"jsm","calls_a_minute":2})");
  const auto header = [](const Reply& reply, const char* name) {
    return std::string(reply.http->header(name).value_or("none"));
  };
  CHECK(header(site.jsm(kOps + "/schedules"), "X-RateLimit-Remaining") == "1");
  CHECK(header(site.jsm(kOps + "/schedules"), "X-RateLimit-Remaining") == "0");
  const auto refused = site.jsm(kOps + "/schedules");
  CHECK(refused.status() == 429);
  CHECK(std::stoi(header(refused, "Retry-After")) >= 58);
  CHECK(parse_rfc3339(header(refused, "X-RateLimit-Reset")));
  CHECK(site.jsm("/_edge/tenant_info", "").status() == 200);
}

}  // namespace watchbill::test
