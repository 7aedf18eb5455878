#include <algorithm>
#include <sstream>

#include "engine/decide/decider_stage.hpp"
#include "engine/decide/open_problems.hpp"
#include "engine/decide/status_writer.hpp"
#include "engine/targets/refusal.hpp"

namespace watchbill::engine {

namespace {

/// Slack's word alone does not end that it did not keep it.
void end_refusal(RotationEntry& entry) {
  if (!entry.group.answered || !entry.refusal || entry.refusal->code != kNotDone) entry.refusal.reset();
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

Result<void> put_schedule_states(store::Store& store, const std::vector<ScheduleEntry*>& schedules) {
  for (const auto* schedule : schedules) {
    auto put = store.engine().put_schedule_state(schedule->state);
    if (!put && put.error().kind != ErrorKind::not_found) return put;
  }
  return {};
}

Decider::Decider(Model& model, store::Store& store, const Matcher& matcher, DecisionListener& listener,
                 std::function<std::string()> random_key)
    : model_(model),
      store_(store),
      matcher_(matcher),
      listener_(listener),
      random_key_(std::move(random_key)) {}

Result<void> Decider::load(Instant now) {
  auto rows = store_.outbox().open_rows();
  if (!rows) return rows.error();
  for (auto& row : *rows) {
    const auto before = row.state;
    watchbill::recover(row, now);
    if (row.state != before) {
      if (auto saved = store_.outbox().update(row); !saved) return saved.error();
    }
    outbox_.insert_or_assign(row.id, std::move(row));
  }
  auto changes = store_.history().open_changes();
  if (!changes) return changes.error();
  for (auto& change : *changes) {
    // Putting a group back is no decision of the engine's: whoever did it is gone.
    if (change.cause == Cause::restore) {
      if (auto closed = store_.history().close(change.id, "superseded"); !closed) return closed;
      continue;
    }
    if (auto* entry = model_.find(change.rotation)) entry->open_changes.push_back(std::move(change));
  }
  for (auto& [id, entry] : model_.rotations) {
    while (entry.open_changes.size() > 1) {
      if (auto closed = store_.history().close(entry.open_changes.front().id, "superseded"); !closed)
        return closed;
      entry.open_changes.erase(entry.open_changes.begin());
    }
  }
  return {};
}

Result<void> Decider::put(OutboxRow row) {
  if (auto saved = store_.outbox().update(row); !saved) return saved;
  if (is_open(row.state)) {
    outbox_.insert_or_assign(row.id, std::move(row));
  } else {
    outbox_.erase(row.id);
  }
  return {};
}

bool Decider::all_answered_since(const Rotation& rotation, Instant since) const {
  return std::all_of(rotation.schedules.begin(), rotation.schedules.end(),
                     [&](const RotationSchedule& schedule) {
                       const auto* known = model_.find(schedule.ref);
                       return known && known->state.last_answer && *known->state.last_answer >= since;
                     });
}

Result<void> Decider::record(Stage& stage) {
  auto& entry = *stage.entry;
  if (stage.record != entry.record) {
    if (auto saved = store_.engine().put_record(stage.record); !saved) return saved;
  }
  for (const auto& row : stage.corrected) {
    if (auto saved = store_.outbox().update(row); !saved) return saved;
  }
  if (!stage.change) return {};
  auto& history = store_.history();
  for (const auto& old : entry.open_changes) {
    if (auto closed = history.close(old.id, "superseded"); !closed) return closed;
  }
  auto id = history.add(*stage.change);
  if (!id) return id.error();
  stage.change->id = *id;
  for (auto& row : stage.superseded) {
    if (auto saved = store_.outbox().update(row); !saved) return saved;
  }
  for (auto& row : stage.added) {
    row.change = *id;
    auto row_id = store_.outbox().add(row);
    if (!row_id) return row_id.error();
    row.id = *row_id;
  }
  return {};
}

/// In the transaction of what a write led to: it costs no commit of its own.
Result<void> Decider::note_group_writes() {
  return store_.set_meta(kGroupWrites, group_writes_text(model_.group_writes));
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

void Decider::commit(Stage& stage, Moment moment) {
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
  entry.members_before.reset();
  if (stage.change || stage.right) entry.edited_by.reset();
  // What it led to may still be looked up, or wait for the group.
  entry.rematch = stage.plan.pending || waits_for_group(entry) ? std::move(stage.rematch) : std::nullopt;
  if (stage.refused) entry.refused_change = std::move(stage.refused);
  if (stage.change) {
    entry.refused_change.reset();
    entry.open_changes.clear();
    if (!stage.change->result) entry.open_changes.push_back(*stage.change);
  }
  if (stage.right) end_refusal(entry);
  if (stage.change && !stage.not_done) entry.times_not_done = 0;
  if (stage.not_done) ++entry.times_not_done;
  entry.group.not_done = false;
  for (auto& row : stage.corrected) {
    if (is_open(row.state)) {
      outbox_.insert_or_assign(row.id, std::move(row));
    } else {
      outbox_.erase(row.id);
    }
  }
  for (const auto& row : stage.superseded) outbox_.erase(row.id);
  for (auto& row : stage.added) outbox_.insert_or_assign(row.id, std::move(row));
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

std::vector<ScheduleEntry*> Decider::evidence_of(const std::vector<Stage>& stages) const {
  std::set<ScheduleEntry*> evidence;
  for (const auto& stage : stages) {
    if (!records(stage)) continue;
    for (const auto& schedule : stage.entry->rotation.schedules) {
      auto* known = model_.find(schedule.ref);
      if (known && known->unsaved == Unsaved::evidence) evidence.insert(known);
    }
  }
  return {evidence.begin(), evidence.end()};
}

Result<void> Decider::record_all(std::vector<Stage>& stages) {
  const auto evidence = evidence_of(stages);
  auto saved = store_.transaction([&]() -> Result<void> {
    for (auto& stage : stages) {
      if (auto done = record(stage); !done)
        return done.error().in("recording rotation \"{}\"", stage.entry->rotation.name);
    }
    return put_schedule_states(store_, evidence);
  });
  if (!saved) return saved;
  for (auto* schedule : evidence) schedule->unsaved = Unsaved::nothing;
  return {};
}

Result<bool> Decider::decide(const std::vector<RotationId>& rotations, Moment now, bool write_anyway) {
  std::vector<Stage> stages;
  stages.reserve(rotations.size());
  for (const auto id : rotations) {
    if (auto* entry = model_.find(id)) stages.push_back(plan_one(*entry, now));
  }
  const bool recorded = std::any_of(stages.begin(), stages.end(), records);
  if (recorded) {
    auto saved = record_all(stages);
    if (!saved) {
      if (write_anyway) {
        for (const auto& stage : stages) {
          if (!stage.write || stage.priority != slack::Priority::handoff) continue;
          auto& entry = *stage.entry;
          if (!entry.members_before) entry.members_before = entry.group.now->members;
          entry.record.placed = stage.record.placed;
          queue_write(entry, stage, now);
        }
        listener_.on_writes_queued();
      }
      return saved.error();
    }
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
    commit(stage, now);
    const bool unfinished = !stage.entry->open_changes.empty() || stage.entry->refused_change;
    if (stage.right && unfinished) right.push_back(stage.entry);
  }
  for (auto* entry : right) {
    if (auto closed = group_is_right(*entry, now.wall); !closed) return closed.error();
  }
  if (pending) listener_.on_people_pending();
  if (!waiting.empty()) listener_.decide_again_at(std::move(waiting), wait_until);
  if (recorded) listener_.on_outbox_changed();
  listener_.on_writes_queued();
  return recorded || !right.empty();
}

Result<void> Decider::group_is_right(RotationEntry& entry, Instant now) {
  // A group that is left as it is became right by no write.
  const bool reached = entry.plan.target.has_value();
  RotationRecord record = entry.record;
  if (reached && entry.group.now) record.placed = ledger_of(record.placed, *entry.group.now);
  std::vector<OutboxRow> confirmed;
  for (const auto& [id, row] : outbox_) {
    if (row.rotation == entry.rotation.id && row.state == OutboxState::waiting && !row.group_confirmed) {
      confirmed.push_back(row);
      confirmed.back().group_confirmed = true;
      release(confirmed.back(), now);
    }
  }
  std::optional<Change> late = reached ? entry.refused_change : std::nullopt;
  if (late) {
    late->at = now;
    late->note = fmt::format("written after Slack had refused it: {}", late->result.value_or(""));
    late->result = "ok";
  }
  if (!entry.open_changes.empty() || late || !confirmed.empty() || !(record == entry.record)) {
    // A restart finds the group right again, and closes and releases the same; a late change is told only
    // once.
    const auto save = [&]() -> Result<void> {
      for (const auto& change : entry.open_changes) {
        const bool carried_out = reached || (entry.group.now && entry.group.now->members == change.after);
        const auto* result = carried_out ? "ok" : "superseded";
        if (auto closed = store_.history().close(change.id, result); !closed) return closed;
      }
      if (entry.write) {
        if (auto noted = note_group_writes(); !noted) return noted;
      }
      if (late) {
        if (auto added = store_.history().add(*late); !added) return added.error();
      }
      for (const auto& row : confirmed) {
        if (auto done = store_.outbox().update(row); !done) return done;
      }
      return record == entry.record ? Result<void>{} : store_.engine().put_record(record);
    };
    auto saved = late ? store_.transaction(save) : store_.relaxed_transaction(save);
    if (!saved) return saved;
  }
  entry.record = std::move(record);
  end_refusal(entry);
  entry.open_changes.clear();
  entry.refused_change.reset();
  entry.write.reset();
  for (auto& row : confirmed) outbox_.insert_or_assign(row.id, std::move(row));
  listener_.on_outbox_changed();
  return {};
}

Result<void> Decider::write_again(RotationEntry& entry) {
  if (entry.plan.target != entry.write->target) return {};
  RotationRecord record = entry.record;
  record.placed = ledger_before(record.placed, entry.plan.placed);
  if (record == entry.record) return {};
  if (auto saved = store_.engine().put_record(record); !saved) return saved;
  entry.record = std::move(record);
  return {};
}

Result<void> Decider::write_refused(RotationEntry& entry, const Error& error) {
  const auto code = error.code.empty() ? std::string(name_of(error.kind)) : error.code;
  if (entry.open_changes.empty()) return {};
  auto noted = store_.transaction([&]() -> Result<void> {
    for (const auto& change : entry.open_changes) {
      if (auto closed = store_.history().close(change.id, code); !closed) return closed;
    }
    return note_group_writes();
  });
  if (!noted) return noted;
  entry.refused_change = std::move(entry.open_changes.back());
  entry.refused_change->result = code;
  entry.open_changes.clear();
  return {};
}

Result<void> Decider::source_confirmed(RotationEntry& entry) {
  entry.confirmation.reset();
  std::vector<OutboxRow> rows;
  for (const auto& [id, row] : outbox_) {
    if (row.rotation == entry.rotation.id && row.confirm_by) rows.push_back(row);
  }
  for (auto& row : rows) {
    row.confirm_by.reset();
    if (auto saved = put(std::move(row)); !saved) return saved;
  }
  if (!rows.empty()) listener_.on_outbox_changed();
  return {};
}

}  // namespace watchbill::engine
