// Slack: users.*

#include <algorithm>

#include "sandbox/slack/call.hpp"

namespace watchbill::sandbox {
namespace {

/// Above this many people a list without `limit` is refused.
constexpr std::size_t kUnpagedUsers = 1000;

bool shows_email(const SlackCall& call) {
  return call.scope("users:read.email");
}

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

void write_user(json::Writer& w, const World& world, const SlackUser& user, bool email) {
  const auto& team = world.slack.team_id;
  w.begin_object().field("id", user.id).field("team_id", user.stranger ? "T0ELSEWHERE" : team);
  w.field("name", user.name).field("deleted", user.deleted).field("real_name", user.real_name);
  w.field("tz", "Europe/Berlin").field("tz_label", "Central European Time").field("tz_offset", 3600);
  w.key("profile").begin_object().field("real_name", user.real_name).field("display_name", user.name);
  if (!user.email.empty() && email) w.field("email", user.email);
  w.field("team", team).end_object();
  w.field("is_admin", user.admin).field("is_owner", user.owner);
  w.field("is_restricted", user.multi_channel_guest || user.single_channel_guest);
  w.field("is_ultra_restricted", user.single_channel_guest).field("is_bot", user.bot);
  w.field("is_stranger", user.stranger).field("is_app_user", false).field("updated", 1772359200).end_object();
}

Answer users_list(SlackCall& call) {
  const auto& users = call.world().users;
  if (!call.has("limit") && users.size() > kUnpagedUsers) return slack_fail("limit_required");
  Answer refusal;
  const auto page = slack_page(call, users.size(), kUnpagedUsers, 1000, refusal);
  if (!page) return refusal;
  return slack_ok([&](json::Writer& w) {
    w.key("members").begin_array();
    for (auto i = page->from; i < page->to; ++i) write_user(w, call.world(), users[i], shows_email(call));
    w.end_array().field("cache_ts", unix_seconds(call.context.now));
    write_next_cursor(w, page->next_cursor);
  });
}

Answer users_info(SlackCall& call) {
  if (!call.has("user")) return slack_missing("user");
  const auto* user = call.world().users.find(call.arg("user"));
  if (!user) return slack_fail("user_not_found");
  return slack_ok([&](json::Writer& w) {
    w.key("user");
    write_user(w, call.world(), *user, shows_email(call));
  });
}

Answer users_lookup_by_email(SlackCall& call) {
  const auto email = call.arg("email");
  if (email.empty()) return slack_missing("email");
  for (const auto& user : call.world().users) {
    // Deactivated people are not found (docs.slack.dev/reference/methods/users.lookupByEmail).
    if (user.deleted || !same_text(user.email, email)) continue;
    return slack_ok([&](json::Writer& w) {
      w.key("user");
      write_user(w, call.world(), user, shows_email(call));
    });
  }
  return slack_fail("users_not_found");
}

}  // namespace watchbill::sandbox
