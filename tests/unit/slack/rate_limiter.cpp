#include "slack/limits/rate_limiter.hpp"

#include <random>

#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using test::SimLoop;

namespace {

/// Who got a permit, and when.
struct Log {
  struct Entry {
    std::string name;
    SteadyInstant at;
  };
  std::vector<Entry> entries;

  [[nodiscard]] std::string names() const {
    std::string out;
    for (const auto& entry : entries) out += entry.name + " ";
    return out;
  }
};

net::Task<void> call(SimLoop& loop, RateLimiter& limiter, Log& log, Method method, Priority priority,
                     std::string name, std::string key) {
  auto permit = co_await limiter.acquire(method, priority, key);
  CHECK(permit.method() == method);
  log.entries.push_back({name, loop.steady_now()});
}

constexpr auto kWrite = Method::usergroups_users_update;

struct World {
  SimLoop loop;
  RateLimiter limiter{loop, 1};
  Log log;
  SteadyInstant start = loop.steady_now();
  net::TaskScope tasks;

  void spawn(Priority priority, std::string name, Method method = kWrite, std::string key = {}) {
    tasks.spawn(call(loop, limiter, log, method, priority, std::move(name), std::move(key)));
  }
  /// Uses up `n` slots now.
  void use(std::size_t n, Method method = kWrite) {
    for (std::size_t i = 0; i < n; ++i) REQUIRE(limiter.try_acquire(method, Priority::handoff));
  }
  [[nodiscard]] milliseconds since_start(std::size_t entry) const { return log.entries.at(entry).at - start; }
};

constexpr milliseconds kWindow = 60'040ms;

}  // namespace

TEST_CASE("500 handoffs leave 20 a window, in order of asking, in exactly the time that the limit allows") {
  World w;
  for (int i = 0; i < 500; ++i) w.spawn(Priority::handoff, std::to_string(i));
  CHECK(w.log.entries.size() == 20);
  CHECK(w.limiter.waiting() == 480);
  while (w.log.entries.size() < 500) REQUIRE(w.loop.advance_to_next());
  for (std::size_t i = 0; i < 500; ++i) {
    CHECK(w.log.entries[i].name == std::to_string(i));
    CHECK(w.since_start(i) == kWindow * (i / 20));
    // The promise for the k-th handoff of a boundary: 1 s + floor((k-1)/20) minutes.
    CHECK(w.since_start(i) <= 1s + 60s * (i / 20));
  }
  CHECK(w.limiter.waiting() == 0);
  CHECK(w.limiter.waits().count == 480);
  CHECK(w.loop.pending() == 0);
}

TEST_CASE("a higher priority goes first, and equals go in order of asking") {
  World w;
  w.use(20);
  w.spawn(Priority::background, "b1");
  w.spawn(Priority::drift, "d1");
  w.spawn(Priority::handoff, "h1");
  w.spawn(Priority::edit, "e1");
  w.spawn(Priority::handoff, "h2");
  w.spawn(Priority::edit, "e2");
  w.loop.advance(kWindow);
  CHECK(w.log.names() == "h1 h2 e1 e2 d1 b1 ");
}

TEST_CASE("lower priorities leave five slots free, and what is reserved") {
  World w;
  for (int i = 0; i < 20; ++i) w.spawn(Priority::edit, "e");
  CHECK(w.log.entries.size() == 15);
  for (int i = 0; i < 6; ++i) w.spawn(Priority::handoff, "h");
  CHECK(w.log.entries.size() == 20);
  CHECK_FALSE(w.limiter.try_acquire(kWrite, Priority::handoff));

  World r;
  r.limiter.reserve(kWrite, 10);
  for (int i = 0; i < 20; ++i) r.spawn(Priority::drift, "d");
  CHECK(r.log.entries.size() == 5);
  // The boundary is over: what was reserved is free at once.
  r.limiter.reserve(kWrite, 0);
  r.loop.run_until_idle();
  CHECK(r.log.entries.size() == 15);
}

TEST_CASE("a reservation of more than there is shuts lower priorities out, and handoffs in") {
  World w;
  w.limiter.reserve(kWrite, 100);
  w.spawn(Priority::edit, "e");
  for (int i = 0; i < 20; ++i) w.spawn(Priority::handoff, "h");
  w.loop.advance(119s);
  CHECK(w.log.entries.size() == 20);
  CHECK(w.limiter.when(kWrite, Priority::edit, 1) == w.loop.now() - 119s + 2 * kWindow);
  w.limiter.reserve(kWrite, 0);
  w.loop.run_until_idle();
  CHECK(w.log.entries.back().name == "e");
}

TEST_CASE("lower priorities have a tenth that is not reserved away for longer than two windows") {
  World w;
  w.limiter.reserve(kWrite, 100);
  w.loop.advance(2 * kWindow);
  w.start = w.loop.steady_now();
  for (int i = 0; i < 3; ++i) w.spawn(Priority::edit, "e");
  for (int i = 0; i < 3; ++i) w.spawn(Priority::drift, "d");
  for (int i = 0; i < 18; ++i) w.spawn(Priority::handoff, "h");
  CHECK(w.log.entries.size() == 20);
  CHECK(w.log.names().substr(0, 6) == "e e h ");
  CHECK(w.limiter.when(kWrite, Priority::drift, 0) == w.loop.now() + 2 * kWindow);
  w.loop.advance(kWindow);
  CHECK(w.log.names().substr(4 + 18 * 2) == "e d ");
  w.loop.advance(kWindow);
  CHECK(w.log.entries.size() == 24);
  CHECK(w.since_start(23) == 2 * kWindow);
  // The boundaries are over: the rest is free at once.
  for (int i = 0; i < 13; ++i) w.spawn(Priority::drift, "later");
  w.limiter.reserve(kWrite, 0);
  w.loop.run_until_idle();
  CHECK(w.since_start(36) == 2 * kWindow);
}

TEST_CASE("a handoff that waits goes before lower priorities, wherever it waits") {
  World w;
  w.use(20);
  const bool elsewhere = GENERATE(false, true);
  w.spawn(Priority::edit, "e");
  if (elsewhere) {
    w.limiter.handoffs_wait(kWrite, true);
  } else {
    for (int i = 0; i < 20; ++i) w.spawn(Priority::handoff, "h");
  }
  w.loop.advance(kWindow);
  if (elsewhere) {
    for (int i = 0; i < 20; ++i) CHECK(w.limiter.try_acquire(kWrite, Priority::handoff));
    CHECK(w.log.entries.empty());
    w.limiter.handoffs_wait(kWrite, false);
  }
  w.loop.advance(kWindow - 1ms);
  CHECK(w.log.names().find("e ") == std::string::npos);
  w.loop.advance(1ms);
  CHECK(w.log.entries.back().name == "e");
}

TEST_CASE("calls that another process made count from when it made them") {
  World w;
  for (int i = 0; i < 15; ++i) w.limiter.count_used(kWrite, 50s);
  w.limiter.count_used(kWrite, 70s);
  for (int i = 0; i < 6; ++i) w.spawn(Priority::handoff, "h");
  CHECK(w.log.entries.size() == 5);
  w.loop.advance(kWindow);
  CHECK(w.since_start(5) == kWindow - 50s);
}

TEST_CASE("when says when, whatever is reserved and however many of each priority come") {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    World w;
    w.limiter.reserve(kWrite, random() % 30);
    w.loop.advance(seconds{random() % 180});
    w.use(random() % 20);
    w.loop.advance(seconds{random() % 60});
    CallCounts further{};
    std::size_t all = 0;
    for (auto& count : further) all += count = random() % 20;
    const auto told = w.limiter.when(kWrite, Priority::background, further);
    for (std::size_t p = 0; p < kPriorities; ++p) {
      for (std::size_t i = 0; i < further[p]; ++i) w.spawn(static_cast<Priority>(p), "x");
    }
    while (w.log.entries.size() < all) REQUIRE(w.loop.advance_to_next());
    const auto happened = w.loop.now();
    // Lower ones may slip in between handoffs that come later, never the other way round.
    CHECK(happened <= told);
    CHECK(told - happened <= kWindow);
  }
}

TEST_CASE("methods do not share their budgets") {
  World w;
  w.use(20);
  w.spawn(Priority::handoff, "h", Method::users_info);
  CHECK(w.log.entries.size() == 1);
}

TEST_CASE("whoever is cancelled while waiting leaves the queue, and no slot is lost") {
  World w;
  w.use(20);
  w.spawn(Priority::handoff, "first");
  {
    net::TaskScope doomed;
    for (int i = 0; i < 5; ++i) {
      doomed.spawn(call(w.loop, w.limiter, w.log, kWrite, Priority::handoff, "doomed", {}));
    }
    CHECK(w.limiter.waiting() == 6);
  }
  CHECK(w.limiter.waiting() == 1);
  for (int i = 0; i < 19; ++i) w.spawn(Priority::handoff, "next");
  w.loop.advance(kWindow);
  CHECK(w.log.entries.size() == 20);
  CHECK(w.log.entries.front().name == "first");
}

TEST_CASE("a permit given to a task that is cancelled before it runs goes to the next") {
  World w;
  w.use(20);
  auto doomed = std::make_unique<net::TaskScope>();
  doomed->spawn(call(w.loop, w.limiter, w.log, kWrite, Priority::handoff, "doomed", {}));
  for (int i = 0; i < 20; ++i) w.spawn(Priority::handoff, "h" + std::to_string(i));
  // At the same moment as the slots become free, and before those who got them run.
  w.loop.start_timer(kWindow, [&] { doomed.reset(); });
  w.loop.advance(kWindow);
  CHECK(w.log.entries.size() == 20);
}

TEST_CASE("a 429 stops its method alone, for as long as Slack says") {
  World w;
  w.limiter.pause(kWrite, 90s);
  w.spawn(Priority::handoff, "h");
  w.spawn(Priority::handoff, "other", Method::usergroups_create);
  CHECK(w.log.names() == "other ");
  w.loop.advance(89'999ms);
  CHECK(w.log.entries.size() == 1);
  w.loop.advance(1ms);
  CHECK(w.log.names() == "other h ");
}

TEST_CASE("it is known how long those that wait have to") {
  World w;
  CHECK_FALSE(w.limiter.resumes());
  w.limiter.pause(kWrite, 90s);
  CHECK_FALSE(w.limiter.resumes());
  w.spawn(Priority::edit, "e");
  CHECK(w.limiter.resumes() == w.loop.now() + 90s);
  w.loop.advance(30s);
  CHECK(w.limiter.resumes() == w.loop.now() + 60s);
  w.loop.advance(60s);
  CHECK_FALSE(w.limiter.resumes());
}

TEST_CASE("user groups are listed at most every five seconds") {
  World w;
  for (int i = 0; i < 4; ++i) w.spawn(Priority::handoff, "l", Method::usergroups_list);
  CHECK(w.limiter.when(Method::usergroups_list, Priority::handoff, 1) == w.loop.now() + 20s);
  w.loop.advance(60s);
  for (std::size_t i = 0; i < 4; ++i) CHECK(w.since_start(i) == 5s * i);
}

TEST_CASE("a busy channel holds up its own messages and nobody else's") {
  World w;
  for (int i = 0; i < 3; ++i) w.spawn(Priority::handoff, "a", Method::chat_post_message, "C1");
  w.spawn(Priority::background, "b", Method::chat_post_message, "C2");
  CHECK(w.log.names() == "a b ");
  CHECK_FALSE(w.limiter.try_acquire(Method::chat_post_message, Priority::handoff, "C1"));
  CHECK(w.limiter.try_acquire(Method::chat_post_message, Priority::background, "C3"));
  w.loop.advance(10s);
  CHECK(w.log.names() == "a b a a ");
  CHECK(w.since_start(2) == 1s);
  CHECK(w.since_start(3) == 2s);
}

TEST_CASE("in a busy channel the higher priority goes first") {
  World w;
  w.spawn(Priority::edit, "first", Method::chat_post_message, "C1");
  w.spawn(Priority::background, "low", Method::chat_post_message, "C1");
  w.spawn(Priority::handoff, "high", Method::chat_post_message, "C1");
  w.loop.advance(10s);
  CHECK(w.log.names() == "first high low ");
}

TEST_CASE("the scale divides windows and spacings") {
  SimLoop loop;
  RateLimiter limiter(loop, 60);
  for (int i = 0; i < 20; ++i) REQUIRE(limiter.try_acquire(kWrite, Priority::handoff));
  CHECK(limiter.when(kWrite, Priority::handoff, 1) == loop.now() + 1040ms);
  REQUIRE(limiter.try_acquire(Method::usergroups_list, Priority::handoff));
  CHECK(limiter.when(Method::usergroups_list, Priority::handoff, 1) == loop.now() + 84ms);
}

TEST_CASE("when says when: for those who wait and for those to come") {
  World w;
  std::mt19937 random(3);
  for (int i = 0; i < 90; ++i) w.spawn(static_cast<Priority>(random() % 3), "x");
  const auto all = w.limiter.when(kWrite, Priority::drift, 0);
  const auto handoffs = w.limiter.when(kWrite, Priority::handoff, 0);
  const auto further = w.limiter.when(kWrite, Priority::drift, 7);
  CHECK(handoffs < all);
  for (int i = 0; i < 7; ++i) w.spawn(Priority::drift, "further");
  std::optional<Instant> seen_all;
  while (w.log.entries.size() < 97) {
    REQUIRE(w.loop.advance_to_next());
    if (w.log.entries.size() == 90) seen_all = w.loop.now();
  }
  if (seen_all) CHECK(*seen_all == all);
  CHECK(w.loop.now() == further);
}

TEST_CASE("a call counts from when it left, not from when it was allowed to") {
  World w;
  auto permit = w.limiter.try_acquire(kWrite, Priority::handoff);
  REQUIRE(permit);
  w.use(19);
  w.loop.advance(900ms);
  w.limiter.answered(*permit, 100ms);  // a slow connection: it left after 800 ms
  w.spawn(Priority::handoff, "other");
  for (int i = 0; i < 19; ++i) w.spawn(Priority::handoff, "h");
  w.loop.advance(kWindow - 900ms);
  CHECK(w.log.entries.size() == 19);
  w.loop.advance(799ms);
  CHECK(w.log.entries.size() == 19);
  w.loop.advance(1ms);
  CHECK(w.log.entries.size() == 20);
}

TEST_CASE("ten thousand wait, a third of them goes away, and the rest leaves in order") {
  World w;
  std::vector<std::unique_ptr<net::TaskScope>> scopes;
  for (int i = 0; i < 10'000; ++i) {
    scopes.push_back(std::make_unique<net::TaskScope>());
    const auto channel = "C" + std::to_string(i % 700);
    scopes.back()->spawn(call(w.loop, w.limiter, w.log, Method::chat_post_message,
                              static_cast<Priority>(i % 4), std::to_string(i), channel));
  }
  for (std::size_t i = 0; i < scopes.size(); i += 3) scopes[i].reset();
  const auto left = w.log.entries.size() + w.limiter.waiting();
  while (w.log.entries.size() < left) REQUIRE(w.loop.advance_to_next());
  CHECK(w.limiter.waiting() == 0);
  CHECK(w.loop.pending() == 0);
}
