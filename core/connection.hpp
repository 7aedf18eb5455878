#pragma once

#include <map>
#include <string>

#include "base/secret.hpp"
#include "base/time.hpp"

namespace watchbill {

/// Address and credentials of one scheduling system. Which settings and secrets a kind has is known to its
/// adapter alone (providers/); to all others these are opaque.
struct Connection {
  std::string name;
  std::string kind;  ///< "pagerduty", "opsgenie", "xmatters"
  std::map<std::string, std::string> settings{};
  std::map<std::string, Secret> secrets{};
  Instant created_at{};
};

/// The name under which new credentials of a connection wait, sealed, until somebody confirms them. No
/// connection that people name can be called so (`check_connection_name`).
inline constexpr std::string_view kHeldSuffix = ".held";
inline std::string held_name(const std::string& name) {
  return name + std::string(kHeldSuffix);
}

}  // namespace watchbill
