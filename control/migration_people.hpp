#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/known_people.hpp"
#include "control/schedule_pairs.hpp"

/// Who is who on the two sides of a migration.
namespace watchbill::control {

/// Mappings of people by their id in the first connection, for the same people in the second: "ops/712020:…".
std::map<std::string, UserId> moved_mappings(const StoredPeople& people,
                                             const std::vector<ShownSchedule>& before,
                                             const std::vector<ShownSchedule>& after);
/// Who is who: by mapping, else by the Slack user of the address, else by the address. What the second side's
/// people will be mapped to counts already.
PersonKey person_key(const StoredPeople& people, const std::vector<ShownSchedule>& before,
                     const std::vector<ShownSchedule>& after);
/// People of these schedules who have no address and no mapping, each once.
std::vector<Responder> unknown_people(const StoredPeople& people, const std::vector<ShownSchedule>& before,
                                      const std::vector<ShownSchedule>& after);

}  // namespace watchbill::control
