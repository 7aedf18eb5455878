#pragma once

#include <string>
#include <vector>

#include "sandbox/world.hpp"

/// The common rule of all systems: who holds which shift when.
namespace watchbill::sandbox {

/// When a question is asked, and how far behind the answer lags: changes made in the last `lag` are not seen
/// yet, and boundaries that lie in it have not happened yet (they appear `lag` later).
struct Asked {
  Instant now;
  milliseconds lag{0};
};

/// The planned shifts of a part that overlap or touch `window`, with their own bounds, by start.
std::vector<Shift> planned_shifts(const Part& part, Window window);
/// The same as a lagging system shows them.
std::vector<Shift> occurrences(const Part& part, Window window, Asked asked);
/// The same after overrides: a shift is cut where an override covers it.
std::vector<Shift> shifts_of(const Schedule& schedule, const Part& part, Window window, Asked asked);
/// True if the shift is held by somebody at `t`.
bool covers(const Shift& shift, Instant t);

/// "00:00:20Z" with milliseconds only where there are some.
std::string stamp(Instant t);

/// Keys of the people who are on call at `t` and reached first: nested schedules, teams, escalations and
/// groups resolved, forwardings and delays obeyed. Sorted, each once. The truth that the servers' answers
/// rest on.
std::vector<std::string> on_call_at(const World& world, const Schedule& schedule, Instant t);
/// The next moment after `t` at which `on_call_at` differs, looking at most 60 days ahead; kNever if none.
Instant next_boundary(const World& world, const Schedule& schedule, Instant t);
/// Keys of everybody who can ever be on call in the schedule by its own plan.
std::vector<std::string> everybody_in(const Schedule& schedule);

/// "group:ID" -> {"group", "ID"}; "ada" -> {"", "ada"}.
std::pair<std::string_view, std::string_view> split_reference(std::string_view who);

}  // namespace watchbill::sandbox
