#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "net/loop.hpp"

namespace watchbill::slack_app {

/// A task that goes on while somebody waits for it no longer than he can: what is ready in time is answered
/// at once, and the rest is told later. Destroying it cancels the task.
template <class T>
class DeferredAnswer {
 public:
  DeferredAnswer(net::Loop& loop, net::Task<T> task)
      : loop_(loop), done_(std::make_unique<net::Signal>(loop)), tasks_([this](std::exception_ptr error) {
          broken_ = std::move(error);
          done_->notify();
        }) {
    tasks_.spawn(run(std::move(task)));
  }
  DeferredAnswer(const DeferredAnswer&) = delete;
  DeferredAnswer& operator=(const DeferredAnswer&) = delete;

  /// True if it has ended; waits for that at most `patience`.
  net::Task<bool> ready_within(milliseconds patience) {
    const auto until = loop_.now() + patience;
    while (!ended() && loop_.now() < until) co_await done_->wait_until(until);
    co_return ended();
  }
  /// Its result, once; waits as long as it takes.
  net::Task<T> result() {
    while (!ended()) co_await done_->wait();
    if (broken_) std::rethrow_exception(broken_);
    co_return std::move(*value_);
  }

 private:
  [[nodiscard]] bool ended() const { return value_ || broken_; }
  net::Task<void> run(net::Task<T> task) {
    value_.emplace(co_await std::move(task));
    done_->notify();
  }

  net::Loop& loop_;
  std::unique_ptr<net::Signal> done_;
  std::optional<T> value_;
  std::exception_ptr broken_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::slack_app
