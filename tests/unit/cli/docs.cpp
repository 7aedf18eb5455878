#include "base/json.hpp"
#include "cli/commands/commands.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

/// The part between the command's heading, which may be that of others, too, and the next.
std::string section_of(const std::string& text, const std::string& path) {
  auto start = text.find("`watchbill " + path);
  while (start != std::string::npos && text[text.rfind('\n', start) + 1] != '#')
    start = text.find("`watchbill " + path, start + 1);
  if (start == std::string::npos) return {};
  const auto end = text.find("\n##", start);
  return text.substr(start, end == std::string::npos ? end : end - start);
}

}  // namespace

TEST_CASE("docs/cli.md has a heading for every command, and below it every option and argument") {
  const auto text = test::project_text("docs/cli.md");
  for (const auto& command : all_commands(nullptr)) {
    INFO(command.path);
    auto section = section_of(text, command.path);
    REQUIRE_FALSE(section.empty());
    // These two say "the same options" and name only their own.
    if (command.path == "connection update") section += section_of(text, "connection add");
    if (command.path == "rotation edit") section += section_of(text, "rotation create");
    for (const auto& option : command.options) {
      INFO(option.name);
      CHECK(section.find("--" + option.name) != std::string::npos);
    }
    for (const auto& argument : command.arguments) {
      INFO(argument.name);
      CHECK(section.find(argument.name) != std::string::npos);
    }
  }
}

TEST_CASE("docs/cli.md names the options of every command") {
  const auto text = test::project_text("docs/cli.md");
  for (const auto& option : global_options()) CHECK(text.find("`--" + option.name) != std::string::npos);
}

TEST_CASE("docs/cli.md names no option that does not exist") {
  const auto text = test::project_text("docs/cli.md");
  std::string known = " ";
  for (const auto& option : global_options()) known += "--" + option.name + " ";
  for (const auto& command : all_commands(nullptr)) {
    for (const auto& option : command.options) known += "--" + option.name + " ";
  }
  for (auto at = text.find("`--"); at != std::string::npos; at = text.find("`--", at + 1)) {
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 1);
    const auto name = text.substr(at + 1, end - at - 1);
    INFO(name);
    CHECK(known.find(" " + name + " ") != std::string::npos);
  }
}

TEST_CASE("the JSON examples of docs/cli.md are JSON") {
  const auto text = test::project_text("docs/cli.md");
  std::size_t examples = 0;
  for (auto at = text.find("```json\n"); at != std::string::npos; at = text.find("```json\n", at + 1)) {
    const auto start = at + 8;
    const auto example = text.substr(start, text.find("```", start) - start);
    INFO(example);
    CHECK(json::parse(example));
    ++examples;
  }
  CHECK(examples > 10);
}
