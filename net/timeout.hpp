#pragma once

#include <optional>
#include <utility>

#include "net/loop.hpp"

namespace watchbill::net {

/// Runs `task` for at most `patience`; nothing if it did not end by then: it is cancelled.
template <class T>
Task<std::optional<T>> within(Loop& loop, Task<T> task, milliseconds patience) {
  struct Race {
    static Task<void> run(Task<T> task, std::optional<T>& slot, Signal& done) {
      slot.emplace(co_await std::move(task));
      done.notify();
    }
    static Task<void> state(Loop& loop, milliseconds patience, bool& over, Signal& done) {
      co_await sleep_for(loop, patience);
      over = true;
      done.notify();
    }
  };
  std::optional<T> slot;
  bool over = false;
  Signal done(loop);
  std::exception_ptr broken;
  TaskScope scope([&broken, &done](std::exception_ptr error) {
    broken = std::move(error);
    done.notify();
  });
  scope.spawn(Race::run(std::move(task), slot, done));
  scope.spawn(Race::state(loop, patience, over, done));
  while (!slot && !over && !broken) co_await done.wait();
  if (broken) std::rethrow_exception(broken);
  co_return std::move(slot);
}

}  // namespace watchbill::net
