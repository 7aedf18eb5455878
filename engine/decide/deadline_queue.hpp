#pragma once

#include <compare>
#include <functional>
#include <set>
#include <vector>

#include "base/ids.hpp"
#include "net/loop.hpp"

namespace watchbill::engine {

/// Something to be done about a schedule at a moment of the wall clock.
struct Deadline {
  enum class Kind {
    poll_before,  ///< T-5 s: ask for what begins at the boundary
    boundary,     ///< T: decide
    poll_after,   ///< T+2 s: ask whether it is so
    ask_again,    ///< a second look at an answer in doubt
    confirm,      ///< ask the schedule itself
  };
  Instant at;
  Kind kind = Kind::boundary;
  ScheduleRef schedule;
  /// The boundary that it belongs to; the same as `at` for the others.
  Instant about;
  auto operator<=>(const Deadline&) const = default;
};

/// Keeps deadlines by one alarm. One that was overtaken is not removed: whoever keeps it looks whether it
/// still holds.
class DeadlineQueue {
 public:
  DeadlineQueue(net::Loop& loop, std::function<void(std::vector<Deadline> due)> on_due);
  void add(Deadline deadline);

 private:
  void arm();

  net::Loop& loop_;
  std::function<void(std::vector<Deadline>)> on_due_;
  std::set<Deadline> queue_;
  Instant armed_for_ = kNever;
  net::Timer alarm_;
};

}  // namespace watchbill::engine
