#include "cli/setup_process.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace watchbill::cli {

AsBefore::AsBefore() : user_(geteuid()), group_(getegid()) {}

AsBefore::~AsBefore() {
  if (geteuid() == user_) return;
  // Back to root first: only then may the group change.
  if (seteuid(user_) != 0 || setegid(group_) != 0) std::abort();
}

bool run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace watchbill::cli
