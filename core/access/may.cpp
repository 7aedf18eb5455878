#include "core/access/may.hpp"

#include <algorithm>

#include "base/enum_names.hpp"
#include "base/text.hpp"

namespace watchbill {

namespace {

constexpr NameTable<Action, 13> kPhrases{
    {{Action::see_on_call, "see who is on call"},
     {Action::view, "look at rotations"},
     {Action::create, "create rotations"},
     {Action::edit, "edit this rotation"},
     {Action::move_to_another_group, "move a rotation to another group"},
     {Action::remove, "delete this rotation"},
     {Action::pause, "pause or resume this rotation"},
     {Action::sync, "sync this rotation"},
     {Action::restore, "restore this group"},
     {Action::connect, "change connections"},
     {Action::map_person, "map people"},
     {Action::notify_everyone, "let announcements notify a whole channel"},
     {Action::administer, "change Watchbill's settings"}}};

bool is_editor(const SlackUser& user, const Editors& editors) {
  if (editors.workspace_admins && user.admin) return true;
  if (std::find(editors.users.begin(), editors.users.end(), user.id) != editors.users.end()) return true;
  return editors.group &&
         std::find(user.groups.begin(), user.groups.end(), *editors.group) != user.groups.end();
}

bool is_owner(const SlackUser& user, const Rotation& rotation) {
  return std::any_of(rotation.owners.begin(), rotation.owners.end(), [&](const std::string& owner) {
    return owner == user.id.value || std::any_of(user.groups.begin(), user.groups.end(),
                                                 [&](const GroupId& group) { return group.value == owner; });
  });
}

/// What an owner may do with his rotation.
bool is_for_owners(Action action) {
  switch (action) {
    case Action::edit:
    case Action::remove:
    case Action::pause:
    case Action::sync:
    case Action::restore:
      return true;
    default:
      return false;
  }
}

bool changes_rotation(Action action) {
  switch (action) {
    case Action::edit:
    case Action::move_to_another_group:
    case Action::remove:
    case Action::pause:
    case Action::restore:
    case Action::notify_everyone:
      return true;
    default:
      return false;
  }
}

/// The file that manages the rotation; empty if none does.
std::string_view file_of(const Object& object) {
  constexpr std::string_view prefix = "file:";
  if (object.rotation == nullptr) return {};
  const std::string_view managed_by = object.rotation->managed_by;
  return managed_by.starts_with(prefix) ? managed_by.substr(prefix.size()) : std::string_view{};
}

Error managed_by_file(std::string_view name, std::string_view file) {
  return fail(ErrorKind::forbidden,
              "rotation \"{}\" is managed by the file {}: change it there, then run `watchbill apply -f {}`",
              name, file, file);
}

/// "Ask <@U1>, a member of <!subteam^S1> or a workspace admin."
std::string whom_to_ask(Action action, const Object& object, const Editors& editors) {
  constexpr std::size_t people_named = 5;
  std::vector<std::string> helpers;
  const auto add = [&](const std::string& id) {
    auto mention = id.starts_with('S') ? fmt::format("a member of <!subteam^{}>", escape_slack(id))
                                       : fmt::format("<@{}>", escape_slack(id));
    if (helpers.size() < people_named && std::find(helpers.begin(), helpers.end(), mention) == helpers.end())
      helpers.push_back(std::move(mention));
  };
  if (object.rotation != nullptr && is_for_owners(action)) {
    for (const auto& owner : object.rotation->owners) add(owner);
  }
  for (const auto& user : editors.users) add(user.value);
  if (editors.group) add(editors.group->value);
  if (editors.workspace_admins) helpers.emplace_back("a workspace admin");
  if (helpers.empty()) return "Ask whoever runs Watchbill: nobody is an editor in Slack (`slack.editors`).";
  std::string text = "Ask ";
  for (std::size_t i = 0; i < helpers.size(); ++i) {
    if (i > 0) text += i + 1 == helpers.size() ? " or " : ", ";
    text += helpers[i];
  }
  return text + ".";
}

Result<void> may_slack(const SlackUser& user, Action action, const Object& object,
                       const Permissions& permissions) {
  if (action == Action::see_on_call) return {};
  if (user.guest) {
    return fail(ErrorKind::forbidden,
                "Guests can see who is on call, who is next, and their own shifts, and nothing more. {}",
                whom_to_ask(action, object, permissions.editors));
  }
  if (action == Action::view) return {};
  if (const auto file = file_of(object); !file.empty() && changes_rotation(action))
    return managed_by_file(slack_name(object.rotation->name), slack_name(file));
  if (action == Action::connect && !permissions.credentials_in_modals) {
    return fail(ErrorKind::forbidden,
                "Connections are not made in Slack here (`slack.credentials_in_modals: false`). Ask whoever "
                "runs Watchbill to use `watchbill connection add`.");
  }
  if (is_editor(user, permissions.editors)) return {};
  if (object.rotation != nullptr && is_for_owners(action) && is_owner(user, *object.rotation)) return {};
  return fail(ErrorKind::forbidden, "You may not {}. {}", phrase_of(action),
              whom_to_ask(action, object, permissions.editors));
}

Result<void> may_local(Action action, const Object& object) {
  const auto file = file_of(object);
  const bool emergency = action == Action::pause || action == Action::restore;
  if (!file.empty() && changes_rotation(action) && !emergency)
    return managed_by_file(object.rotation->name, file);
  return {};
}

Result<void> may_file(const RotationFile& actor, Action action, const Object& object) {
  const auto file = file_of(object);
  if (action == Action::remove && !file.empty() && file != actor.name)
    return managed_by_file(object.rotation->name, file);
  return {};
}

}  // namespace

std::string_view phrase_of(Action action) {
  return name_in(kPhrases, action);
}

Result<void> may(const Principal& principal, Action action, const Object& object,
                 const Permissions& permissions) {
  if (!object.group.empty() && object.group == permissions.editors.group) {
    return fail(ErrorKind::forbidden,
                "the group {} says who may edit in Slack (slack.editors.group): no rotation may manage it",
                object.group);
  }
  if (const auto* user = std::get_if<SlackUser>(&principal))
    return may_slack(*user, action, object, permissions);
  if (const auto* file = std::get_if<RotationFile>(&principal)) return may_file(*file, action, object);
  return may_local(action, object);
}

}  // namespace watchbill
