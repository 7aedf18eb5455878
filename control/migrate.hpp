#pragma once

#include <string>
#include <vector>

#include "control/context.hpp"
#include "control/schedule_pairs.hpp"
#include "core/oncall/rotation.hpp"

/// Moving what refers to one connection over to another that has the same schedules. What refers to a
/// connection: rotations by their schedules, and mappings of people. Whatever else comes to refer to one is
/// moved here, too.
namespace watchbill::control {

/// A rotation that goes over.
struct RotationMove {
  Rotation rotation;                          ///< as it is stored
  std::vector<RotationSchedule> schedules{};  ///< that it gets instead of its own
};

/// A rotation that does not go over, and why.
struct LeftRotation {
  RotationId id{};
  std::string name;
  std::string why;
};

struct MigrationPlan {
  std::string from;
  std::string to;
  bool undo = false;
  Instant made_at;  ///< when both sides were compared last
  std::vector<SchedulePair> pairs{};
  /// What the two sides of each pair said, in the order of the pairs.
  std::vector<ShownSchedule> before{};
  std::vector<ShownSchedule> after{};
  /// Schedules that rotations use and that have no partner.
  std::vector<UnpairedSchedule> unpaired{};
  /// People in these schedules whom neither an address nor a mapping tells: nobody knows who they are on the
  /// other side.
  std::vector<Responder> unknown_people{};
  std::vector<RotationMove> moving{};
  std::vector<LeftRotation> left{};
  /// Of an undo: what was moved once, and does not use what it was moved to any more.
  std::vector<LeftRotation> lost{};
  std::vector<store::Mapping> mappings{};  ///< that the people of the other connection get
};

/// The difference that holds at `t`; null if the pair says the same people then.
const PairDifference* difference_at(const SchedulePair& pair, Instant t);
/// The difference of a pair that a rotation would go along, when the plan was made: to move it would be a
/// handoff that is none. `conflict`, with both answers; nothing if there is none.
Result<void> refuse_handoff(const MigrationPlan& plan);

/// Asks both connections for their schedules and what they say of the next two weeks. Nothing is written.
/// `not_found` if there is no such connection; `conflict` if no rotation uses the first. A first connection
/// that does not answer any more is taken as the store remembers it; a second one that does not is an error.
/// `invalid` if somebody chose a partner for, or of, a schedule that is not there.
net::Task<Result<MigrationPlan>> plan_migration(Context& context, Caller caller, std::string from,
                                                std::string to, ChosenPartners chosen = {});
/// The way back of everything that was ever moved, and is not back yet: by the pairs of then, which are
/// compared again. `not_found` if there is nothing.
net::Task<Result<MigrationPlan>> plan_undo(Context& context, Caller caller, std::string from, std::string to);

/// Carries it out in one transaction, and remembers it for the way back. The people on call are the same,
/// which both sides are asked once more before, so nobody is told and no group is written; and what they said
/// of the next weeks is known from then on. `conflict`, and nothing is changed, if they are not, if the
/// second side does not answer, or if a rotation was changed meanwhile.
net::Task<Result<void>> migrate(Context& context, Caller caller, MigrationPlan plan);

}  // namespace watchbill::control
