#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "core/oncall/rotation.hpp"

/// Who may do what. Asked at every action, in Slack and on the command line: nothing else decides it.
namespace watchbill {

/// Somebody in Slack, as Slack (not the request) describes him.
struct SlackUser {
  UserId id;
  bool admin = false;             ///< workspace admin or owner
  bool guest = false;             ///< guests and people of other workspaces
  std::vector<GroupId> groups{};  ///< the user groups he is in
};
/// Somebody at the command line: whoever can open the store.
struct LocalUser {
  std::string name;
};
/// `watchbill apply -f NAME`.
struct RotationFile {
  std::string name;
};
using Principal = std::variant<SlackUser, LocalUser, RotationFile>;

enum class Action {
  see_on_call,  ///< who is on call, who is next, my own shifts
  view,         ///< everything else that can be looked at: settings, history, problems
  create,
  edit,
  move_to_another_group,
  remove,
  pause,    ///< and resume
  sync,     ///< a pass now
  restore,  ///< put a group back to what it was before its adoption
  connect,  ///< add, change or remove connections
  map_person,
  notify_everyone,  ///< let announcements notify a whole channel or workspace
  administer,       ///< what concerns all of Watchbill
};

/// What the action is done to.
struct Object {
  const Rotation* rotation = nullptr;  ///< as it is stored; none for `create` and for what is no rotation
  GroupId group{};  ///< the group that a rotation is to have: for `create` and `move_to_another_group`
};

/// Who may edit in Slack (configuration, `slack.editors`).
struct Editors {
  std::vector<UserId> users{};
  std::optional<GroupId> group{};
  bool workspace_admins = true;
  bool operator==(const Editors&) const = default;
};

/// What the administrator decided.
struct Permissions {
  Editors editors{};
  bool credentials_in_modals = true;  ///< connections may be made in Slack
};

/// Success, or an error of kind `forbidden` with a sentence for the person: why not, and whom to ask. For a
/// SlackUser it is mrkdwn and mentions people.
///
/// In Slack: guests see who is on call and nothing more. Everybody else may view. Editors may do everything;
/// an owner of a rotation (its creator, and whoever is listed) everything with that rotation but move it to
/// another group and let it notify whole channels. A rotation managed by a file can be looked at and synced,
/// not changed. At the command line: everything, but a rotation managed by a file can only be viewed, paused,
/// synced and restored (an emergency must not wait for a commit). A file: everything, but it does not remove
/// the rotations of another file. It may take them over by naming them, so that a file can be renamed. Nobody
/// may let a rotation manage the group of `slack.editors`: who is on call would be made editor.
Result<void> may(const Principal& principal, Action action, const Object& object,
                 const Permissions& permissions);

/// "edit a rotation", "add connections": for sentences.
std::string_view phrase_of(Action action);

}  // namespace watchbill
