#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/oncall/timeline.hpp"

/// Which schedule of one connection is which of another, and where they differ. Pure.
namespace watchbill::control {

/// Who a responder is, whichever system names him: the same text for the same person.
using PersonKey = std::function<std::string(const Responder&)>;

/// A schedule as one of the two sides shows it.
struct ShownSchedule {
  ScheduleRef ref;
  std::string name;
  /// What it says of the next weeks; nothing if it was not asked.
  std::optional<Timeline> timeline{};
  /// Why it did not answer the last question; empty if it did.
  std::string silence{};
};

/// A stretch of time in which the two say different people: addresses, or "NAME (CONNECTION/ID)" of those
/// without one.
struct PairDifference {
  Instant from;
  Instant to;
  std::vector<std::string> before;
  std::vector<std::string> after;
  bool operator==(const PairDifference&) const = default;
};

struct SchedulePair {
  ScheduleRef before;
  ScheduleRef after;
  std::string by;  ///< "choice", "id", "name" or "people"
  std::vector<PairDifference> differences{};
  /// Why they could not be compared; empty if they were.
  std::string not_compared{};
  /// Where it ends what both tell, if that is before the end of what was asked.
  std::optional<Instant> compared_until{};
};

/// What begins so soon counts to the second. Later, the same handoff less than a minute apart is no
/// difference.
inline constexpr milliseconds kExactly = 10min;

/// Where two timelines say different people between `from` and `to`, as far as both are known. In order;
/// stretches that touch and say the same are one. `from` is now.
std::vector<PairDifference> differences_of(const Timeline& before, const Timeline& after, Instant from,
                                           Instant to, const PersonKey& key);

/// Fills in what the two say: where they differ, or why that is not known (one of them does not tell who is
/// on call at `from`).
void compare(SchedulePair& pair, const ShownSchedule& before, const ShownSchedule& after, Instant from,
             Instant to, const PersonKey& key);

/// A schedule without a partner, and why none of those that may be it was taken.
struct UnpairedSchedule {
  ScheduleRef ref;
  std::string by{};                       ///< what they have of it: "name" or "people"; empty: there are none
  std::vector<ScheduleRef> candidates{};  ///< of the other side
  std::vector<ScheduleRef> rivals{};      ///< of the same side, which the one candidate is like as well
};

/// Partners that somebody chose, by the schedules that they replace.
using ChosenPartners = std::map<ScheduleRef, ScheduleRef>;

struct SchedulePairs {
  std::vector<SchedulePair> pairs;
  std::vector<UnpairedSchedule> unpaired;
};

/// Pairs of those who were chosen for each other, then of the same id, then of the same name (regardless of
/// case) where that is nobody else's, then of the same people in nine tenths of the time that both are known,
/// where no other is like that. In the order of `before`.
SchedulePairs pair_schedules(const std::vector<ShownSchedule>& before,
                             const std::vector<ShownSchedule>& after, Instant from, Instant to,
                             const PersonKey& key, const ChosenPartners& chosen = {});

/// "NAME (CONNECTION/ID)"; the account alone if it has no name of its own.
std::string name_and_account(const Responder& responder);

}  // namespace watchbill::control
