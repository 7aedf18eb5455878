#include "control/schedule_pairs.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/oncall/rotation.hpp"

namespace watchbill::control {

namespace {

/// So much of the time must two schedules say the same people to be taken for one.
constexpr double kAlike = 0.9;
/// The same handoff, a few seconds apart, is no difference while it is far ahead.
constexpr milliseconds kNoMatter = 1min;

/// People by key, with what they are called.
using Named = std::map<std::string, std::string>;

Named people_at(const Timeline& timeline, Instant t, const PersonKey& key) {
  Named people;
  const auto on_call = on_call_at(timeline, t);
  if (const auto* who = std::get_if<People>(&on_call)) {
    for (const auto& responder : who->responders)
      people.emplace(key(responder), responder.email.value_or(name_and_account(responder)));
  }
  return people;
}

bool same_keys(const Named& a, const Named& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first; });
}

std::vector<std::string> names_of(const Named& people) {
  std::vector<std::string> names;
  for (const auto& [key, name] : people) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

/// A stretch in which nothing changes on either side.
struct Stretch {
  Instant from;
  Instant to;
  Named before;
  Named after;
};

std::vector<Stretch> stretches_of(const Timeline& before, const Timeline& after, Instant from, Instant to,
                                  const PersonKey& key) {
  from = std::max({from, before.known_from, after.known_from});
  to = std::min({to, before.horizon, after.horizon});
  std::set<Instant> edges{from};
  for (const auto* timeline : {&before, &after}) {
    for (const auto& shift : timeline->shifts) {
      for (const auto edge : {shift.start, shift.end}) {
        if (from < edge && edge < to) edges.insert(edge);
      }
    }
  }
  std::vector<Stretch> stretches;
  for (auto edge = edges.begin(); edge != edges.end() && *edge < to; ++edge) {
    const auto next = std::next(edge);
    stretches.push_back({*edge, next == edges.end() ? to : *next, people_at(before, *edge, key),
                         people_at(after, *edge, key)});
  }
  return stretches;
}

/// Which share of the time in which somebody is on call both say the same; nothing if nobody is.
std::optional<double> likeness(const ShownSchedule& before, const ShownSchedule& after, Instant from,
                               Instant to, const PersonKey& key) {
  if (!before.timeline || !after.timeline) return std::nullopt;
  milliseconds all{0};
  milliseconds same{0};
  for (const auto& stretch : stretches_of(*before.timeline, *after.timeline, from, to, key)) {
    if (stretch.before.empty() && stretch.after.empty()) continue;
    all += stretch.to - stretch.from;
    if (same_keys(stretch.before, stretch.after)) same += stretch.to - stretch.from;
  }
  if (all <= milliseconds{0}) return std::nullopt;
  return static_cast<double>(same.count()) / static_cast<double>(all.count());
}

using Alike = std::function<bool(const ShownSchedule&, const ShownSchedule&)>;

/// Finds partners one way for those who have none yet.
class Pairing {
 public:
  Pairing(const std::vector<ShownSchedule>& before, const std::vector<ShownSchedule>& after)
      : before_(before), after_(after), partner_(before.size()), by_(before.size()), unsure_(before.size()) {}

  /// Whoever has exactly one on the other side, who has nobody else.
  void by(const std::string& how, const Alike& alike) {
    std::vector<std::vector<std::size_t>> found(before_.size());
    std::map<std::size_t, std::vector<std::size_t>> wanted;
    for (std::size_t i = 0; i < before_.size(); ++i) {
      if (partner_[i]) continue;
      for (std::size_t k = 0; k < after_.size(); ++k) {
        if (taken_.contains(k) || !alike(before_[i], after_[k])) continue;
        found[i].push_back(k);
        wanted[k].push_back(i);
      }
    }
    for (std::size_t i = 0; i < before_.size(); ++i) {
      if (found[i].empty()) continue;
      if (found[i].size() == 1 && wanted[found[i].front()].size() == 1) {
        partner_[i] = found[i].front();
        by_[i] = how;
        taken_.insert(found[i].front());
      } else if (!unsure_[i]) {
        unsure_[i] = note(how, i, found[i], wanted);
      }
    }
  }

  [[nodiscard]] const ShownSchedule* partner(std::size_t i) const {
    return partner_[i] ? &after_[*partner_[i]] : nullptr;
  }
  [[nodiscard]] std::string how(std::size_t i) const { return by_[i]; }
  /// What is to be said of one without a partner.
  [[nodiscard]] UnpairedSchedule unpaired(std::size_t i) const {
    return unsure_[i].value_or(UnpairedSchedule{before_[i].ref});
  }

 private:
  [[nodiscard]] UnpairedSchedule note(const std::string& how, std::size_t i,
                                      const std::vector<std::size_t>& found,
                                      const std::map<std::size_t, std::vector<std::size_t>>& wanted) const {
    UnpairedSchedule unsure{before_[i].ref, how};
    for (const auto k : found) unsure.candidates.push_back(after_[k].ref);
    if (found.size() > 1) return unsure;
    for (const auto other : wanted.at(found.front())) {
      if (other != i) unsure.rivals.push_back(before_[other].ref);
    }
    return unsure;
  }

  const std::vector<ShownSchedule>& before_;
  const std::vector<ShownSchedule>& after_;
  std::vector<std::optional<std::size_t>> partner_;
  std::vector<std::string> by_;
  std::vector<std::optional<UnpairedSchedule>> unsure_;
  std::set<std::size_t> taken_;
};

}  // namespace

std::vector<PairDifference> differences_of(const Timeline& before, const Timeline& after, Instant from,
                                           Instant to, const PersonKey& key) {
  std::vector<PairDifference> out;
  for (const auto& stretch : stretches_of(before, after, from, to, key)) {
    if (same_keys(stretch.before, stretch.after)) continue;
    PairDifference found{stretch.from, stretch.to, names_of(stretch.before), names_of(stretch.after)};
    const bool goes_on = !out.empty() && out.back().to == found.from && out.back().before == found.before &&
                         out.back().after == found.after;
    if (goes_on) {
      out.back().to = found.to;
    } else {
      out.push_back(std::move(found));
    }
  }
  std::erase_if(out, [&](const PairDifference& one) {
    return one.from >= from + kExactly && one.to - one.from < kNoMatter;
  });
  return out;
}

void compare(SchedulePair& pair, const ShownSchedule& before, const ShownSchedule& after, Instant from,
             Instant to, const PersonKey& key) {
  pair.differences.clear();
  pair.not_compared.clear();
  pair.compared_until.reset();
  for (const auto* side : {&before, &after}) {
    const bool tells = side->timeline && !std::holds_alternative<Unknown>(on_call_at(*side->timeline, from));
    if (tells) continue;
    pair.not_compared = fmt::format("{} does not tell who is on call now", side->ref);
    if (!side->silence.empty()) pair.not_compared += ": " + side->silence;
    return;
  }
  pair.differences = differences_of(*before.timeline, *after.timeline, from, to, key);
  const auto end = std::min(before.timeline->horizon, after.timeline->horizon);
  if (end < to) pair.compared_until = end;
}

SchedulePairs pair_schedules(const std::vector<ShownSchedule>& before,
                             const std::vector<ShownSchedule>& after, Instant from, Instant to,
                             const PersonKey& key, const ChosenPartners& chosen) {
  Pairing pairing(before, after);
  pairing.by("choice", [&](const auto& a, const auto& b) {
    const auto partner = chosen.find(a.ref);
    return partner != chosen.end() && partner->second == b.ref;
  });
  pairing.by("id", [](const auto& a, const auto& b) { return a.ref.id == b.ref.id; });
  pairing.by("name", [](const auto& a, const auto& b) {
    return !a.name.empty() && fold_name(a.name) == fold_name(b.name);
  });
  pairing.by("people", [&](const auto& a, const auto& b) {
    return likeness(a, b, from, to, key).value_or(0) >= kAlike;
  });
  SchedulePairs found;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto* partner = pairing.partner(i);
    if (!partner) {
      found.unpaired.push_back(pairing.unpaired(i));
      continue;
    }
    SchedulePair pair{before[i].ref, partner->ref, pairing.how(i)};
    compare(pair, before[i], *partner, from, to, key);
    found.pairs.push_back(std::move(pair));
  }
  return found;
}

std::string name_and_account(const Responder& responder) {
  const auto account = responder.connection + "/" + responder.id;
  return responder.name == responder.id ? account : fmt::format("{} ({})", responder.name, account);
}

}  // namespace watchbill::control
