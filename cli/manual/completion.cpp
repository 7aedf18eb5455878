// watchbill completion

#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace watchbill::cli {

namespace {

// The scripts only carry words to `watchbill __complete` (cli/manual/complete.hpp) and candidates back.

constexpr std::string_view kBash = R"sh(# bash completion for watchbill
# Handles begin with @, which bash would take for a word of its own.
COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}
_watchbill() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
      COMPREPLY=()
      return
    fi
    COMPREPLY+=("$(printf %q "${line%%$'\t'*}")")
  done < <(watchbill __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _watchbill watchbill
)sh";

constexpr std::string_view kZsh = R"sh(#compdef watchbill
# zsh completion for watchbill
_watchbill() {
  local -a lines candidates
  local line
  lines=("${(@f)$(watchbill __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe -t watchbill watchbill candidates
}
if [[ $funcstack[1] == _watchbill ]]; then
  _watchbill "$@"
else
  compdef _watchbill watchbill
fi
)sh";

constexpr std::string_view kFish = R"sh(# fish completion for watchbill
function __watchbill_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (watchbill __complete $words[2..-1] 2>/dev/null)
    if contains -- :files $found
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c watchbill -f -a '(__watchbill_complete)'
)sh";

Result<int> completion(Session& session, const Invocation& in) {
  auto script = completion_script(in.argument("SHELL"));
  if (!script) return script.error();
  session.io().out << *script;
  return kDone;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return fail(ErrorKind::invalid, "completion: no script for the shell \"{}\"; use bash, zsh or fish", shell);
}

std::vector<Command> completion_commands() {
  return {{"completion",
           "Print a script that completes commands, options and names in a shell",
           "Put it where the shell looks for completions, or load it from its start file; the package does. "
           "Names "
           "of rotations, connections, schedules and groups are completed for those who may read the store.",
           {{"SHELL", "bash, zsh or fish"}},
           {},
           {"completion bash > /etc/bash_completion.d/watchbill",
            "completion fish > ~/.config/fish/completions/watchbill.fish"},
           completion}};
}

}  // namespace watchbill::cli
