#include "slack_app/systems/random_token.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

namespace watchbill::slack_app {

std::string random_ticket() {
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string ticket;
  for (const auto byte : bytes) ticket += fmt::format("{:02x}", byte);
  return ticket;
}

bool same_ticket(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace watchbill::slack_app
