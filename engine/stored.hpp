#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/decide/after_restore.hpp"
#include "engine/journal/journal.hpp"
#include "store/store.hpp"

/// What the engine reads of the store, as values: read in one piece, wherever the store may be waited for.
namespace watchbill::engine {

/// What people configured, and what is remembered of it.
struct Configured {
  std::int64_t generation = -1;  ///< nothing of it is older (`Store::generation`)
  std::vector<Rotation> rotations;
  std::vector<RotationRecord> records;
  std::vector<ScheduleState> schedules;
  std::vector<Deletion> deletions;
  std::vector<store::Mapping> mappings;
  std::vector<Connection> connections;
  std::vector<std::pair<std::string, store::ConnectionStatus>> statuses;  ///< of connections
};

/// `known`: schedules of which nothing is asked; without it all that is remembered of any is read.
Result<Configured> read_configured(store::Store& store, const std::optional<std::set<ScheduleRef>>& known);

/// Who changed these objects last, as the audit has it; what it does not know is left out.
Result<std::map<std::string, store::Actor>> read_editors(store::Store& store,
                                                         const std::set<std::string>& objects);

/// What an earlier run of the engine left.
struct Remembered {
  Configured configured;
  JournalStart journal;
  RestoreMarks restore;
  std::vector<store::CachedUser> users;
  /// The latest announcements of each rotation, newest first, and all that are open.
  std::map<RotationId, std::vector<OutboxRow>> announcements;
  std::vector<OutboxRow> open_announcements;
  std::vector<Change> open_changes;
  std::vector<Change> last_changes;  ///< one for each rotation that has changed
  std::vector<Change> handoffs;      ///< newest first, since a system fell silent that still is
  std::vector<store::OpenProblem> problems;
  std::vector<store::RotationStatus> statuses;
  std::string group_writes;  ///< as `group_writes_text` wrote it
};

Result<Remembered> read_remembered(store::Store& store);

}  // namespace watchbill::engine
