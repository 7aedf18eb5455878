#include "core/oncall/host_clock.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

const ClockWitness kSilent{};
const ClockWitness kDateless{true, std::nullopt};
ClockWitness off(seconds skew) {
  return {true, skew};
}

}  // namespace

TEST_CASE("a clock that Slack and a scheduling system both contradict by more than 5 minutes is wrong") {
  for (const auto sign : {1, -1}) {
    CHECK(judge_clock(off(sign * 301s), {off(sign * 301s)}) == ClockVerdict::wrong);
    CHECK(judge_clock(off(sign * 1h), {off(0s), kSilent, off(sign * 1h)}) == ClockVerdict::wrong);
    CHECK(judge_clock(off(sign * 1h), {off(sign * -1h)}) == ClockVerdict::wrong);
    CHECK(judge_clock(off(sign * 300s), {off(sign * 1h)}) == ClockVerdict::trusted);
    CHECK(judge_clock(off(sign * 1h), {off(sign * 300s)}) == ClockVerdict::trusted);
  }
}

TEST_CASE("one clock that contradicts this host's alone proves nothing") {
  CHECK(judge_clock(off(1h), {off(0s), off(2s)}) == ClockVerdict::trusted);
  CHECK(judge_clock(off(0s), {off(1h), off(1h)}) == ClockVerdict::trusted);
  CHECK(judge_clock(off(1h), {kDateless}) == ClockVerdict::trusted);
  CHECK(judge_clock(kDateless, {off(1h)}) == ClockVerdict::trusted);
  CHECK(judge_clock(off(1h), {}) == ClockVerdict::trusted);
}

TEST_CASE("a clock is trusted as soon as whoever is not heard yet can change nothing") {
  CHECK(judge_clock(off(0s), {kSilent}) == ClockVerdict::trusted);
  CHECK(judge_clock(kDateless, {kSilent}) == ClockVerdict::trusted);
  CHECK(judge_clock(kSilent, {off(0s), kDateless}) == ClockVerdict::trusted);
  CHECK(judge_clock(kSilent, {off(0s), kSilent}) == ClockVerdict::open);
  CHECK(judge_clock(kSilent, {off(1h)}) == ClockVerdict::open);
  CHECK(judge_clock(off(1h), {off(0s), kSilent}) == ClockVerdict::open);
}
