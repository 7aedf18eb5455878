#include "control/duty.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "control/known_people.hpp"

namespace watchbill::control {

namespace {

using ScheduleStates = std::map<ScheduleRef, ScheduleState>;

/// What the store knows of people and schedules.
struct StoredDuties {
  StoredPeople people;
  /// Of whom the daemon found out that nobody in Slack matches.
  std::set<std::pair<std::string, std::string>> unmatched;
  ScheduleStates states;
  std::map<std::string, store::ConnectionStatus> connections;
};

Result<StoredDuties> read_duties(store::Store& store) {
  StoredDuties found;
  auto people = read_people(store);
  if (!people) return people.error();
  found.people = *std::move(people);
  auto unmatched = store.people().unmatched();
  if (!unmatched) return unmatched.error();
  for (const auto& one : *unmatched) found.unmatched.emplace(one.responder.connection, one.responder.id);
  auto states = store.engine().states();
  if (!states) return states.error();
  for (auto& state : *states) found.states.insert_or_assign(state.schedule, std::move(state));
  auto connections = store.connections().statuses();
  if (!connections) return connections.error();
  for (auto& [name, status] : *connections) found.connections.insert_or_assign(name, std::move(status));
  return found;
}

/// What is known of people and schedules at this moment.
struct Known {
  Known(Context& context, StoredDuties found)
      : people(context, found.people),
        unmatched(std::move(found.unmatched)),
        states(std::move(found.states)),
        connections(std::move(found.connections)) {}
  KnownPeople people;
  std::set<std::pair<std::string, std::string>> unmatched;
  ScheduleStates states;
  std::map<std::string, store::ConnectionStatus> connections;

  [[nodiscard]] OnDuty person(const Responder& who, const ScheduleRef& schedule,
                              std::optional<Instant> until) const {
    const auto match = people.matcher().match(who);
    const bool pending = match.pending && !unmatched.contains({who.connection, who.id});
    const auto& name = match.name.empty() ? who.name : match.name;
    return {name.empty() ? who.id : name, who.email, match.user, pending, match.account, schedule, until};
  }
};

/// When the system last said who is on call now. An answer that changes nothing is not written: while every
/// schedule of the connection is answered, this one was at most a poll before the last success.
Instant confirmed_now(const ScheduleState& state, const Known& known) {
  const Instant written = state.timeline.confirmed_at;
  const auto status = known.connections.find(state.schedule.connection);
  const bool in_doubt = state.presence != Presence::ok || state.failing_since || state.doubt;
  if (in_doubt || status == known.connections.end()) return written;
  const auto& [name, connection] = *status;
  if (connection.state != "ok" || connection.problem || !connection.last_success) return written;
  return std::max<Instant>(written, *connection.last_success - connection.interval);
}

std::optional<Instant> told(std::optional<Instant> end) {
  return end && *end == kNever ? std::nullopt : end;
}

/// From what the systems said of now and the future.
Duty from_timelines(const Rotation& rotation, const Known& known, Instant at, bool now) {
  Duty duty{rotation};
  for (const auto& schedule : rotation.schedules) {
    const auto state = known.states.find(schedule.ref);
    const bool asked = state != known.states.end();
    const auto on_call = asked ? believed_on_call(state->second, at) : OnCall{Unknown{}};
    if (asked && state->second.timeline.confirmed_at != kAlways)
      duty.confirmed.emplace(to_string(schedule.ref),
                             now ? confirmed_now(state->second, known) : state->second.timeline.confirmed_at);
    if (std::holds_alternative<Unknown>(on_call)) duty.unknown.push_back(to_string(schedule.ref));
    const auto* people = std::get_if<People>(&on_call);
    if (!people) continue;
    for (const auto& responder : people->responders) {
      if (responder.deleted) continue;  // paged by nobody
      duty.people.push_back(
          known.person(responder, schedule.ref, told(on_call_until(state->second.timeline, responder, at))));
    }
  }
  return duty;
}

/// From the last change before that moment.
Result<Duty> from_history(store::Store& store, const Rotation& rotation, Instant at) {
  Duty duty{rotation};
  auto changes = store.history().list({rotation.id, std::nullopt, at + 1ms, 50});
  if (!changes) return changes.error();
  const auto last = std::find_if(changes->begin(), changes->end(), [at](const Change& change) {
    return change.at <= at && (!change.said.empty() || change.cause == Cause::handoff);
  });
  if (last == changes->end()) {
    for (const auto& schedule : rotation.schedules) duty.unknown.push_back(to_string(schedule.ref));
    return duty;
  }
  for (const auto& person : last->said) {
    duty.people.push_back({person.responder.name, person.responder.email, person.member,
                           person.member_pending, person.account, person.schedule, told(person.until)});
  }
  return duty;
}

Result<std::vector<Duty>> all_from_history(store::Store& store, const std::vector<Rotation>& rotations,
                                           Instant at) {
  std::vector<Duty> out;
  for (const auto& rotation : rotations) {
    auto duty = from_history(store, rotation, at);
    if (!duty) return duty.error();
    out.push_back(*std::move(duty));
  }
  return out;
}

std::string label_of(const RotationSchedule& schedule, const ScheduleState& state) {
  if (!schedule.label.empty()) return schedule.label;
  return state.name.empty() ? schedule.ref.id : state.name;
}

/// Adds a shift of the same schedule, in order of their starts. What goes on without a gap is one shift.
void add_shift(std::vector<DutyShift>& shifts, DutyShift next) {
  if (shifts.empty() || (shifts.back().end && *shifts.back().end < next.start)) {
    shifts.push_back(std::move(next));
    return;
  }
  auto& end = shifts.back().end;
  if (end) end = next.end ? std::optional(std::max(*end, *next.end)) : std::nullopt;
}

}  // namespace

std::optional<Instant> Duty::confirmed_at() const {
  std::optional<Instant> all;
  for (const auto& schedule : rotation.schedules) {
    const auto one = confirmed.find(to_string(schedule.ref));
    if (one == confirmed.end()) return std::nullopt;
    all = std::min(all.value_or(one->second), one->second);
  }
  return all;
}

net::Task<Result<std::vector<Duty>>> on_duty(Context& context, std::vector<Rotation> rotations,
                                             std::optional<Instant> at) {
  const auto now = context.loop.now();
  if (at && *at < now) {
    const auto look = [rotations = std::move(rotations), then = *at](store::Store& store) {
      return all_from_history(store, rotations, then);
    };
    co_return co_await context.store.run(look);
  }
  auto found = co_await context.store.run(read_duties);
  if (!found) co_return found.error();
  const Known known(context, *std::move(found));
  std::vector<Duty> out;
  out.reserve(rotations.size());
  for (const auto& rotation : rotations)
    out.push_back(from_timelines(rotation, known, at.value_or(now), at.value_or(now) == now));
  co_return out;
}

Result<Rotation> rotation_named(store::Store& store, const std::string& which) {
  if (!which.starts_with('@')) return store.rotations().find(which);
  auto all = store.rotations().list();
  if (!all) return all.error();
  const auto handle = fold_name(which.substr(1));
  for (auto& rotation : *all) {
    if (fold_name(rotation.handle) == handle) return std::move(rotation);
  }
  return fail(ErrorKind::not_found, "no rotation keeps the group {} (see `watchbill rotation list`)", which);
}

Result<std::vector<Rotation>> rotations_named(store::Store& store, const std::string& which) {
  if (which.empty()) return store.rotations().list();
  auto one = rotation_named(store, which);
  if (!one) return one.error();
  return std::vector<Rotation>{*std::move(one)};
}

namespace {

using RotationsAndDuties = std::pair<std::vector<Rotation>, StoredDuties>;

Result<RotationsAndDuties> read_rotations_and_duties(store::Store& store) {
  auto rotations = store.rotations().list();
  if (!rotations) return rotations.error();
  auto stored = read_duties(store);
  if (!stored) return stored.error();
  return RotationsAndDuties{*std::move(rotations), *std::move(stored)};
}

}  // namespace

net::Task<Result<std::map<UserId, std::vector<DutyShift>>>> shifts_by_person(Context& context,
                                                                             std::size_t limit) {
  const auto now = context.loop.now();
  auto found = co_await context.store.run(read_rotations_and_duties);
  if (!found) co_return found.error();
  auto& [rotations, stored] = *found;
  const Known known(context, std::move(stored));
  std::map<UserId, std::vector<DutyShift>> all;
  // A schedule has few people and many shifts.
  std::map<const Responder*, std::optional<UserId>> members;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) {
      const auto state = known.states.find(schedule.ref);
      if (state == known.states.end()) continue;
      const auto name = rotation.schedules.size() > 1 ? label_of(schedule, state->second) : std::string();
      std::map<UserId, std::vector<DutyShift>> of_schedule;
      for (const auto& shift : state->second.timeline.shifts) {
        if (shift.end <= now) continue;
        const auto [member, fresh] = members.try_emplace(&*shift.responder);
        // Also of whom may not be in a group: they are on call all the same.
        if (fresh) member->second = known.people.matcher().account_of(shift.responder);
        if (!member->second) continue;
        const auto end = shift.end_unknown ? std::nullopt : told(shift.end);
        add_shift(of_schedule[*member->second], {rotation.name, shift.start, end, name});
      }
      for (auto& [user, shifts] : of_schedule) {
        auto& own = all[user];
        std::move(shifts.begin(), shifts.end(), std::back_inserter(own));
      }
    }
  }
  for (auto& [user, shifts] : all) {
    std::stable_sort(shifts.begin(), shifts.end(),
                     [](const DutyShift& a, const DutyShift& b) { return a.start < b.start; });
    if (shifts.size() > limit) shifts.resize(limit);
  }
  co_return all;
}

}  // namespace watchbill::control
