#include "cli/setup_ask.hpp"

#include <termios.h>
#include <unistd.h>

#include <istream>
#include <ostream>

#include "cli/command.hpp"

namespace watchbill::cli {

namespace {

/// What is typed is not shown while this lives.
class Hidden {
 public:
  explicit Hidden(bool terminal) : on_(terminal && tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!on_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
  }
  ~Hidden() {
    if (on_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  termios before_{};  // first: `on_` fills it
  bool on_;
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
  return Secret(std::move(answer));
}

}  // namespace watchbill::cli
