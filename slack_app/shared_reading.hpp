#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "net/loop.hpp"

namespace watchbill::slack_app {

/// What is read for several who ask: each gets a reading that was begun as lately as they need it, and shares
/// it with the others. One that was begun earlier and ends later is seen only by those who asked for it. The
/// readings end with this.
template <class T>
class SharedReading {
 public:
  using Value = std::shared_ptr<const T>;
  using Read = std::function<net::Task<Result<T>>()>;
  SharedReading(net::Loop& loop, Read read) : loop_(loop), read_(std::move(read)), ended_(loop) {}

  /// One that was begun at `since` or later, and after the last `forget`; begins one if there is none.
  net::Task<Result<Value>> begun_since(SteadyInstant since) {
    const bool failed = latest_ && latest_->result && !*latest_->result;
    if (!latest_ || failed || latest_->begun < since) {
      latest_ = std::make_shared<Reading>(Reading{loop_.steady_now(), {}});
      tasks_.spawn(run(latest_));
    }
    const auto reading = latest_;
    while (!reading->result) co_await ended_.wait();
    co_return *reading->result;
  }
  /// Whoever asks from now on wants what is so now.
  void forget() { latest_.reset(); }

 private:
  struct Reading {
    SteadyInstant begun;
    std::optional<Result<Value>> result;
  };
  net::Task<void> run(std::shared_ptr<Reading> reading) {
    auto read = co_await read_();
    if (read) {
      reading->result.emplace(std::make_shared<const T>(*std::move(read)));
    } else {
      reading->result.emplace(read.error());
    }
    ended_.notify();
  }

  net::Loop& loop_;
  Read read_;
  net::Signal ended_;
  std::shared_ptr<Reading> latest_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::slack_app
