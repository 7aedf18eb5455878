#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

/// Slack's signature on every HTTP request (docs.slack.dev/authentication/verifying-requests-from-slack).
namespace watchbill::slack {

/// How far the request's time may be from ours, either way.
inline constexpr seconds kSignatureTolerance{300};

/// "v0=…": HMAC-SHA256 over "v0:TIMESTAMP:BODY" with the signing secret as it is written.
std::string sign(const Secret& secret, std::string_view timestamp, std::string_view body);

/// Is this body, as its raw bytes came, Slack's? Compares in constant time. Errors: `unauthorized` (a header
/// is missing or malformed, or the signature does not fit), `conflict` (it fits, but its time is too far from
/// ours: our clock is wrong, or somebody repeats an old request). Returns when it was signed, in whole
/// seconds.
Result<Instant> check_signature(const Secret& secret, std::optional<std::string_view> timestamp,
                                std::optional<std::string_view> signature, std::string_view body,
                                Instant now);

}  // namespace watchbill::slack
