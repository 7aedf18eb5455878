#include "sandbox/schedules.hpp"

#include <algorithm>
#include <set>

namespace watchbill::sandbox {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool touches(const Shift& shift, Window window) {
  return shift.start <= window.to && window.from <= shift.end;
}

void rule_shifts(const Rule& rule, Window window, std::vector<Shift>& out) {
  const auto length = rule.length.count();
  const auto count = static_cast<std::int64_t>(rule.turns.size());
  auto k = floor_div((window.from - rule.start).count(), length) - 1;
  if (rule.last) k = std::min(k, *rule.last);
  if (rule.first) k = std::max(k, *rule.first);
  for (;; ++k) {
    Shift shift;
    shift.start = rule.start + milliseconds(k * length);
    if (shift.start > window.to || (rule.last && k > *rule.last)) return;
    shift.end = rule.last == k ? kNever : shift.start + rule.length;
    shift.people = rule.turns[static_cast<std::size_t>(k - floor_div(k, count) * count)];
    if (!shift.people.empty() && touches(shift, window)) out.push_back(std::move(shift));
  }
}

/// Cuts the override's span out of all pieces and puts its people there.
void lay_over(std::vector<Shift>& pieces, const Override& over) {
  std::vector<Shift> cut;
  cut.reserve(pieces.size() + 2);
  for (auto& piece : pieces) {
    if (piece.end <= over.start || over.end <= piece.start) {
      cut.push_back(std::move(piece));
      continue;
    }
    if (piece.start < over.start) cut.push_back({piece.people, piece.start, over.start, piece.source});
    if (over.end < piece.end) cut.push_back({piece.people, over.end, piece.end, piece.source});
  }
  if (!over.people.empty()) cut.push_back({over.people, over.start, over.end, "override"});
  pieces = std::move(cut);
}

bool takes_place_of(const Override& over, const std::string& who) {
  const auto [kind, id] = split_reference(who);
  return (kind.empty() || kind == "device") && (over.of.empty() || over.of == id);
}

/// The shift at `t` with its members replaced place by place: the override made last counts. A place that
/// nobody takes stays empty, so that delays keep their positions.
std::vector<std::string> with_replacements(const Shift& shift, const std::vector<const Override*>& overrides,
                                           Instant t) {
  std::vector<std::string> people;
  for (const auto& who : shift.people) {
    const auto over = std::find_if(overrides.rbegin(), overrides.rend(), [&](const Override* o) {
      return o->start <= t && t < o->end && takes_place_of(*o, who);
    });
    if (over == overrides.rend()) {
      people.push_back(who);
    } else if ((*over)->people.empty()) {
      people.emplace_back();
    } else {
      people.insert(people.end(), (*over)->people.begin(), (*over)->people.end());
    }
  }
  return people;
}

/// Replaces single members, within the shifts that are there.
void replace_members(std::vector<Shift>& pieces, const std::vector<const Override*>& overrides) {
  std::vector<Shift> out;
  for (auto& piece : pieces) {
    std::set<Instant> cuts{piece.start, piece.end};
    for (const auto* over : overrides) {
      for (const auto t : {over->start, over->end}) {
        if (piece.start < t && t < piece.end) cuts.insert(t);
      }
    }
    for (auto from = cuts.begin(), to = std::next(from); to != cuts.end(); from = to++) {
      auto people = with_replacements(piece, overrides, *from);
      const auto source = people == piece.people ? piece.source : std::string("override");
      out.push_back({std::move(people), *from, *to, source});
    }
  }
  pieces = std::move(out);
}

/// Puts off the boundaries that a lagging system has not seen yet; drops what is outside; sorts.
void settle(std::vector<Shift>& pieces, Window window, Asked asked) {
  const auto seen = asked.now - asked.lag;
  if (asked.lag > milliseconds(0)) {
    for (auto& piece : pieces) {
      if (seen < piece.start && piece.start <= asked.now) piece.start += asked.lag;
      if (seen < piece.end && piece.end <= asked.now) piece.end += asked.lag;
    }
  }
  std::erase_if(pieces, [&](const Shift& s) { return s.start >= s.end || !touches(s, window); });
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Shift& a, const Shift& b) { return a.start < b.start; });
}

struct Resolver {
  const World& world;
  Instant t;
  std::vector<std::string> keys{};
  std::vector<std::string> open{};  ///< references under way: a cycle ends there

  void person(const std::string& key, System system) {
    for (const auto& forwarding : world.forwardings) {
      const bool counts = forwarding.system == system && forwarding.from == key;
      if (counts && forwarding.start <= t && t < forwarding.end) {
        keys.push_back(forwarding.to);
        return;
      }
    }
    keys.push_back(key);
  }

  void reference(const std::string& who, System system) {
    if (who.empty()) return;
    const auto [kind, id] = split_reference(who);
    if (kind.empty() || kind == "device") return person(std::string(id), system);
    if (std::find(open.begin(), open.end(), who) != open.end()) return;
    open.push_back(who);
    if (kind == "schedule" || kind == "group") {
      if (const auto* nested = world.roster(system).schedules.find(id)) schedule(*nested);
    } else if (const auto* team = world.teams.find(id)) {
      for (const auto& step : team->steps) {
        if (!team->escalation || step.delay == 0) reference(step.who, system);
      }
    }
    open.pop_back();
  }

  /// xMatters: everybody with the smallest sum of delays in his shift.
  void roster(const Part& part, const Shift& shift, System system) {
    int sum = 0;
    bool skipped = false;
    std::optional<int> smallest;
    for (std::size_t i = 0; i < shift.people.size(); ++i) {
      // The delay before a skipped member counts, the next member's does not.
      if (!skipped) sum += i < part.delays.size() ? part.delays[i] : 0;
      const auto* responder =
          world.roster(system).person(std::string(split_reference(shift.people[i]).second));
      skipped = shift.people[i].empty() || (responder && responder->deleted);
      if (skipped) continue;
      if (smallest && sum > *smallest) return;
      smallest = sum;
      reference(shift.people[i], system);
    }
  }

  void schedule(const Schedule& it) {
    if (!it.enabled || it.forbidden) return;
    const Window moment{t, t};
    for (const auto& part : it.parts) {
      if (part.deleted) continue;
      for (const auto& shift : shifts_of(it, part, moment, {t, milliseconds(0)})) {
        if (!covers(shift, t)) continue;
        if (it.system == System::xmatters) {
          roster(part, shift, it.system);
        } else {
          for (const auto& who : shift.people) reference(who, it.system);
        }
      }
    }
  }
};

/// Every moment in the window at which anything may change, by the plans of the schedule and of all below it.
struct Boundaries {
  const World& world;
  Window window;
  std::set<Instant> moments{};
  std::set<std::string> seen{};

  void below(const std::string& who, System system) {
    const auto [kind, id] = split_reference(who);
    if (kind.empty()) return;
    if (const auto* nested = world.roster(system).schedules.find(id)) schedule(*nested);
    const auto* team = world.teams.find(id);
    if (!team || !seen.insert(who).second) return;
    for (const auto& step : team->steps) below(step.who, system);
  }

  void schedule(const Schedule& it) {
    if (!seen.insert(it.id).second) return;
    for (const auto& part : it.parts) {
      for (const auto& shift : shifts_of(it, part, window, {window.from, milliseconds(0)})) {
        moments.insert({shift.start, shift.end});
        for (const auto& who : shift.people) below(who, it.system);
      }
    }
  }
};

}  // namespace

std::pair<std::string_view, std::string_view> split_reference(std::string_view who) {
  const auto colon = who.find(':');
  if (colon == std::string_view::npos) return {{}, who};
  return {who.substr(0, colon), who.substr(colon + 1)};
}

std::vector<Shift> planned_shifts(const Part& part, Window window) {
  std::vector<Shift> out;
  if (part.rule) {
    rule_shifts(*part.rule, window, out);
    return out;
  }
  if (part.wall) {
    for (auto& shift : wall_shifts(*part.wall, window)) {
      if (!shift.people.empty()) out.push_back({std::move(shift.people), shift.start, shift.end});
    }
    return out;
  }
  for (const auto& shift : part.fixed) {
    if (touches(shift, window)) out.push_back(shift);
  }
  return out;
}

std::vector<Shift> occurrences(const Part& part, Window window, Asked asked) {
  auto pieces = planned_shifts(part, {window.from - asked.lag, window.to});
  settle(pieces, window, asked);
  return pieces;
}

std::vector<Shift> shifts_of(const Schedule& schedule, const Part& part, Window window, Asked asked) {
  const auto seen = asked.now - asked.lag;
  auto pieces = planned_shifts(part, {window.from - asked.lag, window.to});
  std::vector<const Override*> of_members;
  for (const auto& over : schedule.overrides) {
    if (over.made_at > seen || (!over.part.empty() && over.part != part.id)) continue;
    // In xMatters an override is the absence of everybody in the shift: it fills no gap.
    if (schedule.system == System::xmatters || !over.of.empty()) {
      of_members.push_back(&over);
    } else {
      lay_over(pieces, over);
    }
  }
  if (!of_members.empty()) replace_members(pieces, of_members);
  settle(pieces, window, asked);
  return pieces;
}

bool covers(const Shift& shift, Instant t) {
  return shift.start <= t && t < shift.end;
}

std::string stamp(Instant t) {
  const bool whole = t.time_since_epoch().count() % 1000 == 0;
  return whole ? format_rfc3339(t) : format_rfc3339_ms(t);
}

std::vector<std::string> on_call_at(const World& world, const Schedule& schedule, Instant t) {
  Resolver resolver{world, t};
  resolver.schedule(schedule);
  auto& keys = resolver.keys;
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

Instant next_boundary(const World& world, const Schedule& schedule, Instant t) {
  const auto people = on_call_at(world, schedule, t);
  for (const milliseconds ahead :
       {milliseconds(2min), milliseconds(1h), milliseconds(24h), milliseconds(1440h)}) {
    Boundaries found{world, {t, t + ahead}};
    found.schedule(schedule);
    for (const auto& forwarding : world.forwardings) found.moments.insert({forwarding.start, forwarding.end});
    for (const auto moment : found.moments) {
      if (moment > t && moment != kNever && on_call_at(world, schedule, moment) != people) return moment;
    }
  }
  return kNever;
}

std::vector<std::string> everybody_in(const Schedule& schedule) {
  std::vector<std::string> keys;
  const auto add = [&](const std::vector<std::string>& people) {
    keys.insert(keys.end(), people.begin(), people.end());
  };
  for (const auto& part : schedule.parts) {
    if (part.rule) {
      for (const auto& turn : part.rule->turns) add(turn);
    }
    for (const auto& site : part.wall ? part.wall->sites : std::vector<WallSite>{}) {
      for (const auto& turn : site.turns) add(turn);
    }
    for (const auto& shift : part.fixed) add(shift.people);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace watchbill::sandbox
