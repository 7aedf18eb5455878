#include "cli/terminal/moment.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <optional>
#include <regex>

namespace watchbill::cli {

namespace {

std::tm local_parts(Instant t) {
  const std::time_t seconds_since = std::chrono::system_clock::to_time_t(std::chrono::floor<seconds>(t));
  std::tm parts{};
  ::localtime_r(&seconds_since, &parts);
  return parts;
}

/// "CET", or "UTC+3" where the zone's name is a number.
std::string zone_name(const std::tm& parts) {
  const std::string name = parts.tm_zone == nullptr ? "" : parts.tm_zone;
  const bool number = name.empty() || name[0] == '+' || name[0] == '-';
  return number ? "UTC" + name : name;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto first = out.find_first_not_of(' ');
  return first == std::string::npos ? "" : out.substr(first, out.find_last_not_of(' ') - first + 1);
}

/// "24h", "+2h", "in 2h", "-2h", "2h ago"; nothing if it is none of these.
std::optional<Instant> from_now(std::string text, Instant now, Bare bare) {
  constexpr std::string_view in = "in ";
  constexpr std::string_view ago = " ago";
  bool ahead = bare == Bare::ahead;
  if (text.starts_with(in) || text.starts_with('+')) {
    text.erase(0, text[0] == '+' ? 1 : in.size());
    ahead = true;
  } else if (text.starts_with('-') || text.ends_with(ago)) {
    text = text[0] == '-' ? text.substr(1) : text.substr(0, text.size() - ago.size());
    ahead = false;
  }
  const auto span = parse_duration(text);
  if (!span) return std::nullopt;
  return ahead ? now + *span : now - *span;
}

int number(const std::sub_match<std::string::const_iterator>& part) {
  return part.matched ? std::stoi(part.str()) : 0;
}

/// Minutes east of UTC; nothing for the zone of whoever sits here.
std::optional<int> offset_of(const std::string& zone) {
  if (zone.empty()) return std::nullopt;
  if (zone[0] != '+' && zone[0] != '-') return 0;
  const auto minutes = std::stoi(zone.substr(1, 2)) * 60 + std::stoi(zone.substr(zone.size() - 2));
  return zone[0] == '+' ? minutes : -minutes;
}

bool is_day(const std::tm& parts) {
  namespace c = std::chrono;
  return c::year_month_day{c::year{parts.tm_year + 1900}, c::month{static_cast<unsigned>(parts.tm_mon + 1)},
                           c::day{static_cast<unsigned>(parts.tm_mday)}}
      .ok();
}

/// A day, a time of day, or both; nothing if it is neither.
std::optional<Instant> on_a_day(const std::string& text, Instant now) {
  static const std::regex form(
      "(?:(today|yesterday|tomorrow)|(\\d{4})-(\\d{2})-(\\d{2}))?(?:(?:^|[ t]) "
      "*(\\d{1,2}):(\\d{2})(?::(\\d{2}))?)?"
      "(?: *(z|utc|gmt|[+-]\\d{2}:?\\d{2}))?");
  std::smatch found;
  if (!std::regex_match(text, found, form) || (!found[1].matched && !found[2].matched && !found[5].matched))
    return std::nullopt;
  const auto offset = offset_of(found[8].str());
  // The day that it is there.
  std::tm parts = local_parts(now);
  if (offset) {
    const std::time_t there = std::chrono::system_clock::to_time_t(std::chrono::floor<seconds>(now) +
                                                                   std::chrono::minutes(*offset));
    ::gmtime_r(&there, &parts);
  }
  if (found[2].matched) {
    parts.tm_year = number(found[2]) - 1900;
    parts.tm_mon = number(found[3]) - 1;
    parts.tm_mday = number(found[4]);
    if (!is_day(parts)) return std::nullopt;
  }
  if (found[1] == "yesterday") --parts.tm_mday;
  if (found[1] == "tomorrow") ++parts.tm_mday;
  parts.tm_hour = number(found[5]);
  parts.tm_min = number(found[6]);
  parts.tm_sec = number(found[7]);
  if (parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59) return std::nullopt;
  parts.tm_isdst = -1;
  const auto at = offset ? ::timegm(&parts) : ::mktime(&parts);
  return Instant{seconds{at}} - std::chrono::minutes(offset.value_or(0));
}

}  // namespace

Result<Instant> parse_moment(std::string_view text, Instant now, Bare bare) {
  if (auto exact = parse_rfc3339(text)) return *exact;
  const auto words = lower_case(text);
  if (words == "now") return now;
  if (const auto relative = from_now(words, now, bare)) return *relative;
  if (const auto absolute = on_a_day(words, now)) return *absolute;
  return fail(
      ErrorKind::invalid,
      "\"{}\" is no time: write {}, \"yesterday 09:00\" or \"{} 09:00\" (without a zone: {}, that of this "
      "terminal), or RFC 3339, like {}",
      text.substr(0, 64), bare == Bare::ago ? "24h (ago)" : "\"in 24h\", \"24h ago\"",
      format_rfc3339(now).substr(0, 10), zone_name(local_parts(now)), format_rfc3339(now));
}

std::string format_local(Instant t) {
  const auto parts = local_parts(t);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}{} {}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min,
                     parts.tm_sec == 0 ? "" : fmt::format(":{:02}", parts.tm_sec), zone_name(parts));
}

}  // namespace watchbill::cli
