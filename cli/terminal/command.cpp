#include "cli/terminal/command.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include "base/build.hpp"
#include "cli/manual/complete.hpp"
#include "cli/session.hpp"
#include "cli/terminal/credential.hpp"
#include "providers/provider.hpp"

namespace watchbill::cli {

namespace {

/// Where help wraps when it is not cut by a terminal.
constexpr std::size_t kPage = 96;

std::string usage_line(const Command& command) {
  std::string line = "watchbill " + command.path;
  for (const auto& argument : command.arguments) {
    line += argument.optional ? fmt::format(" [{}]", argument.name) : " " + argument.name;
  }
  return line + " [options]";
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out += wrapped(text.substr(0, end), kPage, 0) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string described(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t width = 0;
  for (const auto& [name, help] : rows) width = std::max(width, name.size());
  width = std::min<std::size_t>(width, 34);
  std::string out;
  for (const auto& [name, help] : rows) {
    out += "  " + name;
    if (name.size() > width) {
      out += "\n" + std::string(width + 4, ' ');
    } else {
      out += std::string(width - name.size() + 2, ' ');
    }
    out += wrapped(help, kPage, width + 4) + "\n";
  }
  return out;
}

std::pair<std::string, std::string> row_of(const OptionSpec& option) {
  auto name = option.letter ? fmt::format("-{}, ", option.letter) : std::string();
  name += "--" + option.name + (option.value.empty() ? "" : " " + option.value);
  return {name, option.help + (option.many ? " (may be repeated)" : "")};
}

std::string global_help() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& option : global_options()) rows.push_back(row_of(option));
  return "Options of every command:\n" + described(rows);
}

int show_help(const std::vector<Command>& commands, const Parsed& parsed, Io& io) {
  io.out << (parsed.command ? help_of(*parsed.command) : help_of_all(commands, parsed.help_for));
  return kDone;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (column > indent && column + word.size() + 1 > columns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string Invocation::argument(std::string_view name) const {
  const auto found = arguments_.find(name);
  return found == arguments_.end() ? "" : found->second;
}

std::optional<std::string> Invocation::value(std::string_view option) const {
  const auto found = options_.find(option);
  if (found == options_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::string Invocation::value_or(std::string_view option, std::string_view fallback) const {
  return value(option).value_or(std::string(fallback));
}

std::vector<std::string> Invocation::values(std::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? std::vector<std::string>{} : found->second;
}

const std::vector<OptionSpec>& global_options() {
  static const std::vector<OptionSpec> options{
      {"config", "FILE",
       "configuration file (default: $WATCHBILL_CONFIG, else /etc/watchbill/watchbill.yaml if it exists)"},
      {"store", "FILE", "database, instead of the configuration's; its key file is then \"key\" beside it"},
      {"format", "table|json", "how to print: for people (default) or for programs"},
      {"yes", "", "do not ask before changes that are hard to undo"},
      {"help", "", "explain the command"},
      {"version", "", "print the version"}};
  return options;
}

std::string help_of(const Command& command) {
  std::string out = fmt::format("{}\n\nUsage: {}\n", command.summary, usage_line(command));
  if (!command.text.empty()) out += "\n" + paragraphs(command.text);
  if (!command.arguments.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& argument : command.arguments) rows.emplace_back(argument.name, argument.help);
    out += "\nArguments:\n" + described(rows);
  }
  if (!command.options.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& option : command.options) rows.push_back(row_of(option));
    out += "\nOptions:\n" + described(rows);
  }
  out += "\n" + global_help();
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    for (const auto& example : command.examples) out += "  watchbill " + example + "\n";
  }
  return out;
}

std::string help_of_all(const std::vector<Command>& commands, const std::string& group) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& command : commands) {
    if (group.empty() || command.path.starts_with(group + " "))
      rows.emplace_back(command.path, command.summary);
  }
  std::string out = group.empty()
                        ? "Watchbill keeps Slack user groups equal to who is on call.\n\n"
                          "Usage: watchbill COMMAND [options]\n\nCommands:\n"
                        : fmt::format("Usage: watchbill {} COMMAND [options]\n\nCommands:\n", group);
  out += described(rows) + "\n" + global_help();
  if (group.empty()) {
    out += "\nFirst steps:\n  watchbill " + providers::adapters().front().examples.front() + "\n";
    out +=
        "  watchbill schedule list\n"
        "  watchbill rotation create payments --group @payments-oncall --schedule pd/PSCHED1\n"
        "  watchbill status\n"
        "\n`watchbill COMMAND --help` explains a command. Exit codes: 0 done, 1 failed, 2 usage, 3 not "
        "found,\n"
        "4 conflict, 5 not allowed.\n";
  }
  return out;
}

int run(const std::vector<Command>& commands, const std::vector<std::string>& args, Io& io) {
  if (!args.empty() && args.front() == kCompleteWord)
    return run_completion(commands, {args.begin() + 1, args.end()}, io);
  auto parsed = parse(commands, args);
  if (!parsed) return report(io, without_credentials(parsed.error(), args));
  int code = kDone;
  if (parsed->kind == Parsed::Kind::version) {
    io.out << fmt::format("watchbill {} (commit {}, schema {})\n", version(), build_commit(),
                          store::schema_version());
  } else if (parsed->kind == Parsed::Kind::help) {
    code = show_help(commands, *parsed, io);
  } else {
    Session session(parsed->globals, io);
    auto done = parsed->command->run(session, parsed->invocation);
    code = done ? *done : report(io, without_credentials(done.error(), args));
  }
  io.out.flush();
  // Nobody reads any more, or the disk is full: what was done is done, but not told.
  return io.out.good() || code != kDone ? code : static_cast<int>(kFailed);
}

std::string_view version() {
  return WATCHBILL_VERSION;
}

}  // namespace watchbill::cli
