#pragma once

#include "config/config.hpp"

namespace watchbill::daemon {

/// Sends the log to standard error: lines of text (with journald's priority in front where journald reads
/// them, sd-daemon(3)), or one JSON object a line.
void set_up_log(const config::Log& log);

}  // namespace watchbill::daemon
