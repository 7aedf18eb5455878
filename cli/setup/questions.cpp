#include "cli/setup/questions.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <istream>
#include <ostream>

#include "config/secret_text.hpp"

namespace watchbill::cli {

namespace {

/// How the terminal was before something was hidden: for a signal's handler too.
termios shown_terminal{};

/// Ends the program as the signal would have done, and leaves a terminal that shows what is typed.
void show_and_end(int signal) {
  tcsetattr(STDIN_FILENO, TCSANOW, &shown_terminal);
  // SA_RESETHAND: this time it does what it does by itself.
  raise(signal);
}

/// What is typed is not shown while this lives, however it ends.
class Hidden {
 public:
  explicit Hidden(bool terminal) : on_(terminal && tcgetattr(STDIN_FILENO, &shown_terminal) == 0) {
    if (!on_) return;
    struct sigaction ending {};
    ending.sa_handler = &show_and_end;
    ending.sa_flags = SA_RESETHAND;
    for (std::size_t i = 0; i < kEnding.size(); ++i) sigaction(kEnding[i], &ending, &before_[i]);
    termios quiet = shown_terminal;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
  }
  ~Hidden() {
    if (!on_) return;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &shown_terminal);
    for (std::size_t i = 0; i < kEnding.size(); ++i) sigaction(kEnding[i], &before_[i], nullptr);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  static constexpr std::array kEnding{SIGINT, SIGQUIT, SIGTERM, SIGHUP};
  bool on_;
  std::array<struct sigaction, kEnding.size()> before_{};
};

}  // namespace

std::string Questions::line() {
  std::string text;
  std::getline(io_.in, text);
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string Questions::ask(const std::string& question, const std::string& proposed) {
  if (!on_) return proposed;
  out_ << printable(question) << (proposed.empty() ? ": " : fmt::format(" [{}]: ", proposed)) << std::flush;
  const auto answer = line();
  return answer.empty() ? proposed : answer;
}

Secret Questions::ask_secret(const std::string& question) {
  if (!on_) return Secret();
  std::string answer;
  {
    const Hidden hidden(io_.in_tty);
    out_ << printable(question) << " (not shown): " << std::flush;
    answer = line();
  }
  out_ << "\n";
  return Secret(config::pasted_secret(answer));
}

void Questions::say(const std::string& line) {
  out_ << printable(line) << "\n";
}

}  // namespace watchbill::cli
