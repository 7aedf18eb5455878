#include "core/announce/outbox.hpp"

#include <algorithm>

namespace watchbill {

namespace {

/// An announcement does not wait longer than this for its group.
constexpr auto kGroupPatience = 2min;
/// History is read this long after an attempt, and once more after `kSecondProbe`.
constexpr auto kFirstProbe = 5s;
constexpr auto kSecondProbe = 10s;

milliseconds backoff(int attempts) {
  return std::min<milliseconds>(1s * (1 << std::min(attempts, 6)), 60s);
}

/// Nothing is claimed of somebody of whom Slack has not said yet who they are.
bool group_is_done(const OutboxRow& row) {
  return row.group_confirmed && !any_pending(row.facts.after);
}

/// Until when an announcement waits for its group, and for who its people are in Slack. One that is decided
/// late (`next_try` is when it was) gives the write as much time.
Instant group_deadline(const OutboxRow& row) {
  return std::max(row.facts.at, row.next_try) + kGroupPatience;
}

std::vector<OnCallPerson> people_in_both(const std::vector<OnCallPerson>& a,
                                         const std::vector<OnCallPerson>& b) {
  return people_without(a, people_without(a, b));
}

void add_people(std::vector<OnCallPerson>& people, const std::vector<OnCallPerson>& more) {
  const auto fresh = people_without(more, people);
  people.insert(people.end(), fresh.begin(), fresh.end());
}

/// Puts the facts of an untold row before those of a later one. `held`: who was on call by it really was.
void precede(AnnouncementFacts& facts, const AnnouncementFacts& untold, bool held) {
  auto between = untold.between;
  auto interrupted = untold.interrupted;
  if (held) {
    std::vector<OnCallPerson> known;
    for (const auto& person : untold.after) {
      if (!person.last_known) known.push_back(person);
    }
    add_people(between, known);
    add_people(interrupted, people_without(untold.before, untold.after));
    facts.nobody_between = facts.nobody_between || untold.after.empty();
  }
  add_people(between, facts.between);
  add_people(interrupted, people_in_both(facts.interrupted, untold.before));
  facts.nobody_between = facts.nobody_between || untold.nobody_between;
  facts.before = untold.before;
  facts.first = untold.first;
  facts.between = people_without(people_without(between, facts.before), facts.after);
  facts.interrupted = std::move(interrupted);
}

}  // namespace

bool release(OutboxRow& row, Instant now) {
  if (row.state != OutboxState::waiting) return false;
  const bool group = group_is_done(row) || now >= group_deadline(row);
  const bool source = !row.confirm_by || now >= *row.confirm_by;
  if (!group || !source) return false;
  row.state = OutboxState::ready;
  row.next_try = now;
  return true;
}

OutboxStep next_step(const OutboxRow& row, bool behind, Instant now, milliseconds max_age) {
  const Instant dead = row.facts.at + max_age;
  switch (row.state) {
    case OutboxState::waiting: {
      if (now > dead) return {OutboxAction::expire};
      const Instant group = group_is_done(row) ? now : group_deadline(row);
      return {OutboxAction::none, std::max(group, row.confirm_by.value_or(now))};
    }
    case OutboxState::ready:
    case OutboxState::blocked:
      if (now > dead) return {OutboxAction::expire};
      if (behind) return {};
      if (now < row.next_try) return {OutboxAction::none, row.next_try};
      return {OutboxAction::send};
    case OutboxState::unknown:
      if (now < row.next_try) return {OutboxAction::none, row.next_try};
      return {OutboxAction::probe};
    case OutboxState::sending:
    case OutboxState::sent:
    case OutboxState::superseded:
    case OutboxState::expired:
      return {};
  }
  return {};
}

void begin_attempt(OutboxRow& row, Instant now) {
  row.state = OutboxState::sending;
  row.attempt_at = now;
  row.probes = 0;
  ++row.attempts;
}

void take_back_attempt(OutboxRow& row, Instant now) {
  row.state = OutboxState::ready;
  row.next_try = now;
  --row.attempts;
}

void complete_attempt(OutboxRow& row, const Result<std::string>& ts, Instant now) {
  if (ts) {
    row.state = OutboxState::sent;
    row.ts = *ts;
    row.error.clear();
    return;
  }
  const auto& error = ts.error();
  row.error = error.message;
  switch (error.kind) {
    case ErrorKind::timeout:
    case ErrorKind::server:
    case ErrorKind::unreadable:
    case ErrorKind::cancelled:
      row.state = OutboxState::unknown;
      row.next_try = now + kFirstProbe;
      return;
    case ErrorKind::unreachable:
    case ErrorKind::rate_limited:
    case ErrorKind::unauthorized:
    case ErrorKind::storage:
      row.state = OutboxState::ready;
      row.next_try = now + std::max<milliseconds>(backoff(row.attempts), error.retry_after.value_or(0s));
      return;
    default:
      row.state = OutboxState::blocked;
      row.next_try = now + kBlockedRetry;
  }
}

void complete_probe(OutboxRow& row, const Probe& probe, Instant now) {
  ++row.probes;
  switch (probe.kind) {
    case Probe::Kind::found:
      row.state = OutboxState::sent;
      row.ts = probe.ts;
      row.error.clear();
      return;
    case Probe::Kind::absent:
      if (row.probes < 2) {
        row.next_try = now + kSecondProbe;
        return;
      }
      row.state = OutboxState::ready;
      row.next_try = now;
      return;
    case Probe::Kind::unreadable:
      row.state = OutboxState::ready;
      row.possibly_repeated = true;
      row.next_try = now;
      return;
    case Probe::Kind::failed:
      --row.probes;
      row.next_try = now + kSecondProbe;
  }
}

void recover(OutboxRow& row, Instant now) {
  if (row.state != OutboxState::sending) return;
  row.state = OutboxState::unknown;
  row.probes = 0;
  row.next_try = std::max(now, row.attempt_at.value_or(now) + kFirstProbe);
}

Merge merge_announcement(const std::vector<OutboxRow>& open, AnnouncementFacts facts, bool foreseen) {
  Merge merge;
  for (auto row = open.rbegin(); row != open.rend(); ++row) {
    if (!is_untold(row->state)) continue;
    const bool corrected = !foreseen && row->confirm_by && facts.at < *row->confirm_by;
    precede(facts, row->facts, !corrected);
    merge.superseded.push_back(*row);
    merge.superseded.back().state = OutboxState::superseded;
  }
  std::reverse(merge.superseded.begin(), merge.superseded.end());
  if (facts.first || !same_people(facts.before, facts.after))
    merge.facts = std::move(facts);
  else if (!merge.superseded.empty())
    merge.superseded.back().facts = std::move(facts);
  return merge;
}

void add_untold(AnnouncementFacts& facts, const OutboxRow& last) {
  const auto& untold = last.facts;
  const bool silent = last.state == OutboxState::superseded && same_people(untold.before, untold.after);
  // Where nothing was announced for a while, that was before it.
  if (silent && !facts.first && same_people(untold.after, facts.before)) precede(facts, untold, false);
}

std::vector<OutboxRow> fold_into_later(OutboxRow row, const std::vector<OutboxRow>& later) {
  const auto next =
      std::find_if(later.begin(), later.end(), [](const OutboxRow& other) { return is_untold(other.state); });
  if (!is_untold(row.state) || next == later.end()) return {};
  OutboxRow heir = *next;
  precede(heir.facts, row.facts, true);
  heir.possibly_repeated = heir.possibly_repeated || row.possibly_repeated;
  if (!heir.facts.first && same_people(heir.facts.before, heir.facts.after))
    heir.state = OutboxState::superseded;
  row.state = OutboxState::superseded;
  return {std::move(row), std::move(heir)};
}

}  // namespace watchbill
