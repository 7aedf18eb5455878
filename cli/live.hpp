#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/workspace.hpp"
#include "core/plan.hpp"

namespace watchbill::cli {

/// What would be done about a rotation, decided from what the systems and Slack say right now.
struct LivePlan {
  Plan plan;
  /// Nothing if Slack has no such group.
  std::optional<GroupNow> group{};
  /// Schedules that did not answer, with the reason.
  std::vector<std::string> failures{};
};

/// Asks the systems and Slack and decides, without writing anything. One plan for each rotation, in order.
/// `records`: what is remembered of each; a new rotation has none.
Result<std::vector<LivePlan>> plan_live(Workspace& workspace, const std::vector<Rotation>& rotations,
                                        const std::vector<RotationRecord>& records);

/// Members that go and come when `plan` is carried out.
struct MemberChange {
  std::vector<UserId> goes;
  std::vector<UserId> comes;
};
MemberChange change_of(const GroupTarget& target, const GroupNow& group);

}  // namespace watchbill::cli
