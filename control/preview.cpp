#include "control/preview.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "control/connections.hpp"
#include "engine/sources/responder_matcher.hpp"

namespace watchbill::manage {

namespace {

/// How far ahead the systems are asked.
constexpr auto kAhead = 10min;

using Answers = std::map<ScheduleRef, ScheduleAnswer>;
using Watches = std::map<ScheduleRef, Watch>;

net::Task<Result<Answers>> ask_system(Desk& desk, Connection connection, std::vector<std::string> ids,
                                      Window window) {
  const auto name = connection.name;
  auto open = open_stored(desk, std::move(connection));
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
void take(Watch& watch, const ScheduleAnswer& answer) {
  if (!answer.schedule_name.empty()) watch.name = answer.schedule_name;
  if (answer.status == AnswerStatus::failed) {
    watch.failure = answer.error ? answer.error->message : "no usable answer";
    return;
  }
  watch.failure.clear();
  watch.failing_since.reset();
  watch.doubt.reset();
  watch.last_answer = answer.asked_at;
  if (answer.status != AnswerStatus::ok) {
    watch.presence = answer.status == AnswerStatus::gone ? Presence::gone : Presence::forbidden;
    watch.failure = answer.error ? answer.error->message : "";
    return;
  }
  watch.presence = Presence::ok;
  watch.timeline = merge(watch.timeline, answer).timeline;
}

Result<Watches> known_watches(store::Store& store, const std::vector<Rotation>& rotations) {
  Watches watches;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) watches[schedule.ref].schedule = schedule.ref;
  }
  auto stored = store.engine().watches();
  if (!stored) return stored.error();
  for (auto& watch : *stored) {
    const auto wanted = watches.find(watch.schedule);
    if (wanted != watches.end()) wanted->second = std::move(watch);
  }
  return watches;
}

net::Task<Result<void>> ask_systems(Desk& desk, Watches& watches) {
  std::map<std::string, std::vector<std::string>> ids;
  for (const auto& [ref, watch] : watches) ids[ref.connection].push_back(ref.id);
  const auto now = desk.loop.now();
  const Window window{now, now + kAhead};
  std::vector<net::Task<Result<Answers>>> tasks;
  for (auto& [name, wanted] : ids) {
    auto connection = desk.store.connections().get(name);
    if (!connection) co_return connection.error();
    tasks.push_back(ask_system(desk, *std::move(connection), wanted, window));
  }
  auto all = co_await net::all(desk.loop, std::move(tasks));
  for (const auto& answers : all) {
    if (!answers) co_return answers.error();
    for (const auto& [ref, answer] : *answers) take(watches[ref], answer);
  }
  co_return Result<void>{};
}

/// Everybody who may become or is a member, known to the directory.
net::Task<Result<void>> look_up_people(slack::Directory& directory, const engine::Roster& roster,
                                       const Watches& watches, const std::vector<Rotation>& rotations) {
  std::set<std::string> emails;
  std::vector<UserId> named = roster.mapped_users();
  for (const auto& [ref, watch] : watches) {
    for (const auto& shift : watch.timeline.shifts) {
      if (shift.responder->email) emails.insert(*shift.responder->email);
    }
    for (const auto& responder : watch.held) {
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
  auto unknown = roster.unknown_users(named);
  done = co_await directory.refresh(std::move(unknown), slack::Priority::edit);
  if (!done) co_return done.error().in("looking people up in Slack");
  co_return Result<void>{};
}

/// The directory's memory: what the daemon has looked up is used, and nothing is written.
class ReadOnlyUsers final : public slack::UserCache {
 public:
  explicit ReadOnlyUsers(store::Store& store) : users_(store) {}
  Result<std::vector<slack::SeenUser>> load() override { return users_.load(); }
  Result<void> save(const std::vector<slack::SeenUser>& /*users*/) override { return {}; }

 private:
  engine::StoredUsers users_;
};

LivePlan plan_one(const Rotation& rotation, const RotationRecord& record, const Watches& watches,
                  const slack::UserGroup* group, const Matcher& matcher, Instant now) {
  LivePlan live;
  if (group != nullptr) live.group = GroupNow{group->members, group->disabled};
  std::vector<const Watch*> used;
  for (const auto& schedule : rotation.schedules) {
    const auto& watch = watches.at(schedule.ref);
    used.push_back(&watch);
    if (!watch.failure.empty()) live.failures.push_back(fmt::format("{}: {}", schedule.ref, watch.failure));
  }
  live.plan = make_plan({rotation, record, used, live.group ? &*live.group : nullptr, matcher, now});
  return live;
}

}  // namespace

net::Task<Result<std::vector<LivePlan>>> plan_live(Workspace& workspace, std::vector<Rotation> rotations,
                                                   std::vector<RotationRecord> records) {
  auto& desk = workspace.desk();
  if (desk.no_slack) co_return *desk.no_slack;
  auto watches = known_watches(desk.store, rotations);
  if (!watches) co_return watches.error();
  if (auto asked = co_await ask_systems(desk, *watches); !asked) co_return asked.error();

  ReadOnlyUsers users(desk.store);
  slack::Directory directory(desk.loop, desk.gate, desk.people, users);
  if (auto loaded = directory.load(); !loaded) co_return loaded.error();
  engine::Roster roster(directory);
  auto mappings = desk.store.people().mappings();
  if (!mappings) co_return mappings.error();
  roster.set_mappings(*mappings);
  auto known = co_await look_up_people(directory, roster, *watches, rotations);
  if (!known) co_return known.error();

  std::vector<LivePlan> plans;
  const auto now = desk.loop.now();
  for (std::size_t i = 0; i < rotations.size(); ++i) {
    auto group = co_await workspace.find_group(rotations[i].group, rotations[i].handle);
    if (!group) co_return group.error();
    plans.push_back(plan_one(rotations[i], records[i], *watches, *group, roster, now));
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

}  // namespace watchbill::manage
