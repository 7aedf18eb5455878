#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/json.hpp"
#include "slack/api/api.hpp"

namespace watchbill::slack {

/// What an event of Slack's says has changed: a hint to look, never taken for a fact. Events get lost, come
/// late and in any order. (docs.slack.dev/reference/events: user_change, team_join, subteam_….)
struct ChangeEvent {
  std::optional<User> person{};  ///< somebody as the event shows them
  std::optional<GroupId> group{};
};

/// The event types that tell such news, as they stand in the app's manifest, with what each is for.
struct ChangeEventType {
  std::string_view type;
  std::string_view why;
};
std::span<const ChangeEventType> change_event_types();

/// Reads the inner event; nothing if it is about something else, or cannot be read.
std::optional<ChangeEvent> change_event_of(json::View event);

}  // namespace watchbill::slack
