#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace watchbill::cli {

/// Runs `body` in a process of its own and waits for it: its exit code, and the text that it answers. Who
/// runs as root and opens the store becomes its owner for good (store/files.hpp); what follows needs root.
/// Standard input and output are this process's: nothing may wait in a buffer.
std::pair<int, std::string> in_child(const std::function<int(std::string& answer)>& body);

/// Runs a program of the system, without a shell, and waits for it: true if it ended with 0.
bool run_program(std::vector<std::string> words);

}  // namespace watchbill::cli
