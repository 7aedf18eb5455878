#pragma once

#include <map>
#include <vector>

#include "control/duty.hpp"
#include "control/overview.hpp"
#include "slack_app/shared_reading.hpp"

namespace watchbill::slack_app {

/// Everybody's own shifts, remembered: reading them anew takes too long for every look at a home tab. What is
/// remembered is at most a minute old, and at most 3 s where somebody's duty now or next has changed.
class OwnShifts {
 public:
  explicit OwnShifts(control::Context& context);
  /// Notes whether duties have changed, from an overview that was just read.
  void look(const control::Overview& overview);
  /// The person's own, the earliest first; at most 20.
  net::Task<Result<std::vector<control::DutyShift>>> of(UserId user);

 private:
  control::Context& context_;
  SharedReading<std::map<UserId, std::vector<control::DutyShift>>> shifts_;
  std::size_t duties_ = 0;        ///< who is on call and next, in which rotations
  SteadyInstant duties_since_{};  ///< when that was last seen to change
};

}  // namespace watchbill::slack_app
