#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "net/task.hpp"

namespace watchbill::net {

/// Runs what may wait for a disk or a database, one piece after the other, in the order in which they came.
class Executor {
 public:
  using Work = std::function<void()>;

  virtual ~Executor() = default;
  /// Runs `work`, elsewhere or at once, and then `done` on the loop: at a later turn, or before this returns.
  /// Only the loop's thread may call it. Neither may throw.
  virtual void submit(Work work, Work done) = 0;
};

/// Runs at once what it is given: for a command line that has nothing else to do, and for tests.
class InlineExecutor final : public Executor {
 public:
  void submit(Work work, Work done) override {
    work();
    done();
  }
};

/// `co_await Run<T>(executor, work)`: the result of `work`. Whoever gives up waiting does not end it: what it
/// refers to outlives the executor.
template <class T>
class [[nodiscard]] Run {
 public:
  Run(Executor& executor, std::function<T()> work) : executor_(executor), work_(std::move(work)) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    if (shared_) shared_->waiting = {};
  }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    shared_ = std::make_shared<Shared>();
    auto shared = shared_;
    executor_.submit([shared, work = std::move(work_)] { shared->result.emplace(work()); },
                     [shared] {
                       shared->done = true;
                       if (shared->waiting) shared->waiting.resume();
                     });
    // What was done at once is not waited for.
    if (shared->done) return false;
    shared->waiting = waiting;
    return true;
  }
  T await_resume() { return std::move(*shared_->result); }

 private:
  struct Shared {
    std::optional<T> result;
    std::coroutine_handle<> waiting;
    bool done = false;
  };
  Executor& executor_;
  std::function<T()> work_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace watchbill::net
