#include "net/thread_executor.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/event_loop.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::net {
namespace {

using namespace std::chrono_literals;

/// What a test lets the executor's thread wait for.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard held(lock_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock held(lock_);
    changed_.wait(held, [this] { return open_; });
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool open_ = false;
};

Task<std::vector<std::thread::id>> threads(Executor& executor) {
  std::vector<std::thread::id> ids;
  const std::function<std::thread::id()> here = [] { return std::this_thread::get_id(); };
  ids.push_back(co_await Run<std::thread::id>(executor, here));
  ids.push_back(here());
  ids.push_back(co_await Run<std::thread::id>(executor, here));
  co_return ids;
}

TEST_CASE("a thread executor works on a thread of its own, and tells the loop") {
  EventLoop loop;
  ThreadExecutor executor(loop);
  const auto ids = loop.run_until_done(threads(executor));
  CHECK(ids[0] != std::this_thread::get_id());
  CHECK(ids[1] == std::this_thread::get_id());
  CHECK(ids[2] == ids[0]);
}

Task<void> run_one(Executor& executor, std::shared_ptr<Gate> gate, std::string& told) {
  const std::function<int()> wait = [gate] {
    gate->wait();
    return 0;
  };
  (void)co_await Run<int>(executor, wait);
  told += "done ";
}

Task<void> open_later(EventLoop& loop, std::shared_ptr<Gate> gate, std::string& told) {
  for (int turn = 0; turn < 3; ++turn) {
    co_await sleep_for(loop, 1ms);
    told += "turn ";
  }
  gate->open();
}

Task<void> both(EventLoop& loop, Executor& executor, std::shared_ptr<Gate> gate, std::string& told) {
  TaskScope scope;
  scope.spawn(open_later(loop, gate, told));
  co_await run_one(executor, gate, told);
}

TEST_CASE("the loop goes on while a thread executor waits") {
  EventLoop loop;
  ThreadExecutor executor(loop);
  std::string told;
  loop.run_until_done(both(loop, executor, std::make_shared<Gate>(), told));
  CHECK(told == "turn turn turn done ");
}

TEST_CASE("a thread executor keeps the order, and ends with what it was given") {
  EventLoop loop;
  auto order = std::make_shared<std::vector<int>>();
  {
    ThreadExecutor executor(loop);
    for (int i = 0; i < 100; ++i) executor.submit([order, i] { order->push_back(i); }, [] {});
  }
  REQUIRE(order->size() == 100);
  CHECK(std::is_sorted(order->begin(), order->end()));
}

TEST_CASE("whoever gives up waiting for a thread executor is not woken") {
  EventLoop loop;
  auto gate = std::make_shared<Gate>();
  std::string told;
  {
    ThreadExecutor executor(loop);
    {
      TaskScope scope;
      scope.spawn(run_one(executor, gate, told));
    }
    gate->open();
  }
  loop.post([&loop] { loop.stop(); });
  loop.run();
  CHECK(told.empty());
}

}  // namespace
}  // namespace watchbill::net
