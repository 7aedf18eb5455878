#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace watchbill::net {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr broken;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      // The continuation may destroy this very frame: nothing of it is touched afterwards.
      if (auto next = self.promise().continuation) next.resume();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { broken = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U = T>  // the default allows `co_return {};`
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (broken) std::rethrow_exception(broken);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() const {
    if (broken) std::rethrow_exception(broken);
  }
};

}  // namespace detail

/// Straight-line code on the loop (C++20 coroutine). Lazy: it starts when it is awaited or spawned in a
/// `TaskScope`. Destroying a task cancels it: whatever it waits for is given up, its locals are destroyed.
/// Only the loop's thread may touch it.
///
/// A coroutine's parameters are taken by value, or refer to what outlives the task. Lambdas that are
/// coroutines capture nothing.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    std::coroutine_handle<promise_type> child;
    bool await_ready() const noexcept { return false; }
    /// Runs the child at once; stays in the parent if it ended without waiting, so that a long row of
    /// immediate answers does not grow the stack.
    bool await_suspend(std::coroutine_handle<> parent) {
      child.resume();
      if (child.done()) return false;
      child.promise().continuation = parent;
      return true;
    }
    T await_resume() { return child.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}

/// Owns tasks that run on their own. Destroying the scope cancels what still runs. It must not be destroyed
/// by one of its own tasks.
class TaskScope {
 public:
  /// `on_broken` is told when a task ended by an exception, which is a broken invariant of ours; without it
  /// the process ends. It must not throw: frames that end lie between it and the loop.
  explicit TaskScope(std::function<void(std::exception_ptr)> on_broken = {});
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  /// Starts `task` now; it runs until it first waits.
  void spawn(Task<void> task);
  /// How many have not ended.
  [[nodiscard]] std::size_t running() const;
  /// Cancels all that still run. Not to be called by one of its own tasks.
  void cancel();

 private:
  struct Root;
  struct State;
  static Root run(std::shared_ptr<State> state, Task<void> task);
  std::shared_ptr<State> state_;
};

}  // namespace watchbill::net
