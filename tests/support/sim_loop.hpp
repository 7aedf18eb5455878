#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "net/executor.hpp"
#include "net/loop.hpp"

namespace watchbill::test {

/// A `Loop` in virtual time: nothing sleeps, and the same test always takes the same way. What is due at one
/// moment runs in the order in which it was asked for. The wall clock and the steady clock start at a fixed
/// moment and move only by the calls below.
class SimLoop final : public net::Loop {
 public:
  /// 2026-11-22T09:00:00Z unless told otherwise.
  explicit SimLoop(Instant wall = Instant(milliseconds(1'795'338'000'000)));
  ~SimLoop() override = default;

  [[nodiscard]] Instant now() const override { return wall_; }
  [[nodiscard]] SteadyInstant steady_now() const override { return steady_; }
  TimerId start_timer(milliseconds delay, Callback callback) override;
  TimerId start_alarm(Instant at, Callback callback) override;
  void cancel(TimerId id) override;
  void post(Callback callback) override;

  /// Runs everything that is due now, also what that starts without a delay. Time stands still.
  void run_until_idle();
  /// Lets `span` pass on both clocks and runs everything that becomes due, each at its moment.
  void advance(milliseconds span);
  /// `advance` until the wall clock shows `at`. Moving backwards is an error.
  void run_until(Instant at);
  /// Sets the wall clock, as an administrator would; the steady clock stands. Then runs what is due.
  void set_wall(Instant wall);
  /// The host sleeps: the wall clock goes on, the steady clock stands. Then runs what is due.
  void suspend(milliseconds span);
  /// Moves on to whatever comes next; false if nothing is waited for (time stands still then).
  bool advance_to_next();
  /// Runs `task`, with as much time as it takes, and returns its result. Throws if it waits for something
  /// that never comes.
  template <class T>
  T run_until_done(net::Task<T> task);

  /// Called by something that runs: `advance` ends after it, at this moment.
  void interrupt() { interrupted_ = true; }

  /// Timers and alarms that are waited for.
  [[nodiscard]] std::size_t pending() const { return steady_due_.size() + wall_due_.size(); }

 private:
  template <class Clock>
  using Queue = std::map<std::pair<Clock, TimerId>, Callback>;
  /// What is due next: how far away, and its id.
  struct Next {
    milliseconds away;
    TimerId id;
    bool operator<(const Next& other) const { return std::pair(away, id) < std::pair(other.away, other.id); }
  };

  void take_posted();
  [[nodiscard]] std::optional<Next> next();
  void fire(TimerId id);

  Instant wall_;
  SteadyInstant steady_;
  TimerId last_id_ = 0;
  bool interrupted_ = false;
  Queue<SteadyInstant> steady_due_;
  Queue<Instant> wall_due_;
  /// Where each id stands in its queue.
  std::unordered_map<TimerId, std::variant<SteadyInstant, Instant>> known_;
  std::mutex posted_lock_;
  std::vector<Callback> posted_;
};

/// An executor in virtual time. What it is given runs at once, or takes as long as a test says: one piece
/// after the other.
class SimExecutor final : public net::Executor {
 public:
  /// How one piece goes: it runs `late` after its turn came, and `slow` later that is known.
  struct Pace {
    milliseconds late{0};
    milliseconds slow{0};
  };

  explicit SimExecutor(net::Loop& loop) : loop_(loop) {}
  void submit(Work work, Work done) override;
  /// The process is killed: what was not run is not, and nothing is told.
  void drop();

  /// Decides about the pieces; none: they run at once.
  std::function<Pace()> pace;

 private:
  struct Piece {
    Work work;
    Work done;
  };
  void begin();
  void run();
  void end();

  net::Loop& loop_;
  std::deque<Piece> pieces_;
  Pace pace_of_first_;
  net::Timer timer_;
};

template <class T>
T SimLoop::run_until_done(net::Task<T> task) {
  struct Wrap {
    static net::Task<void> run(net::Task<T> inner, std::optional<Result<T>>& out) {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(inner);
        out.emplace();
      } else {
        out.emplace(co_await std::move(inner));
      }
    }
  };
  std::optional<Result<T>> out;
  std::exception_ptr broken;
  net::TaskScope scope([&broken](std::exception_ptr error) { broken = std::move(error); });
  scope.spawn(Wrap::run(std::move(task), out));
  run_until_idle();
  while (!out && !broken) {
    if (!advance_to_next()) throw std::logic_error("SimLoop: the task waits for something that never comes");
  }
  if (broken) std::rethrow_exception(broken);
  if constexpr (!std::is_void_v<T>) return std::move(**out);
}

}  // namespace watchbill::test
