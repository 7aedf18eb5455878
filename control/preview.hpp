#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/workspace.hpp"
#include "core/oncall/plan.hpp"

namespace watchbill::control {

/// What would be done about a rotation, decided from what the systems and Slack say right now.
struct PlanPreview {
  Plan plan;
  /// Nothing if Slack has no such group.
  std::optional<GroupNow> group{};
  /// Schedules that did not answer, with the reason.
  std::vector<std::string> failures{};
};

/// Asks the systems (all at the same time) and Slack and decides, without writing anything. One plan for each
/// rotation, in order. `records`: what is remembered of each; a new rotation has none.
net::Task<Result<std::vector<PlanPreview>>> preview_plans(Workspace& workspace,
                                                          std::vector<Rotation> rotations,
                                                          std::vector<RotationRecord> records);

/// Members that go and come when `target` is carried out.
struct MemberChange {
  std::vector<UserId> goes;
  std::vector<UserId> comes;
};
MemberChange change_of(const GroupTarget& target, const GroupNow& group);

}  // namespace watchbill::control
