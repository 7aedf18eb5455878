#include "sandbox/timeline.hpp"

#include <algorithm>

namespace watchbill::sandbox {
namespace {

/// Cuts a person's period where forwardings begin and end.
std::vector<Period> with_forwardings(const TimelineView& view, const Period& period) {
  std::vector<Instant> cuts{period.start, period.end};
  for (const auto& forwarding : view.world.forwardings) {
    for (const auto cut : {forwarding.start, forwarding.end}) {
      if (forwarding.from == period.who && period.start < cut && cut < period.end) cuts.push_back(cut);
    }
  }
  std::sort(cuts.begin(), cuts.end());
  std::vector<Period> pieces;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    Period piece = period;
    piece.start = cuts[i];
    piece.end = cuts[i + 1];
    if (const auto* forwarding = view.forwarding_at(period.who, piece.start)) {
      piece.from = period.who;
      piece.who = forwarding->to;
      piece.type = "forwarding";
    }
    if (piece.start < piece.end) pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace

const Forwarding* TimelineView::forwarding_at(const std::string& key, Instant t) const {
  for (const auto& forwarding : world.forwardings) {
    const bool seen = forwarding.made_at <= now - world.roster(system).lag;
    if (seen && forwarding.system == system && forwarding.from == key && forwarding.start <= t &&
        t < forwarding.end)
      return &forwarding;
  }
  return nullptr;
}

bool is_unit(std::string_view unit) {
  return unit == "days" || unit == "weeks" || unit == "months";
}

Window unit_window(Instant date, std::int64_t interval, std::string_view unit) {
  using namespace std::chrono;
  const auto day = floor<days>(date);
  if (unit == "days") return {Instant(day), Instant(day + days(interval))};
  if (unit == "weeks") {
    const auto monday = day - (weekday{day} - Monday);
    return {Instant(monday), Instant(monday + days(7 * interval))};
  }
  const year_month_day first = year_month_day{day}.year() / year_month_day{day}.month() / 1;
  const auto last = first + months(static_cast<int>(interval));
  return {Instant(sys_days(first)), Instant(sys_days(last))};
}

std::vector<Period> split_at_now(std::vector<Period> periods, Instant now) {
  std::vector<Period> out;
  for (auto& period : periods) {
    if (period.start < now) {
      Period past = period;
      past.end = std::min(past.end, now);
      past.type = "historical";
      out.push_back(past);
      period.start = past.end;
    }
    if (period.start < period.end) out.push_back(std::move(period));
  }
  return out;
}

std::vector<Period> part_periods(const TimelineView& view, const Schedule& schedule, const Part& part,
                                 Window window, std::string_view plain) {
  std::vector<Period> out;
  for (const auto& shift : shifts_of(schedule, part, window, view.asked())) {
    for (const auto& who : shift.people) {
      Period period{who};
      period.start = std::max(shift.start, window.from);
      period.end = std::min(shift.end, window.to);
      period.type = shift.source == "override" ? "override" : std::string(plain);
      if (period.start >= period.end) continue;
      for (auto& piece : split_at_now(with_forwardings(view, period), view.now))
        out.push_back(std::move(piece));
    }
  }
  return out;
}

}  // namespace watchbill::sandbox
