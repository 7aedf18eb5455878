#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "net/executor.hpp"
#include "store/store.hpp"

namespace watchbill::store {

/// The store, as tasks on the loop use it: what they ask of it runs where the executor says, one piece after
/// the other, so that no disk and no database is waited for on the loop's thread. The loop's thread alone
/// uses this. Store and executor outlive it.
class AsyncStore {
 public:
  AsyncStore(Store& store, net::Executor& executor) : store_(&store), executor_(&executor) {}

  /// `co_await store.run(work)`: the result of `work(Store&)`. Whoever waits may be gone before `work` runs:
  /// it owns what it uses. Several changes that belong together are one piece of work.
  template <class Work>
  net::Run<std::invoke_result_t<Work&, Store&>> run(Work work) const {
    using T = std::invoke_result_t<Work&, Store&>;
    std::function<T()> bound = [store = store_, work = std::move(work)]() mutable { return work(*store); };
    return {*executor_, std::move(bound)};
  }
  /// Has `work(Store&)` done without waiting for it: what becomes of it is nobody's concern.
  template <class Work>
  void post(Work work) const {
    executor_->submit([store = store_, work = std::move(work)]() mutable { (void)work(*store); }, [] {});
  }

 private:
  Store* store_;
  net::Executor* executor_;
};

}  // namespace watchbill::store
