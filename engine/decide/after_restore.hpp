#pragma once

#include <optional>

#include "base/time.hpp"
#include "core/history.hpp"
#include "engine/journal/journal.hpp"

namespace watchbill::engine {

/// What is remembered of a restore from backup.
struct RestoreMarks {
  std::optional<Instant> restored{};  ///< when; nothing if the store was not restored
  std::optional<Instant> backup{};    ///< when the backup was made
  std::optional<Instant> started{};
  std::optional<Instant> passed{};
};
Result<RestoreMarks> read_restore_marks(store::Store& store);

/// The aftermath of a restore from backup (store/backup.hpp): until the first complete pass what had changed
/// is not announced, and people hear for an hour since when announcements cannot be vouched for. What of it
/// is over survives a restart.
class AfterRestore {
 public:
  explicit AfterRestore(Journal& journal) : journal_(journal) {}

  /// At the engine's start.
  void load(const RestoreMarks& marks, Instant now);
  /// True until the first complete pass after the restore.
  [[nodiscard]] bool catching_up() const { return started_ && !passed_; }
  /// A pass is complete. Cheap when there was no restore.
  void on_pass(Instant now);
  /// What people should know; nothing when it is over.
  std::optional<Problem> problem(Instant now);

 private:
  void write(const char* key, std::optional<Instant> at);

  Journal& journal_;
  std::optional<Instant> backup_;
  std::optional<Instant> started_;  ///< the first start after the restore
  std::optional<Instant> passed_;
};

}  // namespace watchbill::engine
