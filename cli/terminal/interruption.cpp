#include "cli/terminal/interruption.hpp"

namespace watchbill::cli {

namespace {

volatile std::sig_atomic_t arrived = 0;

void note(int signal_number) {
  arrived = signal_number;
}

}  // namespace

Interruption::Interruption() {
  struct sigaction noting {};
  noting.sa_handler = note;
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal_number, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    sigaction(signal_number, &noting, &before_[signal_number]);
  }
}

Interruption::~Interruption() {
  for (const auto& [signal_number, before] : before_) sigaction(signal_number, &before, nullptr);
}

Result<void> Interruption::check() {
  if (arrived == 0) return {};
  return fail(
      ErrorKind::cancelled,
      "interrupted: it is taken back, but what Slack was asked for before that may have happened: see "
      "`watchbill status`");
}

void die_if_interrupted() {
  if (arrived == 0) return;
  std::signal(arrived, SIG_DFL);
  std::raise(arrived);
}

}  // namespace watchbill::cli
