#include "slack/transport/signature.hpp"

#include <sodium.h>

#include <array>
#include <charconv>
#include <stdexcept>

namespace watchbill::slack {

namespace {

constexpr std::string_view kVersion = "v0";
/// Unix seconds have ten digits until the year 2286.
constexpr std::size_t kLongestTimestamp = 12;

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<seconds> parse_timestamp(std::string_view text) {
  std::int64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  const bool good = !text.empty() && text.size() <= kLongestTimestamp && text.front() >= '1' &&
                    read.ec == std::errc{} && read.ptr == end;
  return good ? std::optional(seconds{value}) : std::nullopt;
}

}  // namespace

std::string sign(const Secret& secret, std::string_view timestamp, std::string_view body) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  crypto_auth_hmacsha256_state state;
  const auto add = [&state](std::string_view text) {
    crypto_auth_hmacsha256_update(&state, as_bytes(text), text.size());
  };
  crypto_auth_hmacsha256_init(&state, as_bytes(secret.reveal()), secret.reveal().size());
  add(kVersion);
  add(":");
  add(timestamp);
  add(":");
  add(body);
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::array<char, crypto_auth_hmacsha256_BYTES * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  sodium_memzero(&state, sizeof state);
  return std::string(kVersion) + "=" + hex.data();
}

Result<Instant> check_signature(const Secret& secret, std::optional<std::string_view> timestamp,
                                std::optional<std::string_view> signature, std::string_view body,
                                Instant now) {
  if (!timestamp || !signature) return fail(ErrorKind::unauthorized, "a request without a signature");
  const auto at = parse_timestamp(*timestamp);
  if (!at) return fail(ErrorKind::unauthorized, "a request without a usable time");
  const auto expected = sign(secret, *timestamp, body);
  const bool fits = expected.size() == signature->size() &&
                    sodium_memcmp(expected.data(), signature->data(), expected.size()) == 0;
  if (!fits) return fail(ErrorKind::unauthorized, "a request whose signature does not fit");
  const auto distance = now - Instant{*at};
  if (distance > kSignatureTolerance || distance < -kSignatureTolerance) {
    return fail(ErrorKind::conflict, "a request that was signed {} {}",
                format_duration(std::chrono::abs(distance)), distance > 0s ? "ago" : "in the future");
  }
  return Instant{*at};
}

}  // namespace watchbill::slack
