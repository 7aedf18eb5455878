#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Which of Slack's scopes Watchbill needs, and why: the one table behind `watchbill slack manifest` and
/// `watchbill doctor`. Facts: `docs.slack.dev/reference/methods/…`, the scopes of the methods that we call.
namespace watchbill::slack {

/// What an installation uses of Slack.
struct Features {
  /// `slack.history_probe`: after a crash, find our own messages again in the channels' history.
  bool history_probe = false;
  /// Groups are written with a user's token (`slack.user_token_file`), not with the bot's.
  bool user_token = false;
  /// Slack reaches us: there is a home tab and a command. (A manifest always prepares that.)
  bool app = true;
};

struct ScopeNeed {
  std::string_view scope;  ///< "usergroups:read"
  std::string_view why;    ///< "to read user groups with their members"
};

/// What the bot's token needs, sorted by scope.
std::vector<ScopeNeed> bot_scopes(const Features& features);
/// What the user's token needs; empty if none is used.
std::vector<ScopeNeed> user_scopes(const Features& features);

/// Those of `needed` that are not among `present`.
std::vector<ScopeNeed> missing_scopes(const std::vector<ScopeNeed>& needed,
                                      const std::vector<std::string>& present);
/// Those of `present` that nothing here needs: more than the least.
std::vector<std::string> needless_scopes(const std::vector<ScopeNeed>& needed,
                                         const std::vector<std::string>& present);

}  // namespace watchbill::slack
