#include "engine/status_board.hpp"

#include <algorithm>
#include <utility>

namespace watchbill::engine {

namespace {

/// Problems that are told, but are no error of ours: what was agreed for an empty schedule happens.
bool agreed(const Problem& problem) {
  return problem.key.find(":empty") != std::string::npos ||
         problem.key.find(":required:") != std::string::npos;
}

bool unknown_source(const Problem& problem) {
  return problem.key.find(":unknown:") != std::string::npos;
}

bool differs(const RotationEntry& entry) {
  return entry.group.now && entry.record.target &&
         write_needed(*entry.record.target, *entry.group.now) != WriteNeeded::none;
}

}  // namespace

std::vector<Problem> problems_of(const RotationEntry& entry) {
  auto problems = entry.plan.problems;
  for (const auto& [kind, text] : entry.problems) {
    problems.push_back(
        {fmt::format("rotation:{}:{}", entry.rotation.id.value, kind), text, entry.rotation.id});
  }
  if (entry.refusal) {
    std::vector<std::string> names;
    for (const auto& person : entry.plan.people) names.push_back(person.responder.name);
    problems.push_back(
        {fmt::format("rotation:{}:refused", entry.rotation.id.value),
         fmt::format("@{} was not written: {}. On call is {}", entry.rotation.handle, entry.refusal->message,
                     names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "))),
         entry.rotation.id});
  }
  if (entry.group.reported && differs(entry)) {
    problems.push_back(
        {fmt::format("rotation:{}:differs", entry.rotation.id.value),
         fmt::format("@{} differs from who is on call, and `--drift report` forbids to repair it; edit the "
                     "group, or set `--drift repair`",
                     entry.rotation.handle),
         entry.rotation.id});
  }
  return problems;
}

std::string state_of(const RotationEntry& entry, bool source_silent) {
  if (entry.rotation.paused) return "paused";
  if (entry.rotation.mode == Mode::observe) return "observing";
  const auto problems = problems_of(entry);
  const bool error = std::any_of(problems.begin(), problems.end(),
                                 [](const Problem& p) { return !agreed(p) && !unknown_source(p); });
  if (error) return "error";
  if (entry.plan.stale || source_silent) return "stale";
  const bool pending = entry.write || entry.group.in_flight || entry.group.must_read || !entry.group.now ||
                       !entry.record.decided || entry.pending_since || differs(entry);
  return pending ? "pending" : "in_sync";
}

void StatusBoard::recall() {
  if (std::exchange(recalled_, true)) return;
  auto statuses = store_.engine().statuses();
  // What cannot be read is written anew.
  if (!statuses) return;
  for (auto& status : *statuses) written_.insert_or_assign(status.rotation, std::move(status));
}

void StatusBoard::mark_all() {
  for (const auto& [id, entry] : model_.rotations) dirty_.insert(id);
}

Result<void> StatusBoard::flush(const std::set<RotationId>& silent, const WhySilent& why, Instant now) {
  if (!dirty_.empty()) recall();
  std::vector<store::RotationStatus> changed;
  std::vector<store::GroupSnapshot> groups;
  for (const auto id : dirty_) {
    const auto* entry = model_.find(id);
    if (!entry) continue;
    store::RotationStatus status{id, state_of(*entry, silent.contains(id)), entry->plan.people,
                                 entry->plan.next, entry->plan.next_boundary};
    for (const auto& problem : problems_of(*entry)) status.problems.push_back(problem.text);
    for (auto& text : why(*entry)) status.problems.push_back(std::move(text));
    const auto known = written_.find(id);
    if (known == written_.end() || !(known->second == status)) changed.push_back(std::move(status));
    if (!entry->group.now) continue;
    const auto group = groups_.find(entry->rotation.group);
    if (group != groups_.end() && group->second == *entry->group.now) continue;
    groups.push_back({entry->rotation.group, entry->rotation.handle, entry->group.now->members,
                      entry->group.now->disabled, now});
  }
  if (!changed.empty() || !groups.empty()) {
    auto saved = store_.relaxed_transaction([&]() -> Result<void> {
      for (const auto& status : changed) {
        if (auto put = store_.engine().put_status(status); !put) return put;
      }
      for (const auto& group : groups) {
        if (auto put = store_.engine().put_group(group); !put) return put;
      }
      return {};
    });
    if (!saved) return saved;
  }
  dirty_.clear();
  for (auto& status : changed) written_.insert_or_assign(status.rotation, std::move(status));
  for (auto& group : groups)
    groups_.insert_or_assign(group.id, GroupNow{std::move(group.members), group.disabled});
  return {};
}

}  // namespace watchbill::engine
