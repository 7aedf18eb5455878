#pragma once

#include <vector>

#include "cli/terminal/command.hpp"

namespace watchbill::cli {

/// Every command, in the order of the help. `sandbox` runs the servers: they are linked by the program alone.
std::vector<Command> all_commands(Handler sandbox);

/// The groups, one file each.
std::vector<Command> connection_commands();
std::vector<Command> schedule_commands();
std::vector<Command> rotation_commands();
std::vector<Command> rotation_delete_commands();
std::vector<Command> apply_commands();
std::vector<Command> people_commands();
std::vector<Command> who_commands();
std::vector<Command> history_commands();
std::vector<Command> sync_commands();
std::vector<Command> status_commands();
std::vector<Command> doctor_commands();
std::vector<Command> slack_commands();
std::vector<Command> backup_commands();
std::vector<Command> key_commands();
std::vector<Command> setup_commands();
std::vector<Command> completion_commands();

/// The script that completes `watchbill` in "bash", "zsh" or "fish".
Result<std::string> completion_script(std::string_view shell);

}  // namespace watchbill::cli
