#include "engine/decide/status_writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/phrase.hpp"
#include "engine/decide/open_problems.hpp"
#include "engine/targets/refusal.hpp"

namespace watchbill::engine {

namespace {

/// People in one list of a sentence; the rest are counted.
constexpr std::size_t kNamed = 10;

/// Problems that are told, but are no error of ours: what was agreed for an empty schedule happens.
bool agreed(const Problem& problem) {
  return problem.key.find(":empty") != std::string::npos ||
         problem.key.find(":required:") != std::string::npos;
}

bool unknown_source(const Problem& problem) {
  return problem.key.find(":unknown:") != std::string::npos;
}

/// True if what Slack had not done was written again since: a list is about to show what became of it.
bool written_again(const RotationEntry& entry, const Problem& problem) {
  return problem.key.ends_with(":refused") && entry.refusal && entry.group.answered && !differs(entry);
}

/// By name, if that is somebody who is or was on call; else by id.
std::string name_of_member(const RotationEntry& entry, const UserId& user) {
  for (const auto* people : {&entry.plan.people, &entry.record.people}) {
    for (const auto& person : *people) {
      if (person.member == user) return person.responder.name;
    }
  }
  return user.value;
}

/// Those of `these` who are not among `others`, both sorted.
std::vector<std::string> names_without(const RotationEntry& entry, const std::vector<UserId>& these,
                                       const std::vector<UserId>& others) {
  std::vector<UserId> rest;
  std::set_difference(these.begin(), these.end(), others.begin(), others.end(), std::back_inserter(rest));
  std::vector<std::string> names;
  names.reserve(rest.size());
  for (const auto& user : rest) names.push_back(name_of_member(entry, user));
  return names;
}

std::string sentence(const std::vector<std::string>& names, std::string_view one, std::string_view several) {
  return fmt::format("{} {}", phrase(names, kNamed), names.size() == 1 ? one : several);
}

}  // namespace

std::string difference_of(const RotationEntry& entry) {
  if (!entry.group.now || !entry.record.target) return {};
  // Before it was read nobody knows what a write without an answer left behind.
  if (entry.group.must_read && entry.times_not_done == 0) return {};
  const auto& now = *entry.group.now;
  const auto& target = *entry.record.target;
  if (write_needed(target, now) == WriteNeeded::none) return {};
  if (target.disable) return "it is still enabled";
  std::vector<std::string> parts;
  if (now.disabled) parts.emplace_back("it is still disabled");
  const auto missing = names_without(entry, target.members, now.members);
  if (!missing.empty()) parts.push_back(sentence(missing, "is missing", "are missing"));
  const auto surplus = names_without(entry, now.members, target.members);
  const std::string_view how = missing.empty() ? "there, too" : "there instead";
  if (!surplus.empty())
    parts.push_back(sentence(surplus, fmt::format("is {}", how), fmt::format("are {}", how)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string state_of(const RotationEntry& entry, bool source_silent) {
  if (entry.paused()) return "paused";
  if (entry.rotation.mode == Mode::observe) return "observing";
  const auto problems = problems_of(entry);
  const bool error = std::any_of(problems.begin(), problems.end(), [&](const Problem& p) {
    return !agreed(p) && !unknown_source(p) && !written_again(entry, p);
  });
  if (error) return "error";
  if (entry.plan.stale || source_silent) return "stale";
  const bool pending = entry.write || entry.group.in_flight || entry.group.must_read || !entry.group.now ||
                       !entry.record.decided || entry.pending_since || !entry.plan.decided ||
                       entry.plan.pending || differs(entry) || entry.refusal || !entry.plan.unknown.empty();
  return pending ? "pending" : "in_sync";
}

void StatusWriter::load(std::vector<store::RotationStatus> statuses) {
  for (auto& status : statuses) written_.insert_or_assign(status.rotation, std::move(status));
}

void StatusWriter::mark_all() {
  for (const auto& [id, entry] : model_.rotations) dirty_.insert(id);
}

void StatusWriter::add_to(store::Commit& commit, const std::set<RotationId>& silent, const WhySilent& why,
                          bool time_known, Instant now) {
  for (const auto id : dirty_) {
    const auto* entry = model_.find(id);
    if (!entry) continue;
    store::RotationStatus status{id, state_of(*entry, silent.contains(id)), entry->plan.people,
                                 entry->plan.next, entry->plan.next_boundary};
    for (const auto& problem : problems_of(*entry)) status.problems.push_back(problem.text);
    status.unknown = entry->plan.unknown;
    // Before the first plan nothing is known; "nobody" would be an answer.
    if (!time_known || (!entry->plan.decided && status.unknown.empty())) {
      status.unknown.clear();
      for (const auto& schedule : entry->rotation.schedules) status.unknown.push_back(schedule.ref);
    }
    for (auto& person : status.on_call) person.last_known = person.last_known || !time_known;
    for (auto& text : why(*entry)) status.problems.push_back(std::move(text));
    const auto [known, fresh] = written_.try_emplace(id, status);
    if (fresh || !(known->second == status)) {
      commit.statuses.push_back(status);
      known->second = std::move(status);
    }
    if (!entry->group.now) continue;
    const auto& group = *entry->group.now;
    const auto [seen, first] = groups_.try_emplace(entry->rotation.group, group);
    if (!first && seen->second == group) continue;
    seen->second = group;
    commit.groups.push_back(
        {entry->rotation.group, entry->rotation.handle, group.members, group.disabled, now});
  }
  dirty_.clear();
}

}  // namespace watchbill::engine
