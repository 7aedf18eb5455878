#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/live.hpp"
#include "cli/workspace.hpp"

/// From a rotation as it was written to one that can be stored: checked against Slack and the scheduling
/// systems before anything is written. Shared by `rotation create`, `rotation edit` and `apply`.
namespace watchbill::cli {

/// Taking over a group that has other members than who is on call.
struct Adoption {
  MemberChange change{};
  /// What a person should know before agreeing: who goes, who comes, who edited the group last, and which
  /// channels Slack adds members to.
  std::string preview;
};

/// One rotation to be written.
struct Wanted {
  Rotation rotation;                 ///< as it is to be
  std::optional<Rotation> before{};  ///< as it is stored; none for a new one
  std::string place{};               ///< for errors: "rotations.yaml:3:5"
  bool create_group = false;         ///< Slack has no such group
  bool enable_group = false;         ///< Slack has it, disabled, and it is to be used as a new one
  std::optional<FormerGroup> former{};
  std::optional<Adoption> adoption{};

  [[nodiscard]] bool takes_group() const { return !before || before->group != rotation.group; }
};

struct SettleOptions {
  bool create_groups = false;
  bool verify = true;  ///< ask the scheduling systems
  Principal principal;
};

/// Finds the group in Slack (or plans to make it): `not_found`, `forbidden` for one that may not be written.
Result<void> settle_group(Workspace& workspace, Wanted& wanted, bool create_groups);
/// The rest: names, rules, who may, schedules, adoption. The error says where and why.
Result<void> settle(Workspace& workspace, std::vector<Wanted>& wanted, const SettleOptions& options);

/// Creates or enables the groups that need it, by the daemon or under the writer's lock. The rotations then
/// have their ids.
Result<void> make_groups(Session& session, std::vector<Wanted>& wanted);

}  // namespace watchbill::cli
