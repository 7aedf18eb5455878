#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace watchbill::slack {

/// How Slack reaches the app at present: for status, readiness and metrics.
struct TransportState {
  std::string mode;   ///< "socket" or "http"
  std::string state;  ///< "off", "connecting", "up", "down"; over HTTP "waiting" until the first request
  std::optional<Instant> since{};  ///< since when it is in that state
  std::string problem{};           ///< what is wrong, and the fix; empty if nothing is
  bool operator==(const TransportState&) const = default;
};

}  // namespace watchbill::slack
