#include "core/oncall/schedule_state.hpp"

#include <catch2/catch.hpp>

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
std::vector<std::string> who(const Watch& watch, Instant t) {
  std::vector<std::string> names;
  const auto on_call = believed_on_call(watch, t);
  if (const auto* people = std::get_if<People>(&on_call)) {
    for (const auto& responder : people->responders) names.push_back(responder.id);
  }
  return names;
}
Watch with_ada() {
  Watch watch;
  watch.schedule = {"pd", "P"};
  absorb(watch, says(kNow, {"ada"}), false);
  return watch;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("nobody, unforeseen, is believed only when the schedule itself says so half a minute later") {
  auto watch = with_ada();
  const auto first = absorb(watch, says(kNow + 1min, {}), false);
  CHECK(who(watch, kNow + 1min) == Names{"ada"});
  CHECK(first.confirm_at == kNow + 90s);
  absorb(watch, says(kNow + 2min, {}), false);  // the list again is not another question
  CHECK(who(watch, kNow + 2min) == Names{"ada"});
  const auto confirmed = absorb(watch, says(kNow + 2min, {}, true), false);
  CHECK(confirmed.changed);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(watch, kNow + 2min)));
}

TEST_CASE("many schedules that empty together take three answers over three minutes") {
  auto watch = with_ada();
  absorb(watch, says(kNow + 1min, {}), true);
  absorb(watch, says(kNow + 2min, {}, true), true);
  CHECK(who(watch, kNow + 2min) == Names{"ada"});
  absorb(watch, says(kNow + 4min, {}, true), true);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(watch, kNow + 4min)));
}

TEST_CASE(
    "many schedules that empty together are not believed before three minutes, however many answers agree") {
  auto watch = with_ada();
  for (int i = 0; i <= 17; ++i) absorb(watch, says(kNow + 1min + i * 10s, {}, i % 2 == 1), true);
  REQUIRE(watch.doubt);
  CHECK(watch.doubt->answers == 18);
  CHECK(who(watch, kNow + 4min) == Names{"ada"});
  absorb(watch, says(kNow + 4min - 1ms, {}, true), true);
  CHECK(who(watch, kNow + 4min) == Names{"ada"});
  absorb(watch, says(kNow + 4min, {}, true), true);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(watch, kNow + 4min)));
}

TEST_CASE("what the schedule itself says counts although a list that misses it overtook it") {
  const auto in_doubt = [] {
    auto watch = with_ada();
    for (int i = 0; i <= 40; ++i) absorb(watch, says(kNow + 1min + i * 1s, {}), false);
    return watch;
  };
  const Instant asked = kNow + 1min + 30s;
  auto empty = in_doubt();
  CHECK(absorb(empty, says(asked, {}, true), false).changed);
  CHECK(std::holds_alternative<Nobody>(believed_on_call(empty, asked)));
  CHECK(empty.last_answer == kNow + 1min + 40s);

  auto refused = says(asked, {}, true);
  refused.status = AnswerStatus::gone;
  refused.error = fail(ErrorKind::not_found, "no such schedule");
  auto gone = in_doubt();
  absorb(gone, refused, false);
  CHECK(gone.presence == Presence::gone);
  CHECK(gone.last_answer == kNow + 1min + 40s);

  auto people = in_doubt();
  absorb(people, says(asked, {"ada"}, true), false);
  CHECK_FALSE(people.doubt);

  refused.status = AnswerStatus::failed;
  auto failing = in_doubt();
  absorb(failing, refused, false);
  CHECK(failing.failing_since == asked);
  // Asked before the first list that missed it, it says nothing of that.
  auto before = in_doubt();
  absorb(before, says(kNow + 30s, {"ada"}, true), false);
  CHECK(before.doubt);
}

TEST_CASE("lists that miss a schedule neither put off the question to it nor make good for its failure") {
  auto watch = with_ada();
  auto failed = says(kNow + 1min + 30s, {}, true);
  failed.status = AnswerStatus::failed;
  failed.error = fail(ErrorKind::server, "500");
  absorb(watch, says(kNow + 1min, {}), false);
  CHECK(absorb(watch, failed, false).confirm_at == kNow + 1min + 30s);
  for (int i = 1; i <= 10; ++i) {
    CHECK(absorb(watch, says(kNow + 1min + 30s + i * 5s, {}), false).confirm_at == kNow + 1min + 30s);
    CHECK(watch.failing_since == kNow + 1min + 30s);
    CHECK(watch.failure == "500");
  }
  CHECK_FALSE(absence_unconfirmed(watch, kNow + 2min - 1ms));
  CHECK(absence_unconfirmed(watch, kNow + 2min));
  absorb(watch, says(kNow + 3min, {"ada"}), false);
  CHECK_FALSE(watch.failing_since);
  CHECK(watch.failure.empty());
  CHECK_FALSE(absence_unconfirmed(watch, kNow + 3min));
}

TEST_CASE("people who come back end the doubt") {
  auto watch = with_ada();
  absorb(watch, says(kNow + 1min, {}), false);
  absorb(watch, says(kNow + 2min, {"ada"}), false);
  CHECK_FALSE(watch.doubt);
  absorb(watch, says(kNow + 3min, {}, true), false);
  CHECK(who(watch, kNow + 3min) == Names{"ada"});
}

TEST_CASE("a foreseen gap acts at once") {
  Watch watch;
  auto answer = says(kNow, {});
  answer.shifts.push_back({person("ada"), kNow - 1h, kNow + 1h});
  absorb(watch, answer, false);
  CHECK(who(watch, kNow + 1h - 1ms) == Names{"ada"});
  CHECK(std::holds_alternative<Nobody>(believed_on_call(watch, kNow + 1h)));
  const auto later = absorb(watch, says(kNow + 1h, {}), false);
  CHECK_FALSE(watch.doubt);
  CHECK_FALSE(later.confirm_at);
}

TEST_CASE("why a schedule refuses is not forgotten when a list goes without it") {
  auto watch = with_ada();
  auto refused = says(kNow + 10s, {}, true);
  refused.status = AnswerStatus::forbidden;
  refused.error = fail(ErrorKind::forbidden, "the schedule may be gone");
  absorb(watch, refused, false);
  absorb(watch, says(kNow + 20s, {}), false);
  CHECK(watch.presence == Presence::forbidden);
  CHECK(watch.failure == "the schedule may be gone");
  absorb(watch, says(kNow + 30s, {"ada"}), false);
  CHECK(watch.failure.empty());
}

TEST_CASE("a schedule that is gone or forbidden is Unknown, and its people are held") {
  for (const auto status : {AnswerStatus::gone, AnswerStatus::forbidden}) {
    auto watch = with_ada();
    auto answer = says(kNow + 1min, {}, true);
    answer.status = status;
    CHECK(absorb(watch, answer, false).changed);
    CHECK(std::holds_alternative<Unknown>(believed_on_call(watch, kNow + 1min)));
    CHECK(watch.held == std::vector<Responder>{person("ada")});
    absorb(watch, says(kNow + 2min, {"bo"}), false);
    CHECK(who(watch, kNow + 2min) == Names{"bo"});
  }
}

TEST_CASE("an unforeseen change acts at first sight, and its reversal takes two answers") {
  auto watch = with_ada();
  absorb(watch, says(kNow + 1min, {"bo"}), false);
  CHECK(who(watch, kNow + 1min) == Names{"bo"});
  const auto back = absorb(watch, says(kNow + 2min, {"ada"}), false);
  CHECK(who(watch, kNow + 2min) == Names{"bo"});
  CHECK(back.ask_again == kNow + 2min + 10s);
  absorb(watch, says(kNow + 2min + 10s, {"ada"}), false);
  CHECK(who(watch, kNow + 2min + 10s) == Names{"ada"});
}

TEST_CASE("old people right after a boundary are doubted, unless an interval of theirs covers now") {
  Watch watch;
  auto plan = says(kNow, {});
  plan.shifts = {{person("ada"), kNow - 1h, kNow + 1h}, {person("bo"), kNow + 1h, kNow + 2h}};
  absorb(watch, plan, false);
  const Instant boundary = kNow + 1h;
  auto lagging = watch;
  absorb(lagging, moment(boundary + 2s, "ada"), false);
  CHECK(who(lagging, boundary + 2s) == Names{"bo"});
  absorb(lagging, moment(boundary + 12s, "ada"), false);
  CHECK(who(lagging, boundary + 12s) == Names{"ada"});

  auto extended = says(boundary + 2s, {});
  extended.shifts = {{person("ada"), kNow - 1h, boundary + 30min}};
  absorb(watch, extended, false);
  CHECK(who(watch, boundary + 2s) == Names{"ada"});
}

TEST_CASE("an answer that a newer one overtook may add to it, and not contradict it") {
  auto watch = with_ada();
  auto newer = says(kNow + 1min, {});
  newer.shifts = {{person("ada"), kNow - 1h, kNow + 30s}, {person("cy"), kNow + 30s, kNow + 8h}};
  absorb(watch, newer, false);
  REQUIRE(who(watch, kNow + 1min) == Names{"cy"});
  const auto believed = watch;

  const auto contradicting = absorb(watch, says(kNow + 10s, {"ada"}, false, days{8}), false);
  CHECK(watch == believed);
  CHECK_FALSE(contradicting.changed);
  CHECK(contradicting.want_look_ahead);

  auto failing = says(kNow + 10s, {});
  failing.status = AnswerStatus::failed;
  absorb(watch, failing, false);
  auto forbidden = says(kNow + 10s, {}, true);
  forbidden.status = AnswerStatus::forbidden;
  absorb(watch, forbidden, false);
  CHECK(watch == believed);

  auto agreeing = says(kNow + 10s, {}, false, days{8});
  agreeing.shifts = newer.shifts;
  agreeing.shifts.push_back({person("bo"), kNow + 8h, kNow + days{9}});
  CHECK(absorb(watch, agreeing, false).changed);
  CHECK(who(watch, kNow + days{7}) == Names{"bo"});
  CHECK(watch.last_answer == kNow + 1min);
  CHECK(watch.timeline.confirmed_at == kNow + 1min);
}

TEST_CASE("an answer that a doubted one overtook does not end the doubt") {
  auto watch = with_ada();
  absorb(watch, says(kNow + 1min, {}), false);
  REQUIRE(watch.doubt);
  absorb(watch, says(kNow + 30s, {"ada"}), false);
  CHECK(watch.doubt);
}

TEST_CASE("a failure changes nothing that is believed") {
  auto watch = with_ada();
  auto answer = says(kNow + 1min, {});
  answer.status = AnswerStatus::failed;
  answer.error = fail(ErrorKind::server, "500");
  CHECK_FALSE(absorb(watch, answer, false).changed);
  CHECK(who(watch, kNow + 1min) == Names{"ada"});
  CHECK(watch.failing_since == kNow + 1min);
}

TEST_CASE("more than half, and three at least, count as emptied together") {
  CHECK_FALSE(emptied_together(2, 2));
  CHECK(emptied_together(3, 5));
  CHECK_FALSE(emptied_together(3, 6));
}

TEST_CASE("a clock that was set back makes evidence of the future worthless, and keeps who is on call") {
  Watch watch;
  const Instant now = *parse_rfc3339("2026-11-22T09:00:00Z");
  watch.presence = Presence::ok;
  Shift shift;
  shift.responder = Responder{"pd", "P1", "Ada"};
  shift.start = now - 1h;
  shift.end = now + 1h;
  watch.timeline = {{shift}, now - 1h, now + days{8}, now};
  watch.last_answer = now;
  CHECK_FALSE(forget_future(watch, now));
  watch.doubt = Doubt{Doubt::Kind::empty, now + 1h, now + 1h, 1, false, {}};
  watch.turn = Turn{now + 1h, {}};
  watch.looked_ahead = watch.looked_far = watch.last_answer = watch.timeline.confirmed_at = now + 1h;
  CHECK(forget_future(watch, now));
  CHECK_FALSE(watch.doubt);
  CHECK_FALSE(watch.turn);
  CHECK_FALSE(watch.looked_ahead);
  CHECK_FALSE(watch.looked_far);
  CHECK(watch.last_answer == now);
  CHECK(watch.timeline.confirmed_at == now);
  CHECK(std::holds_alternative<People>(believed_on_call(watch, now)));
}
