#include "net/rate_budget.hpp"

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/catch.hpp"

using namespace watchbill;
using net::RateBudget;
using net::RateLimit;

namespace {

SteadyInstant at(milliseconds t) {
  return SteadyInstant{t};
}

/// The largest number of `calls` in any half-open span of `window`.
std::size_t most_in_a_window(std::vector<SteadyInstant> calls, milliseconds window) {
  std::sort(calls.begin(), calls.end());
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < calls.size(); ++last) {
    while (calls[last] - calls[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

RateLimit limit(std::size_t calls, milliseconds window, milliseconds spacing = 0ms) {
  RateLimit out;
  out.calls = calls;
  out.window = window;
  out.spacing = spacing;
  return out;
}

}  // namespace

TEST_CASE("a free budget lets calls leave at once, a full one when the oldest call is a window old") {
  RateBudget budget(limit(3, 60s));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(budget.earliest(at(1s), {}) == at(1s));
    budget.record(at(1s), "");
  }
  CHECK(budget.earliest(at(2s), {}) == at(61s));
  CHECK(budget.earliest(at(61s), {}) == at(61s));
}

TEST_CASE("the scale divides times, and the margin stays below a second over 24 windows") {
  const auto plain = net::with_margin(limit(20, 60s, 5s), 1);
  CHECK(plain.window == 60'040ms);
  CHECK(plain.spacing == 5s);
  CHECK(24 * (plain.window - 60s) < 1s);
  const auto fast = net::with_margin(limit(20, 60s, 5s), 60);
  CHECK(fast.calls == 20);
  CHECK(fast.window == 1040ms);
  CHECK(fast.spacing == 84ms);
  const auto faster = net::with_margin(limit(20, 60s, 5s), 600);
  CHECK(faster.window == 104ms);
}

TEST_CASE("whatever arrives when, no window ever holds more calls than the limit") {
  std::mt19937 random(20261122);
  const auto pick = [&random](int from, int to) { return std::uniform_int_distribution<>(from, to)(random); };
  for (int round = 0; round < 300; ++round) {
    const auto calls = static_cast<std::size_t>(pick(1, 30));
    const milliseconds window{pick(1, 2000)};
    const milliseconds spacing{pick(0, 3) == 0 ? pick(1, 200) : 0};
    RateBudget budget(limit(calls, window, spacing));
    std::vector<SteadyInstant> made;
    std::vector<SteadyInstant> yielding;
    std::map<std::string, std::vector<SteadyInstant>> by_key;
    SteadyInstant paused_until{};
    auto now = at(10s);
    for (int step = 0; step < 400; ++step) {
      now += milliseconds{pick(0, 4) == 0 ? pick(0, 500) : pick(0, 20)};
      if (pick(0, 100) == 0) {
        paused_until = std::max(paused_until, now + milliseconds{pick(0, 300)});
        budget.pause(paused_until);
      }
      const auto spare = static_cast<std::size_t>(pick(0, 6));
      const auto share = spare > 0 ? static_cast<std::size_t>(pick(0, 2)) : 0;
      const std::string key(1, static_cast<char>('a' + pick(0, 2)));
      const auto count = [&](const std::vector<SteadyInstant>& times) {
        return static_cast<std::size_t>(
            std::count_if(times.begin(), times.end(), [&](SteadyInstant t) { return now - t < window; }));
      };
      const auto in_window = count(made);
      const bool has_share = count(yielding) < share && in_window < calls;
      const auto free = budget.earliest(now, {spare, share});
      const bool allowed = free == now && budget.earliest_for(key) <= now;
      if (!allowed) {
        // It says no for a reason, and says until when.
        const bool full = in_window + spare >= calls && !has_share;
        const bool spaced = !by_key[key].empty() && now - by_key[key].back() < spacing;
        CHECK((full || spaced || now < paused_until));
        CHECK((!free || *free >= now));
        continue;
      }
      CHECK((in_window + spare < calls || has_share));
      CHECK(now >= paused_until);
      budget.record(now, key, spare > 0);
      made.push_back(now);
      if (spare > 0) yielding.push_back(now);
      by_key[key].push_back(now);
    }
    CHECK(most_in_a_window(made, window) <= calls);
    for (const auto& [key, times] : by_key) {
      if (spacing > 0ms) CHECK(most_in_a_window(times, spacing) <= 1);
    }
  }
}

TEST_CASE("who leaves slots free is held up while the others are not") {
  RateBudget budget(limit(20, 60s));
  for (int i = 0; i < 15; ++i) budget.record(at(0s), "");
  CHECK(budget.earliest(at(1s), {5}) == at(60s));
  CHECK(budget.earliest(at(1s), {}) == at(1s));
  CHECK(budget.earliest(at(1s), {20}) == std::nullopt);
  CHECK(budget.earliest(at(1s), {100}) == std::nullopt);
}

TEST_CASE("who leaves everything free has a share all the same, and no more than that") {
  RateBudget budget(limit(20, 60s));
  for (int i = 0; i < 15; ++i) budget.record(at(0s), "");
  CHECK(budget.earliest(at(1s), {100, 2}) == at(1s));
  budget.record(at(1s), "", true);
  budget.record(at(2s), "", true);
  CHECK(budget.earliest(at(3s), {100, 2}) == at(61s));
  CHECK(budget.earliest(at(3s), {}) == at(3s));
  // A full window is full for everybody.
  for (int i = 0; i < 3; ++i) budget.record(at(4s), "");
  CHECK(budget.earliest(at(5s), {100, 5}) == at(60s));
}

TEST_CASE("a shorter pause does not end a longer one") {
  RateBudget budget(limit(20, 60s));
  budget.pause(at(30s));
  budget.pause(at(10s));
  CHECK(budget.earliest(at(1s), {}) == at(30s));
}

TEST_CASE("a call that left later than its permit counts from when it left") {
  RateBudget budget(limit(1, 60s, 1s));
  budget.record(at(10s), "k");
  budget.moved(at(10s), at(12s), "k");
  CHECK(budget.earliest(at(20s), {}) == at(72s));
  CHECK(budget.earliest_for("k") == at(13s));
  budget.moved(at(12s), at(11s), "k");  // never earlier
  CHECK(budget.earliest(at(20s), {}) == at(72s));
}

TEST_CASE("a slot given back is free again") {
  RateBudget budget(limit(1, 60s));
  budget.record(at(10s), "");
  budget.give_back(at(10s));
  CHECK(budget.earliest(at(11s), {}) == at(11s));
}

TEST_CASE("keys that are not used any more are forgotten") {
  RateBudget budget(limit(5, 10s, 1s));
  budget.record(at(0s), "old");
  budget.record(at(5s), "new");
  CHECK(budget.earliest_for("old") < at(1s));
  CHECK(budget.earliest_for("new") == at(6s));
}

TEST_CASE("the forecast is what really happens") {
  std::mt19937 random(7);
  const auto pick = [&random](int from, int to) { return std::uniform_int_distribution<>(from, to)(random); };
  for (int round = 0; round < 200; ++round) {
    const bool spaced = pick(0, 1) == 1;
    RateBudget budget(
        limit(static_cast<std::size_t>(pick(6, 20)), 1000ms, spaced ? milliseconds{pick(1, 90)} : 0ms));
    auto now = at(5s);
    for (int i = 0; i < pick(0, 30); ++i) {
      now = std::max({now, *budget.earliest(now, {}), budget.earliest_for("")});
      budget.record(now, "");
    }
    if (pick(0, 1) == 1) budget.pause(now + milliseconds{pick(0, 700)});
    std::vector<RateBudget::Demand> demands(2);
    demands[0].count = static_cast<std::size_t>(pick(0, 50));
    demands[1].count = static_cast<std::size_t>(pick(1, 50));
    demands[1].yield = {static_cast<std::size_t>(pick(5, 30)), static_cast<std::size_t>(pick(1, 3)),
                        now + milliseconds{pick(-500, 2000)}};
    const auto foretold = budget.forecast(now, demands, spaced);
    auto t = now;
    for (const auto& demand : demands) {
      for (std::size_t i = 0; i < demand.count; ++i) {
        t = std::max({t, *budget.earliest(t, demand.yield), budget.earliest_for("")});
        budget.record(t, "", demand.yield.spare > 0);
      }
    }
    CHECK(foretold == t);
  }
  const RateBudget idle(limit(1, 1s));
  CHECK(idle.forecast(at(3s), {}, false) == at(3s));
}
