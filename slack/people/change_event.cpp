#include "slack/people/change_event.hpp"

#include <algorithm>
#include <array>

#include "slack/api/decode.hpp"

namespace watchbill::slack {

namespace {

/// All need scopes that are needed anyway: users:read and usergroups:read. `subteam_self_added` and
/// `…_removed` are not delivered to bots (docs.slack.dev/reference/events/subteam_self_added).
constexpr std::array<ChangeEventType, 5> kChangeEventTypes{{
    {"user_change", "to look when somebody is deactivated, or their address changes"},
    {"team_join", "to look when somebody joins"},
    {"subteam_created", "to look when a user group appears"},
    {"subteam_updated", "to look when a user group is changed or disabled"},
    {"subteam_members_changed", "to look when somebody else edits a user group's members"},
}};

}  // namespace

std::span<const ChangeEventType> change_event_types() {
  return kChangeEventTypes;
}

std::optional<ChangeEvent> change_event_of(json::View event) {
  const auto type = event["type"].string_or("");
  ChangeEvent change;
  if (type == "user_change" || type == "team_join") {
    auto person = decode_user(event["user"]);
    if (!person) return std::nullopt;
    change.person = std::move(*person);
    return change;
  }
  if (!type.starts_with("subteam_")) return std::nullopt;
  // Members are cut at 500 there: only which group it is counts.
  auto id = event["subteam_id"].string_or(event["subteam"]["id"].string_or(""));
  if (id.empty()) return std::nullopt;
  change.group = GroupId(std::move(id));
  return change;
}

}  // namespace watchbill::slack
