#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace watchbill {

namespace {

/// Reads exactly `count` digits at `text[at]`; negative if they are not there.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<Instant> civil(int year, int month, int day, int hour, int minute, int second) {
  namespace c = std::chrono;
  const c::year_month_day date{c::year{year}, c::month{static_cast<unsigned>(month)},
                               c::day{static_cast<unsigned>(day)}};
  if (year < 0 || month < 0 || day < 0 || !date.ok()) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  return Instant{c::sys_days{date}} + c::hours{hour} + c::minutes{minute} + c::seconds{second};
}

}  // namespace

Result<Instant> parse_rfc3339(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorKind::invalid, "\"{}\" is not an RFC 3339 time", text.substr(0, 64));
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' || text[16] != ':') {
    return bad();
  }
  auto t = civil(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2), digits(text, 11, 2),
                 digits(text, 14, 2), digits(text, 17, 2));
  if (!t) return bad();
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    std::size_t end = at + 1;
    int scale = 100;
    int ms = 0;
    for (; end < text.size() && text[end] >= '0' && text[end] <= '9'; ++end, scale /= 10)
      ms += scale * (text[end] - '0');
    if (end == at + 1) return bad();
    *t += milliseconds{ms};
    at = end;
  }
  const auto zone = text.substr(at);
  if (zone == "Z" || zone == "z") return *t;
  if (zone.size() < 5 || (zone[0] != '+' && zone[0] != '-')) return bad();
  const bool colon = zone[3] == ':';
  if (zone.size() != (colon ? 6U : 5U)) return bad();
  const int hours = digits(zone, 1, 2);
  const int minutes = digits(zone, colon ? 4 : 3, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return bad();
  const auto offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  return zone[0] == '+' ? *t - offset : *t + offset;
}

namespace {

struct Civil {
  int year;
  unsigned month, day;
  int hour, minute, second, ms;
};

Civil civil_of(Instant t) {
  namespace c = std::chrono;
  // Before that the day of a moment is no moment any more: `kAlways`.
  constexpr Instant first{c::sys_days{c::year{0} / 1 / 1}};
  t = std::max(t, first);
  const auto day = c::floor<c::days>(t);
  const c::year_month_day date{day};
  const c::hh_mm_ss clock{t - day};
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

}  // namespace

std::string format_rfc3339(Instant t) {
  const auto c = civil_of(t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute,
                     c.second);
}

std::string format_rfc3339_ms(Instant t) {
  const auto c = civil_of(t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", c.year, c.month, c.day, c.hour, c.minute,
                     c.second, c.ms);
}

std::string format_minutes(Instant t) {
  const auto c = civil_of(t);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", c.year, c.month, c.day, c.hour, c.minute);
}

namespace {

/// Milliseconds of a unit by its name; 0 if there is none of that name.
long long unit_of(std::string_view name) {
  struct Unit {
    long long ms;
    std::array<std::string_view, 5> names;
  };
  static constexpr std::array<Unit, 6> units{{{1, {"ms", "", "", "", ""}},
                                              {1000, {"s", "sec", "secs", "second", "seconds"}},
                                              {60'000, {"m", "min", "mins", "minute", "minutes"}},
                                              {3'600'000, {"h", "hr", "hrs", "hour", "hours"}},
                                              {86'400'000, {"d", "day", "days", "", ""}},
                                              {604'800'000, {"w", "week", "weeks", "", ""}}}};
  for (const auto& unit : units) {
    if (!name.empty() && std::find(unit.names.begin(), unit.names.end(), name) != unit.names.end())
      return unit.ms;
  }
  return 0;
}

/// Takes a number with its unit off the text, and the blanks around it.
std::optional<std::pair<long long, long long>> take_term(std::string_view& text) {
  const auto skip = [&] { text.remove_prefix(std::min(text.find_first_not_of(' '), text.size())); };
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  skip();
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto length = std::find_if_not(text.begin(), text.end(), letter) - text.begin();
  const auto unit = unit_of(text.substr(0, static_cast<std::size_t>(length)));
  text.remove_prefix(static_cast<std::size_t>(length));
  skip();
  if (unit == 0 || number > 1'000'000'000 / (unit / 1000 + 1)) return std::nullopt;
  return std::pair(number, unit);
}

}  // namespace

Result<milliseconds> parse_duration(std::string_view text) {
  auto rest = text;
  long long sum = 0;
  long long last = std::numeric_limits<long long>::max();
  do {
    const auto term = take_term(rest);
    // "1d 2h", and not "2h 1d" or "2h 2h".
    if (!term || term->second >= last)
      return fail(ErrorKind::invalid, "\"{}\" is not a duration; write 30s, 5m, 6h or 400d",
                  text.substr(0, 32));
    sum += term->first * term->second;
    last = term->second;
  } while (!rest.empty());
  return milliseconds{sum};
}

std::string format_duration(milliseconds d) {
  if (d < 0ms) return "-" + format_duration(-d);
  if (d < 1s) return fmt::format("{}ms", d.count());
  auto rest = std::chrono::duration_cast<seconds>(d).count();
  struct Unit {
    char name;
    long long size;
  };
  static constexpr std::array<Unit, 4> units{{{'d', 86'400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
  std::string text;
  int shown = 0;
  for (const auto& u : units) {
    if (rest >= u.size && shown < 2) {
      text += fmt::format("{}{}{}", shown ? " " : "", rest / u.size, u.name);
      ++shown;
    } else if (shown == 1) {
      break;
    }
    rest %= u.size;
  }
  return text;
}

std::string spell_duration(milliseconds d) {
  const auto all = std::chrono::duration_cast<seconds>(std::max(d, milliseconds{0})).count();
  const auto units = [](long long big, std::string_view big_unit, long long small,
                        std::string_view small_unit) {
    auto text = fmt::format("{} {}", big, big_unit);
    if (small > 0) text += fmt::format(" {} {}", small, small_unit);
    return text;
  };
  constexpr long long kHour = 3600;
  constexpr long long kDay = 24 * kHour;
  if (all < 60) return fmt::format("{} s", all);
  if (all < kHour) return units(all / 60, "min", all % 60, "s");
  if (all < kDay) return units(all / kHour, "h", all / 60 % 60, "min");
  return units(all / kDay, "d", all / kHour % 24, "h");
}

std::optional<Instant> parse_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  return civil(digits(text, 12, 4), static_cast<int>(month / 3) + 1, digits(text, 5, 2), digits(text, 17, 2),
               digits(text, 20, 2), digits(text, 23, 2));
}

}  // namespace watchbill
