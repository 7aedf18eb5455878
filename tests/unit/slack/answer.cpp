#include "slack/api/answer.hpp"

#include "slack/api/codes.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

constexpr auto kWrite = Method::usergroups_users_update;

net::HttpResponse response(int status, std::string body, net::Headers headers = {}) {
  net::HttpResponse out;
  out.status = status;
  out.body = std::move(body);
  out.headers = std::move(headers);
  return out;
}

net::HttpResponse refused(const std::string& code) {
  return response(200, R"({"ok":false,"error":")" + code + R"("})");
}

Error error_of(Method method, const net::HttpResponse& answer, TokenKind token = TokenKind::bot) {
  const auto result = interpret(method, token, answer);
  REQUIRE_FALSE(result);
  return result.error();
}

bool mentions(const Error& error, const std::string& text) {
  return error.message.find(text) != std::string::npos;
}

struct Expected {
  ErrorKind kind;
  std::vector<std::string> codes;
};

/// Every code that the reference pages of our methods name, and those seen elsewhere.
const std::vector<Expected>& every_code() {
  using enum ErrorKind;
  static const std::vector<Expected> codes{
      {unauthorized,
       {"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired",
        "not_allowed_token_type", "user_removed_from_team", "team_disabled"}},
      {forbidden,
       {"missing_scope",
        "no_permission",
        "access_denied",
        "accesslimited",
        "team_access_not_granted",
        "enterprise_is_restricted",
        "ekm_access_denied",
        "org_login_required",
        "two_factor_setup_required",
        "permission_denied",
        "paid_teams_only",
        "plan_upgrade_required",
        "forbidden_team",
        "target_team_not_on_org",
        "target_team_must_be_specified_in_org_context",
        "not_in_channel",
        "user_not_in_channel",
        "is_archived",
        "method_not_supported_for_channel_type",
        "channel_is_limited_access",
        "too_many_members",
        "user_is_restricted",
        "messages_tab_disabled",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "cannot_reply_to_message",
        "app_access_restricted",
        "cant_update_message",
        "cant_delete_message",
        "edit_window_closed",
        "is_inactive",
        "not_enabled",
        "too_many_bookmarks"}},
      {invalid,
       {"invalid_arguments",
        "missing_argument",
        "invalid_arg_name",
        "invalid_array_arg",
        "invalid_charset",
        "invalid_form_data",
        "invalid_post_type",
        "missing_post_type",
        "invalid_json",
        "insecure_request",
        "missing_args",
        "json_not_object",
        "deprecated_endpoint",
        "method_deprecated",
        "unknown_method",
        "invalid_cursor",
        "limit_required",
        "no_users_provided",
        "invalid_users",
        "invalid_user",
        "single_channel_guests_cannot_be_added",
        "failed_for_some_users",
        "subteam_max_users_exceeded",
        "missing_subteam_name",
        "name_too_long",
        "bad_handle",
        "forbidden_handle",
        "description_too_long",
        "invalid_channel_provided",
        "invalid_group_provided",
        "too_many_linked_channels",
        "invalid_team",
        "users_list_not_supplied",
        "not_enough_users",
        "too_many_users",
        "invalid_ts_oldest",
        "invalid_ts_latest",
        "too_long",
        "no_text",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "metadata_must_be_sent_from_app",
        "markdown_text_conflict",
        "too_many_attachments",
        "attachment_payload_limit_exceeded",
        "duplicate_message_not_found",
        "duplicate_channel_not_found",
        "view_too_large",
        "missing_profile_id",
        "expired_trigger_id",
        "exchanged_trigger_id",
        "invalid_trigger_id",
        "invalid_trigger",
        "trigger_expired",
        "trigger_exchanged",
        "push_limit_reached",
        "invalid_bookmark_type",
        "invalid_link",
        "invalid_emoji"}},
      {not_found,
       {"no_such_subteam", "users_not_found", "user_not_found", "user_not_visible", "user_disabled",
        "channel_not_found", "team_not_found", "message_not_found", "not_found", "view_not_found",
        "expired_url", "used_url"}},
      {conflict, {"name_already_exists", "handle_already_exists", "hash_conflict", "duplicate_external_id"}},
      {rate_limited, {"ratelimited", "rate_limited", "message_limit_exceeded"}},
      {server,
       {"request_timeout", "service_unavailable", "internal_error", "fatal_error", "team_added_to_org",
        "update_failed"}},
  };
  return codes;
}

}  // namespace

TEST_CASE("an answer that says ok is its body") {
  const auto result =
      interpret(kWrite, TokenKind::bot, response(200, R"({"ok":true,"warning":"x","users":["U1"]})"));
  REQUIRE(result);
  CHECK(result->root()["users"].size() == 1);
}

TEST_CASE("every code of Slack's has a kind and a sentence, and stands in the error verbatim") {
  for (const auto& [kind, codes] : every_code()) {
    for (const auto& code : codes) {
      INFO(code);
      const auto error = error_of(kWrite, refused(code));
      CHECK(error.kind == kind);
      CHECK(error.code == code);
      CHECK(mentions(error, "usergroups.users.update: "));
      CHECK(mentions(error, code));
      CHECK_FALSE(mentions(error, "{"));
      const auto* row = find_code(code);
      REQUIRE(row != nullptr);
      CHECK_FALSE(row->what.empty());
      if (kind == ErrorKind::forbidden || kind == ErrorKind::unauthorized || kind == ErrorKind::invalid) {
        const bool final_word = code == "cant_update_message" || code == "cant_delete_message" ||
                                code == "edit_window_closed" || code == "is_inactive";
        CHECK((final_word || !row->fix.empty()));
      }
    }
  }
}

TEST_CASE("only what may have been done is said to be maybe done") {
  for (const auto* code : {"internal_error", "fatal_error", "request_timeout", "service_unavailable",
                           "invalid_users", "failed_for_some_users"}) {
    INFO(code);
    CHECK(error_of(kWrite, refused(code)).maybe_done);
  }
  for (const auto* code : {"permission_denied", "missing_scope", "no_users_provided", "channel_not_found",
                           "invalid_auth", "ratelimited", "team_added_to_org", "something_new"}) {
    INFO(code);
    CHECK_FALSE(error_of(kWrite, refused(code)).maybe_done);
  }
}

TEST_CASE("what only a person can mend says what to do") {
  const auto denied = error_of(kWrite, refused("permission_denied"));
  CHECK(mentions(denied, "slack.user_token_file"));
  CHECK(mentions(denied, "Everyone"));
  const auto dead = error_of(kWrite, refused("invalid_auth"));
  CHECK(mentions(dead, "slack.bot_token_file"));
  const auto dead_user = error_of(kWrite, refused("token_revoked"), TokenKind::user);
  CHECK(mentions(dead_user, "slack.user_token_file"));
  CHECK(mentions(dead_user, "user token"));
  CHECK(mentions(error_of(Method::chat_post_message, refused("not_in_channel")), "/invite"));
  const auto scope = error_of(
      kWrite,
      response(200, R"({"ok":false,"error":"missing_scope","needed":"usergroups:write","provided":"x"})"));
  CHECK(mentions(scope, "usergroups:write"));
  CHECK(mentions(scope, "reinstall the app"));
}

TEST_CASE("a refused argument is named") {
  const auto error = error_of(
      kWrite,
      response(200, R"({"ok":false,"error":"invalid_arguments",)"
                    R"("response_metadata":{"messages":["[ERROR] missing required field: users"]}})"));
  CHECK(mentions(error, "missing required field: users"));
}

TEST_CASE("a code that we do not know is kept as it is") {
  const auto error = error_of(kWrite, refused("brand_new_code"));
  CHECK(error.kind == ErrorKind::invalid);
  CHECK(error.code == "brand_new_code");
  CHECK(mentions(error, "brand_new_code"));
  CHECK(error_of(kWrite, response(200, R"({"ok":false})")).kind == ErrorKind::invalid);
  // No line breaks for the log, and not without end.
  const auto wild = error_of(kWrite, refused("a\\nb" + std::string(5000, 'x')));
  CHECK(wild.code.find('\n') == std::string::npos);
  CHECK(wild.message.size() < 600);
}

TEST_CASE("being asked to wait says for how long") {
  const auto wait = [](int status, const std::string& body, net::Headers headers) {
    const auto error = error_of(kWrite, response(status, body, std::move(headers)));
    CHECK(error.kind == ErrorKind::rate_limited);
    CHECK(error.code == "ratelimited");
    CHECK_FALSE(error.maybe_done);
    return error.retry_after;
  };
  const std::string body = R"({"ok":false,"error":"ratelimited"})";
  CHECK(wait(429, body, {{"Retry-After", "7"}}) == 7s);
  CHECK(wait(429, "", {{"retry-after", "7"}}) == 7s);
  CHECK(wait(429, "<html>", {}) == 30s);
  CHECK(wait(200, body, {{"Retry-After", "3"}}) == 3s);
  CHECK(wait(200, body, {}) == 30s);
  CHECK(wait(429, body, {{"Retry-After", "soon"}}) == 30s);
  CHECK(wait(429, body, {{"Retry-After", "-5"}}) == 30s);
  CHECK(wait(429, body, {{"Retry-After", "0"}}) == 1s);
  CHECK(wait(429, body, {{"Retry-After", "86400"}}) == 1h);
  CHECK(wait(429, body, {{"Retry-After", "99999999999999999999999"}}) == 1h);
}

TEST_CASE("a failing server may have done it, whatever its body is") {
  for (const auto* body :
       {"<html>Bad gateway</html>", "", R"({"ok":true})", R"({"ok":false,"error":"no_text"})"}) {
    for (const int status : {500, 502, 503, 504}) {
      const auto error = error_of(kWrite, response(status, body));
      CHECK(error.kind == ErrorKind::server);
      CHECK(error.maybe_done);
      CHECK(mentions(error, std::to_string(status)));
    }
  }
}

TEST_CASE("what is no answer of Slack's is unreadable, and for a write leaves open whether it was done") {
  for (const auto* body : {"", "<html>login</html>", R"({"ok":true,"use)", "[]", "null", R"({"ok":"true"})",
                           R"({"error":"invalid_auth"})", R"({"ok":1})"}) {
    INFO(body);
    const auto write = error_of(kWrite, response(200, body));
    CHECK(write.kind == ErrorKind::unreadable);
    CHECK(write.maybe_done);
    const auto read = error_of(Method::usergroups_list, response(200, body));
    CHECK(read.kind == ErrorKind::unreadable);
    CHECK_FALSE(read.maybe_done);
  }
  for (const int status : {302, 403, 404, 407}) {
    const auto error = error_of(kWrite, response(status, "<html>proxy</html>"));
    CHECK(error.kind == ErrorKind::unreadable);
    CHECK(mentions(error, std::to_string(status)));
  }
  // An ok that does not come with 200 is not believed, a refusal is.
  CHECK(error_of(kWrite, response(404, R"({"ok":true})")).kind == ErrorKind::unreadable);
  CHECK(error_of(kWrite, response(403, R"({"ok":false,"error":"invalid_auth"})")).kind ==
        ErrorKind::unauthorized);
}

TEST_CASE("a token of a whole organization is called that, with where to install the app") {
  const auto error = error_of(
      Method::usergroups_list,
      response(200, R"({"ok":false,"error":"missing_argument",)"
                    R"("response_metadata":{"messages":["[ERROR] missing required field: team_id"]}})"));
  CHECK(error.kind == ErrorKind::forbidden);
  CHECK(mentions(error, "the bot token is for a whole organization"));
  CHECK(mentions(error, "install the app in the workspace whose groups are to be kept"));
  CHECK(mentions(error, "slack.bot_token_file"));
}
