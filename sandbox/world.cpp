#include "sandbox/world.hpp"

#include <algorithm>
#include <cctype>

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kPastKept = 64;

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

}  // namespace

std::string_view name_of(System system) {
  switch (system) {
    case System::slack:
      return "slack";
    case System::pagerduty:
      return "pagerduty";
    case System::identity:
      return "identity";
    case System::opsgenie:
      return "opsgenie";
    case System::jsm:
      return "jsm";
    case System::xmatters:
      return "xmatters";
  }
  throw std::logic_error("unknown system");
}

std::optional<System> system_named(std::string_view name) {
  for (const System system : kSystems) {
    if (name_of(system) == name) return system;
  }
  return std::nullopt;
}

World empty_world() {
  World world;
  auto& bot = world.users.make(world.slack.bot_user);
  bot.key = "bot";
  bot.name = "watchbill";
  bot.real_name = "Watchbill";
  bot.bot = true;
  auto& admin = world.users.make("U0ADMIN");
  admin.key = "admin";
  admin.name = "admin";
  admin.real_name = "Workspace Admin";
  admin.email = "admin@example.com";
  admin.admin = admin.owner = true;
  for (const auto& user : world.users) world.user_of_key[user.key] = user.id;

  auto& bot_token = world.tokens.make("xoxb-sandbox-bot");
  bot_token.kind = "bot";
  bot_token.user = world.slack.bot_user;
  bot_token.scopes = {"usergroups:read", "usergroups:write", "users:read",    "users:read.email",
                      "channels:read",   "groups:read",      "channels:join", "channels:history",
                      "groups:history",  "chat:write",       "im:write",      "commands"};
  auto& user_token = world.tokens.make("xoxp-sandbox-user");
  user_token.kind = "user";
  user_token.user = admin.id;
  user_token.scopes = {"usergroups:read", "usergroups:write"};
  auto& app_token = world.tokens.make("xapp-sandbox-app");
  app_token.kind = "app";
  app_token.scopes = {"connections:write"};

  world.pagerduty.refresh_tokens["pdus+_1XSANDBOX"] = {
      {"openid", "oncalls.read", "schedules.read", "users.read"}, {}};
  return world;
}

void group_changes(Group& group, Instant now, const std::string& by) {
  if (group.past.size() >= kPastKept) group.past.erase(group.past.begin());
  group.past.push_back({now, group.users, group.disabled_at, by});
  ++group.changes;
  group.updated = unix_seconds(now);
  group.updated_by = by;
  group.written.clear();
}

std::string next_message_ts(Channel& channel, Instant now) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  channel.last_ts = std::max(channel.last_ts + 1, micros);
  return fmt::format("{}.{:06}", channel.last_ts / 1'000'000, channel.last_ts % 1'000'000);
}

std::string id_text(std::string_view text) {
  std::string id;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      id += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return id;
}

std::string uuid_of(std::string_view text) {
  const auto high = fnv1a(text, 14695981039346656037U);
  const auto low = fnv1a(text, high ^ 0x9e3779b97f4a7c15U);
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                     high & 0xfffU, low >> 52U, low & 0xffffffffffffU);
}

std::int64_t unix_seconds(Instant t) {
  return std::chrono::floor<seconds>(t).time_since_epoch().count();
}

}  // namespace watchbill::sandbox
