#include "slack/api/scopes.hpp"

#include <algorithm>
#include <array>

namespace watchbill::slack {

namespace {

/// Which features need a row.
enum class For {
  always,
  app,          ///< Slack reaches us
  bot_writes,   ///< groups are written with the bot's token
  user_writes,  ///< groups are written with a user's token
  probe,        ///< history_probe
};

struct ScopeRow {
  For needed_for;
  ScopeNeed need;
};

constexpr std::array<ScopeRow, 12> kScopeTable{{
    {For::probe, {"channels:history", "to find our own message again in a public channel after a crash"}},
    {For::probe,
     {"channels:join", "to join the public channels that are announced in, whose history is read"}},
    {For::always, {"channels:read", "to find public channels by name, and to see if they are archived"}},
    {For::always, {"chat:write", "to announce handoffs, and to tell problems"}},
    {For::app, {"commands", "for the slash command"}},
    {For::probe, {"groups:history", "to find it in a private channel"}},
    {For::always, {"groups:read", "to see the private channels that the bot was invited to"}},
    {For::always, {"usergroups:read", "to see who is in the user groups"}},
    {For::bot_writes, {"usergroups:write", "to put who is on call into the user groups, and to create them"}},
    {For::always, {"users:read", "to see who is deactivated, a guest or a workspace admin"}},
    {For::always, {"users:read.email", "to find people on call by their e-mail address"}},
    {For::user_writes, {"usergroups:write", "to write user groups as a person who may edit them"}},
}};

std::vector<ScopeNeed> rows_for(std::initializer_list<For> wanted) {
  std::vector<ScopeNeed> needs;
  for (const auto& [needed_for, need] : kScopeTable) {
    if (std::find(wanted.begin(), wanted.end(), needed_for) != wanted.end()) needs.push_back(need);
  }
  return needs;
}

}  // namespace

std::vector<ScopeNeed> bot_scopes(const Features& features) {
  const auto writes = features.user_token ? For::always : For::bot_writes;
  return rows_for({For::always, writes, features.history_probe ? For::probe : For::always,
                   features.app ? For::app : For::always});
}

std::vector<ScopeNeed> user_scopes(const Features& features) {
  return features.user_token ? rows_for({For::user_writes}) : std::vector<ScopeNeed>{};
}

std::vector<ScopeNeed> missing_scopes(const std::vector<ScopeNeed>& needed,
                                      const std::vector<std::string>& present) {
  std::vector<ScopeNeed> missing;
  for (const auto& need : needed) {
    if (std::find(present.begin(), present.end(), need.scope) == present.end()) missing.push_back(need);
  }
  return missing;
}

std::vector<std::string> needless_scopes(const std::vector<ScopeNeed>& needed,
                                         const std::vector<std::string>& present) {
  std::vector<std::string> more;
  for (const auto& scope : present) {
    const auto same = [&](const ScopeNeed& need) { return need.scope == scope; };
    if (std::none_of(needed.begin(), needed.end(), same)) more.push_back(scope);
  }
  return more;
}

}  // namespace watchbill::slack
