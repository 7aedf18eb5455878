#include "core/oncall/schedule_state.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

const Instant kNow = *parse_rfc3339("2026-11-22T09:00:00Z");
Responder person(const std::string& name) {
  return {"pd", name, name};
}

ScheduleAnswer says(Instant at, const std::vector<std::string>& names, bool itself = false,
                    milliseconds reach = 2h) {
  ScheduleAnswer answer;
  answer.schedule = {"pd", "P"};
  answer.status = AnswerStatus::ok;
  answer.asked_at = at;
  answer.window = {at, at + reach};
  answer.from_schedule = itself;
  for (const auto& name : names) answer.shifts.push_back({person(name), kNow - 1h, kNow + 8h});
  return answer;
}
ScheduleAnswer moment(Instant at, const std::string& name) {
  auto answer = says(at, {}, false, 2min);
  answer.moment = true;
  answer.shifts.push_back({person(name), at, at + 2min, true});
  return answer;
}
std::vector<std::string> who(const ScheduleState& state, Instant t) {
  std::vector<std::string> names;
  const auto on_call = believed_on_call(state, t);
  if (const auto* people = std::get_if<People>(&on_call)) {
    for (const auto& responder : people->responders) names.push_back(responder.id);
  }
  return names;
}
ScheduleState with_ada() {
  ScheduleState state;
  state.schedule = {"pd", "P"};
  apply_answer(state, says(kNow, {"ada"}), false);
  return state;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("nobody, unforeseen, is believed only when the schedule itself says so half a minute later") {
  auto state = with_ada();
  const auto first = apply_answer(state, says(kNow + 1min, {}), false);
  CHECK(who(state, kNow + 1min) == Names{"ada"});
  CHECK(first.confirm_at == kNow + 90s);
  apply_answer(state, says(kNow + 2min, {}), false);  // the list again is not another question
  CHECK(who(state, kNow + 2min) == Names{"ada"});
  const auto confirmed = apply_answer(state, says(kNow + 2min, {}, true), false);
  CHECK(confirmed.changed);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(state, kNow + 2min)));
}

TEST_CASE("many schedules that empty together take three answers over three minutes") {
  auto state = with_ada();
  apply_answer(state, says(kNow + 1min, {}), true);
  apply_answer(state, says(kNow + 2min, {}, true), true);
  CHECK(who(state, kNow + 2min) == Names{"ada"});
  apply_answer(state, says(kNow + 4min, {}, true), true);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(state, kNow + 4min)));
}

TEST_CASE(
    "many schedules that empty together are not believed before three minutes, however many answers agree") {
  auto state = with_ada();
  for (int i = 0; i <= 17; ++i) apply_answer(state, says(kNow + 1min + i * 10s, {}, i % 2 == 1), true);
  REQUIRE(state.doubt);
  CHECK(state.doubt->answers == 18);
  CHECK(who(state, kNow + 4min) == Names{"ada"});
  apply_answer(state, says(kNow + 4min - 1ms, {}, true), true);
  CHECK(who(state, kNow + 4min) == Names{"ada"});
  apply_answer(state, says(kNow + 4min, {}, true), true);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(state, kNow + 4min)));
}

TEST_CASE("what the schedule itself says counts although a list that misses it overtook it") {
  const auto in_doubt = [] {
    auto state = with_ada();
    for (int i = 0; i <= 40; ++i) apply_answer(state, says(kNow + 1min + i * 1s, {}), false);
    return state;
  };
  const Instant asked = kNow + 1min + 30s;
  auto empty = in_doubt();
  CHECK(apply_answer(empty, says(asked, {}, true), false).changed);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(empty, asked)));
  CHECK(empty.last_answer == kNow + 1min + 40s);

  auto refused = says(asked, {}, true);
  refused.status = AnswerStatus::gone;
  refused.error = fail(ErrorKind::not_found, "no such schedule");
  auto gone = in_doubt();
  apply_answer(gone, refused, false);
  CHECK(gone.presence == Presence::gone);
  CHECK(gone.last_answer == kNow + 1min + 40s);

  auto people = in_doubt();
  apply_answer(people, says(asked, {"ada"}, true), false);
  CHECK_FALSE(people.doubt);

  refused.status = AnswerStatus::failed;
  auto failing = in_doubt();
  apply_answer(failing, refused, false);
  CHECK(failing.failing_since == asked);
  // Asked before the first list that missed it, it says nothing of that.
  auto before = in_doubt();
  apply_answer(before, says(kNow + 30s, {"ada"}, true), false);
  CHECK(before.doubt);
}

TEST_CASE("lists that miss a schedule neither put off the question to it nor make good for its failure") {
  auto state = with_ada();
  auto failed = says(kNow + 1min + 30s, {}, true);
  failed.status = AnswerStatus::failed;
  failed.error = fail(ErrorKind::server, "500");
  apply_answer(state, says(kNow + 1min, {}), false);
  CHECK(apply_answer(state, failed, false).confirm_at == kNow + 1min + 30s);
  for (int i = 1; i <= 10; ++i) {
    CHECK(apply_answer(state, says(kNow + 1min + 30s + i * 5s, {}), false).confirm_at == kNow + 1min + 30s);
    CHECK(state.failing_since == kNow + 1min + 30s);
    CHECK(state.failure == "500");
  }
  CHECK_FALSE(absence_unconfirmed(state, kNow + 2min - 1ms));
  CHECK(absence_unconfirmed(state, kNow + 2min));
  apply_answer(state, says(kNow + 3min, {"ada"}), false);
  CHECK_FALSE(state.failing_since);
  CHECK(state.failure.empty());
  CHECK_FALSE(absence_unconfirmed(state, kNow + 3min));
}

TEST_CASE("people who come back end the doubt") {
  auto state = with_ada();
  apply_answer(state, says(kNow + 1min, {}), false);
  apply_answer(state, says(kNow + 2min, {"ada"}), false);
  CHECK_FALSE(state.doubt);
  apply_answer(state, says(kNow + 3min, {}, true), false);
  CHECK(who(state, kNow + 3min) == Names{"ada"});
}

TEST_CASE("a foreseen gap acts at once") {
  ScheduleState state;
  auto answer = says(kNow, {});
  answer.shifts.push_back({person("ada"), kNow - 1h, kNow + 1h});
  apply_answer(state, answer, false);
  CHECK(who(state, kNow + 1h - 1ms) == Names{"ada"});
  CHECK(std::holds_alternative<Nobody>(believed_on_call(state, kNow + 1h)));
  const auto later = apply_answer(state, says(kNow + 1h, {}), false);
  CHECK_FALSE(state.doubt);
  CHECK_FALSE(later.confirm_at);
}

TEST_CASE("why a schedule refuses is not forgotten when a list goes without it") {
  auto state = with_ada();
  auto refused = says(kNow + 10s, {}, true);
  refused.status = AnswerStatus::forbidden;
  refused.error = fail(ErrorKind::forbidden, "the schedule may be gone");
  apply_answer(state, refused, false);
  apply_answer(state, says(kNow + 20s, {}), false);
  CHECK(state.presence == Presence::forbidden);
  CHECK(state.failure == "the schedule may be gone");
  apply_answer(state, says(kNow + 30s, {"ada"}), false);
  CHECK(state.failure.empty());
}

TEST_CASE("a schedule that is gone or forbidden is Unknown, and its people are held") {
  for (const auto status : {AnswerStatus::gone, AnswerStatus::forbidden}) {
    auto state = with_ada();
    auto answer = says(kNow + 1min, {}, true);
    answer.status = status;
    CHECK(apply_answer(state, answer, false).changed);
    CHECK(std::holds_alternative<Unknown>(believed_on_call(state, kNow + 1min)));
    CHECK(state.held == std::vector<Responder>{person("ada")});
    apply_answer(state, says(kNow + 2min, {"bo"}), false);
    CHECK(who(state, kNow + 2min) == Names{"bo"});
  }
}

TEST_CASE("an unforeseen change acts at first sight, and its reversal takes two answers") {
  auto state = with_ada();
  apply_answer(state, says(kNow + 1min, {"bo"}), false);
  CHECK(who(state, kNow + 1min) == Names{"bo"});
  const auto back = apply_answer(state, says(kNow + 2min, {"ada"}), false);
  CHECK(who(state, kNow + 2min) == Names{"bo"});
  CHECK(back.ask_again == kNow + 2min + 10s);
  apply_answer(state, says(kNow + 2min + 10s, {"ada"}), false);
  CHECK(who(state, kNow + 2min + 10s) == Names{"ada"});
}

TEST_CASE("old people right after a boundary are doubted, unless an interval of theirs covers now") {
  ScheduleState state;
  auto plan = says(kNow, {});
  plan.shifts = {{person("ada"), kNow - 1h, kNow + 1h}, {person("bo"), kNow + 1h, kNow + 2h}};
  apply_answer(state, plan, false);
  const Instant boundary = kNow + 1h;
  auto lagging = state;
  apply_answer(lagging, moment(boundary + 2s, "ada"), false);
  CHECK(who(lagging, boundary + 2s) == Names{"bo"});
  apply_answer(lagging, moment(boundary + 12s, "ada"), false);
  CHECK(who(lagging, boundary + 12s) == Names{"ada"});

  auto extended = says(boundary + 2s, {});
  extended.shifts = {{person("ada"), kNow - 1h, boundary + 30min}};
  apply_answer(state, extended, false);
  CHECK(who(state, boundary + 2s) == Names{"ada"});
}

TEST_CASE("after a turn whose end was not told the long windows are asked again") {
  ScheduleState state;
  apply_answer(state, moment(kNow, "ada"), false);
  CHECK_FALSE(apply_answer(state, moment(kNow + 1min, "ada"), false).want_look_ahead);
  const auto next = says(kNow + 2min, {"bo"}, false, 10min);
  CHECK(apply_answer(state, next, false).want_look_ahead);
  CHECK_FALSE(apply_answer(state, says(kNow + 3min, {"bo"}, false, 10min), false).want_look_ahead);
}

TEST_CASE("an answer that a newer one overtook may add to it, and not contradict it") {
  auto state = with_ada();
  auto newer = says(kNow + 1min, {});
  newer.shifts = {{person("ada"), kNow - 1h, kNow + 30s}, {person("cy"), kNow + 30s, kNow + 8h}};
  apply_answer(state, newer, false);
  REQUIRE(who(state, kNow + 1min) == Names{"cy"});
  const auto believed = state;

  const auto contradicting = apply_answer(state, says(kNow + 10s, {"ada"}, false, days{8}), false);
  CHECK(state == believed);
  CHECK_FALSE(contradicting.changed);
  CHECK(contradicting.want_look_ahead);

  auto failing = says(kNow + 10s, {});
  failing.status = AnswerStatus::failed;
  apply_answer(state, failing, false);
  auto forbidden = says(kNow + 10s, {}, true);
  forbidden.status = AnswerStatus::forbidden;
  apply_answer(state, forbidden, false);
  CHECK(state == believed);

  auto agreeing = says(kNow + 10s, {}, false, days{8});
  agreeing.shifts = newer.shifts;
  agreeing.shifts.push_back({person("bo"), kNow + 8h, kNow + days{9}});
  CHECK(apply_answer(state, agreeing, false).changed);
  CHECK(who(state, kNow + days{7}) == Names{"bo"});
  CHECK(state.last_answer == kNow + 1min);
  CHECK(state.timeline.confirmed_at == kNow + 1min);
}

TEST_CASE("an answer that a doubted one overtook does not end the doubt") {
  auto state = with_ada();
  apply_answer(state, says(kNow + 1min, {}), false);
  REQUIRE(state.doubt);
  apply_answer(state, says(kNow + 30s, {"ada"}), false);
  CHECK(state.doubt);
}

TEST_CASE("a failure changes nothing that is believed") {
  auto state = with_ada();
  auto answer = says(kNow + 1min, {});
  answer.status = AnswerStatus::failed;
  answer.error = fail(ErrorKind::server, "500");
  CHECK_FALSE(apply_answer(state, answer, false).changed);
  CHECK(who(state, kNow + 1min) == Names{"ada"});
  CHECK(state.failing_since == kNow + 1min);
}

TEST_CASE("more than half, and three at least, count as emptied together") {
  CHECK_FALSE(emptied_together(2, 2));
  CHECK(emptied_together(3, 5));
  CHECK_FALSE(emptied_together(3, 6));
}

TEST_CASE("a clock that was set back makes evidence of the future worthless, and keeps who is on call") {
  ScheduleState state;
  const Instant now = *parse_rfc3339("2026-11-22T09:00:00Z");
  state.presence = Presence::ok;
  Shift shift;
  shift.responder = Responder{"pd", "P1", "Ada"};
  shift.start = now - 1h;
  shift.end = now + 1h;
  state.timeline = {{shift}, now - 1h, now + days{8}, now};
  state.last_answer = now;
  CHECK_FALSE(forget_future(state, now));
  state.doubt = Doubt{Doubt::Kind::empty, now + 1h, now + 1h, 1, false, {}};
  state.sudden_change = SuddenChange{now + 1h, {}};
  state.looked_ahead = state.looked_far = state.last_answer = state.timeline.confirmed_at = now + 1h;
  CHECK(forget_future(state, now));
  CHECK_FALSE(state.doubt);
  CHECK_FALSE(state.sudden_change);
  CHECK_FALSE(state.looked_ahead);
  CHECK_FALSE(state.looked_far);
  CHECK(state.last_answer == now);
  CHECK(state.timeline.confirmed_at == now);
  CHECK(std::holds_alternative<People>(believed_on_call(state, now)));
}
