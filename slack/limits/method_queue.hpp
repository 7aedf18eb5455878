#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "net/loop.hpp"
#include "net/rate_budget.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::slack {

class QueuePlace;

/// One method of the rate limiter: its budget and the tasks that wait for it, highest priority first and in
/// order of asking. Every step costs O(log n) of those that wait.
class MethodQueue {
 public:
  /// With `keyed` the limit's spacing is per key, else for all calls.
  MethodQueue(net::Loop& loop, const net::RateLimit& limit, bool keyed, RateLimiter::Waits& waits)
      : loop_(loop), budget_(limit), keyed_(keyed), waits_(waits) {}
  MethodQueue(const MethodQueue&) = delete;
  MethodQueue& operator=(const MethodQueue&) = delete;

  /// Takes a slot now if nobody who waits goes first; the moment of the permit.
  std::optional<SteadyInstant> try_take(Priority priority, const std::string& key);
  /// Gives slots to all whose time has come and sets the timer for the next.
  void pump();
  void reserve(std::size_t slots);
  void handoffs_wait(bool elsewhere);
  void count_used(milliseconds ago);
  void pause(SteadyInstant until);
  void moved(SteadyInstant granted, SteadyInstant left, const std::string& key);
  [[nodiscard]] SteadyInstant when(Priority priority, const CallCounts& further) const;
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] milliseconds window() const { return budget_.limit().window; }

 private:
  friend class QueuePlace;

  /// Those who wait for one key.
  struct Line {
    std::array<std::list<QueuePlace*>, kPriorities> places;
    /// Set while the spacing keeps the key from being used.
    std::optional<SteadyInstant> cooling_until;
  };
  using Lines = std::unordered_map<std::string, Line>;

  void enter(QueuePlace& place);
  void leave(QueuePlace& place);
  void give_back(SteadyInstant granted);
  void cool(Line& line, SteadyInstant until);
  void warm(Line& line);
  void grant_first(std::size_t priority, SteadyInstant now);
  void arm(SteadyInstant now);
  [[nodiscard]] net::Yield yield(std::size_t priority) const;
  [[nodiscard]] std::optional<SteadyInstant> earliest(std::size_t priority, SteadyInstant now) const;

  net::Loop& loop_;
  net::RateBudget budget_;
  bool keyed_;
  RateLimiter::Waits& waits_;
  std::size_t reserved_ = 0;
  std::optional<SteadyInstant> reserved_since_;  ///< without a moment in between at which nothing was
  bool handoffs_elsewhere_ = false;
  std::uint64_t next_number_ = 1;
  CallCounts waiting_{};
  Lines lines_;  ///< only keys that somebody waits for
  /// Lines whose key may be used, by the number of the first who waits there.
  std::array<std::set<std::pair<std::uint64_t, Line*>>, kPriorities> ready_;
  /// Lines whose key may not be used yet, by the end of the spacing.
  std::set<std::pair<SteadyInstant, Line*>> cooling_;
  net::Timer timer_;
};

/// A place in a queue's queue: `auto granted = co_await turn`. It belongs to the task that waits and goes
/// with it; a slot that was given but not taken up goes back.
class QueuePlace {
 public:
  QueuePlace(MethodQueue& queue, Priority priority, std::string key)
      : queue_(queue), priority_(static_cast<std::size_t>(priority)), key_(std::move(key)) {}
  QueuePlace(const QueuePlace&) = delete;
  QueuePlace& operator=(const QueuePlace&) = delete;
  ~QueuePlace();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting);
  SteadyInstant await_resume() { return *std::exchange(granted_, std::nullopt); }

 private:
  friend class MethodQueue;
  MethodQueue& queue_;
  std::size_t priority_;
  std::string key_;
  std::uint64_t number_ = 0;
  SteadyInstant since_;
  std::coroutine_handle<> waiting_;
  MethodQueue::Lines::iterator line_;
  std::list<QueuePlace*>::iterator place_;
  bool queued_ = false;
  std::optional<SteadyInstant> granted_;
  net::Timer wake_;
};

}  // namespace watchbill::slack
