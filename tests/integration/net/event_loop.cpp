#include "net/event_loop.hpp"

#include <signal.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/catch.hpp"

using namespace watchbill;
using net::EventLoop;
using net::Task;

TEST_CASE("a stop is never lost in 10,000 rounds of a loop") {
  int ran = 0;
  for (int round = 0; round < 10'000; ++round) {
    EventLoop loop;
    switch (round % 5) {
      case 0:
        loop.stop();
        break;
      case 1:
        loop.post([&] { loop.stop(); });
        break;
      case 2:
        loop.start_timer(0ms, [&] { loop.stop(); });
        break;
      case 3:
        loop.start_alarm(loop.now(), [&] { loop.stop(); });
        break;
      default:
        loop.start_timer(1h, [] {});
        loop.post([&] { loop.stop(); });
    }
    loop.run();
    ++ran;
  }
  CHECK(ran == 10'000);
}

TEST_CASE("a stop from another thread is never lost, whenever it comes") {
  EventLoop* current = nullptr;
  std::atomic<int> turn{0};
  constexpr int kRounds = 10'000;
  std::thread other([&] {
    for (int round = 1; round <= kRounds; ++round) {
      while (turn.load() < round) std::this_thread::yield();
      for (int spin = 0; spin < (round % 50) * 20; ++spin)
        std::atomic_signal_fence(std::memory_order_seq_cst);
      current->stop();
      turn.store(-round);
      while (turn.load() == -round) std::this_thread::yield();
    }
  });
  for (int round = 1; round <= kRounds; ++round) {
    EventLoop loop;
    current = &loop;
    turn.store(round);
    loop.run();
    // The loop may go only when `stop` has returned there.
    while (turn.load() != -round) std::this_thread::yield();
    turn.store(0);
  }
  other.join();
}

TEST_CASE("a stop asked for before run ends that run and no other") {
  EventLoop loop;
  loop.stop();
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  CHECK(ran);
}

TEST_CASE("posts of many threads all run, in each thread's order") {
  EventLoop loop;
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  std::vector<std::vector<int>> seen(kThreads);
  int total = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (++total == kThreads * kEach) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  for (const auto& one : seen) {
    CHECK(one.size() == kEach);
    CHECK(std::is_sorted(one.begin(), one.end()));
  }
}

TEST_CASE("timers and alarms run by time and never early") {
  EventLoop loop;
  std::string order;
  const auto steady = loop.steady_now();
  const auto wall = loop.now();
  loop.start_timer(30ms, [&] {
    order += 'c';
    CHECK(loop.steady_now() - steady >= 30ms);
    loop.stop();
  });
  loop.start_alarm(wall + 15ms, [&] {
    order += 'b';
    CHECK(loop.now() >= wall + 15ms);
  });
  loop.start_alarm(wall - 24h, [&] { order += 'a'; });
  loop.start_alarm(kNever, [&] { order += 'x'; });
  loop.cancel(loop.start_timer(1ms, [&] { order += 'y'; }));
  loop.cancel(loop.start_alarm(kAlways, [&] { order += 'z'; }));
  loop.run();
  CHECK(order == "abc");
}

TEST_CASE("a timer without delay runs at the next turn, so that others are served") {
  EventLoop loop;
  int turns = 0;
  bool posted = false;
  std::function<void()> again = [&] {
    ++turns;
    if (!posted) loop.start_timer(0ms, again);
  };
  loop.start_timer(0ms, again);
  loop.start_timer(0ms, [&] {
    loop.post([&] {
      posted = true;
      loop.stop();
    });
  });
  loop.run();
  CHECK(posted);
  CHECK(turns < 10);
}

TEST_CASE("an alarm that is set again for the same moment does not keep others from their turn") {
  EventLoop loop;
  const auto past = loop.now() - 1s;
  bool posted = false;
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns < 1000 && !posted) loop.start_alarm(past, again);
    if (turns == 1) loop.post([&] { posted = true; });
  };
  loop.start_alarm(past, again);
  loop.start_timer(20ms, [&] { loop.stop(); });
  loop.run();
  CHECK(posted);
  CHECK(turns < 10);
}

TEST_CASE("a timer that is due is still cancelled by the one before it") {
  EventLoop loop;
  bool second = false;
  EventLoop::TimerId victim = 0;
  loop.start_timer(0ms, [&] { loop.cancel(victim); });
  victim = loop.start_timer(0ms, [&] { second = true; });
  loop.start_timer(5ms, [&] { loop.stop(); });
  loop.run();
  CHECK_FALSE(second);
}

TEST_CASE("an exception from a callback leaves run, and the loop goes on at the next") {
  EventLoop loop;
  std::string order;
  loop.post([&] { throw std::runtime_error("first"); });
  loop.post([&] { order += 'a'; });
  loop.start_timer(0ms, [&] { throw std::runtime_error("second"); });
  loop.start_timer(0ms, [&] { order += 'b'; });
  loop.start_timer(20ms, [&] { loop.stop(); });
  int thrown = 0;
  while (thrown < 2) {
    try {
      loop.run();
      break;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(thrown == 2);
  loop.run();
  std::sort(order.begin(), order.end());
  CHECK(order == "ab");
}

TEST_CASE("a task is run to its end, and its exception comes out") {
  struct Work {
    static Task<int> slow(EventLoop& loop) {
      co_await net::sleep_for(loop, 1ms);
      co_return 7;
    }
    static Task<int> quick() { co_return 8; }
    static Task<void> broken(EventLoop& loop, bool at_once) {
      if (!at_once) co_await net::sleep_for(loop, 1ms);
      throw std::logic_error("bug");
    }
  };
  EventLoop loop;
  CHECK(loop.run_until_done(Work::slow(loop)) == 7);
  CHECK(loop.run_until_done(Work::quick()) == 8);
  CHECK_THROWS_AS(loop.run_until_done(Work::broken(loop, true)), std::logic_error);
  CHECK_THROWS_AS(loop.run_until_done(Work::broken(loop, false)), std::logic_error);
  // Nothing is left that would end a later run at once.
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  CHECK(ran);
}

TEST_CASE("a POSIX signal calls back on the loop each time") {
  EventLoop loop;
  int seen = 0;
  loop.on_signal(SIGUSR1, [&] {
    if (++seen == 3) return loop.stop();
    ::raise(SIGUSR1);
  });
  loop.post([] { ::raise(SIGUSR1); });
  loop.run();
  CHECK(seen == 3);
}

TEST_CASE("a loop with work left can go") {
  auto alive = std::make_shared<int>(1);
  {
    EventLoop loop;
    auto timer = std::make_shared<net::Timer>(loop, loop.start_timer(1h, [] {}));
    loop.start_timer(1h, [alive, timer] {});
    loop.start_alarm(kNever, [alive, timer] {});
    loop.post([alive, timer] {});
  }
  CHECK(alive.use_count() == 1);
}
