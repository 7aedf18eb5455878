#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "core/announce/announcement.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;
using namespace watchbill::config;
using namespace watchbill::test;

namespace {

/// The rows of all tables whose first cell is code.
std::vector<std::string> rows_of(const std::string& document) {
  std::vector<std::string> rows;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| `")) rows.push_back(line);
  }
  return rows;
}

}  // namespace

TEST_CASE("docs/configuration.md lists exactly the keys, types, defaults and meanings of the code") {
  std::vector<std::string> expected;
  for (const auto& key : keys())
    expected.push_back(
        fmt::format("| `{}` | {} | `{}` | {} |", key.path, key.type, key.fallback, key.meaning));
  CHECK(rows_of(project_text("docs/configuration.md")) == expected);
}

TEST_CASE("docs/templates.md lists exactly the variables of the code") {
  constexpr std::string_view kinds[] = {"text", "markup", "flag", "list"};
  std::vector<std::string> expected;
  for (const auto& variable : announcement_vocabulary()) {
    // The four lists of people have the same names within: the document has them once.
    const auto& list = variable.list;
    if (list == "incoming" || list == "outgoing" || list == "staying") continue;
    const auto where = list.empty() ? "everywhere" : list == "next" ? "`next`" : "lists of people";
    expected.push_back(fmt::format("| `{}` | {} | {} | {} |", variable.name,
                                   kinds[static_cast<std::size_t>(variable.kind)], where, variable.meaning));
  }
  CHECK(rows_of(project_text("docs/templates.md")) == expected);
}

TEST_CASE("the examples of docs/templates.md are good templates") {
  const auto document = project_text("docs/templates.md");
  const std::string fence = "```mustache\n";
  std::size_t examples = 0;
  for (auto at = document.find(fence); at != std::string::npos; at = document.find(fence, at)) {
    at += fence.size();
    const auto text = document.substr(at, document.find("```", at) - at);
    INFO(text);
    const auto good = check_announcement_template(text);
    CHECK((good ? "" : good.error().message) == "");
    ++examples;
  }
  CHECK(examples >= 3);
}

TEST_CASE("packaging/watchbill.yaml loads as it is, and with everything that it comments out") {
  const auto none = [](const std::string&) { return std::optional<std::string>{}; };
  const auto as_it_is = load({project_file("packaging/watchbill.yaml"), none, {}});
  CHECK((as_it_is ? "" : as_it_is.error().message) == "");

  // "#key: value" is commented out; "# words" is a comment.
  std::istringstream lines(project_text("packaging/watchbill.yaml"));
  std::string everything;
  for (std::string line; std::getline(lines, line);) {
    const auto hash = line.find_first_not_of(' ');
    const bool commented_out =
        hash != std::string::npos && line[hash] == '#' && hash + 1 < line.size() && line[hash + 1] != ' ';
    if (commented_out) line.erase(hash, 1);
    everything += line + "\n";
  }
  const auto path = std::filesystem::temp_directory_path() / "watchbill-packaged-example.yaml";
  std::ofstream(path) << everything;
  const auto config = load({path, none, {}});
  std::filesystem::remove(path);
  CHECK((config ? "" : config.error().message) == "");
  for (const auto& key : keys()) {
    INFO(key.path);
    const auto name = key.path.substr(key.path.rfind('.') + 1);
    CHECK(everything.find(std::string(name) + ":") != std::string::npos);
  }
}
