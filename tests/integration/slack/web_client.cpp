#include <algorithm>

#include "tests/integration/slack/workspace.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using test::permit;
using test::SlackWorkspace;

namespace {

bool mentions(const Error& error, const std::string& text) {
  return error.message.find(text) != std::string::npos;
}

std::vector<UserId> ids(std::vector<std::string> names) {
  std::vector<UserId> out;
  for (auto& name : names) out.emplace_back(std::move(name));
  return out;
}

Result<std::vector<UserId>> set_members(SlackWorkspace& w, WebClient& client, std::vector<UserId> members) {
  return w.run(client.set_members(permit(Method::usergroups_users_update), GroupId("S0ONCALL"), members));
}

Result<std::vector<UserGroup>> list_groups(SlackWorkspace& w) {
  return w.run(w.client.list_groups(permit(Method::usergroups_list)));
}

}  // namespace

TEST_CASE("auth.test says who the token is and what it may do") {
  SlackWorkspace w;
  const auto who = w.run(w.client.auth_test(permit(Method::auth_test)));
  REQUIRE(who);
  CHECK(who->team_id == TeamId("T0SANDBOX"));
  CHECK(who->user_id == UserId("U0BOT"));
  CHECK(who->is_bot);
  CHECK(std::count(who->scopes.begin(), who->scopes.end(), "usergroups:write") == 1);

  CHECK(w.run(w.client.user_auth_test(permit(Method::auth_test))).error().kind == ErrorKind::not_found);
  auto options = w.options();
  options.user_token = Secret("xoxp-sandbox-user");
  WebClient both(w.http, w.limiter, options);
  const auto person = w.run(both.user_auth_test(permit(Method::auth_test)));
  REQUIRE(person);
  CHECK_FALSE(person->is_bot);
  CHECK(w.client.counts().at({"auth.test", "ok"}) == 1);
}

TEST_CASE("groups are listed with members, disabled ones too") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"group","handle":"old","people":["ada","cy"],"disabled":true})");
  w.control(R"({"do":"group","handle":"boss","auto_type":"admin","people":["ada"]})");
  w.control(R"({"do":"group","handle":"idp","idp":true,"people":["ada"]})");
  const auto groups = list_groups(w);
  REQUIRE(groups);
  REQUIRE(groups->size() == 4);
  CHECK(groups->at(0).handle == "oncall");
  CHECK(groups->at(0).members == ids({"U0BO"}));
  CHECK(groups->at(0).default_channels == std::vector{ChannelId("C0PAYMENTS")});
  CHECK(groups->at(0).updated_by == UserId("U0ADA"));
  CHECK_FALSE(groups->at(0).disabled);
  CHECK_FALSE(groups->at(0).unwritable);
  CHECK(groups->at(1).disabled);
  CHECK(groups->at(1).members == ids({"U0ADA", "U0CY"}));
  CHECK(groups->at(2).unwritable);
  CHECK(groups->at(3).unwritable);
}

TEST_CASE("members are replaced as a whole, and Slack's new list comes back sorted") {
  SlackWorkspace w;
  w.populate();
  const auto now = set_members(w, w.client, ids({"U0CY", "U0ADA"}));
  REQUIRE(now);
  CHECK(*now == ids({"U0ADA", "U0CY"}));
  CHECK(list_groups(w)->at(0).members == *now);
}

TEST_CASE("an empty list of members is not even sent") {
  SlackWorkspace w;
  w.populate();
  const auto result = set_members(w, w.client, {});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == "no_users_provided");
  CHECK(w.client.counts().empty());
  CHECK(list_groups(w)->at(0).members == ids({"U0BO"}));
}

TEST_CASE("groups are disabled, enabled, created and renamed") {
  SlackWorkspace w;
  w.populate();
  REQUIRE(w.run(w.client.disable_group(permit(Method::usergroups_disable), GroupId("S0ONCALL"))));
  CHECK(list_groups(w)->at(0).disabled);
  REQUIRE(w.run(w.client.enable_group(permit(Method::usergroups_enable), GroupId("S0ONCALL"))));
  CHECK_FALSE(list_groups(w)->at(0).disabled);
  // What is so already is done.
  w.control(R"({"do":"slack","says_already":true})");
  CHECK(w.run(w.client.enable_group(permit(Method::usergroups_enable), GroupId("S0ONCALL"))));
  REQUIRE(w.run(w.client.disable_group(permit(Method::usergroups_disable), GroupId("S0ONCALL"))));
  CHECK(w.run(w.client.disable_group(permit(Method::usergroups_disable), GroupId("S0ONCALL"))));
  REQUIRE(w.run(w.client.enable_group(permit(Method::usergroups_enable), GroupId("S0ONCALL"))));

  const auto create = [&w](const std::string& name, const std::string& handle) {
    return w.run(w.client.create_group(permit(Method::usergroups_create), name, handle, "Who & when, 100 %"));
  };
  const auto made = create("Platform: who's on call?", "platform");
  REQUIRE(made);
  CHECK(made->name == "Platform: who's on call?");
  CHECK(made->handle == "platform");
  CHECK(made->members.empty());
  CHECK(create("Other", "platform").error().kind == ErrorKind::conflict);
  CHECK(create("Other", "payments").error().code == "handle_already_exists");
  CHECK(create("Other", "Bad Handle").error().code == "bad_handle");
  CHECK(create("Other", "here").error().code == "forbidden_handle");
  CHECK(create("platform: WHO'S on call?", "other").error().code == "name_already_exists");

  GroupChanges changes;
  changes.name = "Platform";
  changes.handle = "platform-oncall";
  const auto renamed = w.run(w.client.update_group(permit(Method::usergroups_update), made->id, changes));
  REQUIRE(renamed);
  CHECK(renamed->name == "Platform");
  CHECK(renamed->handle == "platform-oncall");
}

TEST_CASE("the group that says who may edit is listed as such, and never written") {
  SlackWorkspace w;
  w.populate();
  auto options = w.options();
  options.editors_group = GroupId("S0ONCALL");
  WebClient client(w.http, w.limiter, options);
  const auto groups = w.run(client.list_groups(permit(Method::usergroups_list)));
  REQUIRE(groups);
  REQUIRE(groups->front().unwritable);
  CHECK(groups->front().unwritable->find("slack.editors.group") != std::string::npos);
  const GroupId group("S0ONCALL");
  const auto refused = [](const auto& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::forbidden);
    CHECK(result.error().code == "editors_group");
  };
  refused(w.run(client.set_members(permit(Method::usergroups_users_update), group, {UserId("U0ADA")})));
  refused(w.run(client.enable_group(permit(Method::usergroups_enable), group)));
  refused(w.run(client.disable_group(permit(Method::usergroups_disable), group)));
  refused(w.run(client.update_group(permit(Method::usergroups_update), group, {.name = "x"})));
  CHECK(w.run(w.client.list_groups(permit(Method::usergroups_list)))->front().members ==
        std::vector{UserId("U0BO")});
}

TEST_CASE("what Slack refuses about members comes back with its code") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"person","key":"guest","slack":{"guest":"single"}})");
  w.control(R"({"do":"person","key":"gone","slack":{"deleted":true}})");
  w.control(R"({"do":"person","key":"far","slack":{"stranger":true}})");
  const auto refused = [&w](const std::string& user) {
    const auto result = set_members(w, w.client, ids({"U0ADA", user}));
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::invalid);
    return result.error();
  };
  CHECK(refused("U0GUEST").code == "single_channel_guests_cannot_be_added");
  CHECK(refused("U0GONE").code == "invalid_users");
  CHECK(refused("U0GONE").maybe_done);
  CHECK(refused("U0NOBODY").code == "invalid_users");
  const auto far = refused("U0FAR");
  CHECK(far.code == "failed_for_some_users");
  CHECK(far.maybe_done);  // the sandbox, like Slack by report, has written the others
  CHECK(list_groups(w)->at(0).members == ids({"U0ADA"}));
  w.control(R"({"do":"slack","left_out":["bo"]})");
  const auto partly = set_members(w, w.client, ids({"U0ADA", "U0BO"}));
  REQUIRE(partly);
  CHECK(*partly == ids({"U0ADA"}));
  w.control(R"({"do":"slack","left_out":[],"other_ids":["bo"]})");
  const auto renamed = set_members(w, w.client, ids({"U0ADA", "U0BO"}));
  REQUIRE(renamed);
  CHECK(*renamed == ids({"U0ADA", "W0BO"}));
  const auto unknown =
      w.run(w.client.set_members(permit(Method::usergroups_users_update), GroupId("S0NONE"), ids({"U0ADA"})));
  CHECK(unknown.error().kind == ErrorKind::not_found);
}

TEST_CASE("where only admins may edit groups the bot is told how to go on, and the user token does it") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"person","key":"boss","slack":{"admin":true}})");
  w.control(
      R"({"do":"token","token":"xoxp-boss","kind":"user","person":"boss","scopes":["usergroups:write"]})");
  w.control(R"({"do":"slack","admins_only":true})");
  const auto refused = set_members(w, w.client, ids({"U0ADA"}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::forbidden);
  CHECK(refused.error().code == "permission_denied");
  CHECK(mentions(refused.error(), "slack.user_token_file"));

  auto options = w.options();
  options.user_token = Secret("xoxp-boss");
  WebClient client(w.http, w.limiter, options);
  CHECK(set_members(w, client, ids({"U0ADA"})));
  REQUIRE(w.run(client.disable_group(permit(Method::usergroups_disable), GroupId("S0ONCALL"))));
  REQUIRE(w.run(client.enable_group(permit(Method::usergroups_enable), GroupId("S0ONCALL"))));
  // The list and everything else is the bot's: this user token has no scope for it.
  CHECK(w.run(client.list_groups(permit(Method::usergroups_list))));

  w.control(R"({"do":"token","token":"xoxp-boss","error":"token_revoked"})");
  const auto revoked = set_members(w, client, ids({"U0ADA"}));
  CHECK(revoked.error().kind == ErrorKind::unauthorized);
  CHECK(mentions(revoked.error(), "slack.user_token_file"));
}

TEST_CASE("a free workspace has no user groups") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"slack","paid":false})");
  CHECK(list_groups(w).error().kind == ErrorKind::forbidden);
  const auto write = set_members(w, w.client, ids({"U0ADA"}));
  CHECK(write.error().code == "paid_teams_only");
  CHECK(write.error().kind == ErrorKind::forbidden);
}

TEST_CASE("a wrong token and a missing scope say what to do, and never show the token") {
  SlackWorkspace w;
  w.populate();
  WebClient wrong(w.http, w.limiter, w.with_token("xoxb-quite-wrong"));
  const auto refused = set_members(w, wrong, ids({"U0ADA"}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::unauthorized);
  CHECK(refused.error().code == "invalid_auth");
  CHECK(mentions(refused.error(), "slack.bot_token_file"));
  CHECK_FALSE(mentions(refused.error(), "xoxb-quite-wrong"));

  w.control(R"({"do":"token","token":"xoxb-sandbox-bot","drop":["usergroups:write"]})");
  const auto scope = set_members(w, w.client, ids({"U0ADA"}));
  CHECK(scope.error().kind == ErrorKind::forbidden);
  CHECK(scope.error().code == "missing_scope");
  CHECK(mentions(scope.error(), "usergroups:write"));
  CHECK(mentions(scope.error(), "reinstall"));
  CHECK(w.client.counts().at({"usergroups.users.update", "missing_scope"}) == 1);
}

TEST_CASE("a secret that comes back in an answer does not reach the error") {
  SlackWorkspace w;
  w.fault(R"("kind":"error","code":"bad_xoxb-sandbox-bot","times":1)");
  const auto result = list_groups(w);
  REQUIRE_FALSE(result);
  CHECK_FALSE(mentions(result.error(), "xoxb-sandbox-bot"));
  CHECK(result.error().code.find("xoxb-sandbox-bot") == std::string::npos);
}

TEST_CASE("people are found by address and by id") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"person","key":"gone","email":"gone@example.com","slack":{"deleted":true}})");
  w.control(R"({"do":"person","key":"guest","email":"a+b&c@example.com","slack":{"guest":"multi"}})");
  const auto find = [&w](const std::string& email) {
    return w.run(w.client.lookup_by_email(permit(Method::users_lookup_by_email), email));
  };
  const auto ada = find("ADA@example.com");
  REQUIRE(ada);
  CHECK(ada->id == UserId("U0ADA"));
  CHECK(ada->email == "ada@example.com");
  CHECK(ada->assignable());
  CHECK(find("gone@example.com").error().kind == ErrorKind::not_found);
  CHECK(find("nobody@example.com").error().code == "users_not_found");
  REQUIRE(find("a+b&c@example.com"));
  CHECK(find("a+b&c@example.com")->guest);

  const auto info = [&w](const std::string& id) {
    return w.run(w.client.user_info(permit(Method::users_info), UserId(id)));
  };
  CHECK(info("U0GONE")->deleted);
  CHECK(info("U0BOT")->bot);
  CHECK(info("W0NOBODY").error().kind == ErrorKind::not_found);
}

TEST_CASE("people are listed page by page, and a stale cursor says so") {
  SlackWorkspace w;
  w.control(R"({"do":"bulk","groups":0,"people":1150,"schedules":{},"channels":0})");
  const auto page = [&w](const std::string& cursor) {
    return w.run(w.client.list_users(permit(Method::users_list), cursor));
  };
  std::size_t count = 0;
  std::string cursor;
  int pages = 0;
  do {
    const auto part = page(cursor);
    REQUIRE(part);
    CHECK(part->users.size() <= 500);
    count += part->users.size();
    cursor = part->next_cursor;
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  CHECK(count >= 1150);
  CHECK(page("stale=").error().code == "invalid_cursor");
}

TEST_CASE("channels: look at, list, join, open a direct conversation") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"channel","name":"ops","bot":false})");
  w.control(R"({"do":"channel","name":"secret","private":true,"bot":false})");
  w.control(R"({"do":"channel","name":"inner","private":true,"bot":true})");
  w.control(R"({"do":"channel","name":"attic","archived":true})");
  const auto info = [&w](const std::string& id) {
    return w.run(w.client.channel_info(permit(Method::conversations_info), ChannelId(id)));
  };
  CHECK(info("C0PAYMENTS")->name == "payments");
  CHECK(info("C0PAYMENTS")->member);
  CHECK_FALSE(info("C0OPS")->member);
  CHECK(info("C0ATTIC")->archived);
  CHECK(info("C0SECRET").error().code == "channel_not_found");
  CHECK(info("C0NONE").error().kind == ErrorKind::not_found);

  const auto join = [&w](const std::string& id) {
    return w.run(w.client.join(permit(Method::conversations_join), ChannelId(id)));
  };
  REQUIRE(join("C0OPS"));
  CHECK(info("C0OPS")->member);
  CHECK(join("C0OPS"));  // already in: fine
  CHECK(join("C0ATTIC").error().code == "is_archived");
  CHECK(mentions(join("C0SECRET").error(), "/invite"));

  const auto list = w.run(w.client.list_channels(permit(Method::conversations_list), ""));
  REQUIRE(list);
  std::vector<std::string> names;
  for (const auto& channel : list->channels) names.push_back(channel.name);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"attic", "inner", "ops", "payments"});
  CHECK(list->next_cursor.empty());

  const auto open = [&w](const std::string& id) {
    return w.run(w.client.open_direct(permit(Method::conversations_open), UserId(id)));
  };
  const auto direct = open("U0ADA");
  REQUIRE(direct);
  CHECK(*open("U0ADA") == *direct);
  CHECK(open("U0NONE").error().kind == ErrorKind::not_found);
}

TEST_CASE("a message's key comes back from the channel's history") {
  SlackWorkspace w;
  w.populate();
  const auto before = w.loop.now() - 10s;
  const auto post = [&w](OutgoingMessage message) {
    return w.run(w.client.post(permit(Method::chat_post_message), std::move(message)));
  };
  const std::string text = "Ada & Bo: \"hello\" <@U0ADA> \xE2\x9C\x93\n100 %";
  const auto first = post({ChannelId("C0PAYMENTS"), text,
                           R"([{"type":"section","text":{"type":"mrkdwn","text":"*hi*"}}])", "key-1"});
  REQUIRE(first);
  CHECK(first->channel == ChannelId("C0PAYMENTS"));
  REQUIRE(post({ChannelId("C0PAYMENTS"), "no key", "", ""}));
  const auto third = post({ChannelId("C0PAYMENTS"), "other", "", "key-2"});
  REQUIRE(third);

  const auto history =
      w.run(w.client.history(permit(Method::conversations_history), ChannelId("C0PAYMENTS"), before, ""));
  REQUIRE(history);
  CHECK(history->keys ==
        std::vector<std::pair<std::string, std::string>>{{"key-2", third->ts}, {"key-1", first->ts}});
  CHECK(history->next_cursor.empty());
  const auto messages = w.control(R"({"do":"messages","channel":"payments"})");
  CHECK(messages.root()["messages"].size() == 3);
  CHECK((*messages.root()["messages"].items().begin())["text"].string_or("") == text);
  const auto later = w.run(w.client.history(permit(Method::conversations_history), ChannelId("C0PAYMENTS"),
                                            w.loop.now() + 10s, ""));
  REQUIRE(later);
  CHECK(later->keys.empty());
}

TEST_CASE("a message is found in history by a host whose clock is ahead of Slack's") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"clock","set":-600})");
  REQUIRE(
      w.run(w.client.post(permit(Method::chat_post_message), {ChannelId("C0PAYMENTS"), "hi", "", "key-1"})));
  const auto history = w.run(w.client.history(permit(Method::conversations_history), ChannelId("C0PAYMENTS"),
                                              w.loop.now() - 5min, ""));
  REQUIRE(history);
  CHECK(history->keys.size() == 1);
}

TEST_CASE("a long history comes in pages") {
  SlackWorkspace w;
  w.populate();
  const auto before = w.loop.now() - 10s;
  OutgoingMessage message{ChannelId("C0PAYMENTS"), "x", "", "the-key"};
  REQUIRE(w.run(w.client.post(permit(Method::chat_post_message), message)));
  for (int i = 0; i < 250; ++i) {
    w.control(R"({"do":"message","channel":"payments","person":"ada","text":"chatter"})");
  }
  const auto page = [&](const std::string& cursor) {
    return w.run(
        w.client.history(permit(Method::conversations_history), ChannelId("C0PAYMENTS"), before, cursor));
  };
  const auto first = page("");
  REQUIRE(first);
  CHECK(first->keys.empty());
  REQUIRE_FALSE(first->next_cursor.empty());
  const auto second = page(first->next_cursor);
  REQUIRE(second);
  CHECK(second->keys.size() == 1);
  CHECK(second->next_cursor.empty());
}

TEST_CASE("channels one cannot post to or read say what to do") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"channel","name":"attic","archived":true,"bot":true})");
  w.control(R"({"do":"channel","name":"ops","bot":false})");
  const auto post = [&w](const std::string& channel) {
    OutgoingMessage message{ChannelId(channel), "hi", "", "k"};
    return w.run(w.client.post(permit(Method::chat_post_message), message));
  };
  const auto archived = post("C0ATTIC");
  CHECK(archived.error().code == "is_archived");
  CHECK(archived.error().kind == ErrorKind::forbidden);
  CHECK_FALSE(archived.error().maybe_done);
  const auto unknown = post("C0NONE");
  CHECK(unknown.error().code == "channel_not_found");
  CHECK(unknown.error().kind == ErrorKind::not_found);
  const auto unread = w.run(
      w.client.history(permit(Method::conversations_history), ChannelId("C0OPS"), w.loop.now() - 1min, ""));
  CHECK(unread.error().code == "not_in_channel");
  CHECK(mentions(unread.error(), "/invite"));
}
