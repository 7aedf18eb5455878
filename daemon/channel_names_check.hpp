#pragma once

#include "control/context.hpp"

namespace watchbill::daemon {

/// Asks Slack once a day what the channels are called that rotations and alerts use: the names that are
/// shown.
class ChannelNamesCheck {
 public:
  explicit ChannelNamesCheck(control::Context& context) : context_(context) {}
  void start() { tasks_.spawn(run()); }

 private:
  net::Task<void> run();
  net::Task<void> look();

  control::Context& context_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::daemon
