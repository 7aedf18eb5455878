#include "cli/setup/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <iostream>

#include "cli/terminal/io.hpp"
#include "store/files.hpp"

namespace watchbill::cli {

namespace {

bool write_to(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// The child's part: it ends without running what the parent will run.
[[noreturn]] void run_and_exit(int answer_fd, const std::function<int(std::string&)>& body) {
  int code = kFailed;
  std::string answer;
  try {
    code = body(answer);
  } catch (const std::exception& broken) {
    std::cerr << "watchbill: this is a bug of Watchbill: " << broken.what() << "\n";
  }
  std::cout.flush();
  std::cerr.flush();
  if (!write_to(answer_fd, answer)) code = kFailed;
  _exit(code);
}

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto got = read(fd, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return text;
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kFailed;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

}  // namespace

std::pair<int, std::string> in_child(const std::function<int(std::string& answer)>& body) {
  std::cout.flush();
  std::cerr.flush();
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {kFailed, ""};
  const store::FileHandle from(ends[0]);
  pid_t child = 0;
  {
    const store::FileHandle to(ends[1]);
    child = fork();
    if (child == 0) run_and_exit(to.fd(), body);
  }
  if (child < 0) return {kFailed, ""};
  auto answer = read_to_end(from.fd());
  return {wait_for(child), std::move(answer)};
}

bool run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return false;
  return wait_for(child) == 0;
}

}  // namespace watchbill::cli
