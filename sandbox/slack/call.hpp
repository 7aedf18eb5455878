#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "sandbox/servers.hpp"

/// Slack's Web API, method by method (docs.slack.dev/reference/methods/…).
namespace watchbill::sandbox {

/// One call that has passed token and scope.
struct SlackCall {
  Context context;
  std::string method;
  std::map<std::string, std::string> args;
  const SlackToken* token = nullptr;

  World& world() { return context.world; }
  [[nodiscard]] std::string arg(const std::string& name) const {
    const auto found = args.find(name);
    return found == args.end() ? std::string{} : found->second;
  }
  [[nodiscard]] bool has(const std::string& name) const { return args.count(name) != 0; }
  [[nodiscard]] bool flag(const std::string& name) const {
    const auto value = arg(name);
    return value == "true" || value == "1";
  }
  [[nodiscard]] bool scope(const std::string& name) const { return token->scopes.count(name) != 0; }
};

/// {"ok":true, ...what `fill` writes}
template <class Fill>
Answer slack_ok(Fill fill) {
  json::Writer w;
  w.begin_object().field("ok", true);
  fill(w);
  w.end_object();
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), {}};
}
/// {"ok":false,"error":code}
Answer slack_fail(std::string_view code);
/// `invalid_arguments` with its explanation.
Answer slack_missing(std::string_view field);
/// `code` with what Slack says against the blocks or the view.
Answer slack_invalid(const std::vector<std::string>& messages, std::string_view code = "invalid_arguments");
/// `missing_scope` with `needed` and `provided`.
Answer slack_needs(const SlackCall& call, const std::string& scope);

/// A page of `count` rows: from where, to where, and the cursor of the next one.
struct SlackPage {
  std::size_t from = 0;
  std::size_t to = 0;
  std::string next_cursor{};
};
/// Nothing if `cursor` or `limit` is refused; `refusal` then says why.
std::optional<SlackPage> slack_page(const SlackCall& call, std::size_t count, std::size_t default_limit,
                                    std::size_t max_limit, Answer& refusal);
void write_next_cursor(json::Writer& w, const std::string& cursor);

Answer auth_test(SlackCall& call);
Answer apps_connections_open(SlackCall& call);

Answer usergroups_list(SlackCall& call);
Answer usergroups_users_list(SlackCall& call);
Answer usergroups_create(SlackCall& call);
Answer usergroups_update(SlackCall& call);
Answer usergroups_enable(SlackCall& call);
Answer usergroups_disable(SlackCall& call);
Answer usergroups_users_update(SlackCall& call);
/// `count`: how many members it is said to have, if at all.
void write_group(json::Writer& w, const World& world, const Group& group, bool users,
                 std::optional<std::size_t> count);
/// Why the caller may not change this group, or nothing.
std::optional<Answer> group_write_refusal(SlackCall& call, const Group* group);

void write_user(json::Writer& w, const World& world, const SlackUser& user, bool email);
Answer users_list(SlackCall& call);
Answer users_info(SlackCall& call);
Answer users_lookup_by_email(SlackCall& call);

Answer conversations_list(SlackCall& call);
Answer conversations_info(SlackCall& call);
Answer conversations_join(SlackCall& call);
Answer conversations_open(SlackCall& call);
Answer conversations_history(SlackCall& call);
/// The channel as the caller sees it: a private one he is not in does not exist for him.
Channel* visible_channel(SlackCall& call, const std::string& id);
/// The direct conversation of the caller with a person, made if there is none.
Channel& direct_channel(SlackCall& call, const std::string& user);

Answer chat_post_message(SlackCall& call);
Answer chat_post_ephemeral(SlackCall& call);
Answer chat_update(SlackCall& call);
Answer chat_delete(SlackCall& call);
/// A POST to a `response_url`. It needs no token.
Answer answer_response_url(Context context, const net::ServerRequest& request);
/// Shows a message that came for this address: by a POST, or in the answer to a command. Slack's code if it
/// refuses it, else nothing.
std::string post_response(Context context, SlackResponseUrl& url, json::View message);

Answer views_open(SlackCall& call);
Answer views_push(SlackCall& call);
Answer views_update(SlackCall& call);
Answer views_publish(SlackCall& call);

}  // namespace watchbill::sandbox
