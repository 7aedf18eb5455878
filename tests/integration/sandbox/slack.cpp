#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

struct Workspace : Room {
  Workspace() {
    people();
    control(R"({"do":"channel","name":"payments"})");
    control(R"({"do":"group","handle":"oncall","people":["bo"],"default_channels":["payments"]})");
  }
  std::string set(const std::string& users, const std::string& group = "S0ONCALL") {
    return slack("usergroups.users.update", {{"usergroup", group}, {"users", users}}).slack();
  }
};

}  // namespace

TEST_CASE("Slack: tokens and scopes are checked before anything else") {
  Workspace w;
  const auto who = w.slack("auth.test");
  CHECK(who.slack() == "ok");
  CHECK(who["bot_id"].string_or("") == "B0SANDBOX");
  CHECK(std::string(who.http->header("x-oauth-scopes").value_or("")).find("usergroups:write") !=
        std::string::npos);
  CHECK_FALSE(w.slack("auth.test", {}, "xoxp-sandbox-user")["bot_id"].exists());

  CHECK(w.get(w.sandbox->slack_api() + "auth.test", "").slack() == "not_authed");
  CHECK(w.get(w.sandbox->slack_api() + "auth.test?token=xoxb-sandbox-bot", "").slack() == "not_authed");
  CHECK(w.get(w.sandbox->slack_api() + "auth.test", "bearer xoxb-sandbox-bot").slack() == "not_authed");
  CHECK(w.slack("auth.test", {}, "xoxb-wrong").slack() == "invalid_auth");
  CHECK(w.slack("usergroups.list", {}, "xapp-sandbox-app").slack() == "not_allowed_token_type");
  CHECK(w.slack("usergroups.delete").slack() == "unknown_method");

  w.control(R"({"do":"token","token":"xoxb-sandbox-bot","drop":["usergroups:write"]})");
  const auto refused = w.slack("usergroups.disable", {{"usergroup", "S0ONCALL"}});
  CHECK(refused.slack() == "missing_scope");
  CHECK(refused["needed"].string_or("") == "usergroups:write");
  w.control(R"({"do":"token","token":"xoxb-sandbox-bot","error":"token_revoked"})");
  CHECK(w.slack("usergroups.list").slack() == "token_revoked");
}

TEST_CASE("Slack: content types and argument styles") {
  Workspace w;
  net::HttpRequest request;
  request.method = "POST";
  request.url = w.sandbox->slack_api() + "usergroups.users.update";
  request.authorization = Secret("Bearer xoxb-sandbox-bot");
  const auto post = [&](const char* type, const char* body) {
    auto copy = request;
    if (*type) copy.headers = {{"Content-Type", type}};
    copy.body = body;
    return w.send(copy).slack();
  };
  const char* json = R"({"usergroup":"S0ONCALL","users":["U0ADA","U0BO"]})";
  CHECK(post("application/json; charset=utf-8", json) == "ok");
  CHECK(w.members("S0ONCALL") == "U0ADA,U0BO");
  CHECK(post("application/json; charset=utf-8", R"({"usergroup":"S0ONCALL","users":"U0CY"})") == "ok");
  CHECK(w.members("S0ONCALL") == "U0CY");
  CHECK(post("application/json; charset=utf-16", json) == "invalid_charset");
  CHECK(post("application/json", "{") == "invalid_json");
  CHECK(post("application/json", "[]") == "json_not_object");
  CHECK(post("application/xml", json) == "invalid_post_type");
  CHECK(post("application/x-www-form-urlencoded", "usergroup=S0ONCALL&users[]=U0ADA") == "invalid_array_arg");
  CHECK(post("application/json", R"({"token":"xoxb-sandbox-bot","users":"U0ADA"})") == "invalid_arguments");
  // A list as JSON in a field, as older SDKs sent it; fields in parts.
  CHECK(post("application/x-www-form-urlencoded",
             "usergroup=S0ONCALL&users=%5B%22U0ADA%22%2C%22U0CY%22%5D") == "ok");
  CHECK(w.members("S0ONCALL") == "U0ADA,U0CY");
  CHECK(post("application/x-www-form-urlencoded", "usergroup=S0ONCALL&users=%5B%5D") == "no_users_provided");
  const char* parts =
      "--b7\r\nContent-Disposition: form-data; name=\"usergroup\"\r\n\r\nS0ONCALL\r\n"
      "--b7\r\nContent-Disposition: form-data; name=\"users\"\r\n\r\nU0BO,U0CY\r\n--b7--\r\n";
  CHECK(post("multipart/form-data; boundary=b7", parts) == "ok");
  CHECK(w.members("S0ONCALL") == "U0BO,U0CY");
  CHECK(post("multipart/form-data", parts) == "invalid_form_data");
  CHECK(post("multipart/form-data; boundary=b8", parts) == "invalid_form_data");
  // Methods that only read take no JSON.
  request.url = w.sandbox->slack_api() + "users.info";
  CHECK(post("application/json", R"({"user":"U0ADA"})") == "invalid_arguments");
  request.url = w.sandbox->slack_api() + "users.info?user=U0ADA";
  CHECK(post("", "") == "ok");
}

TEST_CASE("Slack: who can be a member of a group") {
  Workspace w;
  w.control(R"({"do":"person","key":"gone","slack":{"deleted":true}})");
  w.control(R"({"do":"person","key":"guest","slack":{"guest":"multi"}})");
  w.control(R"({"do":"person","key":"visitor","slack":{"guest":"single"}})");
  w.control(R"({"do":"person","key":"other","slack":{"stranger":true}})");
  w.control(R"({"do":"person","key":"wide","slack":{"id":"W0WIDE"}})");
  CHECK(w.set("U0ADA, W0WIDE") == "ok");
  CHECK(w.members("S0ONCALL") == "U0ADA,W0WIDE");
  for (const auto& [users, error] : std::vector<std::pair<std::string, std::string>>{
           {"", "no_users_provided"},
           {"U0ADA,U0NOBODY", "invalid_users"},
           {"U0ADA,U0GONE", "invalid_users"},
           {"U0ADA,U0GUEST", "invalid_user"},
           {"U0ADA,U0BOT", "invalid_user"},
           {"U0ADA,U0VISITOR", "single_channel_guests_cannot_be_added"}}) {
    INFO(users);
    CHECK(w.set(users) == error);
    CHECK(w.members("S0ONCALL") == "U0ADA,W0WIDE");
  }
  SECTION("people of other workspaces are left out") {
    CHECK(w.set("U0BO,U0OTHER") == "failed_for_some_users");
    CHECK(w.members("S0ONCALL") == "U0BO");
  }
  SECTION("a list of nothing but deactivated people answers with an error and empties the group") {
    CHECK(w.set("U0GONE") == "invalid_users");
    CHECK(w.members("S0ONCALL").empty());
  }
  SECTION("the members come into the default channels") {
    const auto state = w.control(R"({"do":"state","only":["channels"]})");
    CHECK(Room::joined(first(state["channels"])["members"]).find("U0ADA") != std::string::npos);
  }
  SECTION("too many") {
    w.control(R"({"do":"slack","max_group_members":1})");
    CHECK(w.set("U0ADA,U0BO") == "subteam_max_users_exceeded");
  }
}

TEST_CASE("Slack: who may change a group, and which") {
  Workspace w;
  CHECK(w.set("U0ADA", "S0NONE") == "no_such_subteam");
  w.control(R"({"do":"slack","admins_only":true})");
  CHECK(w.set("U0ADA") == "permission_denied");
  const net::Fields fields{{"usergroup", "S0ONCALL"}, {"users", "U0ADA"}};
  CHECK(w.slack("usergroups.users.update", fields, "xoxp-sandbox-user").slack() == "ok");
  w.control(
      R"({"do":"token","token":"xoxp-ada","kind":"user","person":"ada","scopes":["usergroups:write"]})");
  CHECK(w.slack("usergroups.users.update", fields, "xoxp-ada").slack() == "permission_denied");
  w.control(R"({"do":"slack","admins_only":false,"paid":false})");
  CHECK(w.set("U0ADA") == "paid_teams_only");
  w.control(R"({"do":"slack","paid":true})");
  for (const auto* field : {R"("auto_type":"admin")", R"("idp":true)", R"("membership_locked":true)",
                            R"("editing_restricted":true)", R"("external":true)"}) {
    w.control(fmt::format(R"({{"do":"group","handle":"{0}","id":"S0X",{1}}})", "x", field));
    CHECK(w.set("U0ADA", "S0X") == "permission_denied");
    w.control(R"({"do":"group","id":"S0X","auto_type":null,"idp":false,"membership_locked":false,
                  "editing_restricted":false,"external":false})");
  }
  CHECK(w.set("U0ADA", "S0X") == "ok");
}

TEST_CASE("Slack: a disabled group keeps its handle and refuses members") {
  Workspace w;
  CHECK(w.slack("usergroups.disable", {{"usergroup", "S0ONCALL"}})["usergroup"]["date_delete"].integer_or(0) >
        0);
  CHECK(w.set("U0ADA") == "invalid_arguments");
  CHECK(w.slack("usergroups.list")["usergroups"].size() == 0);
  CHECK(w.slack("usergroups.list", {{"include_disabled", "true"}})["usergroups"].size() == 1);
  CHECK(w.slack("usergroups.create", {{"name", "New"}, {"handle", "oncall"}}).slack() ==
        "handle_already_exists");
  w.control(R"({"do":"slack","refuse_disabled":false})");
  CHECK(w.set("U0ADA") == "ok");
  CHECK(w.slack("usergroups.enable", {{"usergroup", "S0ONCALL"}})["usergroup"]["date_delete"].integer_or(1) ==
        0);
}

TEST_CASE("Slack: creating groups") {
  Workspace w;
  const auto create = [&](const char* name, const char* handle, const char* channels = "") {
    return w.slack("usergroups.create", {{"name", name}, {"handle", handle}, {"channels", channels}});
  };
  CHECK(create("", "new").slack() == "missing_subteam_name");
  CHECK(create("ONCALL", "new").slack() == "name_already_exists");
  CHECK(create("New", "Bad Handle").slack() == "bad_handle");
  CHECK(create("New", "here").slack() == "forbidden_handle");
  CHECK(create("New", "payments").slack() == "handle_already_exists");  // a channel's
  CHECK(create("New", "ada").slack() == "handle_already_exists");       // a person's
  CHECK(create("New", "new", "C0NONE").slack() == "invalid_channel_provided");
  const auto made = create("New", "new", "C0PAYMENTS");
  REQUIRE(made.slack() == "ok");
  const auto id = made["usergroup"]["id"].string_or("");
  CHECK(w.set("U0ADA", id) == "ok");
  CHECK(w.members(id) == "U0ADA");
  CHECK(w.slack("usergroups.update", {{"usergroup", id}, {"handle", "oncall"}}).slack() ==
        "handle_already_exists");
  CHECK(
      w.slack("usergroups.update", {{"usergroup", id}, {"handle", "newer"}})["usergroup"]["handle"].string_or(
          "") == "newer");
}

TEST_CASE("Slack: groups as of some time ago, or only some of them") {
  Workspace w;
  w.control(R"({"do":"group","handle":"second","people":["cy"]})");
  // So long a busy machine may take for what follows.
  w.wait(800ms);
  const auto before = w.loop.now();
  REQUIRE(w.set("U0ADA") == "ok");
  const auto listed = [&] {
    const auto reply = w.slack("usergroups.list", {{"include_users", "true"}, {"include_count", "1"}});
    return Room::joined(first(reply["usergroups"])["users"]);
  };
  CHECK(listed() == "U0ADA");
  const auto ago = static_cast<double>((w.loop.now() - before).count() + 700) / 1000;
  w.control(fmt::format(R"({{"do":"slack","stale_seconds":{}}})", ago));
  CHECK(listed() == "U0BO");
  w.control(R"({"do":"slack","stale_seconds":0,"list_share":0.5})");
  CHECK(w.slack("usergroups.list")["usergroups"].size() == 1);
}

TEST_CASE("Slack: people by page, by address, by id") {
  Workspace w;
  w.control(R"({"do":"bulk","people":1200})");
  CHECK(w.slack("users.list").slack() == "limit_required");
  std::size_t found = 0;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = w.slack("users.list", {{"limit", "500"}, {"cursor", cursor}});
    REQUIRE(page.slack() == "ok");
    found += page["members"].size();
    cursor = page["response_metadata"]["next_cursor"].string_or("");
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  CHECK(found == 1200 + 3 + 2);
  CHECK(w.slack("users.list", {{"limit", "10"}, {"cursor", "x"}}).slack() == "invalid_cursor");
  CHECK(w.slack("users.lookupByEmail", {{"email", "ADA@example.com"}})["user"]["id"].string_or("") ==
        "U0ADA");
  CHECK(w.slack("users.info", {{"user", "U0NOBODY"}}).slack() == "user_not_found");

  w.control(R"({"do":"person","key":"ada","slack":{"deleted":true}})");
  CHECK(w.slack("users.lookupByEmail", {{"email", "ada@example.com"}}).slack() == "users_not_found");
  CHECK(w.slack("users.info", {{"user", "U0ADA"}})["user"]["deleted"].boolean_or(false));
  w.control(R"({"do":"token","token":"xoxb-sandbox-bot","drop":["users:read.email"]})");
  CHECK_FALSE(w.slack("users.info", {{"user", "U0BO"}})["user"]["profile"]["email"].exists());
  CHECK(w.slack("users.lookupByEmail", {{"email", "bo@example.com"}}).slack() == "missing_scope");
}

TEST_CASE("Slack: channels, and posting into them") {
  Workspace w;
  w.control(R"({"do":"channel","name":"public","bot":false})");
  w.control(R"({"do":"channel","name":"secret","private":true,"bot":false})");
  w.control(R"({"do":"channel","name":"old","archived":true})");
  const auto post = [&](const char* channel, const net::Fields& more = {}) {
    net::Fields fields{{"channel", channel}, {"text", "hello"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return w.slack("chat.postMessage", fields).slack();
  };
  CHECK(w.slack("conversations.list", {{"types", "public_channel,private_channel"}})["channels"].size() == 3);
  CHECK(w.slack("conversations.list", {{"types", "im"}}).slack() == "missing_scope");
  CHECK(w.slack("conversations.info", {{"channel", "C0SECRET"}}).slack() == "channel_not_found");
  CHECK(post("C0PAYMENTS") == "ok");
  CHECK(post("C0NONE") == "channel_not_found");
  CHECK(post("C0SECRET") == "channel_not_found");
  CHECK(post("C0OLD") == "is_archived");
  CHECK(post("C0PUBLIC") == "not_in_channel");
  CHECK(w.slack("conversations.join", {{"channel", "C0SECRET"}}).slack() ==
        "method_not_supported_for_channel_type");
  CHECK(w.slack("conversations.join", {{"channel", "C0OLD"}}).slack() == "is_archived");
  CHECK_FALSE(w.slack("conversations.join", {{"channel", "C0PUBLIC"}})["warning"].exists());
  CHECK(w.slack("conversations.join", {{"channel", "C0PUBLIC"}})["warning"].string_or("") ==
        "already_in_channel");
  CHECK(post("C0PUBLIC") == "ok");
  CHECK(post("C0PAYMENTS", {{"blocks", "{"}}) == "invalid_blocks_format");
  CHECK(post("C0PAYMENTS", {{"blocks", R"([{"type":"section"}])"}}) == "invalid_blocks");
  CHECK(post("C0PAYMENTS", {{"metadata", R"({"event_type":"a"})"}}) == "invalid_metadata_schema");
  CHECK(w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", ""}}).slack() == "no_text");
  const auto direct = w.slack("conversations.open", {{"users", "U0ADA"}});
  CHECK(w.slack("chat.postMessage", {{"channel", direct["channel"]["id"].string_or("")}, {"text", "hi"}})
            .slack() == "ok");
  CHECK(w.slack("conversations.open", {{"users", "U0NONE"}}).slack() == "user_not_found");
}

TEST_CASE("Slack: texts are measured in characters") {
  Workspace w;
  std::string long_text;
  for (int i = 0; i < 4000; ++i) long_text += "\u00e4";
  const auto posted = w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "first"}});
  const net::Fields which{{"channel", "C0PAYMENTS"}, {"ts", posted["ts"].string_or("")}};
  const auto update = [&](const std::string& text) {
    auto fields = which;
    fields.emplace_back("text", text);
    return w.slack("chat.update", fields).slack();
  };
  CHECK(update(long_text) == "ok");
  CHECK(update(long_text + "x") == "msg_too_long");
  const net::Fields both{{"channel", "C0PAYMENTS"}, {"text", "a"}, {"markdown_text", "**a**"}};
  w.control(R"({"do":"rate","off":true})");
  CHECK(w.slack("chat.postMessage", both).slack() == "markdown_text_conflict");
  CHECK(w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"markdown_text", "**a**"}}).slack() == "ok");
}

TEST_CASE("Slack: answers in a thread are not in the channel's history") {
  Workspace w;
  w.control(R"({"do":"rate","off":true})");
  const auto answer = [&](const std::string& thread, const char* broadcast) {
    return w.slack(
        "chat.postMessage",
        {{"channel", "C0PAYMENTS"}, {"text", "re"}, {"thread_ts", thread}, {"reply_broadcast", broadcast}});
  };
  const auto history = [&] {
    return w.slack("conversations.history", {{"channel", "C0PAYMENTS"}})["messages"].size();
  };
  const auto parent =
      w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "first"}})["ts"].string_or("");
  const auto reply = answer(parent, "false");
  CHECK(reply["message"]["thread_ts"].string_or("") == parent);
  CHECK(history() == 1);
  CHECK(answer(parent, "true").slack() == "ok");
  CHECK(history() == 2);
  CHECK(answer(reply["ts"].string_or(""), "false").slack() == "cannot_reply_to_message");
  CHECK(answer("1.000001", "false").slack() == "cannot_reply_to_message");
}

TEST_CASE("Slack: history gives metadata only when it is asked for") {
  Workspace w;
  std::vector<std::string> stamps;
  for (int i = 0; i < 5; ++i) {
    const auto posted =
        w.slack("chat.postMessage",
                {{"channel", "C0PAYMENTS"},
                 {"text", "m"},
                 {"metadata", fmt::format(R"({{"event_type":"t","event_payload":{{"key":"k{}"}}}})", i)}});
    stamps.push_back(posted["ts"].string_or(""));
    CHECK_FALSE(posted["message"]["metadata"]["event_payload"].exists());
  }
  const auto plain = w.slack("conversations.history", {{"channel", "C0PAYMENTS"}});
  CHECK(first(plain["messages"])["ts"].string_or("") == stamps.back());  // newest first
  CHECK_FALSE(first(plain["messages"])["metadata"]["event_payload"].exists());
  const auto page = w.slack(
      "conversations.history",
      {{"channel", "C0PAYMENTS"}, {"include_all_metadata", "true"}, {"oldest", stamps[1]}, {"limit", "2"}});
  CHECK(first(page["messages"])["metadata"]["event_payload"]["key"].string_or("") == "k4");
  CHECK(page["has_more"].boolean_or(false));
  const auto rest =
      w.slack("conversations.history", {{"channel", "C0PAYMENTS"},
                                        {"oldest", stamps[1]},
                                        {"limit", "2"},
                                        {"cursor", page["response_metadata"]["next_cursor"].string_or("")}});
  CHECK(rest["messages"].size() == 1);  // the one at `oldest` is left out
  CHECK(w.slack("conversations.history", {{"channel", "C0PAYMENTS"}, {"oldest", "x"}}).slack() ==
        "invalid_ts_oldest");
  w.control(R"({"do":"channel","name":"payments","bot":false})");
  CHECK(w.slack("conversations.history", {{"channel", "C0PAYMENTS"}}).slack() == "not_in_channel");
  w.control(R"({"do":"token","token":"xoxb-sandbox-bot","drop":["channels:history"]})");
  CHECK(w.slack("conversations.history", {{"channel", "C0PAYMENTS"}}).slack() == "missing_scope");
}

TEST_CASE("Slack: the 21st call of a Tier 2 method within a minute is refused") {
  Workspace w;
  w.control(R"({"do":"rate","scale":1})");
  for (int i = 0; i < 20; ++i) REQUIRE(w.slack("usergroups.list").slack() == "ok");
  const auto refused = w.slack("usergroups.list");
  CHECK(refused.status() == 429);
  CHECK(refused.slack() == "ratelimited");
  const auto wait = std::stoi(std::string(refused.http->header("retry-after").value_or("0")));
  CHECK(wait >= 50);
  CHECK(wait <= 60);
  CHECK(w.slack("users.info", {{"user", "U0ADA"}}).slack() == "ok");  // other methods go on

  CHECK(w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "1"}}).slack() == "ok");
  CHECK(w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "2"}}).status() == 429);

  // Scaled 60 times a minute is a second.
  w.control(R"({"do":"rate","scale":60})");
  for (int i = 0; i < 20; ++i) REQUIRE(w.slack("usergroups.list").slack() == "ok");
  CHECK(w.slack("usergroups.list").status() == 429);
  w.wait(1050ms);
  CHECK(w.slack("usergroups.list").slack() == "ok");
}

}  // namespace watchbill::test
