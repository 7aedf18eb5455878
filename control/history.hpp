#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "core/announce/outbox.hpp"
#include "core/history.hpp"

namespace watchbill::control {

/// One line of history: a change of a group, or of the configuration (then `audit` is set and `cause` is
/// "config").
struct HistoryEntry {
  Instant at;
  std::string rotation;
  GroupId group;
  std::string cause;
  std::vector<UserId> before{};
  std::vector<UserId> after{};
  std::optional<std::string> by{};      ///< none: Watchbill itself
  std::optional<std::string> result{};  ///< none: still open
  std::string note{};
  std::vector<OnCallPerson> said{};  ///< who was on call according to the sources
  std::optional<AuditEntry> audit{};
  std::vector<OutboxRow> announcements{};
};

struct HistoryQuestion {
  std::string rotation{};  ///< name, regardless of case; also the last name of a deleted one; empty: all
  std::optional<Instant> since{};
  std::optional<Instant> until{};
  std::size_t limit = 1000;  ///< of each: changes and audit entries
};

/// Newest first. `not_found` if history knows no such rotation.
Result<std::vector<HistoryEntry>> read_history(store::Store& store, const HistoryQuestion& question);

}  // namespace watchbill::control
