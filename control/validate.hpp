#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/preview.hpp"
#include "control/workspace.hpp"
#include "core/oncall/takeover.hpp"

/// From a rotation as somebody wrote it to one that is stored: checked against Slack and the scheduling
/// systems before anything is written.
///
///     resolve_group   finds the group in Slack, or plans to make it
///     settle         names, rules, rights, schedules; says what an adoption would mean
///     (the person agrees to the adoption)
///     save_all       makes the groups and stores everything, or nothing (control/save.hpp)
namespace watchbill::control {

/// Members whom a change takes out of a group, or puts into one that is taken over: what somebody must agree
/// to first (core/oncall/takeover.hpp).
struct Adoption {
  Takeover kind = Takeover::first;
  bool when_resumed = false;  ///< the rotation is paused
  GroupId group;
  std::string handle;
  MemberChange change{};
  /// Why it is not known who comes ("nobody yet: …"); empty if it is. Then `change.goes` is everybody.
  std::string unsure{};
  UserId edited_by{};                         ///< who edited the group last; empty if Slack does not tell
  Instant edited_at{};                        ///< the epoch if Slack does not tell
  std::vector<ChannelId> default_channels{};  ///< Slack adds members of the group to these
};

/// One rotation to be written. Channels may be "#name", people e-mail addresses, and a group has either an id
/// or a handle, until it is settled.
struct RotationDraft {
  Rotation rotation;                 ///< as it is to be
  std::optional<Rotation> before{};  ///< as it is stored; none for a new one
  std::string place{};               ///< for errors: "rotations.yaml:3:5"
  bool create_group = false;         ///< Slack has no such group
  bool enable_group = false;         ///< Slack has it, disabled, and it is to be used as a new one
  std::optional<FormerGroup> former{};
  std::optional<Adoption> adoption{};
  /// Channels that the bot is not in: it must be invited into private ones, and should be into others.
  std::vector<slack::Channel> uninvited{};
  /// When settling failed: the field that is wrong ("name", "group", "schedules", "channels",
  /// "alert_channel", "permanent_members", "fallback_members", "owners", "announce.template", …); empty if
  /// none is.
  std::string wrong_field{};

  [[nodiscard]] bool takes_group() const { return !before || before->group != rotation.group; }
};

/// A new rotation with what follows from who makes it: in Slack he is its owner.
Rotation new_rotation(const Caller& caller);

struct ValidateOptions {
  bool verify = true;  ///< ask the scheduling systems
};

/// Finds the group in Slack (or plans to make it): `not_found`, `forbidden` for one that may not be written.
net::Task<Result<void>> resolve_group(Workspace& workspace, RotationDraft& wanted, bool create_groups);
/// The rest: rights, names, rules, schedules, adoption. The error says where and why.
net::Task<Result<void>> validate(Workspace& workspace, Caller caller, std::vector<RotationDraft>& wanted,
                                 ValidateOptions options);

/// The rotation as it is when it is resumed, with what that would mean for the members of its group, asked of
/// the systems and Slack now. `not_found`; `forbidden`.
net::Task<Result<RotationDraft>> validate_resume(Workspace& workspace, Caller caller, RotationId id);

/// Whether the caller may save this: create it, edit it, give it another group.
Result<void> may_save(const Context& context, const Caller& caller, const RotationDraft& wanted);

/// Creates or enables the groups that need it. The rotations then have their ids.
net::Task<Result<void>> make_groups(Context& context, std::vector<RotationDraft>& wanted);

/// `rotation "payments"`, with its place.
std::string place_of(const RotationDraft& wanted);

}  // namespace watchbill::control
