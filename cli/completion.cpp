// watchbill completion

#include <ostream>
#include <set>

#include "cli/commands.hpp"
#include "cli/session.hpp"

namespace watchbill::cli {

namespace {

std::vector<std::string> option_words(const Command& command) {
  std::vector<std::string> words;
  for (const auto& option : command.options) words.push_back("--" + option.name);
  for (const auto& option : global_options()) words.push_back("--" + option.name);
  return words;
}

std::pair<std::string, std::string> split_path(const std::string& path) {
  const auto space = path.find(' ');
  return space == std::string::npos ? std::pair(path, std::string())
                                    : std::pair(path.substr(0, space), path.substr(space + 1));
}

/// First words in order, and the second words of each.
std::vector<std::pair<std::string, std::string>> words_of(const std::vector<Command>& commands) {
  std::vector<std::pair<std::string, std::string>> groups;
  for (const auto& command : commands) {
    const auto [first, second] = split_path(command.path);
    if (groups.empty() || groups.back().first != first) groups.emplace_back(first, "");
    if (second.empty()) continue;
    auto& words = groups.back().second;
    words += (words.empty() ? "" : " ") + second;
  }
  return groups;
}

std::string first_words(const std::vector<Command>& commands) {
  std::string out;
  for (const auto& [first, seconds] : words_of(commands)) out += (out.empty() ? "" : " ") + first;
  return out;
}

std::string bash(const std::vector<Command>& commands) {
  std::string out =
      "# bash completion for watchbill\n"
      "_watchbill() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]-} second=${COMP_WORDS[2]-}\n"
      "  if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[COMP_CWORD-1]} == *-file || ${COMP_WORDS[COMP_CWORD-1]} == "
      "-f ]]; "
      "then\n"
      "    COMPREPLY=($(compgen -f -- \"$current\"))\n    return\n  fi\n"
      "  local words=\"\"\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n    words=\"" +
      first_words(commands) + "\"\n  else\n    case \"$first\" in\n";
  for (const auto& [first, seconds] : words_of(commands)) {
    if (!seconds.empty())
      out += fmt::format("      {}) [[ $COMP_CWORD -eq 2 ]] && words=\"{}\" ;;\n", first, seconds);
  }
  out += "    esac\n    case \"$first $second\" in\n";
  for (const auto& command : commands) {
    const bool two = command.path.find(' ') != std::string::npos;
    out +=
        fmt::format("      \"{}\"{}) [[ $current == -* ]] && words=\"{}\" ;;\n", command.path,
                    two ? "" : fmt::format("|\"{} \"*", command.path), fmt::join(option_words(command), " "));
  }
  out +=
      "    esac\n  fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
      "complete -o default -F _watchbill watchbill\n";
  return out;
}

std::string zsh(const std::vector<Command>& commands) {
  return "#compdef watchbill\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash(commands);
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

std::string fish(const std::vector<Command>& commands) {
  std::string out = "# fish completion for watchbill\n";
  const auto rule = [&out](const std::string& condition, const std::string& rest) {
    out += fmt::format("complete -c watchbill -n {} {}\n", shell_quoted(condition), rest);
  };
  std::set<std::string> told;
  for (const auto& command : commands) {
    const auto [first, second] = split_path(command.path);
    if (told.insert(first).second) {
      rule("__fish_use_subcommand",
           fmt::format("-f -a {} -d {}", first,
                       shell_quoted(second.empty() ? command.summary : first + " commands")));
    }
    std::string seen = "__fish_seen_subcommand_from " + first;
    if (!second.empty()) {
      rule(seen, fmt::format("-f -a {} -d {}", second, shell_quoted(command.summary)));
      seen += "; and __fish_seen_subcommand_from " + second;
    }
    for (const auto& option : command.options) {
      rule(seen, fmt::format("-l {} {}-d {}", option.name, option.value.empty() ? "" : "-r ",
                             shell_quoted(option.help)));
    }
  }
  for (const auto& option : global_options()) {
    out += fmt::format("complete -c watchbill -l {} {}-d {}\n", option.name,
                       option.value.empty() ? "" : "-r ", shell_quoted(option.help));
  }
  return out;
}

Result<int> completion(Session& session, const Invocation& in) {
  auto script = completion_script(all_commands(nullptr), in.argument("SHELL"));
  if (!script) return script.error();
  session.io().out << *script;
  return kDone;
}

}  // namespace

Result<std::string> completion_script(const std::vector<Command>& commands, std::string_view shell) {
  if (shell == "bash") return bash(commands);
  if (shell == "zsh") return zsh(commands);
  if (shell == "fish") return fish(commands);
  return fail(ErrorKind::invalid, "completion: no script for the shell \"{}\"; use bash, zsh or fish", shell);
}

std::vector<Command> completion_commands() {
  return {{"completion",
           "Print a script that completes commands and options in a shell",
           "Put it where the shell looks for completions, or load it from its start file.",
           {{"SHELL", "bash, zsh or fish"}},
           {},
           {"completion bash > /etc/bash_completion.d/watchbill",
            "completion fish > ~/.config/fish/completions/watchbill.fish"},
           completion}};
}

}  // namespace watchbill::cli
