#pragma once

#include <csignal>
#include <map>

#include "base/result.hpp"

namespace watchbill::cli {

/// As long as it lives, Ctrl-C, a lost terminal and SIGTERM are noted instead of ending the program at once:
/// what was asked of others can be taken back first. A signal that was ignored before (`nohup`) stays so.
/// One at a time, in a program of one thread.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// `cancelled` once a signal has arrived.
  [[nodiscard]] static Result<void> check();

 private:
  std::map<int, struct sigaction> before_;
};

/// Ends the program by the signal that an `Interruption` has noted, as if it had not been noted; nothing if
/// none has.
void die_if_interrupted();

}  // namespace watchbill::cli
