#include "core/oncall/host_clock.hpp"

#include <algorithm>

namespace watchbill {

namespace {

constexpr auto kTolerance = 5min;

}  // namespace

bool contradicts(const ClockWitness& witness) {
  return witness.skew && (*witness.skew > kTolerance || *witness.skew < -kTolerance);
}

ClockVerdict judge_clock(const ClockWitness& slack, const std::vector<ClockWitness>& systems) {
  const bool any_contradicts = std::any_of(systems.begin(), systems.end(), contradicts);
  const bool all_heard =
      std::all_of(systems.begin(), systems.end(), [](const ClockWitness& one) { return one.heard; });
  if (slack.heard && !contradicts(slack)) return ClockVerdict::trusted;
  if (slack.heard && any_contradicts) return ClockVerdict::wrong;
  // What is not heard yet may still be the second that contradicts.
  return all_heard && !any_contradicts ? ClockVerdict::trusted : ClockVerdict::open;
}

}  // namespace watchbill
