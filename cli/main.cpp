#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/sandbox_run.hpp"
#include "cli/terminal/interruption.hpp"
#include "store/files.hpp"

int main(int argc, char** argv) {
  // A pass without a daemon (`watchbill sync`) says what it did itself; the log is the daemon's.
  spdlog::set_level(spdlog::level::off);
  using namespace watchbill;
  store::keep_memory_private();
  // A reader who goes away is noticed when writing, and a server who does so by the network code.
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  cli::Io io{std::cout,
             std::cerr,
             std::cin,
             isatty(STDIN_FILENO) == 1,
             isatty(STDOUT_FILENO) == 1,
             cli::terminal_width(),
             isatty(STDERR_FILENO) == 1};
  try {
    const int status = cli::run(cli::all_commands(cli::run_sandbox), {argv + 1, argv + argc}, io);
    cli::die_if_interrupted();
    return status;
  } catch (const std::exception& broken) {
    std::cerr << "watchbill: this is a bug of Watchbill: " << broken.what() << "\n";
    return cli::kFailed;
  }
}
