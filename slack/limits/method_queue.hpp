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

class Turn;

/// One method of the gate: its budget and the tasks that wait for it, highest priority first and in order of
/// asking. Every step costs O(log n) of those that wait.
class Lane {
 public:
  /// With `keyed` the limit's spacing is per key, else for all calls.
  Lane(net::Loop& loop, const net::RateLimit& limit, bool keyed, Gate::Waits& waits)
      : loop_(loop), budget_(limit), keyed_(keyed), waits_(waits) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

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
  friend class Turn;

  /// Those who wait for one key.
  struct Line {
    std::array<std::list<Turn*>, kPriorities> turns;
    /// Set while the spacing keeps the key from being used.
    std::optional<SteadyInstant> cooling_until;
  };
  using Lines = std::unordered_map<std::string, Line>;

  void enter(Turn& turn);
  void leave(Turn& turn);
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
  Gate::Waits& waits_;
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

/// A place in a lane's queue: `auto granted = co_await turn`. It belongs to the task that waits and goes with
/// it; a slot that was given but not taken up goes back.
class Turn {
 public:
  Turn(Lane& lane, Priority priority, std::string key)
      : lane_(lane), priority_(static_cast<std::size_t>(priority)), key_(std::move(key)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting);
  SteadyInstant await_resume() { return *std::exchange(granted_, std::nullopt); }

 private:
  friend class Lane;
  Lane& lane_;
  std::size_t priority_;
  std::string key_;
  std::uint64_t number_ = 0;
  SteadyInstant since_;
  std::coroutine_handle<> waiting_;
  Lane::Lines::iterator line_;
  std::list<Turn*>::iterator place_;
  bool queued_ = false;
  std::optional<SteadyInstant> granted_;
  net::Timer wake_;
};

}  // namespace watchbill::slack
