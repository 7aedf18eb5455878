#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace watchbill::daemon {

/// Tells systemd how the service is doing (sd_notify(3)): one datagram to $NOTIFY_SOCKET. Does nothing where
/// there is none.
void notify(std::string_view state);
/// How often systemd wants to hear WATCHDOG=1; nothing if it does not.
std::optional<milliseconds> watchdog_interval();

}  // namespace watchbill::daemon
