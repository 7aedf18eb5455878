#pragma once

#include <map>
#include <string>

#include "control/overview.hpp"
#include "engine/engine.hpp"

namespace watchbill::daemon {

/// What the page shows: what the store tells, and what only the running engine knows.
struct StatusFacts {
  control::Overview overview;
  std::map<UserId, std::string> names;  ///< of Slack users
  engine::EngineFigures figures;
  std::string version;
  Instant now;
};

/// Rotations with a row of their own: those that need somebody come first.
inline constexpr std::size_t kMaxStatusRows = 1000;

/// The page at `/`: HTML without a script, that loads nothing and reloads itself. Pure; every text from
/// outside is escaped.
std::string status_page(const StatusFacts& facts);

/// What forbids a browser all that the page does not need: `Content-Security-Policy`.
std::string status_page_policy();

/// True if a request that names `host` (its header) may see the page, /readyz and /metrics: this host, or
/// that of `public_url`. A name of somebody else's that leads here (DNS rebinding) would let their page read
/// ours.
bool may_see_status(std::string_view host, const std::string& public_url);

}  // namespace watchbill::daemon
