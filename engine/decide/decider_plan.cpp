#include <algorithm>

#include "engine/decide/decider_stage.hpp"
#include "engine/targets/refusal.hpp"

/// What is decided: one rotation at a time, without changing anything.
namespace watchbill::engine {

namespace {

/// How long a decision waits for people to be looked up before it goes without them.
constexpr auto kLookupPatience = 5s;
/// The source has this long after a boundary to confirm it before the announcement goes out.
constexpr auto kConfirmPatience = 15s;

/// True if the plan has another list than the one of which Slack refused a member. Who is to be in the group
/// is known without reading it then, unless others' members stay in it.
bool replaces_refused_list(const RotationEntry& entry, const Plan& plan) {
  return entry.write && entry.write->refused && about_members(*entry.write->refused) && plan.target &&
         !plan.target->disable && *plan.target != entry.write->target &&
         entry.rotation.membership == Membership::exact;
}

/// The same responder among `people`; null if there is none.
const OnCallPerson* find_responder(const std::vector<OnCallPerson>& people, const Responder& responder) {
  const auto found = std::find_if(people.begin(), people.end(),
                                  [&](const OnCallPerson& person) { return person.responder == responder; });
  return found == people.end() ? nullptr : &*found;
}

/// Whether a scheduling system has another address of somebody than it had. (What is shown as their name is
/// Slack's.)
std::optional<Rematch> changed_at_source(const std::vector<OnCallPerson>& before,
                                         const std::vector<OnCallPerson>& now) {
  for (const auto& person : now) {
    const auto* was = find_responder(before, person.responder);
    if (was == nullptr || was->responder.email == person.responder.email) continue;
    return Rematch{fmt::format("the address that {} has of {} changed", person.responder.connection,
                               person.responder.name),
                   std::nullopt};
  }
  return std::nullopt;
}

/// Why the same people are other members now, where nobody here or at the source changed anything.
std::string changed_in_slack(const std::vector<OnCallPerson>& before, const std::vector<OnCallPerson>& now) {
  for (const auto& person : now) {
    const auto* was = find_responder(before, person.responder);
    if (was == nullptr || was->member == person.member) continue;
    const auto& name = person.responder.name;
    if (!was->member) return fmt::format("the Slack account of {} became known", name);
    if (person.member) return fmt::format("{} has another account in Slack", name);
    return fmt::format("{} has no account in Slack any more that may be in a group", name);
  }
  return {};
}

}  // namespace

std::optional<Instant> Decider::foreseen_moment(const RotationEntry& entry, Instant now) const {
  std::optional<Instant> moment;
  for (const auto& schedule : entry.rotation.schedules) {
    const auto* known = model_.find(schedule.ref);
    if (!known || !known->boundary || *known->boundary > now) continue;
    const Instant boundary = last_boundary(known->state.timeline, now).value_or(*known->boundary);
    if (!moment || *moment < boundary) moment = boundary;
  }
  return moment;
}

bool Decider::happened_before_restore(const Stage& stage) {
  const auto& quiet = stage.entry->quiet_before;
  return quiet && !(stage.foreseen && *stage.foreseen >= *quiet);
}

Decider::Stage Decider::plan_one(RotationEntry& entry, Moment moment) const {
  const Instant now = moment.wall;
  const auto states = model_.schedule_states_of(entry.rotation);
  const auto* group = entry.group.now ? &*entry.group.now : nullptr;
  Stage stage{&entry, make_plan({entry.rotation, entry.record, states, group, matcher_, now}), entry.record};
  stage.rematch = entry.rematch;
  const auto& plan = stage.plan;
  if (!plan.decided || entry.paused() || waits_for_group(entry)) return stage;
  if (plan.pending && (plan.handoff || plan.target != entry.record.target)) {
    const Instant until = entry.pending_since.value_or(now) + kLookupPatience;
    if (now < until) {
      stage.wait_until = until;
      return stage;
    }
  }
  const bool observing = entry.rotation.mode == Mode::observe;
  stage.anew = entry.group.must_read && replaces_refused_list(entry, plan);
  if (group && plan.target && (stage.anew || !entry.group.must_read)) {
    const bool equal = !stage.anew && write_needed(*plan.target, *group) == WriteNeeded::none;
    stage.right = equal && !entry.group.in_flight;
    stage.write = !equal && !observing && !entry.group.unwritable && !entry.group.missing;
  } else {
    // What a group that was not seen needs is not known; and while nobody of them is known yet, the handoff
    // is not done.
    stage.right = group && !plan.target && !plan.pending;
    stage.blind = entry.group.must_read;
  }
  plan_change(stage, now);
  if (stage.change && happened_before_restore(stage))
    stage.change->note = "found after a restore from backup; not announced";
  else if (stage.change)
    plan_announcements(stage, now);
  if (!stage.change && stage.write) plan_drift(stage, moment);
  if (!plan.handoff) correct_announcements(stage);
  keep_ledger(stage);
  return stage;
}

void Decider::keep_ledger(Stage& stage) {
  const auto& entry = *stage.entry;
  const auto& target = stage.plan.target;
  if (!target || !entry.group.now) return;
  auto& placed = stage.record.placed;
  const bool refused = entry.write && entry.write->refused && entry.write->target == *target;
  if (stage.write && !refused) {
    placed = ledger_before(placed, stage.plan.placed);
  } else if (stage.write && !entry.group.in_flight) {
    placed = ledger_of(placed, *entry.group.now);  // nothing is under way until it is tried again
  } else if (stage.right && stage.record != entry.record) {
    placed = ledger_of(ledger_before(placed, stage.plan.placed), *entry.group.now);
  }
}

void Decider::plan_change(Stage& stage, Instant now) const {
  auto& entry = *stage.entry;
  const auto& plan = stage.plan;
  const bool first = !entry.record.decided;
  const bool retargeted = plan.target && plan.target != entry.record.target;
  auto& record = stage.record;
  if (auto changed = changed_at_source(entry.record.people, plan.people)) stage.rematch = std::move(changed);
  // The same people, of whom something else is told now (a name, an address), are no change.
  if (first || plan.handoff || !same_facts(record.people, plan.people)) record.people = plan.people;
  if (!first && !plan.handoff && !retargeted) return;
  if (plan.target) record.target = plan.target;
  if (!first && !plan.handoff && stage.right) return;  // the group is so already: nothing happened

  const GroupNow group = entry.group.now.value_or(GroupNow{});
  Change change;
  change.at = now;
  change.rotation = entry.rotation.id;
  change.rotation_name = entry.rotation.name;
  change.group = entry.rotation.group;
  change.cause = first ? Cause::adoption : plan.handoff ? Cause::handoff : Cause::edit;
  // A group that was not seen since the start is taken to be as it was left; and one that is right already
  // was written while the store could not be (docs/decisions/0009), and the record of that was lost.
  const bool written = stage.right && !first && entry.rotation.mode != Mode::observe;
  const bool left = (!entry.group.now || written) && entry.record.target;
  change.before = left ? entry.record.target->members : group.members;
  change.after = plan.target ? plan.target->members : change.before;
  change.disabled = plan.target && plan.target->disable;
  change.said = plan.people;
  change.seen_at = now;
  if (plan.handoff && !first) {
    stage.foreseen = foreseen_moment(entry, now);
    change.held_since = stage.foreseen.value_or(now);
    if (const auto& known = entry.undecided; known && same_people(known->people, plan.people)) {
      if (known->foreseen) stage.foreseen = known->since;
      change.held_since = known->since;
    }
  }
  if (!plan.handoff) change.by = entry.edited_by;
  if (!first && !plan.handoff && !entry.edited_by) explain(stage, change);
  if (entry.rotation.mode == Mode::observe)
    change.result = "observed";
  else if (stage.right)
    change.result = "ok";

  const bool late = change.cause == Cause::handoff && !first;
  stage.priority = late ? slack::Priority::handoff : slack::Priority::edit;
  if (first && !record.former) {
    record.former = FormerGroup{group.members, group.disabled, now};
  }
  record.adopted = true;
  record.decided = true;
  if (first || plan.handoff) record.people_since = change.held_since.value_or(now);
  stage.change = std::move(change);
}

/// The same people are other members now. What was decided before Slack said who somebody is goes on with
/// them, if it still does.
void Decider::explain(const Stage& stage, Change& change) {
  const auto& entry = *stage.entry;
  if (any_pending(entry.record.people) && !entry.open_changes.empty()) {
    change.cause = entry.open_changes.back().cause;
    change.held_since = entry.open_changes.back().held_since;
    return;
  }
  change.note = stage.rematch ? stage.rematch->why : changed_in_slack(entry.record.people, stage.plan.people);
  if (stage.rematch) change.by = stage.rematch->by;
}

/// True if all sources have answered since this boundary, and none of them doubtfully.
bool Decider::confirms(const Rotation& rotation, Instant boundary) const {
  return all_answered_since(rotation, boundary) &&
         std::all_of(rotation.schedules.begin(), rotation.schedules.end(), [&](const auto& schedule) {
           const auto* known = model_.find(schedule.ref);
           return known && !known->state.doubt;
         });
}

void Decider::plan_announcements(Stage& stage, Instant now) const {
  const auto& entry = *stage.entry;
  const auto& rotation = entry.rotation;
  const bool first = !entry.record.decided;
  if (rotation.mode == Mode::observe || !rotation.announce.enabled) return;
  if (first ? entry.record.quiet : !stage.plan.handoff) return;

  AnnouncementFacts facts;
  facts.rotation = rotation.name;
  facts.group = rotation.group;
  facts.handle = rotation.handle;
  facts.first = first;
  facts.at = stage.change->held_since.value_or(now);
  if (!first) facts.before = entry.record.people;
  facts.after = stage.plan.people;
  facts.next = stage.plan.next;
  facts.group_note = stage.plan.group_note;
  const auto latest = latest_.find(rotation.id);
  for (const auto& channel : rotation.channels) {
    std::vector<OutboxRow> open;
    for (const auto& [id, row] : outbox_) {
      if (row.rotation == rotation.id && row.channel == channel) open.push_back(row);
    }
    auto told = facts;
    if (latest != latest_.end()) {
      if (const auto last = latest->second.find(channel); last != latest->second.end())
        add_untold(told, last->second);
    }
    auto merged = merge_announcement(open, std::move(told), stage.foreseen.has_value());
    for (auto& row : merged.superseded) stage.superseded.push_back(std::move(row));
    if (!merged.facts) continue;
    OutboxRow row;
    row.rotation = rotation.id;
    row.channel = channel;
    row.key = random_key_();
    row.facts = std::move(*merged.facts);
    row.group_confirmed = stage.right;
    row.next_try = now;
    if (stage.foreseen && now - *stage.foreseen < kConfirmPatience && !confirms(rotation, *stage.foreseen))
      row.confirm_by = *stage.foreseen + kConfirmPatience;
    stage.added.push_back(std::move(row));
  }
}

/// Somebody was found, deactivated or renamed since the handoff was decided.
void Decider::correct_announcements(Stage& stage) const {
  const auto& plan = stage.plan;
  for (const auto& [id, row] : outbox_) {
    if (row.rotation != stage.entry->rotation.id || !is_untold(row.state) ||
        !same_people(row.facts.after, plan.people))
      continue;
    if (row.facts.group_note == plan.group_note && same_facts(row.facts.after, plan.people)) continue;
    auto& corrected = stage.corrected.emplace_back(row);
    auto& facts = corrected.facts;
    facts.after = plan.people;
    facts.group_note = plan.group_note;
    // Who turns out to be the person of before is no news.
    if (!facts.first && same_people(facts.before, facts.after)) corrected.state = OutboxState::superseded;
  }
}

/// True if the difference is a write that Slack refused before the daemon was started again.
bool Decider::resume_refused(Stage& stage) const {
  const auto& entry = *stage.entry;
  stage.refused = entry.refused_change;
  if (stage.refused) return true;
  const auto& before = entry.refused_before;
  if (!before || stage.plan.target != GroupTarget{before->disabled, before->after}) return false;
  stage.refused = before;
  return true;
}

void Decider::plan_drift(Stage& stage, Moment now) const {
  const auto& entry = *stage.entry;
  if (entry.group.in_flight || entry.write) return;
  const auto priority_of = [](const Change& change) {
    return change.cause == Cause::handoff ? slack::Priority::handoff : slack::Priority::edit;
  };
  if (!entry.open_changes.empty()) {
    // Not drift: a change that was decided and has not been carried out (a crash).
    stage.priority = priority_of(entry.open_changes.back());
    return;
  }
  const bool not_done = entry.group.not_done && !entry.edited_by;
  if (!not_done && !entry.edited_by && resume_refused(stage)) {
    stage.priority = priority_of(*stage.refused);
    return;
  }
  Change change;
  change.at = now.wall;
  change.rotation = entry.rotation.id;
  change.rotation_name = entry.rotation.name;
  change.group = entry.rotation.group;
  change.cause = entry.edited_by ? Cause::edit : Cause::drift;
  change.by = entry.edited_by;
  change.before = entry.group.now->members;
  change.after = stage.plan.target->members;
  change.disabled = stage.plan.target->disable;
  change.said = stage.plan.people;
  change.seen_at = now.wall;
  if (entry.edited_by) {
    stage.priority = slack::Priority::edit;
    stage.change = std::move(change);
    return;
  }
  if (not_done) {
    // Nobody changed the group: it was not written. That is nothing to wait for, once.
    change.note = "Slack had answered ok to this before, and not done it";
    stage.not_done = true;
    stage.priority = entry.times_not_done == 0 ? slack::Priority::handoff : slack::Priority::drift;
    stage.change = std::move(change);
    return;
  }
  stage.priority = slack::Priority::drift;
  if (entry.rotation.drift == Drift::report) {
    stage.write = false;
    if (entry.group.reported == entry.group.now) return;
    stage.reported = entry.group.now;
    change.result = "reported";
    stage.change = std::move(change);
    return;
  }
  stage.drifted = true;
  const auto& drifts = entry.group.drifts;
  const auto recent = std::count_if(drifts.begin(), drifts.end(),
                                    [&](SteadyInstant at) { return now.steady - at < kDriftWindow; });
  const bool contested = entry.group.contested || static_cast<std::size_t>(recent) + 1 >= kDriftLimit;
  if (contested) stage.not_before = entry.group.last_write_ended.value_or(now.steady) + kDriftWindow;
  stage.change = std::move(change);
}

}  // namespace watchbill::engine
