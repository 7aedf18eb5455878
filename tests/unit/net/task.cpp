#include <stdexcept>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using net::Signal;
using net::Task;
using net::TaskScope;
using test::SimLoop;

namespace {

/// Counts what is alive in frames: all must be gone after a cancellation.
struct Alive {
  explicit Alive(int& count) : count_(&count) { ++*count_; }
  Alive(const Alive& other) : count_(other.count_) { ++*count_; }
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --*count_; }
  int* count_;
};

Task<int> leaf(SimLoop& loop, int& alive, milliseconds delay, int value) {
  const Alive here(alive);
  co_await net::sleep_for(loop, delay);
  co_return value;
}

Task<int> middle(SimLoop& loop, int& alive, Alive /*parameter*/) {
  const Alive here(alive);
  const int first = co_await leaf(loop, alive, 1ms, 1);
  co_await net::sleep_until(loop, loop.now() + 1ms);
  std::vector<Task<int>> several;
  several.push_back(leaf(loop, alive, 2ms, 20));
  several.push_back(leaf(loop, alive, 1ms, 30));
  several.push_back(leaf(loop, alive, 0ms, 40));
  const auto results = co_await net::all(loop, std::move(several));
  co_return first + results[0] + results[1] + results[2];
}

Task<void> top(SimLoop& loop, int& alive, Signal& signal, std::string& log) {
  const Alive here(alive);
  const int sum = co_await middle(loop, alive, Alive(alive));
  log += std::to_string(sum);
  const bool notified = co_await signal.wait_until(loop.now() + 1ms);
  log += notified ? " notified" : " late";
  co_await signal.wait();
  log += " end";
}

Task<void> note(std::string& log, std::string what) {
  log += what;
  co_return;
}

Task<int> throwing(SimLoop& loop, milliseconds delay) {
  if (delay > 0ms) co_await net::sleep_for(loop, delay);
  throw std::runtime_error("broken");
}

}  // namespace

TEST_CASE("tasks run in straight lines through sleeps, signals and each other") {
  SimLoop loop;
  int alive = 0;
  std::string log;
  Signal signal(loop);
  TaskScope scope;
  scope.spawn(top(loop, alive, signal, log));
  CHECK(scope.running() == 1);
  loop.advance(1s);
  CHECK(log == "91 late");
  signal.notify();
  CHECK(log == "91 late");  // not from inside the call
  loop.run_until_idle();
  CHECK(log == "91 late end");
  CHECK(scope.running() == 0);
  CHECK(alive == 0);
}

TEST_CASE("a task can be cancelled wherever it waits, and nothing of it stays") {
  bool ended = false;
  for (int steps = 0; !ended; ++steps) {
    REQUIRE(steps < 100);
    SimLoop loop;
    int alive = 0;
    std::string log;
    Signal signal(loop);
    TaskScope scope;
    scope.spawn(top(loop, alive, signal, log));
    for (int i = 0; i < steps; ++i) {
      if (!loop.advance_to_next()) signal.notify();
    }
    ended = scope.running() == 0;
    scope.cancel();
    CHECK(scope.running() == 0);
    CHECK(alive == 0);
    CHECK(loop.pending() == 0);
    const std::string before = log;
    signal.notify();
    loop.advance(1h);
    CHECK(log == before);
  }
}

TEST_CASE("a task that was never started is dropped with its parameters") {
  SimLoop loop;
  int alive = 0;
  { auto task = middle(loop, alive, Alive(alive)); }
  CHECK(alive == 0);
}

TEST_CASE("a task may outlive its scope's call and end inside it") {
  SimLoop loop;
  std::string log;
  TaskScope scope;
  scope.spawn(note(log, "a"));
  scope.spawn(note(log, "b"));
  CHECK(log == "ab");
  CHECK(scope.running() == 0);
  scope.cancel();
}

TEST_CASE("a long row of immediate answers does not grow the stack") {
  struct Row {
    static Task<int> one() { co_return 1; }
    static Task<int> run() {
      int sum = 0;
      for (int i = 0; i < 1'000'000; ++i) sum += co_await one();
      co_return sum;
    }
    static Task<int> waiting(SimLoop& loop) {
      int sum = 0;
      for (int i = 0; i < 100'000; ++i) {
        co_await net::sleep_for(loop, 0ms);
        sum += co_await one();
      }
      co_return sum;
    }
  };
  SimLoop loop;
  CHECK(loop.run_until_done(Row::run()) == 1'000'000);
  CHECK(loop.run_until_done(Row::waiting(loop)) == 100'000);
}

TEST_CASE("an exception of a task comes out where it is awaited") {
  SimLoop loop;
  struct Catching {
    static Task<std::string> run(SimLoop& on, milliseconds delay) {
      std::string caught;
      try {
        co_await throwing(on, delay);
      } catch (const std::runtime_error& error) {
        caught = error.what();
      }
      co_return caught;
    }
  };
  CHECK(loop.run_until_done(Catching::run(loop, 0ms)) == "broken");
  CHECK(loop.run_until_done(Catching::run(loop, 1ms)) == "broken");
  CHECK_THROWS_WITH(loop.run_until_done(throwing(loop, 1ms)), "broken");
  CHECK_THROWS_WITH(loop.run_until_done(throwing(loop, 0ms)), "broken");
}

TEST_CASE("a scope is told of a task that broke, and the others go on") {
  SimLoop loop;
  struct Void {
    static Task<void> run(SimLoop& on, milliseconds delay) { co_await throwing(on, delay); }
  };
  int told = 0;
  std::string log;
  TaskScope scope([&](const std::exception_ptr&) { ++told; });
  scope.spawn(Void::run(loop, 0ms));
  scope.spawn(Void::run(loop, 1ms));
  scope.spawn(note(log, "other"));
  loop.advance(1s);
  CHECK(told == 2);
  CHECK(log == "other");
  CHECK(scope.running() == 0);
}

TEST_CASE("all keeps the order, whichever ends first") {
  SimLoop loop;
  int alive = 0;
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(leaf(loop, alive, milliseconds((i * 7) % 50), i));
  const auto before = loop.steady_now();
  const auto results = loop.run_until_done(net::all(loop, std::move(tasks)));
  REQUIRE(results.size() == 50);
  for (int i = 0; i < 50; ++i) CHECK(results[static_cast<std::size_t>(i)] == i);
  CHECK(loop.steady_now() - before == 49ms);
  CHECK(loop.run_until_done(net::all(loop, std::vector<Task<int>>())).empty());
}

TEST_CASE("all passes an exception on and cancels the rest") {
  SimLoop loop;
  int alive = 0;
  for (const auto delay : {0ms, 1ms}) {
    std::vector<Task<int>> tasks;
    tasks.push_back(leaf(loop, alive, 1h, 1));
    tasks.push_back(throwing(loop, delay));
    const auto before = loop.now();
    CHECK_THROWS_WITH(loop.run_until_done(net::all(loop, std::move(tasks))), "broken");
    CHECK(loop.now() == before + delay);
    CHECK(alive == 0);
    CHECK(loop.pending() == 0);
  }
}

TEST_CASE("a signal wakes all that wait and does not remember") {
  struct Wait {
    static Task<void> on(Signal& signal, std::string& log, char name) {
      co_await signal.wait();
      log += name;
    }
  };
  SimLoop loop;
  Signal signal(loop);
  std::string log;
  TaskScope scope;
  signal.notify();
  scope.spawn(Wait::on(signal, log, 'a'));
  scope.spawn(Wait::on(signal, log, 'b'));
  loop.advance(1h);
  CHECK(log.empty());
  signal.notify();
  signal.notify();
  loop.run_until_idle();
  CHECK(log == "ab");
}

TEST_CASE("a deadline wakes by the wall clock, a notify takes it away") {
  struct Wait {
    static Task<void> until(Signal& signal, Instant deadline, std::string& log) {
      log += co_await signal.wait_until(deadline) ? "n" : "d";
    }
  };
  SimLoop loop;
  Signal signal(loop);
  std::string log;
  TaskScope scope;
  scope.spawn(Wait::until(signal, loop.now() + 1min, log));
  loop.suspend(1min);
  CHECK(log == "d");
  scope.spawn(Wait::until(signal, loop.now() + 1min, log));
  signal.notify();
  loop.suspend(2min);
  CHECK(log == "dn");
  CHECK(loop.pending() == 0);
}

TEST_CASE("a notify does not resume a task that has gone on in the same expression") {
  struct Both {
    static Task<void> run(SimLoop& loop, Signal& signal, std::string& log) {
      const bool late = !co_await signal.wait_until(loop.now() + 1ms) && co_await leaf_true(loop);
      log += late ? "late" : "no";
    }
    static Task<bool> leaf_true(SimLoop& loop) {
      co_await net::sleep_for(loop, 10ms);
      co_return true;
    }
  };
  SimLoop loop;
  Signal signal(loop);
  std::string log;
  TaskScope scope;
  scope.spawn(Both::run(loop, signal, log));
  loop.advance(5ms);
  signal.notify();
  loop.run_until_idle();
  CHECK(log.empty());
  loop.advance(5ms);
  loop.advance(1ms);
  CHECK(log == "late");
}

TEST_CASE("a signal may go before those that wait for it") {
  struct Wait {
    static Task<void> on(Signal& signal) { co_await signal.wait(); }
  };
  SimLoop loop;
  TaskScope scope;
  {
    Signal signal(loop);
    scope.spawn(Wait::on(signal));
  }
  loop.advance(1h);
  CHECK(scope.running() == 1);
}
