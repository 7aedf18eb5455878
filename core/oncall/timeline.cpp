#include "core/oncall/timeline.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

namespace watchbill {

namespace {

bool covers(const Shift& shift, Instant t) {
  return shift.start <= t && t < shift.end;
}

bool earlier(const Shift& a, const Shift& b) {
  return std::tie(a.start, a.responder, a.end) < std::tie(b.start, b.responder, b.end);
}

/// Those of `before` who are the same are shared with it, too.
void normalise(std::vector<Shift>& shifts, const std::vector<Shift>& before = {}) {
  std::erase_if(shifts, [](const Shift& s) { return s.start >= s.end; });
  share_responders(shifts, before);
  std::sort(shifts.begin(), shifts.end(), earlier);
  const auto same = [](const Shift& a, const Shift& b) {
    return a.responder == b.responder && a.start == b.start && a.end == b.end;
  };
  shifts.erase(std::unique(shifts.begin(), shifts.end(), same), shifts.end());
}

/// Of two things that are said of one person at the same time, the one with an address; else always the same.
bool says_more(const Responder& a, const Responder& b) {
  if (a.deleted != b.deleted) return !a.deleted;
  return std::tie(a.email, a.name) > std::tie(b.email, b.name);  // no address is less than any
}

/// Who is on call at `t`: sorted, none twice. Points into `shifts`, which are sorted by start.
std::vector<const Responder*> pointers_at(const std::vector<Shift>& shifts, Instant t) {
  std::vector<const Responder*> found;
  for (const auto& shift : shifts) {
    if (shift.start > t) break;  // sorted by start
    if (covers(shift, t)) found.push_back(&*shift.responder);
  }
  std::sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return *a < *b; });
  const auto same = [](const auto* a, const auto* b) { return *a == *b; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

bool same_at(const std::vector<const Responder*>& a, const std::vector<const Responder*>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto* x, const auto* y) { return *x == *y; });
}

std::vector<Responder> responders_at(const std::vector<Shift>& shifts, Instant t) {
  std::vector<Responder> found;
  for (const auto* responder : pointers_at(shifts, t)) found.push_back(*responder);
  return found;
}

/// True if the two tell the same of [overlap.from, overlap.to) and of the ends of what reaches past it.
bool compatible(const Shift& known, const Shift& said, Window overlap) {
  if (!(known.responder == said.responder)) return false;
  if (std::max(known.start, overlap.from) != std::max(said.start, overlap.from)) return false;
  if (known.end_unknown && said.end_unknown) return true;
  if (known.end_unknown) return said.end >= known.end;
  if (said.end_unknown) return known.end >= said.end;
  return known.end == said.end;
}

bool touches(const Shift& shift, Window window) {
  return shift.start < window.to && shift.end > window.from;
}

/// Keeps the part of a known shift that lies before `until`; one stay, if its person goes on from there.
void keep_until(std::vector<Shift>& shifts, Shift known, Instant until) {
  if (known.start >= until) return;
  for (auto& shift : shifts) {
    if (shift.responder == known.responder && shift.start == until) {
      shift.start = known.start;
      return;
    }
  }
  known.end = until;
  known.end_unknown = false;
  shifts.push_back(std::move(known));
}

/// The question was about a boundary ahead: its answer says nothing of the moments before that.
bool asks_ahead(const ScheduleAnswer& answer) {
  return answer.window.from > answer.asked_at;
}

Timeline only(const ScheduleAnswer& answer, const Timeline& known = {}) {
  Timeline fresh{answer.shifts, answer.window.from, answer.window.to, answer.asked_at};
  if (asks_ahead(answer)) {
    for (auto& shift : fresh.shifts) shift.start = std::max(shift.start, answer.window.from);
  }
  normalise(fresh.shifts, known.shifts);
  return fresh;
}

/// An answer about one moment: it confirms, or it cuts what was known at that moment and starts anew.
Merged merge_moment(const Timeline& known, const ScheduleAnswer& answer) {
  const Instant at = answer.window.from;
  const auto was = on_call_at(known, at);
  const auto says = responders_at(only(answer).shifts, at);
  const auto* people = std::get_if<People>(&was);
  const bool agrees =
      people ? people->responders == says : std::holds_alternative<Nobody>(was) && says.empty();

  Timeline next = known;
  next.confirmed_at = answer.asked_at;
  if (agrees) {
    if (known.horizon < answer.window.to) {
      for (auto shift : answer.shifts) {
        shift.start = std::max(shift.start, known.horizon);
        next.shifts.push_back(std::move(shift));
      }
      next.horizon = answer.window.to;
      normalise(next.shifts);
    }
    return {std::move(next), true, false};
  }
  if (std::holds_alternative<Unknown>(was)) return {only(answer), false, known.horizon > at};
  for (auto& shift : next.shifts) {
    shift.end = std::min(shift.end, at);
  }
  next.shifts.insert(next.shifts.end(), answer.shifts.begin(), answer.shifts.end());
  next.horizon = answer.window.to;
  normalise(next.shifts);
  return {std::move(next), false, true};
}

}  // namespace

OnCall on_call_at(const Timeline& timeline, Instant t) {
  if (t < timeline.known_from || t >= timeline.horizon) return Unknown{};
  auto found = responders_at(timeline.shifts, t);
  if (found.empty()) return Nobody{};
  return People{std::move(found)};
}

std::optional<Instant> on_call_until(const Timeline& timeline, const Responder& responder, Instant t) {
  Instant until = t;
  bool unknown = true;
  // Each round follows the shift that reaches furthest from where the last one ended.
  for (bool moved = true; moved;) {
    moved = false;
    for (const auto& shift : timeline.shifts) {
      const bool continues = shift.responder == responder && shift.start <= until && shift.end > until;
      if (!continues) continue;
      until = shift.end;
      unknown = shift.end_unknown;
      moved = true;
    }
  }
  if (unknown) return std::nullopt;
  return until;
}

std::optional<Instant> next_boundary(const Timeline& timeline, Instant t) {
  const auto now = pointers_at(timeline.shifts, t);
  // Edge by edge: nearly always the first one is it.
  for (Instant after = t;;) {
    Instant edge = timeline.horizon;
    for (const auto& shift : timeline.shifts) {
      if (shift.start > after) edge = std::min(edge, shift.start);
      if (shift.end > after) edge = std::min(edge, shift.end);
    }
    if (edge >= timeline.horizon) return std::nullopt;
    if (!same_at(now, pointers_at(timeline.shifts, edge))) return edge;
    after = edge;
  }
}

std::optional<Instant> last_boundary(const Timeline& timeline, Instant t) {
  const auto now = pointers_at(timeline.shifts, t);
  for (Instant until = t;;) {
    Instant edge = timeline.known_from;
    for (const auto& shift : timeline.shifts) {
      if (shift.start <= until) edge = std::max(edge, shift.start);
      if (shift.end <= until) edge = std::max(edge, shift.end);
    }
    if (edge <= timeline.known_from) return std::nullopt;
    if (!same_at(now, pointers_at(timeline.shifts, edge - 1ms))) return edge;
    until = edge - 1ms;
  }
}

namespace {

Merged merge_shifts(const Timeline& known, const ScheduleAnswer& answer) {
  if (answer.moment) return merge_moment(known, answer);
  const Window overlap{std::max(answer.window.from, known.known_from),
                       std::min(answer.window.to, known.horizon)};
  // What stays the same is seen at a glance where both share it.
  Timeline next = only(answer, known);
  if (overlap.from >= overlap.to) return {std::move(next), false, false};

  std::vector<const Shift*> was;
  for (const auto& shift : known.shifts) {
    if (touches(shift, overlap)) was.push_back(&shift);
  }
  bool agrees = true;
  for (auto& shift : next.shifts) {
    if (!touches(shift, overlap)) continue;
    const auto match =
        std::find_if(was.begin(), was.end(), [&](const Shift* k) { return compatible(*k, shift, overlap); });
    if (match == was.end()) {
      agrees = false;
      continue;
    }
    if (shift.end_unknown) {
      shift.end = std::max(shift.end, (*match)->end);
      shift.end_unknown = (*match)->end_unknown;
    }
    shift.start = std::min(shift.start, (*match)->start);
    was.erase(match);
  }
  agrees = agrees && was.empty();
  if (asks_ahead(answer)) {
    for (const auto* shift : was) keep_until(next.shifts, *shift, overlap.from);
  }

  for (const auto& shift : known.shifts) {
    const bool past = shift.end <= overlap.from;
    const bool later = agrees && shift.start >= answer.window.to;
    if (past || later) next.shifts.push_back(shift);
  }
  next.known_from = std::min(known.known_from, next.known_from);
  const bool forgets = !agrees && known.horizon > next.horizon;
  if (agrees) next.horizon = std::max(known.horizon, next.horizon);
  normalise(next.shifts);
  return {std::move(next), agrees, forgets};
}

}  // namespace

Merged merge(const Timeline& known, const ScheduleAnswer& answer) {
  auto merged = merge_shifts(known, answer);
  take_details(merged.timeline.shifts, answer.shifts);
  return merged;
}

void take_details(std::vector<Shift>& shifts, const std::vector<Shift>& said) {
  std::map<std::pair<std::string_view, std::string_view>, const SharedResponder*> latest;
  for (const auto& shift : said) {
    const Responder& who = shift.responder;
    auto& best = latest[{who.connection, who.id}];
    if (best == nullptr || (&who != &**best && says_more(who, *best))) best = &shift.responder;
  }
  // Shifts share their few responders: each is looked at once. Nothing means that it stays.
  std::map<const Responder*, const SharedResponder*> renewed;
  for (const auto& shift : shifts) {
    const Responder& who = shift.responder;
    const auto [entry, fresh] = renewed.try_emplace(&who, nullptr);
    if (!fresh) continue;
    const auto known = latest.find({who.connection, who.id});
    if (known != latest.end() && !same_details(*known->second, who)) entry->second = known->second;
  }
  const bool any = std::any_of(renewed.begin(), renewed.end(), [](const auto& one) { return one.second; });
  if (!any) return;
  // The old ones are kept until all are replaced: their addresses are the keys.
  const auto before = shifts;
  for (auto& shift : shifts) {
    if (const auto* now = renewed.at(&*shift.responder)) shift.responder = *now;
  }
  share_responders(shifts);
}

bool same_details(const Responder& a, const Responder& b) {
  return a == b && a.name == b.name && a.email == b.email && a.deleted == b.deleted;
}

bool same_details(const std::vector<Shift>& a, const std::vector<Shift>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Shift& x, const Shift& y) {
    return x.start == y.start && x.end == y.end && x.end_unknown == y.end_unknown &&
           (&*x.responder == &*y.responder || same_details(*x.responder, *y.responder));
  });
}

void share_responders(std::vector<Shift>& shifts, const std::vector<Shift>& before) {
  std::vector<const SharedResponder*> known;
  const auto is_known = [&known](const SharedResponder& responder) {
    return std::any_of(known.begin(), known.end(), [&](const auto* one) { return &**one == &*responder; });
  };
  for (const auto& shift : before) {
    if (!is_known(shift.responder)) known.push_back(&shift.responder);
  }
  for (auto& shift : shifts) {
    if (is_known(shift.responder)) continue;
    const auto same = std::find_if(known.begin(), known.end(),
                                   [&](const auto* one) { return same_details(*one, shift.responder); });
    if (same == known.end()) {
      known.push_back(&shift.responder);
    } else {
      shift.responder = **same;
    }
  }
}

void forget_past(Timeline& timeline, Instant now) {
  const Instant limit = now - 10min;
  std::erase_if(timeline.shifts, [&](const Shift& shift) { return shift.end < limit; });
  if (timeline.known_from < limit) timeline.known_from = std::min(limit, timeline.horizon);
}

}  // namespace watchbill
