#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/oncall/plan.hpp"
#include "engine/journal/journal.hpp"
#include "slack/api/api.hpp"

/// What the engine knows right now. Plain data; only the engine's parts touch it, on the loop's thread.
namespace watchbill::engine {

/// What changed in a schedule's state since it was stored.
enum class Unsaved {
  nothing,
  notes,     ///< what a restart finds out again: who is held, when the long windows were asked
  evidence,  ///< what answers said: a decision may stand on it, and is stored together with it
};

/// A schedule that some rotation uses.
struct ScheduleEntry {
  ScheduleState state;
  Unsaved unsaved = Unsaved::nothing;
  std::vector<RotationId> rotations;
  /// Since when it is asked in this run: before that nobody can call it silent.
  Instant watched_since{};
  /// Its last answer, if it has been called silent since then.
  std::optional<Instant> silent_since;
  /// The next change of people that was foreseen at the last decision. When it lies in the past, it is due.
  std::optional<Instant> boundary;
  /// Alarms that were set for it, so that none is set twice.
  std::optional<Instant> polled_for;
  std::optional<Instant> ask_again;
  std::optional<Instant> confirm_at;
  /// When the schedule itself was asked last.
  std::optional<Instant> confirm_asked;
  bool want_look_ahead = true;
  bool want_look_far = true;
  /// What a long window said was not believed: it is asked again when the doubt is over.
  bool look_after_doubt = false;

  void changed(Unsaved what) { unsaved = std::max(unsaved, what); }
};

/// A group as Slack last showed it, and what is happening to it.
struct GroupEntry {
  std::optional<GroupNow> now;
  std::optional<std::string> unwritable;
  bool missing = false;
  bool in_flight = false;
  /// A write may have worked, or emptied the group: decide nothing before it was read again.
  bool must_read = false;
  std::optional<SteadyInstant> last_write_ended;
  /// Who changed it last, and when, as Slack told it then; empty where it does not tell.
  UserId changed_by;
  Instant changed_at{};
  /// What Slack's answer to the last write called done, until a list shows whether it is.
  std::optional<GroupTarget> answered;
  /// That list showed something else, and nobody else changed the group since.
  bool not_done = false;
  /// The last drifts, and whether they were so many that somebody else must be managing the group: then it is
  /// repaired slowly.
  std::deque<SteadyInstant> drifts;
  bool contested = false;
  /// Since when this run knows that it is.
  SteadyInstant contested_since = SteadyInstant::min();
  /// The drift that was reported last (`drift: report`).
  std::optional<GroupNow> reported;
};

/// A write that is queued or under way. A newer target replaces it.
struct PendingWrite {
  GroupTarget target;
  slack::Priority priority = slack::Priority::handoff;
  Instant since;
  SteadyInstant not_before = SteadyInstant::min();
  int attempts = 0;
  std::optional<Error> refused;  ///< only a person can mend it; retried rarely
  /// It replaces a list of which Slack refused a member, which may have emptied the group: it is made without
  /// reading the group first.
  bool unread = false;
};

/// One moment by both clocks: one pass sees one.
struct Moment {
  Instant wall;
  SteadyInstant steady;
};

/// After a boundary: which schedules have not confirmed it yet.
struct Confirmation {
  Instant boundary;
  std::set<ScheduleRef> outstanding;
};

/// A handoff that is known and cannot be decided yet: its group was not read, or somebody is looked up.
struct UndecidedHandoff {
  std::vector<OnCallPerson> people;
  Instant since;
  bool foreseen = false;
};

/// Why somebody on call may be another Slack user from now on.
struct Rematch {
  std::string why;
  std::optional<std::string> by;
};

struct RotationEntry {
  Rotation rotation;
  /// It is being deleted.
  std::optional<Deletion> deletion;
  RotationRecord record;
  Plan plan;
  GroupEntry group;
  std::optional<PendingWrite> write;
  std::optional<Confirmation> confirmation;
  /// Changes without a result yet, oldest first.
  std::vector<Change> open_changes;
  /// The change whose write Slack refused. It has its result; if the write works later, that is remembered as
  /// a change of its own.
  std::optional<Change> refused_change;
  /// A change whose write Slack refused to the process before this one.
  std::optional<Change> refused_before;
  /// The commit that its write stands on: it is not made before that is on disk.
  Seq stands_on = 0;
  /// The one that has who was in the group before Watchbill: nothing at all is written before that is.
  Seq adopted_with = 0;
  std::optional<UndecidedHandoff> undecided;
  /// Until what it led to is decided.
  std::optional<Rematch> rematch;
  /// Since when a decision waits for a person to be looked up in Slack.
  std::optional<Instant> pending_since;
  /// Since when Slack has not said who somebody on call is there.
  std::optional<Instant> unknown_since;
  /// Who edited the rotation since the last decision.
  std::optional<std::string> edited_by;
  /// The store was restored from a backup: what changed before this moment, as far as that can be known, is
  /// not announced. Until every schedule has answered since.
  std::optional<Instant> quiet_before;
  /// Since when the group is not what it should be.
  std::optional<Instant> out_of_sync_since;
  /// Writes in a row that Slack called done and did not do.
  int times_not_done = 0;
  /// Why the group is not written: Slack refused it, did not do it or failed, the latter two twice. Until it
  /// is.
  std::optional<Error> refusal;
  /// A problem of the engine's own (a missing group), beside the plan's.
  std::map<std::string, std::string> problems;

  /// The group is left alone, and nothing is announced.
  [[nodiscard]] bool paused() const { return rotation.paused || deletion; }
  /// All problems that were there when they were told last, by key: those of the last run at the start.
  std::map<std::string, Problem> open;
};

/// True if Slack shows the group other than it was decided.
inline bool differs(const RotationEntry& entry) {
  return entry.group.now && entry.record.target &&
         write_needed(*entry.record.target, *entry.group.now) != WriteNeeded::none;
}

struct Model {
  std::map<RotationId, RotationEntry> rotations;
  std::unordered_map<ScheduleRef, ScheduleEntry> schedules;
  std::unordered_map<GroupId, RotationId> by_group;
  /// When the writes of groups within the last minute ended, whatever came of them.
  std::deque<Instant> group_writes;

  RotationEntry* find(RotationId id) {
    const auto it = rotations.find(id);
    return it == rotations.end() ? nullptr : &it->second;
  }
  ScheduleEntry* find(const ScheduleRef& ref) {
    const auto it = schedules.find(ref);
    return it == schedules.end() ? nullptr : &it->second;
  }
  /// The schedules' states of a rotation, in the order of its schedules; null where there is none yet.
  std::vector<const ScheduleState*> schedule_states_of(const Rotation& rotation) {
    std::vector<const ScheduleState*> states;
    for (const auto& schedule : rotation.schedules) {
      const auto* entry = find(schedule.ref);
      states.push_back(entry ? &entry->state : nullptr);
    }
    return states;
  }
};

}  // namespace watchbill::engine
