#include "control/schedule_pairs.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::control;
using Texts = std::vector<std::string>;

namespace {

const Instant kNow = *parse_rfc3339("2026-12-01T09:00:00Z");

std::string key_of(const Responder& responder) {
  return responder.email.value_or(responder.connection + "/" + responder.id);
}

Shift shift(const std::string& connection, const std::string& who, milliseconds from, milliseconds to) {
  Responder responder{connection, connection + "-" + who, who, who + "@example.com"};
  if (who == "hidden") responder.email.reset();
  return {responder, kNow + from, kNow + to};
}

ShownSchedule shown(const std::string& connection, const std::string& id, const std::string& name,
                    std::vector<Shift> shifts) {
  return {{connection, id}, name, Timeline{std::move(shifts), kNow - 1h, kNow + days{14}, kNow}};
}

/// "og/A=ops/B by name", joined.
std::string text_of(const std::vector<SchedulePair>& pairs) {
  std::string text;
  for (const auto& pair : pairs)
    text += fmt::format("{}{}={} by {}", text.empty() ? "" : ", ", pair.before, pair.after, pair.by);
  return text;
}

std::string pair_up(const std::vector<ShownSchedule>& before, const std::vector<ShownSchedule>& after) {
  return text_of(pair_schedules(before, after, kNow, kNow + days{14}, key_of).pairs);
}

/// "og/1: name ops/x ops/y, og/2" of those without a partner.
std::string left_over(const std::vector<ShownSchedule>& before, const std::vector<ShownSchedule>& after) {
  Texts texts;
  for (const auto& one : pair_schedules(before, after, kNow, kNow + days{14}, key_of).unpaired) {
    auto text = to_string(one.ref);
    if (!one.by.empty()) text += ": " + one.by;
    for (const auto& candidate : one.candidates) text += " " + to_string(candidate);
    for (const auto& rival : one.rivals) text += " not " + to_string(rival);
    texts.push_back(text);
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

TEST_CASE("schedules are paired by id first, then by name, then by people") {
  const auto week = [](const std::string& connection, const std::string& first, const std::string& second) {
    return std::vector<Shift>{shift(connection, first, -1h, days{7}),
                              shift(connection, second, days{7}, days{14})};
  };
  const std::vector<ShownSchedule> before{shown("og", "1", "One", week("og", "ada", "bo")),
                                          shown("og", "2", "Two", week("og", "bo", "cy")),
                                          shown("og", "3", "Three", week("og", "cy", "ada"))};
  CHECK(pair_up(before, {shown("ops", "x", "Drei", week("ops", "cy", "ada")),
                         shown("ops", "y", "TWO", week("ops", "ada", "bo")),
                         shown("ops", "1", "Three", week("ops", "dan", "dan"))}) ==
        "og/1=ops/1 by id, og/2=ops/y by name, og/3=ops/x by people");
}

TEST_CASE("a name or people that two have pair nobody") {
  const std::vector<Shift> of_ada{shift("og", "ada", -1h, days{14})};
  const std::vector<Shift> of_ada_there{shift("ops", "ada", -1h, days{14})};
  const std::vector<ShownSchedule> one{shown("og", "1", "Primary", of_ada)};
  CHECK(pair_up(one, {shown("ops", "x", "Primary", {}), shown("ops", "y", "primary", {})}).empty());
  CHECK(pair_up(one, {shown("ops", "x", "Primary", {}), shown("ops", "y", "primary", of_ada_there)}) ==
        "og/1=ops/y by people");
  CHECK(pair_up(one, {shown("ops", "x", "A", of_ada_there), shown("ops", "y", "B", of_ada_there)}).empty());
  const std::vector<ShownSchedule> two{shown("og", "1", "A", of_ada), shown("og", "2", "B", of_ada)};
  CHECK(pair_up(two, {shown("ops", "x", "C", of_ada_there)}).empty());
  // Nobody is not what makes two schedules alike.
  CHECK(pair_up({shown("og", "1", "A", {})}, {shown("ops", "x", "B", {})}).empty());
}

TEST_CASE("whoever may be the partner is named where it is not certain") {
  const std::vector<Shift> of_ada{shift("og", "ada", -1h, days{14})};
  const std::vector<Shift> of_ada_there{shift("ops", "ada", -1h, days{14})};
  const std::vector<ShownSchedule> one{shown("og", "1", "Primary", of_ada)};
  CHECK(left_over(one, {shown("ops", "x", "Primary", {}), shown("ops", "y", "primary", {})}) ==
        "og/1: name ops/x ops/y");
  CHECK(left_over(one, {shown("ops", "x", "A", of_ada_there), shown("ops", "y", "B", of_ada_there)}) ==
        "og/1: people ops/x ops/y");
  CHECK(left_over({shown("og", "1", "A", {}), shown("og", "2", "a", {})}, {shown("ops", "x", "A", {})}) ==
        "og/1: name ops/x not og/2, og/2: name ops/x not og/1");
  CHECK(left_over(one, {shown("ops", "x", "B", {})}) == "og/1");
  // What people decide counts, whatever the names are.
  CHECK(
      left_over(one, {shown("ops", "x", "Primary", {}), shown("ops", "y", "primary", of_ada_there)}).empty());
}

TEST_CASE("a partner that somebody chose comes before all others") {
  const std::vector<ShownSchedule> before{shown("og", "1", "A", {}), shown("og", "2", "B", {})};
  const std::vector<ShownSchedule> after{shown("ops", "1", "A", {}), shown("ops", "2", "B", {}),
                                         shown("ops", "3", "C", {})};
  const auto chosen = [&](const ChosenPartners& partners) {
    return text_of(pair_schedules(before, after, kNow, kNow + days{14}, key_of, partners).pairs);
  };
  CHECK(chosen({{{"og", "1"}, {"ops", "3"}}}) == "og/1=ops/3 by choice, og/2=ops/2 by id");
  CHECK(chosen({{{"og", "1"}, {"ops", "2"}}}) == "og/1=ops/2 by choice");
}

TEST_CASE("people of nine tenths of the time are alike enough, and of less are not") {
  const auto with = [](milliseconds other) {
    return pair_up(
        {shown("og", "1", "A", {shift("og", "ada", -1h, days{14})})},
        {shown("ops", "x", "B", {shift("ops", "bo", 0ms, other), shift("ops", "ada", other, days{14})})});
  };
  CHECK(with(days{1}) == "og/1=ops/x by people");
  CHECK(with(days{2}).empty());
}

TEST_CASE("differences are told with their time, those that touch and say the same as one") {
  const auto before = shown(
      "og", "1", "A", {shift("og", "ada", -1h, 8h), shift("og", "bo", 8h, 16h), shift("og", "bo", 16h, 24h)});
  const auto after = shown("ops", "1", "A",
                           {shift("ops", "ada", -1h, 8h), shift("ops", "cy", 8h, 20h),
                            shift("ops", "cy", 20h, 24h), shift("ops", "hidden", 24h, 25h)});
  const auto found = differences_of(*before.timeline, *after.timeline, kNow, kNow + days{14}, key_of);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == PairDifference{kNow + 8h, kNow + 24h, {"bo@example.com"}, {"cy@example.com"}});
  CHECK(found[1] == PairDifference{kNow + 24h, kNow + 25h, {}, {"hidden (ops/ops-hidden)"}});
}

TEST_CASE("the same handoff a few seconds apart is no difference") {
  const auto apart = [](milliseconds later) {
    const auto before = shown("og", "1", "A", {shift("og", "ada", -1h, 8h), shift("og", "bo", 8h, 16h)});
    const auto after =
        shown("ops", "1", "A", {shift("ops", "ada", -1h, 8h + later), shift("ops", "bo", 8h + later, 16h)});
    return differences_of(*before.timeline, *after.timeline, kNow, kNow + days{14}, key_of).size();
  };
  CHECK(apart(59s) == 0);
  CHECK(apart(60s) == 1);
}

TEST_CASE("what differs now, or begins to within minutes, is a difference however short") {
  const auto differences = [](milliseconds from, milliseconds to) {
    const auto before = shown("og", "1", "A", {shift("og", "ada", -1h, 8h)});
    const auto after =
        shown("ops", "1", "A",
              {shift("ops", "ada", -1h, from), shift("ops", "bo", from, to), shift("ops", "ada", to, 8h)});
    return differences_of(*before.timeline, *after.timeline, kNow, kNow + days{14}, key_of);
  };
  const auto now = differences(-30s, 20s);
  REQUIRE(now.size() == 1);
  CHECK(now[0] == PairDifference{kNow, kNow + 20s, {"ada@example.com"}, {"bo@example.com"}});
  CHECK(differences(0ms, 1ms).size() == 1);
  CHECK(differences(9min, 9min + 1s).size() == 1);
  CHECK(differences(10min, 10min + 1s).empty());
}

TEST_CASE("where one side is not known there is no difference") {
  auto before = shown("og", "1", "A", {shift("og", "ada", -1h, days{14})});
  auto after = shown("ops", "1", "A", {});
  after.timeline->horizon = kNow + 1h;
  const auto found = differences_of(*before.timeline, *after.timeline, kNow, kNow + days{14}, key_of);
  REQUIRE(found.size() == 1);
  CHECK(found[0].to == kNow + 1h);
  const auto compared = [&] {
    const auto pairs = pair_schedules({before}, {after}, kNow, kNow + days{14}, key_of).pairs;
    REQUIRE(pairs.size() == 1);
    return pairs[0];
  };
  CHECK(compared().compared_until == kNow + 1h);
  after.timeline->horizon = kNow;
  CHECK(compared().not_compared == "ops/1 does not tell who is on call now");
  before.timeline.reset();
  before.silence = "it is down";
  CHECK(compared().not_compared == "og/1 does not tell who is on call now: it is down");
  CHECK(compared().differences.empty());
  CHECK_FALSE(compared().compared_until);
}
