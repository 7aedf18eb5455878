#include "slack/api/scopes.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace watchbill::slack;

namespace {

std::vector<std::string> names(const std::vector<ScopeNeed>& needs) {
  std::vector<std::string> out;
  for (const auto& need : needs) {
    CHECK_FALSE(need.why.empty());
    out.emplace_back(need.scope);
  }
  return out;
}

}  // namespace

TEST_CASE("the bot asks for no more than its features need") {
  CHECK(names(bot_scopes({})) ==
        std::vector<std::string>{"channels:read", "chat:write", "commands", "groups:read", "usergroups:read",
                                 "usergroups:write", "users:read", "users:read.email"});
  CHECK(user_scopes({}).empty());
}

TEST_CASE("history scopes and joining come with history_probe alone") {
  const auto with = names(bot_scopes({true, false}));
  const auto without = names(bot_scopes({}));
  std::vector<std::string> more;
  std::set_difference(with.begin(), with.end(), without.begin(), without.end(), std::back_inserter(more));
  CHECK(more == std::vector<std::string>{"channels:history", "channels:join", "groups:history"});
}

TEST_CASE("with a person's token the bot may not write groups, and the person's may do nothing else") {
  const auto bot = names(bot_scopes({false, true}));
  CHECK(std::find(bot.begin(), bot.end(), "usergroups:write") == bot.end());
  CHECK(names(user_scopes({false, true})) == std::vector<std::string>{"usergroups:write"});
}

TEST_CASE("what is missing and what is more than needed is told") {
  const auto needed = bot_scopes({});
  std::vector<std::string> present = names(needed);
  CHECK(missing_scopes(needed, present).empty());
  CHECK(needless_scopes(needed, present).empty());
  present.erase(std::find(present.begin(), present.end(), "groups:read"));
  present.emplace_back("im:write");
  REQUIRE(missing_scopes(needed, present).size() == 1);
  CHECK(missing_scopes(needed, present)[0].scope == "groups:read");
  CHECK(needless_scopes(needed, present) == std::vector<std::string>{"im:write"});
}

TEST_CASE("where Slack does not reach us no command can come, and none is asked for") {
  Features features;
  features.app = false;
  const auto without = bot_scopes(features);
  CHECK(without.size() + 1 == bot_scopes({}).size());
  CHECK(missing_scopes(bot_scopes({}), names(without)).front().scope == "commands");
}
