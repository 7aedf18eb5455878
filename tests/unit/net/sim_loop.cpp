#include "tests/support/sim_loop.hpp"

#include <string>
#include <thread>

#include "tests/support/catch.hpp"

using namespace watchbill;
using test::SimLoop;

TEST_CASE("virtual time runs callbacks by time, then in the order asked for") {
  SimLoop loop;
  const auto start = loop.now();
  std::string order;
  loop.start_timer(20ms, [&] { order += 'd'; });
  loop.start_timer(10ms, [&] {
    order += 'a';
    loop.start_timer(0ms, [&] { order += 'c'; });
    CHECK(loop.now() == start + 10ms);
  });
  loop.start_alarm(start + 10ms, [&] { order += 'b'; });
  loop.start_alarm(start + 20ms, [&] { order += 'e'; });
  loop.post([&] { order += '0'; });
  const auto never = loop.start_timer(15ms, [&] { order += 'x'; });
  loop.cancel(never);
  loop.cancel(never);
  loop.cancel(12345);
  loop.run_until_idle();
  CHECK(order == "0");
  loop.advance(19ms);
  CHECK(order == "0abc");
  loop.run_until(start + 1h);
  CHECK(order == "0abcde");
  CHECK(loop.now() == start + 1h);
  CHECK(loop.pending() == 0);
}

TEST_CASE("a jump of the wall clock moves alarms and leaves timers alone") {
  SimLoop loop;
  const auto start = loop.now();
  std::string order;
  loop.start_alarm(start + 1h, [&] { order += 'a'; });
  loop.start_timer(1h, [&] { order += 't'; });
  loop.set_wall(start - 30min);
  loop.advance(59min);
  CHECK(order.empty());
  loop.set_wall(start + 2h);
  CHECK(order == "a");
  loop.advance(1min);
  CHECK(order == "at");
}

TEST_CASE("after a suspend alarms are due and timers are not") {
  SimLoop loop;
  std::string order;
  loop.start_alarm(loop.now() + 1min, [&] { order += 'a'; });
  loop.start_timer(1min, [&] { order += 't'; });
  loop.start_alarm(kNever, [&] { order += 'n'; });
  loop.suspend(8h);
  CHECK(order == "a");
  loop.advance(1min);
  CHECK(order == "at");
  loop.start_alarm(kAlways, [&] { order += 'A'; });
  loop.run_until_idle();
  CHECK(order == "atA");
  CHECK_FALSE(loop.advance_to_next());
}

TEST_CASE("a task that can never end is reported, not waited for") {
  SimLoop loop;
  net::Signal signal(loop);
  struct Wait {
    static net::Task<int> on(net::Signal& what) {
      co_await what.wait();
      co_return 1;
    }
    static net::Task<int> hour(net::Loop& on) {
      co_await net::sleep_for(on, 1h);
      co_return 2;
    }
  };
  CHECK_THROWS_AS(loop.run_until_done(Wait::on(signal)), std::logic_error);
  const auto before = loop.now();
  CHECK(loop.run_until_done(Wait::hour(loop)) == 2);
  CHECK(loop.now() == before + 1h);
}

TEST_CASE("virtual time takes posts of other threads") {
  SimLoop loop;
  int seen = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&] { ++seen; });
  });
  other.join();
  loop.run_until_idle();
  CHECK(seen == 100);
}
