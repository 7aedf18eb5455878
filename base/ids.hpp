#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace watchbill {

/// A text identity that cannot be mixed with another kind's. Empty means "none".
template <class Tag>
struct Id {
  std::string value;

  Id() = default;
  explicit Id(std::string text) : value(std::move(text)) {}
  [[nodiscard]] bool empty() const { return value.empty(); }
  auto operator<=>(const Id&) const = default;
};

/// A Slack user group, `S…`.
using GroupId = Id<struct GroupTag>;
/// A Slack user, `U…` or `W…` (never test the letter:
/// `docs.slack.dev/enterprise/developing-for-enterprise-orgs`).
using UserId = Id<struct UserTag>;
/// A Slack channel, `C…` or `G…`.
using ChannelId = Id<struct ChannelTag>;
/// A Slack workspace, `T…`.
using TeamId = Id<struct TeamTag>;

/// The identities as plain text, for writing them down.
template <class Tag>
std::vector<std::string> texts(const std::vector<Id<Tag>>& ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (const auto& id : ids) out.push_back(id.value);
  return out;
}

/// A row of our own store; 0 means "not stored yet".
template <class Tag>
struct RowId {
  std::int64_t value = 0;
  auto operator<=>(const RowId&) const = default;
};

using RotationId = RowId<struct RotationTag>;
/// One remembered change of a group (a row of history).
using ChangeId = RowId<struct ChangeTag>;
/// One announcement in the outbox.
using OutboxId = RowId<struct OutboxTag>;

/// A schedule in a scheduling system, written `connection/id`.
struct ScheduleRef {
  std::string connection;
  std::string id;
  auto operator<=>(const ScheduleRef&) const = default;
};

/// Splits `connection/id` at the first slash. Reserved forms (`policy:`, `#PART`, `local/…`, `rotation:…`)
/// are refused by name: they are kept for later.
Result<ScheduleRef> parse_schedule_ref(std::string_view text);
std::string to_string(const ScheduleRef& ref);

/// Refuses anything but `[a-z0-9][a-z0-9-]{0,62}`, saying why.
Result<void> check_connection_name(std::string_view name);

}  // namespace watchbill

template <class Tag>
struct std::hash<watchbill::Id<Tag>> {
  std::size_t operator()(const watchbill::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
template <class Tag>
struct std::hash<watchbill::RowId<Tag>> {
  std::size_t operator()(const watchbill::RowId<Tag>& id) const noexcept {
    return std::hash<std::int64_t>{}(id.value);
  }
};
template <>
struct std::hash<watchbill::ScheduleRef> {
  std::size_t operator()(const watchbill::ScheduleRef& ref) const noexcept {
    return std::hash<std::string>{}(ref.connection) * 31 + std::hash<std::string>{}(ref.id);
  }
};
template <class Tag>
struct fmt::formatter<watchbill::Id<Tag>> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const watchbill::Id<Tag>& id, Context& context) const {
    return fmt::formatter<std::string>::format(id.value, context);
  }
};
template <>
struct fmt::formatter<watchbill::ScheduleRef> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const watchbill::ScheduleRef& ref, Context& context) const {
    return fmt::formatter<std::string>::format(ref.connection + "/" + ref.id, context);
  }
};
