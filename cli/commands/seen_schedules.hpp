#pragma once

#include <map>
#include <string>
#include <vector>

#include "providers/provider.hpp"
#include "store/store.hpp"

/// Which schedules there are, as a scheduling system told the last time somebody asked: completion must not
/// wait for the network.
namespace watchbill::cli {

/// Notes what `schedule list` was told, at most 1,000 of a connection. If that fails, completion knows less.
void remember_schedules(store::Store& store, const std::string& connection,
                        const std::vector<providers::ScheduleInfo>& schedules);

/// Name by reference ("pd/P1"): what was noted of the connections that there are, and what rotations use.
std::map<std::string, std::string> seen_schedules(store::Store& store);

}  // namespace watchbill::cli
