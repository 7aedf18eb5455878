#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/connections.hpp"
#include "control/context.hpp"
#include "control/schedule_pairs.hpp"
#include "core/oncall/rotation.hpp"

/// Moving what refers to one connection over to another that has the same schedules. What refers to a
/// connection: rotations by their schedules, and mappings of people. Whatever else comes to refer to one is
/// moved here, too.
namespace watchbill::control {

/// A rotation that stays where it is, and why.
struct LeftRotation {
  std::string name;
  std::string why;
};

struct MigrationPlan {
  std::string from;
  std::string to;
  bool undo = false;
  Instant made_at;
  std::vector<SchedulePair> pairs{};
  /// Schedules that rotations use and that have no partner.
  std::vector<ScheduleRef> unpaired{};
  std::vector<Rotation> moving{};  ///< as they are stored
  std::vector<LeftRotation> left{};
  std::vector<store::Mapping> mappings{};  ///< that the people of the other connection get
};

/// True if the pair says different people at `t`.
bool differs_at(const SchedulePair& pair, Instant t);
/// The first pair that differs when the plan was made; nothing if none does.
const SchedulePair* differing_now(const MigrationPlan& plan);

/// Asks both connections for their schedules and what they say of the next two weeks. Nothing is written.
/// `not_found` if there is no such connection; `conflict` if no rotation uses the first. A first connection
/// that does not answer any more is taken as the store remembers it; a second one that does not is an error.
net::Task<Result<MigrationPlan>> plan_migration(Context& context, Caller caller, std::string from,
                                                std::string to);
/// The way back of what was moved: by the pairs of then, which are compared again as far as the systems
/// answer. `not_found` if nothing was moved, or all of it is back.
net::Task<Result<MigrationPlan>> plan_undo(Context& context, Caller caller, std::string from, std::string to);

/// Carries it out in one transaction, and remembers it for the way back. The people on call are the same, so
/// nobody is told and no group is written. `conflict` if a rotation was changed meanwhile.
net::Task<Result<void>> migrate(Context& context, Caller caller, MigrationPlan plan);

/// Asks both sides of pairs who is on call now, as often as wanted.
class PairComparison {
 public:
  /// `not_found` if a connection is gone. One that cannot be opened answers nothing.
  static Result<PairComparison> open(Context& context, std::vector<SchedulePair> pairs);
  /// The pairs with what differs at this moment and the next minutes.
  net::Task<Result<std::vector<SchedulePair>>> look();

 private:
  struct Side {
    std::string name;
    std::shared_ptr<OpenProvider> open{};
    std::string silence{};  ///< why it cannot be asked
    std::vector<ShownSchedule> schedules{};
  };
  PairComparison(Context& context, std::vector<SchedulePair> pairs)
      : context_(&context), pairs_(std::move(pairs)) {}
  Result<void> open_side(Side& side);

  Context* context_;
  std::vector<SchedulePair> pairs_;
  Side before_;
  Side after_;
};

}  // namespace watchbill::control
