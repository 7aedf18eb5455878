#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "store/store.hpp"

namespace watchbill::engine {

/// Name under which the moments of the last minute's group writes are stored.
inline constexpr const char* kGroupWrites = "group_writes";
std::string group_writes_text(const std::deque<Instant>& writes);
/// What cannot be read is no write.
std::vector<Instant> parse_group_writes(const std::string& text);

/// What the decider tells the others after a decision is on disk.
class DecisionListener {
 public:
  virtual ~DecisionListener() = default;
  /// Groups are to be written.
  virtual void on_writes_queued() = 0;
  /// The open rows of the outbox changed.
  virtual void on_outbox_changed() = 0;
  /// Somebody on call has not been looked up in Slack yet.
  virtual void on_people_pending() = 0;
  /// Look at these rotations again at `at`.
  virtual void decide_again_at(std::vector<RotationId> rotations, Instant at) = 0;
};

/// Stores what is known of these schedules. Those whose connection is not there (any more) have nothing to
/// remember.
Result<void> put_schedule_states(store::Store& store, const std::vector<ScheduleEntry*>& schedules);

/// Turns what is known into decisions: makes plans, records what changed in one transaction (T1), together
/// with what it stands on, and queues the writes. It does no network I/O.
class Decider {
 public:
  /// `random_key` makes the keys of announcements.
  Decider(Model& model, store::Store& store, const Matcher& matcher, DecisionListener& listener,
          std::function<std::string()> random_key);

  /// Decides these rotations at `now`, all in one transaction. An error means that nothing was recorded: call
  /// again. `write_anyway` queues the writes of handoffs although they cannot be recorded (a store that has
  /// been blocked for too long); history and announcements follow when it works again.
  /// True if something was recorded.
  Result<bool> decide(const std::vector<RotationId>& rotations, Moment now, bool write_anyway = false);

  /// T2: the group is what it should be. Closes the open changes and confirms the announcements.
  Result<void> group_is_right(RotationEntry& entry, Instant now);
  /// A write that was refused is about to be tried again: an error means that it must not be yet.
  Result<void> write_again(RotationEntry& entry);
  /// A write was refused until a person acts: closes the open changes with the code. If it works later, that
  /// is a change of its own.
  Result<void> write_refused(RotationEntry& entry, const Error& error);
  /// The sources have confirmed the last boundary: announcements need not wait for them any more.
  Result<void> source_confirmed(RotationEntry& entry);

  /// The open announcements, by id.
  [[nodiscard]] std::map<OutboxId, OutboxRow>& outbox() { return outbox_; }
  /// Reads the open announcements and changes from the store: once, at the start.
  Result<void> load(Instant now);
  /// Writes a row of the outbox and keeps the memory equal to it.
  Result<void> put(OutboxRow row);

 private:
  struct Stage;
  Stage plan_one(RotationEntry& entry, Moment now) const;
  void plan_change(Stage& stage, Instant now) const;
  static void explain(const Stage& stage, Change& change);
  [[nodiscard]] std::map<ChannelId, OutboxRow> latest_rows(const Rotation& rotation) const;
  void plan_announcements(Stage& stage, Instant now) const;
  void plan_drift(Stage& stage, Moment now) const;
  void correct_announcements(Stage& stage) const;
  bool resume_refused(Stage& stage) const;
  /// Whoever is going to be put into the group stands in the ledger before the write.
  static void keep_ledger(Stage& stage);
  /// True if the stage has something to record.
  static bool records(const Stage& stage);
  /// The schedules that those of the stages which are recorded stand on, as far as what was answered about
  /// them is not stored yet.
  [[nodiscard]] std::vector<ScheduleEntry*> evidence_of(const std::vector<Stage>& stages) const;
  /// T1.
  Result<void> record_all(std::vector<Stage>& stages);
  Result<void> record(Stage& stage);
  void commit(Stage& stage, Moment now);
  static void note_unknown(RotationEntry& entry, Instant now);
  void note_undecided(const Stage& stage, Instant now) const;
  static void note_contest(const Stage& stage, SteadyInstant now);
  void queue_write(RotationEntry& entry, const Stage& stage, Moment now);
  Result<void> note_group_writes();
  /// The change of this stage is most likely known to people: the daemon before the restore announced it.
  static bool happened_before_restore(const Stage& stage);
  [[nodiscard]] bool confirms(const Rotation& rotation, Instant boundary) const;
  [[nodiscard]] bool all_answered_since(const Rotation& rotation, Instant since) const;
  /// When the change of people that was foreseen happened; nothing if it was not foreseen.
  [[nodiscard]] std::optional<Instant> foreseen_moment(const RotationEntry& entry, Instant now) const;

  Model& model_;
  store::Store& store_;
  const Matcher& matcher_;
  DecisionListener& listener_;
  std::function<std::string()> random_key_;
  std::map<OutboxId, OutboxRow> outbox_;
};

}  // namespace watchbill::engine
