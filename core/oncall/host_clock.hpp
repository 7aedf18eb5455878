#pragma once

#include <optional>
#include <vector>

#include "base/time.hpp"

namespace watchbill {

/// What a server told of the time, by the `Date` of its answers.
struct ClockWitness {
  /// It was asked since this host's clock was last set, and answered or failed.
  bool heard = false;
  /// Its clock minus ours; nothing if it did not tell.
  std::optional<seconds> skew{};
};

enum class ClockVerdict {
  trusted,
  wrong,  ///< Slack and a scheduling system both contradict it: the time of day is not known
  open,   ///< not enough of them were heard yet
};

/// May what depends on the time of day be done by this host's clock? It is wrong if Slack's clock and that of
/// at least one scheduling system differ from it by more than 5 minutes each. One of them alone proves
/// nothing: the clock is trusted then, and so it is when nobody tells the time.
ClockVerdict judge_clock(const ClockWitness& slack, const std::vector<ClockWitness>& systems);

/// True if this clock differs from ours by more than 5 minutes.
bool contradicts(const ClockWitness& witness);

}  // namespace watchbill
