#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "core/rotation.hpp"

namespace watchbill::cli {

/// The Slack workspace as it is now, asked for piece by piece and kept for the rest of the run.
class Workspace {
 public:
  explicit Workspace(Session& session) : session_(session) {}

  /// All groups, disabled ones too.
  Result<const std::vector<slack::UserGroup>*> groups();
  /// By "@handle", "handle" or id; null if there is none.
  Result<const slack::UserGroup*> find_group(const GroupId& id, const std::string& handle);
  /// By "#name" or id. `not_found` for an unknown one, `invalid` for an archived one.
  Result<slack::Channel> channel(const std::string& text);
  /// By id or e-mail address; `invalid` for those who may not be in a group.
  Result<slack::User> person(const std::string& text);
  /// "Ada Example (U1)", or the id if Slack does not tell.
  std::string name_of(const UserId& user);
  /// "#payments (C1)", or the id.
  std::string name_of(const ChannelId& channel);

  Session& session() { return session_; }

 private:
  Result<const std::vector<slack::Channel>*> channels();
  Session& session_;
  std::optional<std::vector<slack::UserGroup>> groups_;
  std::optional<std::vector<slack::Channel>> channels_;
  std::map<std::string, slack::User> people_;
};

/// Replaces what was written by what Slack calls it: channels by name, people by e-mail address. Refuses what
/// is unknown, archived or may not be in a group, and warns of channels that the bot is not in.
Result<void> resolve_names(Workspace& workspace, Rotation& rotation);

/// Success if every schedule of the rotation exists in its system. `not_found` names the first that does not.
Result<void> check_schedules(Session& session, const std::vector<Rotation>& rotations, bool verify);

}  // namespace watchbill::cli
