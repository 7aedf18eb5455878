#include "core/oncall/timeline.hpp"

#include <random>

#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

const Instant kStart = *parse_rfc3339("2026-03-28T00:00:00Z");  // the night of a DST change in Europe

Responder person(int n) {
  return {"pd", "P" + std::to_string(n), "Person " + std::to_string(n)};
}
Shift shift(int who, milliseconds from, milliseconds to) {
  return {person(who), kStart + from, kStart + to};
}
Timeline known(std::vector<Shift> shifts, milliseconds to) {
  return {std::move(shifts), kStart, kStart + to, kStart};
}
ScheduleAnswer answer(std::vector<Shift> shifts, milliseconds from, milliseconds to) {
  ScheduleAnswer said;
  said.schedule = {"pd", "P"};
  said.status = AnswerStatus::ok;
  said.asked_at = kStart + from;
  said.window = {kStart + from, kStart + to};
  said.shifts = std::move(shifts);
  return said;
}
bool is_people(const OnCall& on_call, std::vector<int> who) {
  People people;
  for (const int n : who) people.responders.push_back(person(n));
  return on_call == OnCall{people};
}

}  // namespace

TEST_CASE("a shift covers its start and not its end") {
  const auto timeline = known({shift(1, 1h, 2h), shift(2, 2h, 3h)}, 4h);
  CHECK(std::holds_alternative<Nobody>(on_call_at(timeline, kStart + 1h - 1ms)));
  CHECK(is_people(on_call_at(timeline, kStart + 1h), {1}));
  CHECK(is_people(on_call_at(timeline, kStart + 2h), {2}));
  CHECK(std::holds_alternative<Nobody>(on_call_at(timeline, kStart + 3h)));
}

TEST_CASE("past the horizon and before what is known it is Unknown, not Nobody") {
  const auto timeline = known({shift(1, 0h, 1h)}, 2h);
  CHECK(std::holds_alternative<Unknown>(on_call_at(timeline, kStart - 1ms)));
  CHECK(std::holds_alternative<Nobody>(on_call_at(timeline, kStart + 90min)));
  CHECK(std::holds_alternative<Unknown>(on_call_at(timeline, kStart + 2h)));
  CHECK(std::holds_alternative<Unknown>(on_call_at(Timeline{}, kStart)));
}

TEST_CASE("a shift that never ends has no boundary, and until is never") {
  auto endless = shift(1, 0h, 1h);
  endless.end = kNever;
  const auto timeline = known({endless}, 24h);
  CHECK_FALSE(next_boundary(timeline, kStart));
  CHECK(on_call_until(timeline, person(1), kStart) == kNever);
}

TEST_CASE("shifts of the same person that touch are one stay; a change of hands is a boundary") {
  const auto timeline = known({shift(1, 0h, 1h), shift(1, 1h, 2h), shift(2, 2h, 3h)}, 4h);
  CHECK(on_call_until(timeline, person(1), kStart) == kStart + 2h);
  CHECK(next_boundary(timeline, kStart) == kStart + 2h);
  CHECK(last_boundary(timeline, kStart + 150min) == kStart + 2h);
}

TEST_CASE("overlapping people are on call together, gaps are boundaries too") {
  const auto timeline = known({shift(1, 0h, 2h), shift(2, 1h, 3h), shift(3, 4h, 5h)}, 6h);
  CHECK(is_people(on_call_at(timeline, kStart + 90min), {1, 2}));
  CHECK(next_boundary(timeline, kStart + 150min) == kStart + 3h);
  CHECK(next_boundary(timeline, kStart + 3h) == kStart + 4h);
}

TEST_CASE("an answer that agrees keeps what is known beyond its window") {
  const auto merged =
      merge(known({shift(1, 0h, 1h), shift(2, 1h, 2h)}, 2h), answer({shift(1, 0h, 1h)}, 10min, 12min));
  CHECK_FALSE(merged.contradicted);
  CHECK(merged.timeline.horizon == kStart + 2h);
  CHECK(is_people(on_call_at(merged.timeline, kStart + 90min), {2}));
}

TEST_CASE("an answer that contradicts makes the future unknown: an override may have changed it") {
  const auto merged =
      merge(known({shift(1, 0h, 1h), shift(2, 1h, 2h)}, 2h), answer({shift(3, 10min, 90min)}, 10min, 12min));
  CHECK(merged.contradicted);
  CHECK(is_people(on_call_at(merged.timeline, kStart + 11min), {3}));
  CHECK(std::holds_alternative<Unknown>(on_call_at(merged.timeline, kStart + 30min)));
}

TEST_CASE("an answer about a boundary ahead changes nobody before it") {
  // An override from before the question: 1 goes on until the boundary, not together with 3.
  auto said = answer({shift(3, 50min, 3h)}, 1h, 70min);
  said.asked_at = kStart + 1h - 5s;
  const auto handed = merge(known({shift(1, 0h, 1h), shift(2, 1h, 2h)}, 2h), said).timeline;
  CHECK(is_people(on_call_at(handed, kStart + 1h - 1ms), {1}));
  CHECK(is_people(on_call_at(handed, kStart + 1h), {3}));
  // One of two is replaced, at the other's boundary: he stays until then.
  const auto two = merge(known({shift(1, 0h, 2h), shift(2, 0h, 1h), shift(4, 1h, 2h)}, 2h), said).timeline;
  CHECK(is_people(on_call_at(two, kStart + 1h - 1ms), {1, 2}));
  CHECK(is_people(on_call_at(two, kStart + 1h), {3}));
  // Somebody whose end has moved is still one stay.
  auto longer = answer({shift(1, 0h, 90min)}, 1h, 70min);
  longer.asked_at = kStart + 1h - 5s;
  const auto stay = merge(known({shift(1, 0h, 2h), shift(2, 0h, 1h)}, 2h), longer).timeline;
  CHECK(stay.shifts.size() == 2);
  CHECK(on_call_until(stay, person(1), kStart) == kStart + 90min);
}

TEST_CASE("an answer of no end keeps the end that is known") {
  auto now = shift(1, 10min, 12min);
  now.end_unknown = true;
  auto said = answer({now}, 10min, 12min);
  said.moment = true;
  const auto merged = merge(known({shift(1, 0h, 1h)}, 2h), said);
  CHECK_FALSE(merged.contradicted);
  CHECK(on_call_until(merged.timeline, person(1), kStart + 10min) == kStart + 1h);
}

TEST_CASE(
    "whatever is merged, inside its window the answer wins, and boundaries are where the people change") {
  std::mt19937 random(7);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<>(from, to)(random); };
  for (int round = 0; round < 2000; ++round) {
    const auto some = [&] {
      std::vector<Shift> shifts;
      for (int i = pick(0, 6); i > 0; --i) {
        const auto from = pick(0, 40) * 15min;
        shifts.push_back(shift(pick(1, 3), from, from + pick(1, 20) * 15min));
        if (pick(1, 9) == 1) shifts.back().end = kNever;
      }
      return shifts;
    };
    auto timeline = merge(Timeline{}, answer(some(), 0min, pick(1, 40) * 15min)).timeline;
    const auto from = pick(0, 20) * 15min;
    auto said = answer(some(), from, from + pick(1, 20) * 15min);
    said.asked_at -= pick(0, 1) * 10min;
    const auto merged = merge(timeline, said).timeline;
    Timeline alone{said.shifts, said.window.from, said.window.to, kStart};
    std::sort(alone.shifts.begin(), alone.shifts.end(),
              [](const Shift& a, const Shift& b) { return a.start < b.start; });
    for (Instant t = said.window.from; t < said.window.to; t += 15min) {
      REQUIRE(on_call_at(merged, t) == on_call_at(alone, t));
    }
    // A boundary that is asked for lies within what is known.
    const bool within = timeline.horizon > said.window.from;
    for (Instant t = said.asked_at; within && t < said.window.from; t += 5min) {
      REQUIRE(on_call_at(merged, t) == on_call_at(timeline, t));
    }
    REQUIRE(merged.horizon >= said.window.to);
    const Instant now = said.window.from;
    const auto next = next_boundary(merged, now);
    const Instant until = next.value_or(merged.horizon);
    for (Instant t = now; t < until; t += 5min) REQUIRE(on_call_at(merged, t) == on_call_at(merged, now));
    if (next) REQUIRE(on_call_at(merged, *next) != on_call_at(merged, now));
    REQUIRE(merge(merged, said).timeline.shifts == merged.shifts);
  }
}

TEST_CASE("what an answer says of a person holds for all of their shifts, and changes no boundary") {
  const Instant start{1'800'000'000'000ms};
  const auto ada = [](const std::string& email) { return Responder{"pd", "PADA", "Ada", email}; };
  Timeline known;
  known.known_from = start;
  known.horizon = start + 8h;
  known.shifts = {{ada("old@example.com"), start, start + 1h},
                  {ada("old@example.com"), start + 5h, start + 6h}};
  ScheduleAnswer answer;
  answer.status = AnswerStatus::ok;
  answer.asked_at = start;
  answer.window = {start, start + 10min};
  answer.shifts = {{ada("new@example.com"), start, start + 1h}};
  answer.moment = GENERATE(false, true);
  const auto merged = merge(known, answer);
  CHECK(merged.agrees);
  REQUIRE(merged.timeline.shifts.size() == 2);
  for (const auto& shift : merged.timeline.shifts) CHECK(shift.responder->email == "new@example.com");
  CHECK_FALSE(same_details(merged.timeline.shifts, known.shifts));
  CHECK(merged.timeline.shifts == known.shifts);
}
