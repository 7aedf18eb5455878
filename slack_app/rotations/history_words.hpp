#pragma once

#include <string>
#include <vector>

#include "control/history.hpp"

/// A rotation's history as people read it in Slack.
namespace watchbill::slack_app {

/// The names of the fields that an edit changed: "channels", "nobody on call".
std::vector<std::string> changed_fields(const AuditEntry& audit);

/// One line of a rotation's history.
struct HistoryLine {
  Instant at;
  std::string cause;                 ///< "handoff"
  std::vector<std::string> added{};  ///< mrkdwn
  std::vector<std::string> removed{};
  std::string by{};         ///< mrkdwn; empty: Watchbill itself
  std::string result{};     ///< where it is not simply done
  std::string note{};       ///< plain text
  std::string announced{};  ///< mrkdwn
};
struct HistoryModel {
  std::string rotation;
  std::vector<HistoryLine> lines{};  ///< newest first
  bool more = false;                 ///< there are older ones
};
/// The newest `limit` lines; the name may be that of a deleted rotation.
Result<HistoryModel> history_of(store::Store& store, const std::string& rotation, std::size_t limit);

/// One line as mrkdwn: when, what, who came and went, by whom, what came of it.
std::string history_text(const HistoryLine& line);

}  // namespace watchbill::slack_app
