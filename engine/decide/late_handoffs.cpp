#include "engine/decide/late_handoffs.hpp"

#include <algorithm>

namespace watchbill::engine {

namespace {

/// A change that is seen so long after it happened was late.
constexpr auto kWorthTelling = 60s;

/// True if somebody who came had been on call for a while when that was found out; nothing if that is not
/// known. What was foreseen is held since its boundary, when their shift began.
std::optional<bool> came_late(const Change& change) {
  if (!change.held_since) return std::nullopt;
  for (const auto& person : change.said) {
    const auto& before = change.before;
    if (person.member && std::find(before.begin(), before.end(), *person.member) != before.end()) continue;
    if (!person.since) return std::nullopt;
    if (*change.held_since - *person.since > kWorthTelling) return true;
  }
  return false;
}

}  // namespace

bool tells_of_silence(const store::OpenProblem& problem) {
  return !problem.ended_at && problem.problem.key.ends_with(":failing");
}

void LateHandoffs::load(const std::vector<Change>& changes) {
  if (changes.size() >= kHandoffsKept) known_since_ = changes.back().at + 1ms;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) note(*change);
}

void LateHandoffs::note(const Change& change) {
  if (change.cause != Cause::handoff) return;
  if (handoffs_.size() == kHandoffsKept) {
    known_since_ = handoffs_.front().at + 1ms;
    handoffs_.pop_front();
  }
  handoffs_.push_back({change.at, change.rotation, came_late(change)});
}

std::optional<bool> LateHandoffs::any_since(RotationId rotation, Instant since) const {
  if (since < known_since_) return std::nullopt;
  bool late = false;
  for (const auto& handoff : handoffs_) {
    if (handoff.rotation != rotation || handoff.at < since) continue;
    if (!handoff.late) return std::nullopt;
    late = late || *handoff.late;
  }
  return late;
}

}  // namespace watchbill::engine
