#include "providers/xmatters/roster.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace watchbill::providers::xmatters {

namespace {

/// More than that is not a roster but a fault: nothing is made of it.
constexpr int kMaxSteps = 500'000;
constexpr int kMaxExpansions = 2000;

bool same_members(const std::vector<Member>& a, const std::vector<Member>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Member& x, const Member& y) { return x.who.id == y.who.id; });
}

bool same_occurrence(const Occurrence& a, const Occurrence& b) {
  if (a.shift != b.shift || (a.start != b.start && a.end != b.end)) return false;
  return !a.shift.empty() || same_members(a.members, b.members);
}

std::vector<MemberSpan> join(std::vector<MemberSpan> spans) {
  std::sort(spans.begin(), spans.end(), [](const MemberSpan& a, const MemberSpan& b) {
    return std::tie(a.who.id, a.start) < std::tie(b.who.id, b.start);
  });
  std::vector<MemberSpan> out;
  for (auto& span : spans) {
    if (!out.empty() && out.back().who.id == span.who.id && span.start <= out.back().end) {
      auto& last = out.back();
      last.end = std::max(last.end, span.end);
      if (!last.address || (span.work_address && !last.work_address)) {
        last.address = std::move(span.address);
        last.work_address = span.work_address;
      }
    } else {
      out.push_back(std::move(span));
    }
  }
  std::sort(out.begin(), out.end(), [](const MemberSpan& a, const MemberSpan& b) {
    return std::tie(a.start, a.who.id) < std::tie(b.start, b.who.id);
  });
  return out;
}

/// Resolves the nested groups of one question.
class Roster {
 public:
  explicit Roster(const Occurrences& occurrences) : occurrences_(occurrences) {}

  Result<std::vector<MemberSpan>> of(const std::string& group) {
    if (const auto known = done_.find(group); known != done_.end()) return known->second;
    const auto at = occurrences_.find(group);
    if (at == occurrences_.end()) {
      return fail(ErrorKind::unreadable, "the nested group {} was not answered", group);
    }
    if (path_.size() > kMaxNesting) {
      return fail(ErrorKind::unreadable, "groups are nested more than {} deep", kMaxNesting);
    }
    path_.push_back(group);
    const auto cuts_before = cycles_;
    std::vector<MemberSpan> spans;
    Nested nested;  // each once, however many occurrences name it
    for (const auto& occurrence : at->second) {
      if (occurrence.error) return *occurrence.error;
      if (auto resolved = resolve(occurrence.members, nested); !resolved) return resolved.error();
      if (auto added = add(occurrence, nested, spans); !added) return added.error();
    }
    path_.pop_back();
    spans = join(std::move(spans));
    // What was cut at a cycle is only true from where the question began.
    if (cycles_ == cuts_before) done_[group] = spans;
    return spans;
  }

 private:
  using Nested = std::map<std::string, std::vector<MemberSpan>>;

  Result<void> add(const Occurrence& occurrence, const Nested& known, std::vector<MemberSpan>& spans) {
    auto members = occurrence.members;
    std::stable_sort(members.begin(), members.end(),
                     [](const Member& a, const Member& b) { return a.position < b.position; });
    const auto nested = during(occurrence, known);
    const auto cuts = breakpoints(occurrence, members, nested);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      steps_ += static_cast<int>(members.size()) + 1;
      if (steps_ > kMaxSteps) return fail(ErrorKind::unreadable, "its roster is too large to be true");
      for (auto& span : first_reached(members, nested, cuts[i])) {
        span.start = cuts[i];
        span.end = cuts[i + 1];
        spans.push_back(std::move(span));
      }
    }
    return {};
  }

  /// Adds the groups among `members` that are not in `nested` yet.
  Result<void> resolve(const std::vector<Member>& members, Nested& nested) {
    for (const auto& member : members) {
      if (member.kind != Member::Kind::group || !member.active) continue;
      const auto& id = member.who.id;
      if (nested.contains(id)) continue;
      if (std::find(path_.begin(), path_.end(), id) != path_.end()) {
        ++cycles_;
        nested[id] = {};
        continue;
      }
      if (++expansions_ > kMaxExpansions) {
        return fail(ErrorKind::unreadable, "its groups are nested too often");
      }
      auto spans = of(id);
      if (!spans) return spans.error();
      nested[id] = std::move(*spans);
    }
    return {};
  }

  /// What of the nested groups falls into the occurrence.
  static Nested during(const Occurrence& occurrence, const Nested& known) {
    Nested out;
    for (const auto& [id, spans] : known) {
      auto& inside = out[id];
      for (const auto& span : spans) {
        if (span.start >= occurrence.end) break;
        if (span.end > occurrence.start) inside.push_back(span);
      }
    }
    return out;
  }

  /// The moments at which who is reached first may change, from the occurrence's start to its end.
  static std::vector<Instant> breakpoints(const Occurrence& occurrence, const std::vector<Member>& members,
                                          const Nested& nested) {
    std::vector<Instant> cuts{occurrence.start, occurrence.end};
    for (const auto& member : members) {
      for (const auto& absence : member.absences) cuts.insert(cuts.end(), {absence.from, absence.to});
    }
    for (const auto& [id, spans] : nested) {
      for (const auto& span : spans) cuts.insert(cuts.end(), {span.start, span.end});
    }
    std::erase_if(cuts, [&](Instant t) { return t < occurrence.start || t > occurrence.end; });
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    return cuts;
  }

  static const Absence* away(const Member& member, Instant t) {
    const auto at = std::find_if(member.absences.begin(), member.absences.end(),
                                 [&](const Absence& absence) { return absence.from <= t && t < absence.to; });
    return at == member.absences.end() ? nullptr : &*at;
  }

  /// Whoever counts for `member` at `t`. Nothing if he is skipped; empty if a nested group has nobody then.
  static std::optional<std::vector<MemberSpan>> people(const Member& member, const Nested& nested,
                                                       Instant t) {
    if (!member.active) return std::nullopt;
    if (const auto* absence = away(member, t)) {
      if (!absence->replacement || !absence->replacement->active) return std::nullopt;
      return std::vector<MemberSpan>{MemberSpan{*absence->replacement, {}, false, false, {}, {}}};
    }
    if (member.kind != Member::Kind::group) {
      const bool team = member.kind == Member::Kind::team;
      return std::vector<MemberSpan>{
          MemberSpan{member.who, member.address, member.work_address, team, {}, {}}};
    }
    std::vector<MemberSpan> inside;
    for (const auto& span : nested.at(member.who.id)) {
      if (span.start <= t && t < span.end) inside.push_back(span);
    }
    return inside;
  }

  /// Delays add up from member to member; a delay may stand before the first one, too.
  static std::vector<MemberSpan> first_reached(const std::vector<Member>& members, const Nested& nested,
                                               Instant t) {
    std::vector<MemberSpan> reached;
    auto smallest = std::numeric_limits<std::int64_t>::max();
    std::int64_t sum = 0;
    bool skipped = false;
    for (const auto& member : members) {
      if (!skipped) sum += member.delay;
      if (sum > smallest) break;
      auto who = people(member, nested, t);
      skipped = !who.has_value();
      if (skipped || who->empty()) continue;
      smallest = sum;
      for (auto& span : *who) reached.push_back(std::move(span));
    }
    return reached;
  }

  const Occurrences& occurrences_;
  std::map<std::string, std::vector<MemberSpan>> done_;
  std::vector<std::string> path_;
  int cycles_ = 0;
  int steps_ = 0;
  int expansions_ = 0;
};

}  // namespace

void add_occurrences(std::vector<Occurrence>& known, std::vector<Occurrence> more) {
  const auto before = known.size();
  for (auto& one : more) {
    const auto end = known.begin() + static_cast<std::ptrdiff_t>(before);
    const bool there =
        std::any_of(known.begin(), end, [&](const auto& other) { return same_occurrence(other, one); });
    if (!there) known.push_back(std::move(one));
  }
}

std::vector<std::string> nested_groups(const std::vector<Occurrence>& occurrences) {
  std::vector<std::string> ids;
  for (const auto& occurrence : occurrences) {
    for (const auto& member : occurrence.members) {
      if (member.kind != Member::Kind::group || !member.active) continue;
      if (std::find(ids.begin(), ids.end(), member.who.id) == ids.end()) ids.push_back(member.who.id);
    }
  }
  return ids;
}

Result<std::vector<MemberSpan>> spans_of(const Occurrences& occurrences, const std::string& group) {
  return Roster(occurrences).of(group);
}

}  // namespace watchbill::providers::xmatters
