#include "cli/manual/complete.hpp"

#include "cli/commands/commands.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

std::vector<std::string> offered(const std::vector<std::string>& words) {
  static const auto commands = all_commands(nullptr);
  const auto found = complete(commands, words, [](Names kind) -> std::vector<Candidate> {
    switch (kind) {
      case Names::rotation:
        return {{"Payments"}, {"Pay & go"}, {"Search"}};
      case Names::connection:
        return {{"pd"}, {"og"}};
      case Names::schedule:
        return {{"pd/P1"}, {"og/S1"}};
      case Names::group:
        return {{"@payments-oncall"}};
    }
    return {};
  });
  std::vector<std::string> out;
  for (const auto& candidate : found.candidates) out.push_back(candidate.word);
  if (found.files) out.emplace_back(":files");
  return out;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("completion offers the words of commands, each once") {
  const auto first = offered({""});
  CHECK(contains(first, "rotation"));
  CHECK(std::count(first.begin(), first.end(), "rotation") == 1);
  CHECK(offered({"ro"}) == Words{"rotation"});
  CHECK(offered({"rotation", "cr"}) == Words{"create"});
  CHECK(offered({"--config", "x.yaml", "rotation", "cr"}) == Words{"create"});
  CHECK(offered({"nonsense", ""}).empty());
}

TEST_CASE("every option of every command is offered after a dash") {
  for (const auto& command : all_commands(nullptr)) {
    Words words;
    for (std::size_t at = 0; at <= command.path.size();) {
      const auto end = std::min(command.path.find(' ', at), command.path.size());
      words.push_back(command.path.substr(at, end - at));
      at = end + 1;
    }
    words.emplace_back("--");
    const auto found = offered(words);
    for (const auto& option : command.options) {
      INFO(command.path << " " << option.name);
      CHECK(contains(found, "--" + option.name));
    }
    CHECK(contains(found, "--format"));
  }
}

TEST_CASE("names from the store are offered where they can stand") {
  CHECK(offered({"rotation", "show", "Pa"}) == Words{"Payments", "Pay & go"});
  CHECK(offered({"rotation", "show", "Payments", ""}).empty());
  CHECK(offered({"rotation", "edit", "--channel", "#x", "Se"}) == Words{"Search"});
  CHECK(offered({"connection", "test", ""}) == Words{"pd", "og"});
  CHECK(offered({"connection", "add", "pagerduty", ""}).empty());
  CHECK(offered({"schedule", "list", "--connection", "p"}) == Words{"pd"});
  CHECK(offered({"rotation", "create", "new", "--schedule", "pd"}) == Words{"pd/P1"});
  CHECK(offered({"rotation", "create", "new", "--group", "@"}) == Words{"@payments-oncall"});
  CHECK(offered({"who", ""}) == Words{"Payments", "Pay & go", "Search", "@payments-oncall"});
}

TEST_CASE("values that are words, and files, are offered") {
  CHECK(offered({"rotation", "create", "--mode", ""}) == Words{"keep", "observe"});
  CHECK(offered({"status", "--format=j"}) == Words{"--format=json"});
  CHECK(offered({"connection", "add", "p"}) == Words{"pagerduty"});
  CHECK(offered({"backup", ""}) == Words{":files"});
  CHECK(offered({"--config", ""}) == Words{":files"});
  CHECK(offered({"apply", "-f", ""}) == Words{":files"});
  CHECK(offered({"rotation", "create", "--max-age", ""}).empty());
}
