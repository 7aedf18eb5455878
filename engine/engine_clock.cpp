#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/engine_impl.hpp"

namespace watchbill::engine {

namespace {

/// Smaller differences between the clocks are a clock that is being adjusted.
constexpr auto kJump = 1s;
/// The longest that an announcement waits between two attempts (core/outbox.cpp).
constexpr auto kLongestPause = 15min;

void not_after(std::optional<Instant>& moment, Instant now) {
  if (moment) moment = std::min(*moment, now);
}

}  // namespace

/// Waits are in steady time and do not notice when the wall clock is set; boundaries follow it by themselves.
/// What remains is to look at everything anew, since what is known may be old or lie in the future.
void Engine::Impl::look_at_clock() {
  const Moment now{ports_.loop.now(), ports_.loop.steady_now()};
  const auto jump = (now.wall - last_tick_.wall) - (now.steady - last_tick_.steady);
  last_tick_ = now;
  if (jump < kJump && jump > -kJump) return;
  spdlog::warn("this host's clock was set {} by {}, or the host was asleep", jump > 0ms ? "forward" : "back",
               format_duration(jump > 0ms ? jump : -jump));
  if (jump < 0ms) set_back(now.wall);
  for (auto& [name, state] : connections_) {
    if (state.poller) state.poller->hurry();
  }
  reader_.read_soon();
  keeper_.kick();
  announcer_.kick();
  mark_all();
}

void Engine::Impl::set_back(Instant now) {
  for (auto& [ref, entry] : model_.schedules) {
    entry.watched_since = std::min(entry.watched_since, now);
    if (!forget_future(entry.watch, now)) continue;
    dirty_watches_.insert(ref);
    entry.ask_again.reset();
    entry.confirm_at.reset();
  }
  for (auto& [id, entry] : model_.rotations) {
    not_after(entry.pending_since, now);
    not_after(entry.out_of_sync_since, now);
  }
  for (auto& [name, state] : connections_) {
    not_after(state.last_success, now);
    not_after(state.completed, now);
    not_after(state.failing_since, now);
    not_after(entry.confirm_asked, now);
  }
  for (auto& [id, row] : decider_.outbox()) {
    row.next_try = std::min(row.next_try, now + kLongestPause);
    if (row.state != OutboxState::blocked) row.next_try = std::min(row.next_try, now);
    not_after(row.attempt_at, now);
  }
  not_after(last_pass_, now);
  not_after(slack_failing_since_, now);
  started_at_ = std::min(started_at_, now);
  reader_.set_back(now);
  alerter_.set_back(now);
}

}  // namespace watchbill::engine
