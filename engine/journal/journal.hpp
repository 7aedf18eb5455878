#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "net/loop.hpp"
#include "store/async_store.hpp"
#include "store/commit.hpp"
#include "store/lease.hpp"

namespace watchbill::engine {

/// The place of a commit among those of this run, from 1.
using Seq = std::int64_t;

/// When a commit is recorded.
enum class Pace {
  now,        ///< at once, and on disk: somebody waits for it
  with_next,  ///< with the next one that is, at the latest with `Journal::hurry`: a restart finds it out
              ///< again
};

/// While the store cannot be written: it is tried again after this, and rarely after `kStorePatience`.
inline constexpr auto kStoreRetry = 100ms;
inline constexpr auto kStoreRetryLater = 1s;
/// After this without a record the writes of handoffs go on (docs/decisions/0009).
inline constexpr auto kStorePatience = 2s;

/// What the journal asks and tells, on the loop.
class JournalListener {
 public:
  virtual ~JournalListener() = default;
  /// A transaction is about to begin: what is worth recording, and waits for none, rides along.
  virtual void add_to_commit(store::Commit& commit) = 0;
  virtual void on_recorded() = 0;
  /// It will be tried again, as it is.
  virtual void on_not_recorded(const Error& error) = 0;
  /// Another process deleted these rotations, or gave them another group: what was decided of them is void.
  /// Called before those who wait are.
  virtual void on_refused(const std::set<RotationId>& rotations) = 0;
};

/// Where the journal of the run before ended.
struct JournalStart {
  store::CommitPlace last{};
  ChangeId last_change{};
  OutboxId last_row{};
};
Result<JournalStart> read_journal_start(store::Store& store);

/// What was decided, in the order in which it was, on its way to the store. Whoever decides applies it to
/// memory and appends it in the same turn of the loop; nothing outside is begun before `durable` returns.
/// Commits that wait share a transaction; one that fails is tried again as it is, and never twice recorded.
/// The loop's thread alone.
class Journal {
 public:
  /// `listener` may be none.
  Journal(net::Loop& loop, store::AsyncStore store, JournalListener* listener);
  /// Goes on from there, once.
  void start(const store::Lease& lease, const JournalStart& from);

  /// Ids that no row has, or ever had.
  ChangeId next_change() { return ChangeId{++last_change_.value}; }
  OutboxId next_row() { return OutboxId{++last_row_.value}; }

  Seq append(store::Commit commit, Pace pace);
  /// Records what waits, and what would ride along.
  void hurry();

  [[nodiscard]] bool is_durable(Seq seq) const { return seq <= durable_; }
  /// Returns when it is. Look again then whether the effect is still wanted.
  net::Task<void> durable(Seq seq);
  /// Returns when everything is recorded, or `patience` is over; true if it is.
  net::Task<bool> drain(milliseconds patience);
  /// Everything that was appended is recorded.
  [[nodiscard]] bool idle() const { return waiting_.empty() && !in_flight_ && !hurried_; }
  /// Since when somebody waits for a record; nothing if nobody does.
  [[nodiscard]] std::optional<SteadyInstant> waiting_since() const;
  /// Nothing that somebody waits for was recorded for `kStorePatience`.
  [[nodiscard]] bool overdue() const;

 private:
  struct Waiting {
    store::Commit commit;
    Pace pace;
    SteadyInstant since;
  };
  net::Task<void> run();
  /// All that waits, in one transaction; with what rides along, unless it failed before. False if it failed.
  net::Task<bool> record_waiting(bool again);
  void recorded(std::size_t count, bool on_disk);

  net::Loop& loop_;
  store::AsyncStore store_;
  JournalListener* listener_;
  std::int64_t epoch_ = 0;
  ChangeId last_change_;
  OutboxId last_row_;
  Seq last_ = 0;                 ///< of what was appended last
  Seq recorded_ = 0;             ///< up to here all is in the store
  Seq durable_ = 0;              ///< up to here all is on disk
  std::deque<Waiting> waiting_;  ///< from `recorded_` + 1 on
  std::size_t asked_ = 0;        ///< how many of those that wait are waited for
  bool hurried_ = false;
  bool in_flight_ = false;
  net::Signal appended_;
  net::Signal recorded_signal_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
