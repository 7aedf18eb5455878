#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace watchbill::store {

/// Which commit this is: the `seq`th of the holder of the lease that has this `epoch`. Both count from 1.
struct CommitPlace {
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
  bool operator==(const CommitPlace&) const = default;
};

/// Everything that one decision, or one step of carrying it out, changed: a value, which is recorded whole or
/// not at all, and again as it is if nobody knows whether it was. Ids are given before, never by the
/// database.
struct Commit {
  /// A change that was open has this result.
  struct Closing {
    ChangeId change;
    std::string result;
  };
  /// What is remembered of a rotation as long as it has this group.
  struct Record {
    RotationRecord record;
    GroupId group;
  };

  std::vector<Closing> closings{};
  std::vector<Change> changes{};
  std::vector<Record> records{};
  std::vector<ScheduleRef> forgotten_schedules{};  ///< no rotation uses them any more
  std::vector<ScheduleState> evidence{};
  std::vector<OutboxRow> new_rows{};
  std::vector<OutboxRow> rows{};
  std::vector<RotationStatus> statuses{};
  std::vector<GroupSnapshot> groups{};
  std::vector<std::pair<std::string, ConnectionStatus>> connections{};
  std::vector<OpenProblem> problems{};
  std::vector<std::string> told_problems{};  ///< keys of those that are over, and told
  std::optional<std::vector<Unmatched>> unmatched{};
  std::vector<CachedUser> users{};
  std::vector<Deletion> ended_deletions{};
  std::map<std::string, std::string> meta{};

  [[nodiscard]] bool empty() const;
};

/// How a transaction of commits is written.
enum class Durability {
  disk,     ///< its end waits for the disk: nothing of it is lost
  process,  ///< `kill -9` loses nothing of it, a power failure may (`Store::relaxed_transaction`)
};

/// The place of the last commit that was recorded; zeros if none was.
Result<CommitPlace> last_commit(Store& store);

/// Records commits in one transaction; `first` is the place of the first of them, the others follow it. Those
/// that are recorded already (the answer was lost) are left out. An error means that nothing of them is
/// recorded, as far as that is known. What belongs to a rotation that another process deleted, or gave
/// another group, is refused for good: these rotations are returned, and the rest is recorded. What tells of
/// a connection that was removed is dropped.
Result<std::set<RotationId>> record(Store& store, CommitPlace first, const std::vector<Commit>& commits,
                                    Durability durability);

}  // namespace watchbill::store
