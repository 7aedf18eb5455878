#pragma once

#include <optional>
#include <utility>

#include "net/loop.hpp"

namespace watchbill::control {

/// Runs `task` for at most `patience`; nothing if it did not end by then: it is cancelled.
template <class T>
net::Task<std::optional<T>> within(net::Loop& loop, net::Task<T> task, milliseconds patience) {
  struct Race {
    static net::Task<void> run(net::Task<T> task, std::optional<T>& slot, net::Signal& done) {
      slot.emplace(co_await std::move(task));
      done.notify();
    }
    static net::Task<void> state(net::Loop& loop, milliseconds patience, bool& over, net::Signal& done) {
      co_await net::sleep_for(loop, patience);
      over = true;
      done.notify();
    }
  };
  std::optional<T> slot;
  bool over = false;
  net::Signal done(loop);
  std::exception_ptr broken;
  net::TaskScope scope([&broken, &done](std::exception_ptr error) {
    broken = std::move(error);
    done.notify();
  });
  scope.spawn(Race::run(std::move(task), slot, done));
  scope.spawn(Race::state(loop, patience, over, done));
  while (!slot && !over && !broken) co_await done.wait();
  if (broken) std::rethrow_exception(broken);
  co_return std::move(slot);
}

}  // namespace watchbill::control
