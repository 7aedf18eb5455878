#include <algorithm>

#include "cli/manual/reference.hpp"
#include "config/daemon_options.hpp"
#include "config/keys.hpp"

namespace watchbill::cli {

namespace {

/// Text for roff (groff_man(7)): what it would take for a request or an escape is quoted, and `code` is bold.
std::string roff(std::string_view text) {
  std::string out;
  bool bold = false;
  for (const char c : text) {
    const bool line_start = out.empty() || out.back() == '\n';
    if (c == '`') {
      out += bold ? "\\fR" : "\\fB";
      bold = !bold;
      continue;
    }
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  // groff takes Latin-1 where nobody converts for it.
  constexpr std::string_view kDots = "…";
  for (auto at = out.find(kDots); at != std::string::npos; at = out.find(kDots, at))
    out.replace(at, kDots.size(), "\\[u2026]");
  return out;
}

/// An argument of a macro, in quotes.
std::string roff_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : roff(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return out + "\"";
}

std::string page_head(std::string_view title, int section, std::string_view what, const ManualInfo& info) {
  std::string upper(title);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return fmt::format(".TH {} {} {} {} \"Watchbill\"\n.SH NAME\n{} \\- {}\n", roff_quoted(upper), section,
                     fmt::format("\"{}\"", info.date), roff_quoted("watchbill " + info.version), roff(title),
                     roff(what));
}

std::string described(std::string_view term, std::string_view help) {
  return fmt::format(".TP\n.B {}\n{}\n", roff_quoted(term), roff(help));
}

std::string option_term(const OptionSpec& option) {
  auto term = "--" + option.name + (option.value.empty() ? "" : " " + option.value);
  return option.letter ? fmt::format("-{}, {}", option.letter, term) : term;
}

std::string commands_options(const std::vector<OptionSpec>& options) {
  std::string out;
  for (const auto& option : options)
    out += described(option_term(option), option.help + (option.many ? " (may be repeated)" : ""));
  return out;
}

std::string examples_of(const std::vector<std::string>& examples) {
  if (examples.empty()) return "";
  std::string out = ".PP\n.nf\n.RS\n";
  for (const auto& example : examples) out += roff("watchbill " + example) + "\n";
  return out + ".RE\n.fi\n";
}

std::string synopsis_of(const Command& command) {
  std::string out = ".B " + roff_quoted("watchbill " + command.path) + "\n";
  for (const auto& argument : command.arguments)
    out += fmt::format(".RI {} \\fI{}\\fR {}\n", argument.optional ? "[" : "\\&", roff(argument.name),
                       argument.optional ? "]" : "\\&");
  return out + ".RI [ options ]\n";
}

std::string lower_first(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string first_word(const std::string& path) {
  return path.substr(0, path.find(' '));
}

constexpr std::string_view kSeeMore =
    ".BR watchbill (1),\n.BR watchbilld (8),\n.BR watchbill.yaml (5)\n.PP\n/usr/share/doc/watchbill/\n";

std::string files_section() {
  return ".SH FILES\n" +
         described("/etc/watchbill/watchbill.yaml", "the configuration, see watchbill.yaml(5)") +
         described("/etc/credstore/watchbill.*", "secrets that systemd passes to the service") +
         described("/var/lib/watchbill/watchbill.db", "the database") +
         described("/var/lib/watchbill/key", "the key that opens the secrets in the database");
}

std::string group_page(const std::string& group, const std::vector<const Command*>& commands,
                       const ManualInfo& info) {
  const bool single = commands.size() == 1 && commands.front()->path == group;
  auto out =
      page_head("watchbill-" + group, 1,
                single ? lower_first(commands.front()->summary) : group + " commands of watchbill", info);
  out += ".SH SYNOPSIS\n";
  for (const auto* command : commands) {
    if (command != commands.front()) out += ".br\n";
    out += synopsis_of(*command);
  }
  out += ".SH DESCRIPTION\n";
  for (const auto* command : commands) {
    if (!single) out += fmt::format(".SS {}\n", roff_quoted("watchbill " + command->path));
    out += roff(command->summary) + ".\n";
    if (!command->text.empty()) out += ".PP\n" + roff(command->text) + "\n";
    for (const auto& argument : command->arguments) out += described(argument.name, argument.help);
    out += commands_options(command->options);
    out += examples_of(command->examples);
  }
  out += ".SH OPTIONS OF EVERY COMMAND\n" + commands_options(global_options());
  return out + ".SH SEE ALSO\n" + std::string(kSeeMore);
}

std::string overview_page(const std::vector<Command>& commands, const ManualInfo& info) {
  auto out = page_head("watchbill", 1, "keep Slack user groups equal to who is on call", info);
  out += ".SH SYNOPSIS\n.B watchbill\n.I COMMAND\n.RI [ options ]\n.SH COMMANDS\n";
  for (const auto& command : commands) {
    out += described("watchbill " + command.path,
                     command.summary + "; see watchbill-" + first_word(command.path) + "(1).");
  }
  out += ".SH OPTIONS OF EVERY COMMAND\n" + commands_options(global_options());
  out += ".SH EXIT STATUS\n" + described("0", "done") + described("1", "failed") + described("2", "usage") +
         described("3", "not found") + described("4", "conflict") + described("5", "not allowed");
  return out + files_section() + ".SH SEE ALSO\n" + std::string(kSeeMore);
}

std::string daemon_page(const ManualInfo& info) {
  auto out = page_head("watchbilld", 8, "keep Slack user groups equal to who is on call (daemon)", info);
  out += ".SH SYNOPSIS\n.B watchbilld\n.RI [ options ]\n.SH DESCRIPTION\n" + roff(config::kDaemonSummary) +
         "\n" +
         roff(
             "It asks the scheduling systems who is on call, writes the groups in Slack, and announces "
             "handoffs. "
             "`watchbill` shares its database. Usually systemd runs it, as watchbilld.service, or "
             "watchbilld@NAME.service for each of several workspaces (configuration "
             "/etc/watchbill/NAME.yaml).") +
         "\n.SH OPTIONS\n";
  for (const auto& option : config::kDaemonOptions) {
    auto term = fmt::format("--{}{}{}", option.name, option.value.empty() ? "" : " ", option.value);
    out += described(option.letter ? fmt::format("-{}, {}", option.letter, term) : term, option.help);
  }
  out += ".SH SIGNALS\n" + roff(config::kDaemonSignals) + "\n.SH EXAMPLES\n";
  for (const auto& example : config::kDaemonExamples)
    out += described(example.command, example.meaning.empty() ? "as the service runs it" : example.meaning);
  return out + files_section() + ".SH SEE ALSO\n" + std::string(kSeeMore);
}

std::string configuration_page(const ManualInfo& info) {
  auto out = page_head("watchbill.yaml", 5, "configuration of watchbilld and watchbill", info);
  out +=
      ".SH DESCRIPTION\n" +
      roff(
          "YAML. Keys with a dot stand within their section: `slack.mode` is `mode:` within `slack:`. A flag "
          "beats an environment variable, and that beats the file. The variable of a key is WATCHBILL_ and "
          "the "
          "key in capitals, with _ for every dot. Unknown keys are errors; `watchbilld --check-config` tells "
          "where.") +
      "\n.SH KEYS\n";
  for (const auto& key : config::keys())
    out += described(key.path, fmt::format("{}; default {}. {}.", key.type, key.fallback, key.meaning));
  return out + files_section() + ".SH SEE ALSO\n" + std::string(kSeeMore);
}

}  // namespace

std::map<std::string, std::string> manual(const std::vector<Command>& commands, const ManualInfo& info) {
  std::map<std::string, std::vector<const Command*>> groups;
  for (const auto& command : commands) groups[first_word(command.path)].push_back(&command);
  std::map<std::string, std::string> pages;
  pages["watchbill.1"] = overview_page(commands, info);
  pages["watchbilld.8"] = daemon_page(info);
  pages["watchbill.yaml.5"] = configuration_page(info);
  for (const auto& [group, members] : groups)
    pages["watchbill-" + group + ".1"] = group_page(group, members, info);
  return pages;
}

}  // namespace watchbill::cli
