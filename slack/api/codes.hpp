#pragma once

#include <string_view>

#include "base/result.hpp"

namespace watchbill::slack {

/// What one of Slack's error codes means to us.
struct CodeMeaning {
  std::string_view code;
  ErrorKind kind;
  /// What happened, as a sentence fragment. `{token}` stands for "bot token" or "user token".
  std::string_view what;
  /// What to do about it; empty if there is nothing but waiting. `{file}` stands for the configuration key
  /// that names the token's file.
  std::string_view fix{};
  /// The call may have taken effect all the same.
  bool maybe_done = false;
};

/// The row of the table, or null for a code that we do not know: Slack adds codes without notice.
/// `restricted_action_…` all count as `restricted_action`.
const CodeMeaning* find_code(std::string_view code);

}  // namespace watchbill::slack
