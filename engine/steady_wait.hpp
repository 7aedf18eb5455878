#pragma once

#include "net/loop.hpp"

namespace watchbill::engine {

/// No moment: wait for the signal alone.
inline constexpr SteadyInstant kSteadyNever = SteadyInstant::max();

/// Waits for the next `notify` of `signal`, or until `until`. Steady time, so that a wall clock that is set
/// back makes nobody wait longer. Others who wait for `signal` are woken too and look again, as they must.
/// Loop and signal outlive the task.
inline net::Task<void> wait_steady(net::Loop& loop, net::Signal& signal, SteadyInstant until) {
  net::Timer timer;
  if (until != kSteadyNever) {
    const auto delay = until - loop.steady_now();
    timer = net::Timer{loop,
                       loop.start_timer(std::max<milliseconds>(delay, 0ms), [&signal] { signal.notify(); })};
  }
  co_await signal.wait();
}

}  // namespace watchbill::engine
