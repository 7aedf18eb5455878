#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/result.hpp"
#include "net/loop.hpp"

struct event_base;

namespace watchbill::net {

/// The one loop thread (libevent). Timers of the wall clock rest on an absolute CLOCK_REALTIME timerfd with
/// cancel-on-set, so they follow the clock when it is set and fire on time after a suspend.
class EventLoop final : public Loop {
 public:
  EventLoop();
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] Instant now() const override;
  [[nodiscard]] SteadyInstant steady_now() const override;
  TimerId start_timer(milliseconds delay, Callback callback) override;
  TimerId start_alarm(Instant at, Callback callback) override;
  void cancel(TimerId id) override;
  void post(Callback callback) override;

  /// Runs until `stop`. A stop that was asked for before `run` makes it return at once. An exception from a
  /// callback ends the run and comes out here.
  void run();
  /// Thread-safe. May be called from a callback.
  void stop();
  /// Runs `task` on this loop and returns its result: how the command line calls asynchronous code. An
  /// exception of the task comes out here. Other stops are ignored meanwhile.
  template <class T>
  T run_until_done(Task<T> task);
  /// Calls back on the loop at each arrival of a POSIX signal, until the loop goes.
  void on_signal(int signal_number, Callback callback);

  /// For the wrappers in `net/` alone.
  [[nodiscard]] event_base* base() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

template <class T>
T EventLoop::run_until_done(Task<T> task) {
  struct Wrap {
    static Task<void> run(Task<T> inner, std::optional<Result<T>>& out, bool& running, EventLoop& loop) {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(inner);
        out.emplace();
      } else {
        out.emplace(co_await std::move(inner));
      }
      // A stop that nobody waits for would end the next run.
      if (running) loop.stop();
    }
  };
  std::optional<Result<T>> out;
  bool running = false;
  std::exception_ptr broken;
  TaskScope scope([&](std::exception_ptr error) {
    broken = std::move(error);
    if (running) stop();
  });
  scope.spawn(Wrap::run(std::move(task), out, running, *this));
  running = true;
  while (!out && !broken) run();
  if (broken) std::rethrow_exception(broken);
  if constexpr (!std::is_void_v<T>) return std::move(**out);
}

}  // namespace watchbill::net
