#include "sandbox/wall_rule.hpp"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace watchbill::sandbox {
namespace {

cctz::time_zone zone_named(const std::string& name) {
  cctz::time_zone zone;
  cctz::load_time_zone(name, &zone);
  return zone;
}

cctz::civil_day day_of(Instant t, const cctz::time_zone& zone) {
  return cctz::civil_day(cctz::convert(std::chrono::floor<seconds>(t), zone));
}

int weekday_of(cctz::civil_day day) {
  // cctz counts from Monday.
  return (static_cast<int>(cctz::get_weekday(day)) + 1) % 7;
}

/// The day on which a turn that is under way on `day` began.
cctz::civil_day turn_day(const WallRule& rule, cctz::civil_day day) {
  if (rule.every_days == 1) return day;
  return day - (weekday_of(day) - rule.weekday + 7) % 7;
}

struct Takeover {
  Instant at;
  const std::vector<std::string>* people;
};

void add_takeovers(const WallRule& rule, const WallSite& site, Window window, std::vector<Takeover>& out) {
  const auto zone = zone_named(site.zone);
  const auto zero = turn_day(rule, day_of(rule.start, zone));
  const auto last = day_of(window.to, zone) + 1 + rule.every_days;
  const auto count = static_cast<std::int64_t>(site.turns.size());
  for (auto day = turn_day(rule, day_of(window.from, zone)) - cctz::diff_t{2} * rule.every_days; day <= last;
       day += rule.every_days) {
    const auto number = (day - zero) / rule.every_days;
    const auto moment = cctz::convert(cctz::civil_second(day) + seconds(site.at).count(), zone);
    const auto& people = site.turns[static_cast<std::size_t>(((number % count) + count) % count)];
    out.push_back({std::chrono::time_point_cast<milliseconds>(moment), &people});
  }
}

}  // namespace

std::vector<WallShift> wall_shifts(const WallRule& rule, Window window) {
  std::vector<Takeover> takeovers;
  for (const auto& site : rule.sites) add_takeovers(rule, site, window, takeovers);
  std::stable_sort(takeovers.begin(), takeovers.end(),
                   [](const Takeover& a, const Takeover& b) { return a.at < b.at; });
  std::vector<WallShift> shifts;
  for (std::size_t i = 0; i + 1 < takeovers.size(); ++i) {
    const auto start = takeovers[i].at;
    const auto end = takeovers[i + 1].at;
    if (start < end && start <= window.to && window.from <= end) {
      shifts.push_back({start, end, *takeovers[i].people});
    }
  }
  return shifts;
}

Result<void> check_zone(const std::string& zone) {
  cctz::time_zone found;
  if (cctz::load_time_zone(zone, &found)) return {};
  return fail(ErrorKind::invalid, "there is no time zone \"{}\" here", zone);
}

Result<std::chrono::minutes> read_wall_time(const std::string& text) {
  const auto digit = [&](std::size_t i) { return std::isdigit(static_cast<unsigned char>(text[i])) != 0; };
  const bool shaped = text.size() == 5 && text[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4);
  const int hours = shaped ? std::stoi(text.substr(0, 2)) : 99;
  const int minutes = shaped ? std::stoi(text.substr(3)) : 99;
  if (hours > 23 || minutes > 59) return fail(ErrorKind::invalid, "\"{}\" is no time like 09:30", text);
  return std::chrono::minutes(hours * 60 + minutes);
}

Result<int> read_weekday(const std::string& text) {
  constexpr std::array<std::string_view, 7> kDays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  std::string start;
  for (const char c : text.substr(0, 3))
    start += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto* const found = std::find(kDays.begin(), kDays.end(), start);
  if (found == kDays.end()) return fail(ErrorKind::invalid, "\"{}\" is no day of the week", text);
  return static_cast<int>(found - kDays.begin());
}

}  // namespace watchbill::sandbox
