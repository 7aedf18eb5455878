#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/migrate.hpp"

/// What was moved from one connection to another and is not back yet: every rotation, whichever command moved
/// it. And what "goes along a pair" means.
namespace watchbill::control {

struct MovedRotation {
  std::string name;
  std::vector<RotationSchedule> before;
  std::vector<RotationSchedule> after;
  std::vector<SchedulePair> pairs;  ///< along which it went
};
using Moved = std::map<RotationId, MovedRotation>;

Result<Moved> moved_between(store::Store& store, const std::string& from, const std::string& to);
/// Notes what a plan moves, in the transaction that moves it.
Result<void> remember(store::Store& store, const MigrationPlan& plan);

/// What a rotation that was moved, and uses `now` since, had before; as it is now if it uses nothing of what
/// it was moved to.
std::vector<RotationSchedule> moved_back(const MovedRotation& moved,
                                         const std::vector<RotationSchedule>& now);

/// The schedules with those that are in a pair replaced by their partners; each stands there once.
std::vector<RotationSchedule> replaced(const std::vector<RotationSchedule>& schedules,
                                       const std::vector<SchedulePair>& pairs);
/// The pair that leads away from the schedule, or null.
const SchedulePair* pair_of(const std::vector<SchedulePair>& pairs, const ScheduleRef& ref);
/// The other way round, not compared.
SchedulePair turned(const SchedulePair& pair);
bool uses(const std::vector<RotationSchedule>& schedules, const ScheduleRef& ref);
/// True if the rotation leaves the first of the pair for the second.
bool goes_along(const RotationMove& move, const SchedulePair& pair);
/// True if a rotation that moves goes along it.
bool is_needed(const MigrationPlan& plan, const SchedulePair& pair);

}  // namespace watchbill::control
