#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace watchbill {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A moment of the wall clock, UTC, to the millisecond.
using Instant = std::chrono::sys_time<milliseconds>;
/// A moment of the steady clock: only for waiting, never stored.
using SteadyInstant = std::chrono::time_point<std::chrono::steady_clock, milliseconds>;
using days = std::chrono::days;

/// Before everything, and after everything ("never ends").
inline constexpr Instant kAlways = Instant::min();
inline constexpr Instant kNever = Instant::max();

/// Half-open span of time: `from <= t < to`.
struct Window {
  Instant from;
  Instant to;
  bool operator==(const Window&) const = default;
  [[nodiscard]] bool contains(Instant t) const { return from <= t && t < to; }
};

/// Reads RFC 3339 with `Z` or an offset (`+02:00`, `+0200`), with or without a fraction of a second.
Result<Instant> parse_rfc3339(std::string_view text);
/// "2026-11-22T09:00:00Z": UTC, whole seconds (rounded down).
std::string format_rfc3339(Instant t);
/// The same with milliseconds.
std::string format_rfc3339_ms(Instant t);
/// "2026-11-22 09:00 UTC", for people.
std::string format_minutes(Instant t);

/// Reads "60s", "5m", "6h", "400d", "2w", "1500ms", "90 minutes", "1d 2h"; a bare number is refused.
Result<milliseconds> parse_duration(std::string_view text);
/// "60s", "6h", "1d 2h": the two largest units, for people.
std::string format_duration(milliseconds d);
/// "4 s", "2 min 4 s", "3 h 5 min", "2 d 1 h": the two largest units, for sentences.
std::string spell_duration(milliseconds d);

/// Reads an HTTP `Date` header (RFC 9110, section 5.6.7: IMF-fixdate).
std::optional<Instant> parse_http_date(std::string_view text);

}  // namespace watchbill
