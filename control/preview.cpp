#include "control/preview.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "control/connections.hpp"
#include "control/known_people.hpp"

namespace watchbill::control {

namespace {

/// How far ahead the systems are asked.
constexpr auto kAhead = 10min;

using Answers = std::map<ScheduleRef, ScheduleAnswer>;
using ScheduleStates = std::map<ScheduleRef, ScheduleState>;

net::Task<Result<Answers>> ask_system(Context& context, Connection connection, std::vector<std::string> ids,
                                      Window window) {
  const auto name = connection.name;
  auto open = open_stored(context, std::move(connection));
  if (!open) co_return open.error();
  auto& provider = *(*open)->provider;
  Answers answers;
  const providers::AnswerSink sink = [&answers](ScheduleAnswer answer) {
    const auto ref = answer.schedule;
    answers.insert_or_assign(ref, std::move(answer));
  };
  co_await provider.poll(ids, window, sink);
  // One that is missing from a list may still exist: it is asked itself, as the engine does.
  for (const auto& id : ids) {
    const ScheduleRef ref{name, id};
    const auto found = answers.find(ref);
    const bool absent = found != answers.end() && found->second.status == AnswerStatus::ok &&
                        found->second.shifts.empty() && !found->second.from_schedule;
    if (!absent) continue;
    auto confirmed = co_await provider.confirm(id, window);
    answers.insert_or_assign(ref, std::move(confirmed));
  }
  co_return answers;
}

/// Takes an answer as it is: what is shown is what the systems say, not what the engine already believes.
void take(ScheduleState& state, const ScheduleAnswer& answer) {
  if (!answer.schedule_name.empty()) state.name = answer.schedule_name;
  if (answer.status == AnswerStatus::failed) {
    state.failure = answer.error ? answer.error->message : "no usable answer";
    return;
  }
  state.failure.clear();
  state.failing_since.reset();
  state.doubt.reset();
  state.last_answer = answer.asked_at;
  if (answer.status != AnswerStatus::ok) {
    state.presence = answer.status == AnswerStatus::gone ? Presence::gone : Presence::forbidden;
    state.failure = answer.error ? answer.error->message : "";
    return;
  }
  state.presence = Presence::ok;
  state.timeline = merge(state.timeline, answer).timeline;
}

/// What the store knows before anybody is asked.
struct StoredSources {
  ScheduleStates states;
  std::vector<Connection> connections;  ///< those of the schedules
  StoredPeople people;
};

Result<StoredSources> read_sources(store::Store& store, const std::vector<Rotation>& rotations) {
  StoredSources found;
  std::set<std::string> names;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) {
      found.states[schedule.ref].schedule = schedule.ref;
      names.insert(schedule.ref.connection);
    }
  }
  auto stored = store.engine().states();
  if (!stored) return stored.error();
  for (auto& state : *stored) {
    const auto wanted = found.states.find(state.schedule);
    if (wanted != found.states.end()) wanted->second = std::move(state);
  }
  for (const auto& name : names) {
    auto connection = store.connections().get(name);
    if (!connection) return connection.error();
    found.connections.push_back(*std::move(connection));
  }
  auto people = read_people(store);
  if (!people) return people.error();
  found.people = *std::move(people);
  return found;
}

net::Task<Result<void>> ask_systems(Context& context, std::vector<Connection> connections,
                                    ScheduleStates& states) {
  const auto now = context.loop.now();
  const Window window{now, now + kAhead};
  std::vector<net::Task<Result<Answers>>> tasks;
  for (auto& connection : connections) {
    std::vector<std::string> ids;
    for (const auto& [ref, state] : states) {
      if (ref.connection == connection.name) ids.push_back(ref.id);
    }
    tasks.push_back(ask_system(context, std::move(connection), std::move(ids), window));
  }
  auto all = co_await net::all(context.loop, std::move(tasks));
  for (const auto& answers : all) {
    if (!answers) co_return answers.error();
    for (const auto& [ref, answer] : *answers) take(states[ref], answer);
  }
  co_return Result<void>{};
}

/// Everybody who may become or is a member, known to the directory.
net::Task<Result<void>> look_up_people(slack::Directory& directory, const engine::ResponderMatcher& matcher,
                                       const ScheduleStates& states, const std::vector<Rotation>& rotations) {
  std::set<std::string> emails;
  std::vector<UserId> named = matcher.mapped_users();
  for (const auto& [ref, state] : states) {
    for (const auto& shift : state.timeline.shifts) {
      if (shift.responder->email) emails.insert(*shift.responder->email);
    }
    for (const auto& responder : state.held) {
      if (responder.email) emails.insert(*responder.email);
    }
  }
  for (const auto& rotation : rotations) {
    named.insert(named.end(), rotation.permanent_members.begin(), rotation.permanent_members.end());
    named.insert(named.end(), rotation.fallback_members.begin(), rotation.fallback_members.end());
  }
  auto unasked = directory.unasked({emails.begin(), emails.end()});
  auto done = co_await directory.resolve(std::move(unasked), slack::Priority::edit);
  if (!done) co_return done.error().in("looking people up in Slack");
  auto unknown = matcher.unknown_users(named);
  done = co_await directory.refresh(std::move(unknown), slack::Priority::edit);
  if (!done) co_return done.error().in("looking people up in Slack");
  co_return Result<void>{};
}

PlanPreview plan_one(const Rotation& rotation, const RotationRecord& record, const ScheduleStates& states,
                     const slack::UserGroup* group, const Matcher& matcher, Instant now) {
  PlanPreview preview;
  if (group != nullptr) preview.group = GroupNow{group->members, group->disabled};
  std::vector<const ScheduleState*> used;
  for (const auto& schedule : rotation.schedules) {
    const auto& state = states.at(schedule.ref);
    used.push_back(&state);
    if (!state.failure.empty())
      preview.failures.push_back(fmt::format("{}: {}", schedule.ref, state.failure));
  }
  preview.plan = make_plan({rotation, record, used, preview.group ? &*preview.group : nullptr, matcher, now});
  return preview;
}

}  // namespace

net::Task<Result<std::vector<PlanPreview>>> preview_plans(Workspace& workspace,
                                                          std::vector<Rotation> rotations,
                                                          std::vector<RotationRecord> records) {
  auto& context = workspace.context();
  if (context.no_slack) co_return *context.no_slack;
  const auto read = [rotations](store::Store& store) { return read_sources(store, rotations); };
  auto found = co_await context.store.run(read);
  if (!found) co_return found.error();
  auto& states = found->states;
  auto asked = co_await ask_systems(context, std::move(found->connections), states);
  if (!asked) co_return asked.error();
  KnownPeople people(context, found->people);
  auto known = co_await look_up_people(people.directory(), people.matcher(), states, rotations);
  if (!known) co_return known.error();

  std::vector<PlanPreview> plans;
  const auto now = context.loop.now();
  for (std::size_t i = 0; i < rotations.size(); ++i) {
    auto group = co_await workspace.find_group(rotations[i].group, rotations[i].handle);
    if (!group) co_return group.error();
    plans.push_back(plan_one(rotations[i], records[i], states, *group, people.matcher(), now));
  }
  co_return plans;
}

MemberChange change_of(const GroupTarget& target, const GroupNow& group) {
  MemberChange change;
  if (target.disable) return change;
  std::set_difference(group.members.begin(), group.members.end(), target.members.begin(),
                      target.members.end(), std::back_inserter(change.goes));
  std::set_difference(target.members.begin(), target.members.end(), group.members.begin(),
                      group.members.end(), std::back_inserter(change.comes));
  return change;
}

}  // namespace watchbill::control
