#include "slack/api/decode.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

template <class T>
Result<T> decoded(const std::string& text, Result<T> (*decode)(json::View)) {
  const auto document = json::parse(text);
  REQUIRE(document);
  return decode(document->root());
}

UserGroup group(const std::string& extra) {
  const auto result =
      decoded(R"({"id":"S1","handle":"oncall","name":"On call")" + (extra.empty() ? "" : "," + extra) + "}",
              decode_group);
  REQUIRE(result);
  return *result;
}

User user(const std::string& extra) {
  const auto result = decoded(R"({"id":"W1")" + (extra.empty() ? "" : "," + extra) + "}", decode_user);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("a user group as Slack documents it") {
  const auto result = decoded(R"({
      "id": "S06PLATFORM", "team_id": "T04KQ2PXA1B", "is_usergroup": true, "is_subteam": true,
      "name": "Platform on-call", "handle": "oncall-platform", "description": "Who is on call",
      "is_external": false, "date_create": 1767225600, "date_update": 1772359200, "date_delete": 0,
      "auto_type": null, "auto_provision": false, "enterprise_subteam_id": "",
      "created_by": "U06BOTROTA1", "updated_by": "U06BOTROTA1", "deleted_by": null,
      "prefs": {"channels": ["C05ONCALLAA"], "groups": ["G1"]},
      "users": ["W05M8BOB002", "U05M8ALICE1", "U05M8ALICE1"], "user_count": "2", "channel_count": 1})",
                              decode_group);
  REQUIRE(result);
  CHECK(result->id == GroupId("S06PLATFORM"));
  CHECK(result->handle == "oncall-platform");
  CHECK(result->name == "Platform on-call");
  CHECK(result->members == std::vector{UserId("U05M8ALICE1"), UserId("W05M8BOB002")});
  CHECK_FALSE(result->disabled);
  CHECK_FALSE(result->unwritable);
  CHECK(result->default_channels == std::vector{ChannelId("C05ONCALLAA"), ChannelId("G1")});
  CHECK(result->updated_by == UserId("U06BOTROTA1"));
  CHECK(format_rfc3339(result->updated_at) == "2026-03-01T10:00:00Z");
}

TEST_CASE("when a group was edited may be missing, or told in parts of a second") {
  CHECK(group("").updated_at == Instant{});
  CHECK(group(R"("date_update":"soon")").updated_at == Instant{});
  CHECK(group(R"("date_update":-5)").updated_at == Instant{});
  CHECK(format_rfc3339(group(R"("date_update":1772359200.75)").updated_at) == "2026-03-01T10:00:00Z");
}

TEST_CASE("a group that was deleted is disabled") {
  CHECK(group(R"("date_delete":1772359200)").disabled);
  CHECK_FALSE(group(R"("date_delete":0)").disabled);
}

TEST_CASE("groups that somebody else keeps are not writable, and say why") {
  CHECK(group(R"("auto_type":"admins")").unwritable->find("admins") != std::string::npos);
  CHECK(group(R"("auto_type":"owner")").unwritable);
  CHECK(group(R"("is_idp_group":true)").unwritable->find("identity provider") != std::string::npos);
  CHECK(group(R"("is_membership_locked":true)").unwritable);
  CHECK(group(R"("is_editing_restricted":true)").unwritable);
  CHECK(group(R"("is_external":true)").unwritable);
  CHECK_FALSE(group(R"("auto_type":"","is_idp_group":false,"is_membership_locked":null)").unwritable);
}

TEST_CASE("a group whose members Slack does not show is not taken for an empty one") {
  CHECK(group(R"("user_count":"2")").unwritable);
  CHECK(group(R"("user_count":2)").unwritable);
  CHECK_FALSE(group(R"("user_count":"0")").unwritable);
  CHECK_FALSE(group(R"("user_count":0,"users":[])").unwritable);
}

TEST_CASE("a list of groups with a broken entry is not half believed") {
  for (const auto* broken :
       {R"({"usergroups":[{"id":"S1","users":["U1"]},{"id":"S2","users":["U1",7]}]})",
        R"({"usergroups":[{"id":"S1","users":"U1,U2"}]})", R"({"usergroups":[{"handle":"x"}]})",
        R"({"usergroups":[{"id":"S1","users":[],"date_delete":"no"}]})", R"({"usergroups":[null]})",
        R"({"usergroups":{}})", R"({})", R"([])"}) {
    INFO(broken);
    const auto result = decoded(broken, decode_groups);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::unreadable);
  }
  const auto error = decoded(R"({"usergroups":[{"id":"S1","users":["U1",7]}]})", decode_groups).error();
  CHECK(error.message.find("usergroups[0].users[1]") != std::string::npos);
}

TEST_CASE("a person's name is what Slack shows") {
  CHECK(user(R"("name":"ali","real_name":"Alice Ng","profile":{"display_name":"alice"})").name == "Alice Ng");
  CHECK(user(R"("name":"ali","profile":{"display_name":"alice"})").name == "alice");
  CHECK(user(R"("name":"ali","real_name":"Alice Ng","profile":{"display_name":""})").name == "Alice Ng");
  CHECK(user(R"("name":"ali","profile":{"real_name":"Alice N."}, "real_name":"Alice Ng")").name ==
        "Alice N.");
  CHECK(user(R"("name":"ali")").name == "ali");
  CHECK(user("").name == "W1");
}

TEST_CASE("addresses are kept in lower case, and an empty one is none") {
  CHECK(user(R"("profile":{"email":"Alice.NG@Example.COM"})").email == "alice.ng@example.com");
  CHECK_FALSE(user(R"("profile":{"email":""})").email);
  CHECK_FALSE(user(R"("profile":{})").email);
}

TEST_CASE("guests, bots and deactivated people may not be members") {
  CHECK(user("").assignable());
  CHECK(user(R"("is_admin":true)").admin);
  CHECK(user(R"("is_owner":true)").admin);
  // "The user is an authorized user of the calling app": not a bot.
  CHECK(user(R"("is_app_user":true)").assignable());
  for (const auto* fact : {"deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"}) {
    INFO(fact);
    CHECK_FALSE(user("\"" + std::string(fact) + "\":true").assignable());
  }
  // Slackbot says "is_bot": false.
  CHECK_FALSE(decoded(R"({"id":"USLACKBOT","is_bot":false})", decode_user)->assignable());
}

TEST_CASE("the last page has no cursor, in whatever way Slack says so") {
  for (const auto* end :
       {R"("response_metadata":{"next_cursor":""})", R"("response_metadata":{"next_cursor":null})",
        R"("response_metadata":{})", R"("cache_ts":1)"}) {
    INFO(end);
    const auto page = decoded(R"({"members":[],)" + std::string(end) + "}", decode_user_page);
    REQUIRE(page);
    CHECK(page->next_cursor.empty());
  }
  const auto page = decoded(R"({"channels":[{"id":"C1","name":"ops","is_member":true,"is_archived":true}],
                                "response_metadata":{"next_cursor":"bmV4dA=="}})",
                            decode_channel_page);
  REQUIRE(page);
  CHECK(page->next_cursor == "bmV4dA==");
  CHECK(page->channels.at(0).archived);
  CHECK(page->channels.at(0).member);
}

TEST_CASE("our own keys are found in a history, and nothing else is taken for one") {
  const auto page = decoded(R"({"ok":true,"messages":[
      {"ts":"3.1","text":"hi","metadata":{"event_type":"watchbill_announcement","event_payload":{"key":"k1"}}},
      {"ts":"3.0","metadata":{"event_type":"deploy","event_payload":{"key":"k2"}}},
      {"ts":"2.9","metadata":{"event_type":"watchbill_announcement","event_payload":{}}},
      {"ts":"2.8","metadata":{"event_type":"watchbill_announcement"}},
      {"ts":"2.7","metadata":{}}, {"ts":"2.6"},
      {"ts":"2.5","metadata":{"event_type":"watchbill_announcement","event_payload":{"key":"k3"}}}],
      "has_more":true,"response_metadata":{"next_cursor":"more="}})",
                            decode_history);
  REQUIRE(page);
  CHECK(page->keys == std::vector<std::pair<std::string, std::string>>{{"k1", "3.1"}, {"k3", "2.5"}});
  CHECK(page->next_cursor == "more=");
}

TEST_CASE("moments are written as Slack writes them") {
  CHECK(slack_ts(Instant(1'772'358'000'001ms)) == "1772358000.001000");
  CHECK(slack_ts(Instant(1'772'358'000'000ms)) == "1772358000.000000");
}
