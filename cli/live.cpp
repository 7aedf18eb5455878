#include "cli/live.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "engine/roster.hpp"

namespace watchbill::cli {

namespace {

/// How far ahead the systems are asked.
constexpr auto kAhead = 10min;

net::Task<void> ask(providers::Provider& provider, const std::string& connection,
                    std::vector<std::string> ids, Window window,
                    std::map<ScheduleRef, ScheduleAnswer>& answers) {
  co_await provider.poll(ids, window, [&answers](ScheduleAnswer answer) {
    const auto ref = answer.schedule;
    answers.insert_or_assign(ref, std::move(answer));
  });
  // One that is missing from a list may still exist: it is asked itself, as the engine does.
  for (const auto& id : ids) {
    const auto found = answers.find({connection, id});
    const bool absent = found != answers.end() && found->second.status == AnswerStatus::ok &&
                        found->second.shifts.empty() && !found->second.from_schedule;
    if (!absent) continue;
    auto confirmed = co_await provider.confirm(id, window);
    answers.insert_or_assign(ScheduleRef{connection, id}, std::move(confirmed));
  }
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

using Watches = std::map<ScheduleRef, Watch>;

Result<Watches> known_watches(Session& session, const std::vector<Rotation>& rotations) {
  Watches watches;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) watches[schedule.ref].schedule = schedule.ref;
  }
  auto store = session.store();
  if (!store) return store.error();
  auto stored = (*store)->engine().watches();
  if (!stored) return stored.error();
  for (auto& watch : *stored) {
    const auto wanted = watches.find(watch.schedule);
    if (wanted != watches.end()) wanted->second = std::move(watch);
  }
  return watches;
}

Result<void> ask_systems(Session& session, Watches& watches) {
  std::map<std::string, std::vector<std::string>> ids;
  for (const auto& [ref, watch] : watches) ids[ref.connection].push_back(ref.id);
  auto store = session.store();
  if (!store) return store.error();
  for (const auto& [name, wanted] : ids) {
    auto connection = (*store)->connections().get(name);
    if (!connection) return connection.error();
    auto open = open_provider(session, *std::move(connection), true);
    if (!open) return open.error();
    const auto now = session.loop().now();
    std::map<ScheduleRef, ScheduleAnswer> answers;
    session.run(ask(*(*open)->provider, name, wanted, {now, now + kAhead}, answers));
    for (const auto& [ref, answer] : answers) take(watches[ref], answer);
  }
  return {};
}

/// Everybody who may become or is a member, known to the directory.
Result<void> look_up_people(Session& session, slack::Directory& directory, engine::Roster& roster,
                            const Watches& watches, const std::vector<Rotation>& rotations) {
  std::set<std::string> emails;
  std::vector<UserId> named = roster.mapped_users();
  for (const auto& [ref, watch] : watches) {
    for (const auto& shift : watch.timeline.shifts) {
      if (shift.responder.email) emails.insert(*shift.responder.email);
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
  auto done = session.run(directory.resolve(std::move(unasked), slack::Priority::edit));
  if (!done) return done.error().in("looking people up in Slack");
  auto unknown = roster.unknown_users(named);
  done = session.run(directory.refresh(std::move(unknown), slack::Priority::edit));
  return done ? done : done.error().in("looking people up in Slack");
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

Result<std::vector<LivePlan>> plan_live(Workspace& workspace, const std::vector<Rotation>& rotations,
                                        const std::vector<RotationRecord>& records) {
  auto& session = workspace.session();
  auto desk = session.slack();
  if (!desk) return desk.error();
  auto store = session.store();
  if (!store) return store.error();
  auto watches = known_watches(session, rotations);
  if (!watches) return watches.error();
  if (auto asked = ask_systems(session, *watches); !asked) return asked.error();

  ReadOnlyUsers users(**store);
  slack::Directory directory(session.loop(), (*desk)->gate, (*desk)->web, users);
  if (auto loaded = directory.load(); !loaded) return loaded.error();
  engine::Roster roster(directory);
  auto mappings = (*store)->people().mappings();
  if (!mappings) return mappings.error();
  roster.set_mappings(*mappings);
  if (auto known = look_up_people(session, directory, roster, *watches, rotations); !known)
    return known.error();

  std::vector<LivePlan> plans;
  const auto now = session.loop().now();
  for (std::size_t i = 0; i < rotations.size(); ++i) {
    auto group = workspace.find_group(rotations[i].group, rotations[i].handle);
    if (!group) return group.error();
    plans.push_back(plan_one(rotations[i], records[i], *watches, *group, roster, now));
  }
  return plans;
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

}  // namespace watchbill::cli
