#include "engine/sources/responder_matcher.hpp"

#include <utility>

namespace watchbill::engine {

std::vector<slack::SeenUser> seen_users(const std::vector<store::CachedUser>& cached) {
  std::vector<slack::SeenUser> users;
  users.reserve(cached.size());
  for (const auto& user : cached) {
    users.push_back(
        {{user.id, user.name, user.email, user.deleted, user.bot, user.guest, user.admin}, user.seen_at});
  }
  return users;
}

std::vector<store::CachedUser> cached_users(const std::vector<slack::SeenUser>& users) {
  std::vector<store::CachedUser> cached;
  cached.reserve(users.size());
  for (const auto& [user, seen_at] : users) {
    cached.push_back(
        {user.id, user.name, user.email, user.deleted, user.bot, user.guest, user.admin, seen_at});
  }
  return cached;
}

std::optional<std::string> ResponderMatcher::unfit(const UserId& user) const {
  const auto* known = directory_.by_id(user);
  if (!known || known->assignable()) return std::nullopt;
  const auto& name = known->name.empty() ? user.value : known->name;
  if (known->deleted) return fmt::format("{} is deactivated or unknown in Slack", name);
  if (known->bot) return fmt::format("{} is a bot, and Slack takes only people into groups", name);
  return fmt::format("{} is a guest, and Slack takes no guests into groups", name);
}

Match ResponderMatcher::match_user(const UserId& user) const {
  const auto* known = directory_.by_id(user);
  const auto name = known ? known->name : std::string{};
  if (auto why = unfit(user)) return {std::nullopt, false, *std::move(why), name, user};
  return {user, false, {}, name};
}

std::optional<UserId> ResponderMatcher::mapped(const Responder& responder) const {
  auto mapping = mappings_.find(responder.connection + "/" + responder.id);
  if (mapping == mappings_.end() && responder.email) mapping = mappings_.find(*responder.email);
  return mapping == mappings_.end() ? std::nullopt : std::optional(mapping->second);
}

std::optional<UserId> ResponderMatcher::account_of(const Responder& responder) const {
  if (auto user = mapped(responder)) return user;
  const auto* user = responder.email ? directory_.by_email(*responder.email) : nullptr;
  return user == nullptr ? std::nullopt : std::optional(user->id);
}

Match ResponderMatcher::match(const Responder& responder) const {
  if (const auto user = mapped(responder)) return match_user(*user);
  if (!responder.email) {
    const auto hint = why_no_address_ ? why_no_address_(responder.connection) : std::string();
    return {std::nullopt, false,
            fmt::format("connection {} shows no e-mail address of this person{}", responder.connection,
                        hint.empty() ? "" : fmt::format(" ({})", hint))};
  }
  if (const auto* user = directory_.by_email(*responder.email)) return match_user(user->id);
  if (directory_.absent(*responder.email)) {
    return {std::nullopt, false, fmt::format("no active Slack account has the address {}", *responder.email)};
  }
  auto why = fmt::format("Slack has not said yet who has the address {}", *responder.email);
  if (const auto failed = directory_.failure(*responder.email)) why += fmt::format(" ({})", failed->message);
  return {std::nullopt, true, std::move(why)};
}

namespace {

std::map<std::string, UserId> by_person(const std::vector<store::Mapping>& mappings) {
  std::map<std::string, UserId> users;
  for (const auto& mapping : mappings) users.insert_or_assign(mapping.person, mapping.user);
  return users;
}

}  // namespace

void ResponderMatcher::set_mappings(const std::vector<store::Mapping>& mappings) {
  mappings_ = by_person(mappings);
}

std::vector<std::string> ResponderMatcher::remapped(const std::vector<store::Mapping>& mappings) const {
  const auto wanted = by_person(mappings);
  std::vector<std::string> changed;
  for (const auto& [person, user] : mappings_) {
    const auto now = wanted.find(person);
    if (now == wanted.end() || now->second != user) changed.push_back(person);
  }
  for (const auto& [person, user] : wanted) {
    if (!mappings_.contains(person)) changed.push_back(person);
  }
  return changed;
}

std::vector<UserId> ResponderMatcher::unknown_users(const std::vector<UserId>& named) const {
  std::vector<UserId> unknown;
  for (const auto& user : named) {
    if (!directory_.by_id(user)) unknown.push_back(user);
  }
  return unknown;
}

std::vector<UserId> ResponderMatcher::mapped_users() const {
  std::vector<UserId> users;
  users.reserve(mappings_.size());
  for (const auto& [person, user] : mappings_) users.push_back(user);
  return users;
}

}  // namespace watchbill::engine
