#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/schedules.hpp"

/// What the timelines of Opsgenie and of JSM Operations have in common: the first became the second.
namespace watchbill::sandbox {

/// Who asks, of which system's world, and when.
struct TimelineView {
  const World& world;
  System system;
  Instant now;

  [[nodiscard]] Asked asked() const { return {now, world.roster(system).lag}; }
  /// The forwarding of this person at `t` that the answer already knows of.
  [[nodiscard]] const Forwarding* forwarding_at(const std::string& key, Instant t) const;
};

struct Period {
  std::string who;
  std::string from{};  ///< forwarding: whose turn it was
  Instant start{};
  Instant end{};
  std::string type{};
};

/// "days", "weeks" and "months" alone.
bool is_unit(std::string_view unit);
/// The window begins with the unit that holds `date`.
Window unit_window(Instant date, std::int64_t interval, std::string_view unit);

/// Everybody's periods of a part within the window, forwardings applied and cut at the present: the past is
/// "historical", the rest "override", "forwarding" or `plain`.
std::vector<Period> part_periods(const TimelineView& view, const Schedule& schedule, const Part& part,
                                 Window window, std::string_view plain);
/// The past is "historical", and a period is split at the present moment.
std::vector<Period> split_at_now(std::vector<Period> periods, Instant now);

}  // namespace watchbill::sandbox
