#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"

/// Moments as people write and read them, in the time zone of whoever sits here (TZ, /etc/localtime).
namespace watchbill::cli {

/// Which way from now "24h" goes.
enum class Bare { ago, ahead };

/// Reads "24h" and "1d 12h" (as `bare` says), "2h ago", "in 2h", "now", "today", "yesterday", "tomorrow" or
/// "2026-12-01" with or without a time ("yesterday 09:00"; midnight without), "09:00" of today, each with or
/// without a zone ("UTC", "+01:00"), and RFC 3339. The error gives examples and names the zone that is meant
/// without one.
Result<Instant> parse_moment(std::string_view text, Instant now, Bare bare);

/// "2026-12-01 09:00 CET": in the zone of whoever sits here, with its name.
std::string format_local(Instant t);

}  // namespace watchbill::cli
