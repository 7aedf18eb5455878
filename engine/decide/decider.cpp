#include <algorithm>
#include <array>
#include <sstream>

#include "engine/decide/decider_stage.hpp"
#include "engine/decide/open_problems.hpp"
#include "engine/decide/status_writer.hpp"
#include "engine/stored.hpp"
#include "engine/targets/refusal.hpp"

namespace watchbill::engine {

namespace {

/// Slack's word alone does not end that it did not keep it.
void end_refusal(RotationEntry& entry) {
  if (!entry.group.answered || !entry.refusal || entry.refusal->code != kNotDone) entry.refusal.reset();
}

/// True if its result is Slack's code of a refusal.
bool is_refused(const Change& change) {
  static constexpr std::array<std::string_view, 4> others{"ok", "superseded", "observed", "reported"};
  return change.result && std::find(others.begin(), others.end(), *change.result) == others.end();
}

constexpr const char* kLookupProblem = "lookup";
constexpr auto kLookupWorthTelling = 1min;

/// Slack names our own app, too, where it did not keep what that wrote.
std::string contest_text(const RotationEntry& entry) {
  const auto& by = entry.group.changed_by;
  return fmt::format(
      "@{} is other than it was written again and again: it was changed or was not written ({}). It is "
      "repaired at most every 10 minutes from now on. See whether somebody edits it, or set `--drift report`",
      entry.rotation.handle,
      by.empty() ? "Slack does not tell who changed it last"
                 : fmt::format("Slack names {} as its last editor", by));
}

}  // namespace

std::string group_writes_text(const std::deque<Instant>& writes) {
  std::string text;
  for (const auto at : writes) text += fmt::format("{} ", at.time_since_epoch().count());
  return text;
}

std::vector<Instant> parse_group_writes(const std::string& text) {
  std::vector<Instant> writes;
  std::istringstream in(text);
  for (std::int64_t at = 0; in >> at;) writes.emplace_back(milliseconds{at});
  return writes;
}

Decider::Decider(Model& model, Journal& journal, const Matcher& matcher, DecisionListener& listener,
                 std::function<std::string()> random_key)
    : model_(model),
      journal_(journal),
      matcher_(matcher),
      listener_(listener),
      random_key_(std::move(random_key)) {}

void Decider::load(Remembered& remembered, Instant now) {
  load_rows(remembered, now);
  load_changes(remembered);
  late_handoffs_.load(remembered.handoffs);
}

void Decider::load_rows(Remembered& remembered, Instant now) {
  for (auto& [id, rows] : remembered.announcements) {
    for (auto& row : rows) remember(std::move(row));
  }
  for (auto& row : remembered.open_announcements) {
    const auto before = row.state;
    watchbill::recover(row, now);
    if (row.state != before)
      put(std::move(row), Pace::with_next);
    else
      remember(std::move(row));
  }
}

void Decider::load_changes(Remembered& remembered) {
  store::Commit given_up;
  for (auto& change : remembered.open_changes) {
    auto* entry = model_.find(change.rotation);
    // Putting a group back is no decision of the engine's: whoever did it is gone.
    if (change.cause == Cause::restore) {
      given_up.closings.push_back({change.id, "superseded"});
    } else if (entry) {
      for (const auto& earlier : entry->open_changes) given_up.closings.push_back({earlier.id, "superseded"});
      entry->open_changes = {std::move(change)};
    }
  }
  if (!given_up.empty()) journal_.append(std::move(given_up), Pace::with_next);
  for (auto& last : remembered.last_changes) {
    auto* entry = model_.find(last.rotation);
    if (entry && is_refused(last)) entry->refused_before = std::move(last);
  }
}

const OutboxRow* Decider::last_announcement(RotationId rotation, const ChannelId& channel) const {
  const auto of_rotation = latest_.find(rotation);
  if (of_rotation == latest_.end()) return nullptr;
  const auto known = of_rotation->second.find(channel);
  return known == of_rotation->second.end() ? nullptr : &known->second;
}

void Decider::remember(OutboxRow row) {
  auto& latest = latest_[row.rotation];
  const auto [known, fresh] = latest.try_emplace(row.channel, row);
  if (!fresh && row.id >= known->second.id) known->second = row;
  if (is_open(row.state)) {
    outbox_.insert_or_assign(row.id, std::move(row));
  } else {
    outbox_.erase(row.id);
  }
}

Seq Decider::put(OutboxRow row, Pace pace) {
  store::Commit commit;
  commit.rows.push_back(row);
  remember(std::move(row));
  return journal_.append(std::move(commit), pace);
}

void Decider::forget(RotationId rotation) {
  std::erase_if(outbox_, [&](const auto& item) { return item.second.rotation == rotation; });
  latest_.erase(rotation);
}

bool Decider::all_answered_since(const Rotation& rotation, Instant since) const {
  return std::all_of(rotation.schedules.begin(), rotation.schedules.end(),
                     [&](const RotationSchedule& schedule) {
                       const auto* known = model_.find(schedule.ref);
                       return known && known->state.last_answer && *known->state.last_answer >= since;
                     });
}

void Decider::add_to(store::Commit& commit, Stage& stage) {
  const auto& entry = *stage.entry;
  if (stage.record != entry.record) commit.records.push_back({stage.record, entry.rotation.group});
  commit.rows.insert(commit.rows.end(), stage.corrected.begin(), stage.corrected.end());
  if (!stage.change) return;
  for (const auto& old : entry.open_changes) commit.closings.push_back({old.id, "superseded"});
  stage.change->id = journal_.next_change();
  commit.changes.push_back(*stage.change);
  late_handoffs_.note(*stage.change);
  commit.rows.insert(commit.rows.end(), stage.superseded.begin(), stage.superseded.end());
  for (auto& row : stage.added) {
    row.id = journal_.next_row();
    row.change = stage.change->id;
    commit.new_rows.push_back(row);
  }
}

void Decider::add_group_writes(store::Commit& commit) const {
  commit.meta.insert_or_assign(kGroupWrites, group_writes_text(model_.group_writes));
}

void Decider::queue_write(RotationEntry& entry, const Stage& stage, Moment now) {
  const auto& target = *stage.plan.target;
  if (entry.write && entry.write->target == target) return;
  PendingWrite write;
  write.target = target;
  write.priority = stage.priority;
  write.since = now.wall;
  if (stage.not_before) write.not_before = *stage.not_before;
  write.unread = stage.anew;
  // What only a person can mend is tried once for each new target, after all others. Another list of members
  // is another matter.
  if (entry.write && entry.write->refused && !about_members(*entry.write->refused)) {
    write.refused = entry.write->refused;
    write.attempts = entry.write->attempts;
  }
  if (stage.not_done && entry.times_not_done >= kProblemAfter) {
    write.refused = entry.refusal = not_done_error(difference_of(entry), !target.disable);
    write.not_before =
        now.steady + refused_wait(static_cast<std::size_t>(entry.times_not_done - kProblemAfter));
  }
  entry.write = std::move(write);
}

/// That Slack does not say who somebody is becomes a problem only when it lasts.
void Decider::note_unknown(RotationEntry& entry, Instant now) {
  if (!entry.plan.pending) {
    entry.unknown_since.reset();
    entry.problems.erase(kLookupProblem);
    return;
  }
  if (!entry.unknown_since) entry.unknown_since = now;
  if (now - *entry.unknown_since < kLookupWorthTelling) return;
  entry.problems[kLookupProblem] = fmt::format(
      "who somebody on call is in Slack is not known yet, so they are not in @{}. {}. Slack is asked "
      "again by itself",
      entry.rotation.handle, entry.plan.pending_why);
}

/// It counts from when it was seen first, or foreseen, however late it is decided.
void Decider::note_undecided(const Stage& stage, Instant now) const {
  auto& entry = *stage.entry;
  if (!stage.plan.decided) return;
  const bool waits = stage.wait_until || waits_for_group(entry);
  if (!waits || !stage.plan.handoff || !entry.record.decided || entry.paused()) {
    entry.undecided.reset();
  } else if (!entry.undecided || !same_people(entry.undecided->people, stage.plan.people)) {
    const auto foreseen = foreseen_moment(entry, now);
    entry.undecided = UndecidedHandoff{stage.plan.people, foreseen.value_or(now), foreseen.has_value()};
  }
}

/// A group that drifts again and again is somebody else's: a problem, until it stayed right for a while.
void Decider::note_contest(const Stage& stage, SteadyInstant now) {
  auto& entry = *stage.entry;
  auto& group = entry.group;
  if (stage.drifted) {
    group.drifts.push_back(now);
    if (group.drifts.size() > kDriftLimit) group.drifts.pop_front();
  }
  if (stage.not_before) {
    group.contested = true;
    group.contested_since = now;
    entry.problems[std::string(kDriftProblem)] = contest_text(entry);
  }
  if (!group.contested || !stage.right) return;
  const auto since = std::max(group.last_write_ended.value_or(group.contested_since), group.contested_since);
  if (now - since < kDriftWindow) return;
  group.contested = false;
  group.drifts.clear();
  entry.problems.erase(std::string(kDriftProblem));
}

void Decider::apply(Stage& stage, Moment moment) {
  const Instant now = moment.wall;
  auto& entry = *stage.entry;
  entry.plan = stage.plan;
  note_unknown(entry, now);
  note_undecided(stage, now);
  if (stage.wait_until) {
    if (!entry.pending_since) entry.pending_since = now;
    return;
  }
  if (!stage.plan.decided) return;
  entry.pending_since.reset();
  if (entry.quiet_before && !waits_for_group(entry) &&
      all_answered_since(entry.rotation, *entry.quiet_before))
    entry.quiet_before.reset();
  entry.record = stage.record;
  if (stage.change || stage.right) entry.edited_by.reset();
  // What it led to may still be looked up, or wait for the group.
  entry.rematch = stage.plan.pending || waits_for_group(entry) ? std::move(stage.rematch) : std::nullopt;
  if (stage.refused) entry.refused_change = std::move(stage.refused);
  if (stage.change) {
    entry.refused_change.reset();
    entry.refused_before.reset();
    entry.open_changes.clear();
    if (!stage.change->result) entry.open_changes.push_back(*stage.change);
  }
  if (stage.right) end_refusal(entry);
  if (stage.change && !stage.not_done) entry.times_not_done = 0;
  if (stage.not_done) ++entry.times_not_done;
  entry.group.not_done = false;
  for (auto* rows : {&stage.corrected, &stage.superseded, &stage.added}) {
    for (const auto& row : *rows) remember(row);
  }
  if (stage.reported) entry.group.reported = stage.reported;
  note_contest(stage, moment.steady);
  if (stage.foreseen && !stage.added.empty() && stage.added.front().confirm_by) {
    Confirmation confirmation{*stage.foreseen, {}};
    for (const auto& schedule : entry.rotation.schedules) {
      const auto* known = model_.find(schedule.ref);
      if (known && known->boundary && *known->boundary <= now) confirmation.outstanding.insert(schedule.ref);
    }
    entry.confirmation = std::move(confirmation);
  }
  if (stage.write) {
    queue_write(entry, stage, moment);
  } else if (!stage.blind) {
    entry.write.reset();
  }
}

bool Decider::records(const Stage& stage) {
  return stage.change.has_value() || !stage.corrected.empty() || stage.record != stage.entry->record;
}

void Decider::add_evidence(store::Commit& commit, const std::vector<Stage>& stages) const {
  for (const auto& stage : stages) {
    if (!records(stage)) continue;
    for (const auto& schedule : stage.entry->rotation.schedules) {
      auto* known = model_.find(schedule.ref);
      if (!known || known->unsaved != Unsaved::evidence) continue;
      known->unsaved = Unsaved::nothing;
      commit.evidence.push_back(known->state);
    }
  }
}

void Decider::decide(const std::vector<RotationId>& rotations, Moment now) {
  std::vector<Stage> stages;
  stages.reserve(rotations.size());
  for (const auto id : rotations) {
    if (auto* entry = model_.find(id)) stages.push_back(plan_one(*entry, now));
  }
  store::Commit commit;
  add_evidence(commit, stages);
  std::vector<RotationEntry*> recorded;
  std::vector<RotationEntry*> adopted;
  for (auto& stage : stages) {
    if (!records(stage)) continue;
    recorded.push_back(stage.entry);
    if (!stage.entry->record.adopted) adopted.push_back(stage.entry);
    add_to(commit, stage);
  }

  bool pending = false;
  std::vector<RotationId> waiting;
  Instant wait_until = kNever;
  std::vector<RotationEntry*> right;
  for (auto& stage : stages) {
    pending = pending || stage.plan.pending;
    if (stage.wait_until) {
      waiting.push_back(stage.entry->rotation.id);
      wait_until = std::min(wait_until, *stage.wait_until);
    }
    apply(stage, now);
    const bool unfinished = !stage.entry->open_changes.empty() || stage.entry->refused_change;
    if (stage.right && unfinished) right.push_back(stage.entry);
  }
  if (!recorded.empty()) {
    const auto seq = journal_.append(std::move(commit), Pace::now);
    for (auto* entry : recorded) entry->stands_on = seq;
    for (auto* entry : adopted) entry->adopted_with = seq;
  }
  for (auto* entry : right) group_is_right(*entry, now.wall);
  if (pending) listener_.on_people_pending();
  if (!waiting.empty()) listener_.decide_again_at(std::move(waiting), wait_until);
  if (!recorded.empty()) listener_.on_outbox_changed();
  listener_.on_writes_queued();
}

bool Decider::announces_now(RotationId rotation) const {
  return std::any_of(outbox_.begin(), outbox_.end(), [&](const auto& item) {
    return item.second.rotation == rotation && item.second.state == OutboxState::ready;
  });
}

void Decider::group_is_right(RotationEntry& entry, Instant now) {
  // A group that is left as it is became right by no write.
  const bool reached = entry.plan.target.has_value();
  store::Commit commit;
  RotationRecord record = entry.record;
  if (reached && entry.group.now) record.placed = ledger_of(record.placed, *entry.group.now);
  if (record != entry.record) commit.records.push_back({record, entry.rotation.group});
  for (const auto& [id, row] : outbox_) {
    if (row.rotation != entry.rotation.id || row.state != OutboxState::waiting || row.group_confirmed)
      continue;
    auto& confirmed = commit.rows.emplace_back(row);
    confirmed.group_confirmed = true;
    release(confirmed, now);
  }
  for (const auto& change : entry.open_changes) {
    const bool carried_out = reached || (entry.group.now && entry.group.now->members == change.after);
    commit.closings.push_back({change.id, carried_out ? "ok" : "superseded"});
  }
  // A restart finds the group right again, and closes and releases the same; a late change is told only once.
  auto pace = Pace::with_next;
  if (reached && entry.refused_change) {
    auto late = *entry.refused_change;
    late.id = journal_.next_change();
    late.at = now;
    late.note = fmt::format("written after Slack had refused it: {}", late.result.value_or(""));
    late.result = "ok";
    late_handoffs_.note(late);
    commit.changes.push_back(std::move(late));
    pace = Pace::now;
  }
  for (const auto& row : commit.rows) remember(row);
  if (!commit.empty()) {
    if (entry.write) add_group_writes(commit);
    journal_.append(std::move(commit), pace);
    // Where an announcement leaves now, it rides with that (T3).
    if (!announces_now(entry.rotation.id)) journal_.hurry();
  }
  entry.record = std::move(record);
  end_refusal(entry);
  entry.open_changes.clear();
  entry.refused_change.reset();
  entry.write.reset();
  listener_.on_outbox_changed();
}

void Decider::write_again(RotationEntry& entry) {
  if (entry.plan.target != entry.write->target) return;
  auto placed = ledger_before(entry.record.placed, entry.plan.placed);
  if (placed == entry.record.placed) return;
  entry.record.placed = std::move(placed);
  store::Commit commit;
  commit.records.push_back({entry.record, entry.rotation.group});
  entry.stands_on = journal_.append(std::move(commit), Pace::now);
}

void Decider::write_refused(RotationEntry& entry, const Error& error) {
  if (entry.open_changes.empty()) return;
  const auto code = error.code.empty() ? std::string(name_of(error.kind)) : error.code;
  store::Commit commit;
  for (const auto& change : entry.open_changes) commit.closings.push_back({change.id, code});
  add_group_writes(commit);
  journal_.append(std::move(commit), Pace::with_next);
  entry.refused_change = std::move(entry.open_changes.back());
  entry.refused_change->result = code;
  entry.open_changes.clear();
}

void Decider::source_confirmed(RotationEntry& entry) {
  entry.confirmation.reset();
  store::Commit commit;
  for (const auto& [id, row] : outbox_) {
    if (row.rotation == entry.rotation.id && row.confirm_by) commit.rows.emplace_back(row).confirm_by.reset();
  }
  if (commit.empty()) return;
  for (const auto& row : commit.rows) remember(row);
  journal_.append(std::move(commit), Pace::with_next);
  listener_.on_outbox_changed();
}

}  // namespace watchbill::engine
