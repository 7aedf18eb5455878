#include "engine/group_writer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "engine/refusal.hpp"

namespace watchbill::engine {

namespace {

/// What retrying cannot mend is tried again after these waits, the last one for ever.
constexpr std::array<milliseconds, 4> kRefusedWaits{1min, 5min, 15min, 60min};

milliseconds backoff(int attempts) {
  return std::min<milliseconds>(1s * (1 << std::min(attempts, 5)), 30s);
}

/// May have been carried out, or (invalid_users) may have emptied the group: decide only after reading it.
bool must_read_after(const Error& error) {
  return error.maybe_done || error.kind == ErrorKind::timeout || error.kind == ErrorKind::unreadable ||
         error.kind == ErrorKind::server || error.code == "invalid_users";
}

/// Slack does not say how it answers a write to a disabled group: every definite refusal of the arguments may
/// mean that.
bool may_be_for_being_disabled(const Error& error) {
  return !must_read_after(error) && (error.kind == ErrorKind::invalid || error.kind == ErrorKind::conflict ||
                                     error.kind == ErrorKind::not_found);
}

/// A group that an invalid list may have emptied is written whatever it was before.
WriteNeeded needed_by(const RotationEntry& entry) {
  const auto needed = write_needed(entry.write->target, *entry.group.now);
  return needed == WriteNeeded::none && entry.write->unread ? WriteNeeded::members : needed;
}

slack::Method method_for(WriteNeeded kind) {
  return kind == WriteNeeded::disable ? slack::Method::usergroups_disable
                                      : slack::Method::usergroups_users_update;
}

/// What is written first. Refused writes go last, whatever they are for: they must not eat the budget of
/// others.
auto urgency(const RotationEntry& e) {
  return std::make_tuple(e.write->refused.has_value(), e.write->priority, e.write->since);
}

}  // namespace

GroupWriter::GroupWriter(net::Loop& loop, Model& model, Decider& decider, slack::Groups& groups,
                         slack::Gate& gate, WriteListener& listener)
    : loop_(loop),
      model_(model),
      decider_(decider),
      groups_(groups),
      gate_(gate),
      listener_(listener),
      kicked_(loop) {}

void GroupWriter::start(milliseconds careful_for) {
  careful_until_ = loop_.steady_now() + careful_for;
  tasks_.spawn(run());
}

void GroupWriter::kick() {
  kicked_.notify();
}

void GroupWriter::retry_refused() {
  for (auto& [id, entry] : model_.rotations) {
    if (entry.write && entry.write->refused) entry.write->not_before = loop_.steady_now();
  }
  kick();
}

std::size_t GroupWriter::queued() const {
  return static_cast<std::size_t>(
      std::count_if(model_.rotations.begin(), model_.rotations.end(),
                    [](const auto& item) { return item.second.write && !item.second.write->refused; }));
}

std::optional<Instant> GroupWriter::done_at() const {
  // By method and priority: each lane has a budget of its own, and lower priorities leave some of it free.
  std::map<std::pair<slack::Method, slack::Priority>, std::size_t> left;
  const auto steady = loop_.steady_now();
  auto latest = steady;
  bool any = false;
  for (const auto& [id, entry] : model_.rotations) {
    if (!entry.write || entry.write->refused) continue;
    any = true;
    latest = std::max(latest, entry.write->not_before);
    if (entry.group.in_flight || !entry.group.now) continue;  // has its place already, or waits for a reading
    const auto kind = write_needed(entry.write->target, *entry.group.now);
    if (kind != WriteNeeded::none) ++left[{method_for(kind), entry.write->priority}];
  }
  if (!any) return std::nullopt;
  Instant done = loop_.now() + (latest - steady);
  std::size_t ahead = 0;
  auto method = slack::Method::usergroups_users_update;
  for (const auto& [key, count] : left) {
    if (key.first != method) ahead = 0;
    method = key.first;
    ahead += count;
    done = std::max(done, gate_.when(method, key.second, ahead));
  }
  return done;
}

std::optional<WriteForecast> GroupWriter::forecast(RotationId rotation) const {
  const auto* own = model_.find(rotation);
  if (!own || !own->write || own->write->refused) return std::nullopt;
  const auto place = [](const RotationEntry& e) { return std::pair(urgency(e), e.rotation.id); };
  WriteForecast forecast;
  for (const auto& [id, entry] : model_.rotations) {
    // What is in flight has its place in the budget already.
    if (entry.write && !entry.group.in_flight && place(entry) < place(*own)) ++forecast.ahead;
  }
  const auto now = loop_.now();
  const auto steady = loop_.steady_now();
  forecast.at = now + (std::max(own->write->not_before, steady) - steady);
  if (!own->group.in_flight) {
    forecast.at = std::max(forecast.at, gate_.when(slack::Method::usergroups_users_update,
                                                   own->write->priority, forecast.ahead + 1));
  }
  return forecast;
}

bool GroupWriter::must_wait_for_answer() const {
  return in_flight_ > 0 && loop_.steady_now() < careful_until_;
}

GroupWriter::Next GroupWriter::pick(SteadyInstant now) {
  Next next;
  for (auto& [id, entry] : model_.rotations) {
    if (!entry.write || entry.group.in_flight || !entry.group.now) continue;
    if (entry.group.must_read && !entry.write->unread) continue;
    if (entry.write->not_before > now) {
      next.at = std::min(next.at, entry.write->not_before);
      continue;
    }
    if (!next.entry || urgency(entry) < urgency(*next.entry)) next.entry = &entry;
  }
  return next;
}

net::Task<void> GroupWriter::run() {
  while (!stopping_) {
    const auto steady = loop_.steady_now();
    if (must_wait_for_answer()) {
      co_await wait_steady(loop_, kicked_, careful_until_);
      continue;
    }
    const auto next = pick(steady);
    if (!next.entry) {
      co_await wait_steady(loop_, kicked_, next.at);
      continue;
    }
    auto& entry = *next.entry;
    const auto kind = needed_by(entry);
    if (kind == WriteNeeded::none) {
      const auto id = entry.rotation.id;
      if (auto closed = decider_.group_is_right(entry, loop_.now()); !closed)
        entry.write->not_before = steady + 1s;
      listener_.on_written(id, false);
      continue;
    }
    const auto priority = entry.write->refused ? slack::Priority::background : entry.write->priority;
    auto permit = gate_.try_acquire(method_for(kind), priority);
    if (!permit) {
      const auto wait = std::max<milliseconds>(gate_.when(method_for(kind), priority, 1) - loop_.now(), 1ms);
      co_await wait_steady(loop_, kicked_, steady + wait);
      continue;
    }
    entry.group.in_flight = true;
    ++in_flight_;
    tasks_.spawn(write_one(entry.rotation.id, entry.write->target, std::move(*permit)));
  }
}

net::Task<Result<GroupNow>> GroupWriter::carry_out(GroupId group, GroupTarget target, WriteNeeded kind,
                                                   slack::Priority priority, slack::Permit permit) {
  if (kind == WriteNeeded::disable) {
    auto disabled = co_await groups_.disable_group(std::move(permit), group);
    if (!disabled) co_return disabled.error();
    co_return GroupNow{{}, true};
  }
  auto members = co_await groups_.set_members(std::move(permit), group, target.members);
  if (kind == WriteNeeded::members) {
    if (!members) co_return members.error();
    co_return GroupNow{*members, false};
  }
  if (!members && !may_be_for_being_disabled(members.error())) co_return members.error();
  // The group is disabled. Its members are set first, so that it never shows its old ones; where Slack
  // refuses that, it is enabled and set back to back, with both slots in hand.
  auto enable = co_await gate_.acquire(slack::Method::usergroups_enable, priority);
  if (members) {
    auto enabled = co_await groups_.enable_group(std::move(enable), group);
    if (!enabled) co_return enabled.error();
    co_return GroupNow{*members, false};
  }
  auto update = co_await gate_.acquire(slack::Method::usergroups_users_update, priority);
  auto enabled = co_await groups_.enable_group(std::move(enable), group);
  if (!enabled) co_return enabled.error();
  auto again = co_await groups_.set_members(std::move(update), group, target.members);
  if (!again) co_return again.error();
  co_return GroupNow{*again, false};
}

net::Task<void> GroupWriter::write_one(RotationId rotation, GroupTarget target, slack::Permit permit) {
  auto* entry = model_.find(rotation);
  const auto kind = needed_by(*entry);
  const auto group = entry->rotation.group;
  const auto priority = entry->write->priority;
  auto written = co_await carry_out(group, target, kind, priority, std::move(permit));
  --in_flight_;
  kicked_.notify();
  // Meanwhile the rotation may have been deleted, or given another group, of which this says nothing.
  entry = model_.find(rotation);
  if (!entry || entry->rotation.group != group) co_return;
  entry->group.in_flight = false;
  entry->group.last_write_ended = loop_.steady_now();
  if (written) {
    succeeded(*entry, target, std::move(*written));
  } else {
    failed(*entry, target, written.error());
  }
}

void GroupWriter::succeeded(RotationEntry& entry, const GroupTarget& target, GroupNow now) {
  const auto id = entry.rotation.id;
  // Slack answered with other members than those we sent: believe the list, not the answer.
  if (write_needed(target, now) != WriteNeeded::none) {
    entry.group.must_read = true;
    if (entry.write) entry.write->not_before = loop_.steady_now() + backoff(++entry.write->attempts);
    listener_.on_written(id, true);
    return;
  }
  entry.group.now = std::move(now);
  entry.group.must_read = false;
  if (!entry.open_changes.empty() && entry.open_changes.back().cause == Cause::handoff) {
    const auto& change = entry.open_changes.back();
    listener_.on_write_lag(loop_.now() - change.held_since.value_or(change.at));
  }
  if (entry.write && entry.write->target == target) {
    // If the store is blocked the write stays queued; there will be nothing left to write when it is tried.
    if (auto closed = decider_.group_is_right(entry, loop_.now()); !closed)
      entry.write->not_before = loop_.steady_now() + 1s;
  }
  listener_.on_written(id, false);
}

void GroupWriter::failed(RotationEntry& entry, const GroupTarget& target, const Error& error) {
  const auto id = entry.rotation.id;
  const auto now = loop_.steady_now();
  const bool read_again = must_read_after(error);
  entry.group.must_read = read_again;
  if (entry.write) {
    auto& write = *entry.write;
    write.unread = false;
    const auto attempt = static_cast<std::size_t>(write.attempts++);
    if (only_a_person_can_mend(error)) {
      write.refused = error;
      write.not_before = now + kRefusedWaits[std::min(attempt, kRefusedWaits.size() - 1)];
    } else if (error.kind != ErrorKind::rate_limited) {
      write.refused.reset();
      write.not_before = now + (attempt == 0 ? milliseconds{500} : backoff(write.attempts - 1));
    }
  }
  if (only_a_person_can_mend(error)) {
    entry.refusal = error;
    // If it cannot be noted the change stays open, which is as true.
    (void)decider_.write_refused(entry, error);
    if (about_members(error)) listener_.on_invalid_members(id, target.members);
  }
  listener_.on_written(id, read_again);
}

}  // namespace watchbill::engine
