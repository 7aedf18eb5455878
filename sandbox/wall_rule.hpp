#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

/// Shifts that follow the clock on the wall, through changes of daylight saving time.
namespace watchbill::sandbox {

/// Where somebody takes over at a local time.
struct WallSite {
  std::string zone = "UTC";                       ///< IANA name
  std::chrono::minutes at{0};                     ///< since midnight
  std::vector<std::vector<std::string>> turns{};  ///< one after another, day by day (or week by week)
};

/// Every day, or every week on one day. Several sites: each takes over from the one before (follow the sun).
struct WallRule {
  std::vector<WallSite> sites;
  int every_days = 1;  ///< 1 or 7
  int weekday = 1;     ///< of a weekly one: 0 is Sunday
  Instant start{};     ///< the day (week) on which the first turns are
};

struct WallShift {
  Instant start;
  Instant end;
  std::vector<std::string> people;
};

/// All that overlap or touch `window`, in order. A local time that is skipped is the moment of the change; of
/// one that comes twice the first counts.
std::vector<WallShift> wall_shifts(const WallRule& rule, Window window);

/// An error unless the zone is known here.
Result<void> check_zone(const std::string& zone);
/// "09:30" as minutes since midnight.
Result<std::chrono::minutes> read_wall_time(const std::string& text);
/// "mon" or "Monday" as 0 (Sunday) to 6.
Result<int> read_weekday(const std::string& text);

}  // namespace watchbill::sandbox
