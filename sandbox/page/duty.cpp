// The page's events about schedules, handoffs and logs.

#include <algorithm>

#include "sandbox/control/ops.hpp"
#include "sandbox/page/rows.hpp"
#include "sandbox/schedules.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kSchedulesShown = 60;
constexpr std::size_t kLogAtFirst = 200;
constexpr std::size_t kLogAtOnce = 300;
constexpr std::size_t kHandoffsAtFirst = 100;

/// The length that the window of a schedule is measured in: of its turns, or an hour.
milliseconds unit_of(const Schedule& schedule) {
  milliseconds unit = 1h;
  for (const auto& part : schedule.parts) {
    if (part.rule) unit = std::min(unit == 1h ? part.rule->length : unit, part.rule->length);
    if (part.wall) unit = days(part.wall->every_days) / static_cast<int>(part.wall->sites.size());
  }
  return std::clamp(unit, milliseconds(5s), milliseconds(days(7)));
}

/// Where a schedule's window begins to be shown: steps of one unit.
Instant anchor_of(milliseconds unit, Instant now) {
  return now - now.time_since_epoch() % unit;
}

void write_page_moment(json::Writer& w, std::string_view name, Instant t) {
  w.key(name);
  if (t == kNever) {
    w.null();
  } else {
    w.value(format_rfc3339_ms(t));
  }
}

std::vector<std::string> slack_of(const World& world, const std::vector<std::string>& keys) {
  std::vector<std::string> ids;
  for (const auto& key : keys) {
    const auto user = world.user_of_key.find(key);
    if (user != world.user_of_key.end()) ids.push_back(user->second);
  }
  return ids;
}

std::string ref_of(const Schedule& schedule) {
  return fmt::format("{}/{}", name_of(schedule.system), schedule.id);
}

void write_shifts(json::Writer& w, const Schedule& schedule, Window window, Instant now) {
  w.key("shifts").begin_array();
  for (const auto& part : schedule.parts) {
    for (const auto& shift : shifts_of(schedule, part, window, {now, milliseconds(0)})) {
      w.begin_object();
      write_page_moment(w, "start", shift.start);
      write_page_moment(w, "end", shift.end);
      w.field("people", shift.people).field("source", shift.source).field("part", part.name).end_object();
    }
  }
  w.end_array();
}

/// The row, and when it is to be looked at again.
std::string schedule_row(const World& world, const Schedule& schedule, Instant now, Instant& due) {
  const auto unit = unit_of(schedule);
  const auto anchor = anchor_of(unit, now);
  const Window window{anchor - 2 * unit, anchor + 8 * unit};
  const auto on_call = on_call_at(world, schedule, now);
  const auto next = next_boundary(world, schedule, now);
  due = std::min({due, anchor + unit, next});
  json::Writer w;
  w.begin_object().field("ref", ref_of(schedule)).field("system", name_of(schedule.system));
  w.field("id", schedule.id).field("name", schedule.name);
  w.field("kind", schedule.system != System::pagerduty ? "" : schedule.shift_based ? "v3" : "layer");
  w.field("on_call", on_call).field("slack", slack_of(world, on_call));
  write_page_moment(w, "next_boundary", next);
  w.field("people", everybody_in(schedule));
  write_page_moment(w, "from", window.from);
  write_page_moment(w, "to", window.to);
  write_shifts(w, schedule, window, now);
  w.key("overrides").begin_array();
  for (const auto& over : schedule.overrides) {
    if (over.end < window.from || window.to < over.start) continue;
    w.begin_object().field("id", over.id).field("people", over.people);
    write_page_moment(w, "start", over.start);
    write_page_moment(w, "end", over.end);
    w.end_object();
  }
  w.end_array().end_object();
  return w.take();
}

/// The last boundary of the schedule at or before `t`; kAlways if there is none near.
Instant boundary_before(const Schedule& schedule, Instant t) {
  Instant last = kAlways;
  const Window window{t - 2 * unit_of(schedule), t};
  for (const auto& part : schedule.parts) {
    for (const auto& shift : shifts_of(schedule, part, window, {t, milliseconds(0)})) {
      for (const auto moment : {shift.start, shift.end}) {
        if (moment <= t) last = std::max(last, moment);
      }
    }
  }
  return last;
}

struct Handoff {
  std::string group;
  Instant at{};
  std::string by;
  std::vector<std::string> before;
  std::vector<std::string> after;
};

/// The schedule whose people the group now has, of several that whose boundary was last.
void write_cause(json::Writer& w, const World& world, const Handoff& handoff) {
  const Schedule* cause = nullptr;
  Instant boundary = kAlways;
  std::size_t looked_at = 0;
  for (const auto& [system, roster] : world.rosters) {
    for (const auto& schedule : roster.schedules) {
      if (++looked_at > kSchedulesShown) break;
      const auto people = slack_of(world, on_call_at(world, schedule, handoff.at));
      const bool inside = std::all_of(people.begin(), people.end(), [&](const std::string& id) {
        return std::find(handoff.after.begin(), handoff.after.end(), id) != handoff.after.end();
      });
      if (people.empty() || !inside) continue;
      const auto since = boundary_before(schedule, handoff.at);
      if (since > boundary) {
        boundary = since;
        cause = &schedule;
      }
    }
  }
  w.key("schedule");
  if (!cause) {
    w.null().key("boundary").null().key("lag_ms").null();
    return;
  }
  w.value(ref_of(*cause)).field("boundary", format_rfc3339_ms(boundary));
  w.field("lag_ms", static_cast<std::int64_t>((handoff.at - boundary).count()));
}

/// The changes of a group that were not told yet.
void add_handoffs(const Group& group, std::uint64_t& told, std::vector<Handoff>& found) {
  const auto fresh = std::min<std::uint64_t>(group.changes - told, group.past.size());
  told = group.changes;
  for (auto i = group.past.size() - fresh; i < group.past.size(); ++i) {
    const auto& after = i + 1 < group.past.size() ? group.past[i + 1].users : group.users;
    if (after == group.past[i].users) continue;
    found.push_back({group.id, group.past[i].until, group.past[i].by, group.past[i].users, after});
  }
}

}  // namespace

void tell_schedules(Desk& desk, PageState& state, std::string& out) {
  const auto now = desk.now();
  if (state.plans == desk.world.plans && now < state.plans_due) return;
  state.plans = desk.world.plans;
  state.plans_due = now + 1h;
  std::vector<std::pair<std::string, std::string>> rows;
  std::size_t more = 0;
  for (const auto& [system, roster] : desk.world.rosters) {
    for (const auto& schedule : roster.schedules) {
      if (rows.size() >= kSchedulesShown) {
        ++more;
        continue;
      }
      rows.emplace_back(ref_of(schedule), schedule_row(desk.world, schedule, now, state.plans_due));
    }
  }
  state.schedules.tell(out, "schedules", rows, fmt::format(",\"more\":{}", more));
}

void tell_handoffs(Desk& desk, PageState& state, std::string& out) {
  std::vector<Handoff> found;
  for (const auto& group : desk.world.groups) {
    auto& told = state.group_changes[group.id];
    if (told != group.changes) add_handoffs(group, told, found);
  }
  if (found.empty()) return;
  std::stable_sort(found.begin(), found.end(),
                   [](const Handoff& a, const Handoff& b) { return a.at < b.at; });
  if (found.size() > kHandoffsAtFirst) {
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(kHandoffsAtFirst));
  }
  json::Writer w;
  w.begin_object().field("reset", state.fresh).key("handoffs").begin_array();
  for (const auto& handoff : found) {
    w.begin_object().field("group", handoff.group).field("at", format_rfc3339_ms(handoff.at));
    w.field("by", handoff.by).field("before", handoff.before).field("after", handoff.after);
    write_cause(w, desk.world, handoff);
    w.end_object();
  }
  w.end_array().end_object();
  add_event(out, "handoffs", w.take());
}

namespace {

/// The entries after `told`, the last ones if there are too many.
template <class Log, class Write>
void tell_log(const Log& log, std::uint64_t& told, bool fresh, std::string_view event, std::string_view list,
              std::string& out, Write write) {
  const auto most = fresh ? kLogAtFirst : kLogAtOnce;
  auto from = std::find_if(log.begin(), log.end(), [&](const auto& one) { return one.seq > told; });
  if (from == log.end()) return;
  const auto count = static_cast<std::size_t>(log.end() - from);
  const auto skipped = count - std::min(count, most);
  from += static_cast<std::ptrdiff_t>(skipped);
  told = log.back().seq;
  json::Writer w;
  w.begin_object().field("reset", fresh).field("skipped", skipped).key(list).begin_array();
  for (; from != log.end(); ++from) write(w, *from);
  w.end_array().end_object();
  add_event(out, event, w.take());
}

}  // namespace

void tell_logs(Desk& desk, PageState& state, std::string& out) {
  tell_log(desk.front.log, state.requests, state.fresh, "requests", "entries", out, write_log_entry);
  tell_log(desk.link.records, state.deliveries, state.fresh, "deliveries", "deliveries", out, write_record);
}

}  // namespace watchbill::sandbox
