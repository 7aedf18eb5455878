#include "cli/manual/reference.hpp"

#include <set>

namespace watchbill::cli {

namespace {

constexpr std::string_view kBegin = "<!-- from --help: watchbill ";
constexpr std::string_view kBeginEnd = " -->\n";
constexpr std::string_view kEnd = "<!-- end -->";
/// docs/ is wrapped at this column.
constexpr std::size_t kColumns = 120;

/// A cell of a table: '|' would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string option_name(const OptionSpec& option) {
  auto name = "--" + option.name + (option.value.empty() ? "" : " " + option.value);
  return option.letter ? fmt::format("-{}, {}", option.letter, name) : name;
}

std::string part_of(const Command& command) {
  std::string out = command.summary + ".\n";
  if (!command.text.empty()) out += "\n" + wrapped(command.text, kColumns, 0) + "\n";
  if (!command.arguments.empty() || !command.options.empty()) {
    out += "\n| | |\n|---|---|\n";
    for (const auto& argument : command.arguments)
      out += fmt::format("| `{}`{} | {} |\n", cell(argument.name), argument.optional ? " (optional)" : "",
                         cell(argument.help));
    for (const auto& option : command.options)
      out += fmt::format("| `{}`{} | {} |\n", cell(option_name(option)),
                         option.many ? " (may be repeated)" : "", cell(option.help));
  }
  if (!command.examples.empty()) {
    out += "\n```\n";
    for (const auto& example : command.examples) out += "watchbill " + example + "\n";
    out += "```\n";
  }
  return out;
}

const Command* command_named(const std::vector<Command>& commands, std::string_view path) {
  for (const auto& command : commands) {
    if (command.path == path) return &command;
  }
  return nullptr;
}

}  // namespace

Result<std::string> renewed_reference(std::string_view document, const std::vector<Command>& commands) {
  std::string out;
  std::set<std::string, std::less<>> seen;
  while (true) {
    const auto begin = document.find(kBegin);
    const auto name_end = document.find(kBeginEnd, begin);
    const auto end = document.find(kEnd, begin);
    if (begin == std::string_view::npos) break;
    if (name_end == std::string_view::npos || end == std::string_view::npos || end < name_end)
      return fail(ErrorKind::invalid, "docs/cli.md: a part \"{}\" has no end", kBegin);
    const auto path = document.substr(begin + kBegin.size(), name_end - begin - kBegin.size());
    const auto* command = command_named(commands, path);
    if (command == nullptr)
      return fail(ErrorKind::not_found, "docs/cli.md is about `watchbill {}`: there is no such command",
                  path);
    seen.emplace(path);
    out += document.substr(0, name_end + kBeginEnd.size());
    out += part_of(*command);
    out += kEnd;
    document.remove_prefix(end + kEnd.size());
  }
  for (const auto& command : commands) {
    if (!seen.contains(command.path))
      return fail(ErrorKind::not_found,
                  "docs/cli.md says nothing of `watchbill {}`: give it a heading and the "
                  "lines `{}{}{}` and `{}`",
                  command.path, kBegin, command.path, kBeginEnd.substr(0, 4), kEnd);
  }
  out += document;
  return out;
}

}  // namespace watchbill::cli
