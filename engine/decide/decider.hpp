#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "engine/decide/late_handoffs.hpp"
#include "engine/journal/journal.hpp"
#include "engine/model.hpp"

namespace watchbill::engine {

struct Remembered;

/// Name under which the moments of the last minute's group writes are stored.
inline constexpr const char* kGroupWrites = "group_writes";
std::string group_writes_text(const std::deque<Instant>& writes);
/// What cannot be read is no write.
std::vector<Instant> parse_group_writes(const std::string& text);

/// What the decider tells the others after a decision.
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

/// Turns what is known into decisions: makes plans, applies them to what is remembered, appends what changed
/// to the journal as one commit (T1), together with what it stands on, and queues the writes. It does no I/O.
class Decider {
 public:
  /// `random_key` makes the keys of announcements.
  Decider(Model& model, Journal& journal, const Matcher& matcher, DecisionListener& listener,
          std::function<std::string()> random_key);

  /// Decides these rotations at `now`, all in one commit.
  void decide(const std::vector<RotationId>& rotations, Moment now);

  /// T2: the group is what it should be. Closes the open changes and confirms the announcements.
  void group_is_right(RotationEntry& entry, Instant now);
  /// A write that was refused is about to be tried again: what it puts into the group is noted before.
  void write_again(RotationEntry& entry);
  /// A write was refused until a person acts: closes the open changes with the code. If it works later, that
  /// is a change of its own.
  void write_refused(RotationEntry& entry, const Error& error);
  /// The sources have confirmed the last boundary: announcements need not wait for them any more.
  void source_confirmed(RotationEntry& entry);

  /// The open announcements, by id.
  [[nodiscard]] std::map<OutboxId, OutboxRow>& outbox() { return outbox_; }
  /// Takes over announcements and changes: once, at the start.
  void load(Remembered& remembered, Instant now);
  /// The last announcement of a rotation in that channel, told or not; none if there is none.
  [[nodiscard]] const OutboxRow* last_announcement(RotationId rotation, const ChannelId& channel) const;
  [[nodiscard]] const LateHandoffs& late_handoffs() const { return late_handoffs_; }
  /// Writes a row of the outbox and keeps the memory equal to it.
  Seq put(OutboxRow row, Pace pace);
  /// The rotation is gone, with its announcements.
  void forget(RotationId rotation);

 private:
  struct Stage;
  Stage plan_one(RotationEntry& entry, Moment now) const;
  void plan_change(Stage& stage, Instant now) const;
  static void explain(const Stage& stage, Change& change);
  void plan_announcements(Stage& stage, Instant now) const;
  void plan_drift(Stage& stage, Moment now) const;
  void correct_announcements(Stage& stage) const;
  bool resume_refused(Stage& stage) const;
  /// Whoever is going to be put into the group stands in the ledger before the write.
  static void keep_ledger(Stage& stage);
  /// True if the stage has something to record.
  static bool records(const Stage& stage);
  /// What a stage changes, for the journal; gives the ids.
  void add_to(store::Commit& commit, Stage& stage);
  /// What the stages that are recorded stand on, as far as it was answered since it was stored.
  void add_evidence(store::Commit& commit, const std::vector<Stage>& stages) const;
  void apply(Stage& stage, Moment now);
  /// Keeps the memory of announcements equal to a row that is recorded.
  void remember(OutboxRow row);
  void load_rows(Remembered& remembered, Instant now);
  void load_changes(Remembered& remembered);
  static void note_unknown(RotationEntry& entry, Instant now);
  void note_undecided(const Stage& stage, Instant now) const;
  static void note_contest(const Stage& stage, SteadyInstant now);
  void queue_write(RotationEntry& entry, const Stage& stage, Moment now);
  /// With what a write led to: it costs no commit of its own.
  void add_group_writes(store::Commit& commit) const;
  /// An announcement of the rotation is about to leave.
  [[nodiscard]] bool announces_now(RotationId rotation) const;
  /// The change of this stage is most likely known to people: the daemon before the restore announced it.
  static bool happened_before_restore(const Stage& stage);
  [[nodiscard]] bool confirms(const Rotation& rotation, Instant boundary) const;
  [[nodiscard]] bool all_answered_since(const Rotation& rotation, Instant since) const;
  /// When the change of people that was foreseen happened; nothing if it was not foreseen.
  [[nodiscard]] std::optional<Instant> foreseen_moment(const RotationEntry& entry, Instant now) const;

  Model& model_;
  Journal& journal_;
  const Matcher& matcher_;
  DecisionListener& listener_;
  std::function<std::string()> random_key_;
  std::map<OutboxId, OutboxRow> outbox_;
  /// The latest announcement of each channel, told or not.
  std::map<RotationId, std::map<ChannelId, OutboxRow>> latest_;
  LateHandoffs late_handoffs_;
};

}  // namespace watchbill::engine
