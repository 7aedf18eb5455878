#include "core/oncall/schedule_state.hpp"

#include <algorithm>
#include <utility>

namespace watchbill {

namespace {

/// How long after a boundary an answer may still show the people of before.
constexpr auto kLag = 15s;
/// Two answers that must be equal are at least this far apart.
constexpr auto kSecondLook = 10s;
/// An unforeseen change that turns back within this time is looked at twice.
constexpr auto kFlapping = 10min;
/// Nobody, unforeseen, is confirmed by the schedule itself at least this much later.
constexpr auto kEmptyConfirm = 30s;
/// The same when many emptied together: three answers over this time.
constexpr auto kMassConfirm = 3min;
/// An absence that the schedule itself was asked about in vain is no answer after this time.
constexpr auto kUnconfirmed = 1min;

const std::vector<Responder>* people_of(const OnCall& on_call) {
  const auto* people = std::get_if<People>(&on_call);
  return people ? &people->responders : nullptr;
}

/// True if each of `people` has an interval of known end that covers `at`: not a leftover of the old shift.
bool intervals_say_so(const ScheduleAnswer& answer, const std::vector<Responder>& people, Instant at) {
  return std::all_of(people.begin(), people.end(), [&](const Responder& responder) {
    return std::any_of(answer.shifts.begin(), answer.shifts.end(), [&](const Shift& shift) {
      return shift.responder == responder && shift.start <= at && at < shift.end && !shift.end_unknown;
    });
  });
}

bool shortly_after_boundary(const ScheduleState& state, Instant at) {
  const auto boundary = last_boundary(state.timeline, at);
  return boundary && at - *boundary < kLag;
}

std::optional<Doubt::Kind> why_doubt(const ScheduleState& state, const ScheduleAnswer& answer,
                                     const OnCall& before, const OnCall& after) {
  const Instant at = answer.window.from;
  const auto* people = people_of(after);
  if (!people) {
    if (std::holds_alternative<Nobody>(before)) return std::nullopt;
    return Doubt::Kind::empty;
  }
  const auto* were = people_of(before);
  if (!were || *were == *people) return std::nullopt;
  const bool asked_before = at > answer.asked_at;  // for a boundary ahead: nothing can lag behind it yet
  if (!asked_before && shortly_after_boundary(state, at) && !intervals_say_so(answer, *people, at)) {
    const auto boundary = *last_boundary(state.timeline, at);
    const auto previous = on_call_at(state.timeline, boundary - 1ms);
    const auto* old = people_of(previous);
    if (old && *old == *people) return Doubt::Kind::lag;
  }
  if (state.sudden_change && at - state.sudden_change->at < kFlapping &&
      state.sudden_change->before == *people)
    return Doubt::Kind::flap;
  return std::nullopt;
}

/// Counts the answer into the doubt; true if that is enough to believe it.
bool convinced(Doubt& doubt, const ScheduleAnswer& answer) {
  const auto age = answer.asked_at - doubt.since;
  if (doubt.kind != Doubt::Kind::empty) return doubt.answers >= 2 && age >= kSecondLook;
  if (!answer.from_schedule || doubt.answers < 2) return false;
  return doubt.mass ? doubt.answers >= 3 && age >= kMassConfirm : age >= kEmptyConfirm;
}

void plan_next_question(const ScheduleState& state, const ScheduleAnswer& answer, AnswerEffect& result) {
  const auto& doubt = *state.doubt;
  const Instant asked = answer.asked_at;
  if (doubt.kind != Doubt::Kind::empty) {
    result.ask_again = std::max(doubt.since + kSecondLook, asked + 1s);
    return;
  }
  const auto wait = !doubt.mass         ? milliseconds{kEmptyConfirm}
                    : doubt.answers < 2 ? milliseconds{kMassConfirm} / 2
                                        : milliseconds{kMassConfirm};
  result.confirm_at = doubt.since + wait;
  if (shortly_after_boundary(state, asked)) result.ask_again = asked + kSecondLook;
}

bool doubted_as_empty(const ScheduleState& state) {
  return state.doubt && state.doubt->kind == Doubt::Kind::empty;
}

bool overtaken(const ScheduleState& state, const ScheduleAnswer& answer) {
  if (!state.last_answer || answer.asked_at >= *state.last_answer) return false;
  // Since the doubt began there were only lists that miss the schedule: its own word counts more.
  const bool own_word = answer.from_schedule && doubted_as_empty(state);
  return !own_word || answer.asked_at < state.doubt->since;
}

/// An older answer than the last: it shows how things were before that.
AnswerEffect apply_overtaken(ScheduleState& state, const ScheduleAnswer& answer) {
  AnswerEffect result;
  if (answer.status != AnswerStatus::ok) return result;
  auto merged = merge(state.timeline, answer);
  // What was said of people since then stays.
  take_details(merged.timeline.shifts, state.timeline.shifts);
  if (!merged.agrees) {
    result.want_look_ahead = true;
    return result;
  }
  merged.timeline.confirmed_at = std::max(merged.timeline.confirmed_at, state.timeline.confirmed_at);
  result.changed = merged.timeline != state.timeline;
  state.timeline = std::move(merged.timeline);
  return result;
}

}  // namespace

OnCall believed_on_call(const ScheduleState& state, Instant t) {
  if (state.presence != Presence::ok) return Unknown{};
  return on_call_at(state.timeline, t);
}

AnswerEffect apply_answer(ScheduleState& state, const ScheduleAnswer& answer, bool mass) {
  if (overtaken(state, answer)) return apply_overtaken(state, answer);
  AnswerEffect result;
  if (!answer.schedule_name.empty()) state.name = answer.schedule_name;
  if (answer.status == AnswerStatus::failed) {
    if (!state.failing_since) state.failing_since = answer.asked_at;
    state.failure = answer.error ? answer.error->message : "no usable answer";
    if (answer.from_schedule && doubted_as_empty(state)) plan_next_question(state, answer, result);
    return result;
  }
  const auto failing_since = std::exchange(state.failing_since, {});
  const auto failure = std::exchange(state.failure, {});
  state.last_answer = std::max(state.last_answer.value_or(answer.asked_at), answer.asked_at);
  if (answer.status != AnswerStatus::ok) {
    const auto presence = answer.status == AnswerStatus::gone ? Presence::gone : Presence::forbidden;
    result.changed = state.presence != presence;
    state.presence = presence;
    state.failure = answer.error ? answer.error->message : "";
    state.doubt.reset();
    return result;
  }

  const Instant at = answer.window.from;
  const auto before = believed_on_call(state, at);
  auto merged = merge(state.timeline, answer);
  const auto after = on_call_at(merged.timeline, at);
  if (const auto kind = why_doubt(state, answer, before, after)) {
    const auto* people = people_of(after);
    const auto said = people ? *people : std::vector<Responder>{};
    if (!state.doubt || state.doubt->kind != *kind || state.doubt->people != said) {
      state.doubt = Doubt{*kind, answer.asked_at, answer.asked_at, 0, false, said};
    }
    auto& doubt = *state.doubt;
    ++doubt.answers;
    doubt.last = std::max(doubt.last, answer.asked_at);
    doubt.mass = doubt.mass || mass;
    if (!convinced(doubt, answer)) {
      // A list without the schedule says nothing of why the schedule itself refuses, or does not answer.
      const bool absent = *kind == Doubt::Kind::empty && !answer.from_schedule;
      if (absent) state.failing_since = failing_since;
      if (absent || state.presence != Presence::ok) state.failure = failure;
      plan_next_question(state, answer, result);
      result.doubted = true;
      return result;
    }
  }

  const auto* were = people_of(before);
  if (were && after != before) state.sudden_change = SuddenChange{at, *were};
  const bool was_absent = state.presence != Presence::ok;
  result.changed = was_absent || state.doubt.has_value() ||
                   !same_details(merged.timeline.shifts, state.timeline.shifts) ||
                   merged.timeline.horizon != state.timeline.horizon;
  // After a turn whose end was not told, what comes next is known again.
  const bool short_sighted = after != before && merged.timeline.horizon <= answer.window.to;
  result.want_look_ahead = merged.contradicted || short_sighted;
  state.doubt.reset();
  state.presence = Presence::ok;
  state.timeline = std::move(merged.timeline);
  if (const auto* people = people_of(after))
    state.held = *people;
  else
    state.held.clear();
  return result;
}

void hold_people(ScheduleState& state, Instant now) {
  const auto on_call = believed_on_call(state, now);
  if (const auto* people = people_of(on_call)) state.held = *people;
  if (std::holds_alternative<Nobody>(on_call)) state.held.clear();
}

bool forget_future(ScheduleState& state, Instant now) {
  const ScheduleState before = state;
  const auto forget = [now](auto& value, auto&& when) {
    if (value && when(*value) > now) value.reset();
  };
  const auto itself = [](Instant at) { return at; };
  forget(state.doubt, [](const Doubt& doubt) { return std::max(doubt.since, doubt.last); });
  forget(state.sudden_change, [](const SuddenChange& sudden_change) { return sudden_change.at; });
  forget(state.looked_ahead, itself);
  forget(state.looked_far, itself);
  if (state.last_answer) state.last_answer = std::min(*state.last_answer, now);
  if (state.timeline.confirmed_at > now) state.timeline.confirmed_at = now;
  if (state.failing_since) state.failing_since = std::min(*state.failing_since, now);
  return !(state == before);
}

bool absence_unconfirmed(const ScheduleState& state, Instant now) {
  if (!doubted_as_empty(state)) return false;
  const auto patience = state.failing_since ? milliseconds{kUnconfirmed} : kMassConfirm + kUnconfirmed;
  return now - state.doubt->since >= patience;
}

bool emptied_together(std::size_t doubtful, std::size_t watched) {
  return doubtful >= 3 && doubtful * 2 > watched;
}

}  // namespace watchbill
