#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "core/connection.hpp"

namespace watchbill {

/// The settings that decide where a connection's secrets are sent, for all kinds. Secrets are sealed for
/// these (store/), and a change of one needs the secrets anew (manage/).
inline constexpr std::array<std::string_view, 7> kAddressSettings{
    "base_url", "cloud_id", "host", "identity_url", "region", "site", "subdomain"};

/// Those of them that the connection has.
inline std::map<std::string, std::string> addresses_of(const Connection& connection) {
  std::map<std::string, std::string> addresses;
  for (const auto key : kAddressSettings) {
    if (const auto found = connection.settings.find(std::string(key)); found != connection.settings.end())
      addresses.insert(*found);
  }
  return addresses;
}

}  // namespace watchbill
