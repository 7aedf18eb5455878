#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "net/task.hpp"

namespace watchbill::net {

/// Time and scheduling, as everything above sees it. Implemented by `EventLoop` (libevent) and by the tests'
/// `SimLoop` (virtual time). Only `post` may be called from another thread.
///
/// Every callback and every waiting task is resumed by the loop itself, never from inside a call that some
/// other code makes: nobody is re-entered.
class Loop {
 public:
  using Callback = std::function<void()>;
  using TimerId = std::uint64_t;

  virtual ~Loop() = default;
  /// The wall clock. Inside one pass take it once and hand it on.
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual SteadyInstant steady_now() const = 0;
  /// Calls back once after `delay` of steady time; 0 ms means at the next turn of the loop.
  virtual TimerId start_timer(milliseconds delay, Callback callback) = 0;
  /// Calls back once when the wall clock reaches `at`; follows it when it is set, or the host was asleep.
  virtual TimerId start_alarm(Instant at, Callback callback) = 0;
  /// Forgets a timer or an alarm; one that has fired or is unknown is ignored.
  virtual void cancel(TimerId id) = 0;
  /// Calls back at the next turn. Thread-safe: the only door from outside.
  virtual void post(Callback callback) = 0;
};

/// A timer or alarm that is cancelled when it goes out of scope.
class Timer {
 public:
  Timer() = default;
  Timer(Loop& loop, Loop::TimerId id) : loop_(&loop), id_(id) {}
  Timer(Timer&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_) {}
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      reset();
      loop_ = std::exchange(other.loop_, nullptr);
      id_ = other.id_;
    }
    return *this;
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { reset(); }
  void reset() {
    if (loop_) loop_->cancel(id_);
    loop_ = nullptr;
  }

 private:
  Loop* loop_ = nullptr;
  Loop::TimerId id_ = 0;
};

/// `co_await sleep_for(loop, 5s)`: steady time.
class [[nodiscard]] Sleep {
 public:
  Sleep(Loop& loop, milliseconds delay) : loop_(loop), delay_(delay) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    timer_ = Timer{loop_, loop_.start_timer(delay_, [waiting] { waiting.resume(); })};
  }
  void await_resume() noexcept {}

 private:
  Loop& loop_;
  milliseconds delay_;
  Timer timer_;
};
inline Sleep sleep_for(Loop& loop, milliseconds delay) {
  return {loop, delay};
}

/// `co_await sleep_until(loop, boundary)`: wall clock. A moment that has passed returns at the next turn.
class [[nodiscard]] SleepUntil {
 public:
  SleepUntil(Loop& loop, Instant at) : loop_(loop), at_(at) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    timer_ = Timer{loop_, loop_.start_alarm(at_, [waiting] { waiting.resume(); })};
  }
  void await_resume() noexcept {}

 private:
  Loop& loop_;
  Instant at_;
  Timer timer_;
};
inline SleepUntil sleep_until(Loop& loop, Instant at) {
  return {loop, at};
}

/// Something that tasks wait for and others announce. It does not remember: a `notify` without anybody
/// waiting is lost, so look at the state first and wait in a loop.
class Signal {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}
  /// Whoever still waits is not woken any more (but at his deadline).
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Wakes all that wait now, at the loop's next turn.
  void notify();

  class [[nodiscard]] Awaiter {
   public:
    Awaiter(Signal& signal, std::optional<Instant> deadline) : signal_(&signal), deadline_(deadline) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter();
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting);
    bool await_resume() noexcept;

   private:
    friend class Signal;
    void unlist() noexcept;
    Signal* signal_;
    std::optional<Instant> deadline_;
    std::coroutine_handle<> waiting_;
    std::list<Awaiter*>::iterator place_;
    Timer wake_;
    bool listed_ = false;
    bool notified_ = false;
  };
  /// Waits for the next `notify`; true.
  Awaiter wait() { return {*this, std::nullopt}; }
  /// Waits for the next `notify` or for the wall clock to reach `deadline`; true if it was notified.
  Awaiter wait_until(Instant deadline) { return {*this, deadline}; }

 private:
  Loop& loop_;
  std::list<Awaiter*> waiting_;
};

/// Runs all tasks at the same time and returns their results in the same order. If one ends by an exception,
/// the others are cancelled and it comes out here.
template <class T>
Task<std::vector<T>> all(Loop& loop, std::vector<Task<T>> tasks) {
  struct Collect {
    static Task<void> one(Task<T> task, std::optional<T>& slot, std::size_t& left, Signal& done) {
      slot.emplace(co_await std::move(task));
      if (--left == 0) done.notify();
    }
  };
  std::vector<std::optional<T>> slots(tasks.size());
  std::size_t left = tasks.size();
  Signal done(loop);
  std::exception_ptr broken;
  TaskScope scope([&broken, &done](std::exception_ptr error) {
    broken = std::move(error);
    done.notify();
  });
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    scope.spawn(Collect::one(std::move(tasks[i]), slots[i], left, done));
  }
  while (left > 0 && !broken) co_await done.wait();
  if (broken) std::rethrow_exception(broken);
  std::vector<T> results;
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(std::move(*slot));
  co_return results;
}

}  // namespace watchbill::net
