#include "engine/targets/group_writer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <tuple>

#include "engine/decide/status_writer.hpp"
#include "engine/targets/refusal.hpp"

namespace watchbill::engine {

namespace {

/// Slack counts its calls over this time.
constexpr auto kBudgetWindow = 60s;

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

GroupWriter::GroupWriter(net::Loop& loop, Model& model, Journal& journal, Decider& decider,
                         slack::Groups& groups, slack::RateLimiter& limiter, WriteListener& listener)
    : loop_(loop),
      model_(model),
      journal_(journal),
      decider_(decider),
      groups_(groups),
      limiter_(limiter),
      listener_(listener),
      kicked_(loop) {}

void GroupWriter::start() {
  tasks_.spawn(run());
}

void GroupWriter::kick() {
  kicked_.notify();
}

void GroupWriter::retry_put_off() {
  for (auto& [id, entry] : model_.rotations) {
    if (entry.write && (entry.write->refused || entry.group.contested))
      entry.write->not_before = loop_.steady_now();
  }
  kick();
}

std::size_t GroupWriter::queued() const {
  return static_cast<std::size_t>(
      std::count_if(model_.rotations.begin(), model_.rotations.end(),
                    [](const auto& item) { return item.second.write && !item.second.write->refused; }));
}

std::optional<Instant> GroupWriter::done_at() const {
  std::map<slack::Method, slack::CallCounts> left;
  const auto steady = loop_.steady_now();
  auto latest = steady;
  bool any = false;
  for (const auto& [id, entry] : model_.rotations) {
    if (!entry.write || entry.write->refused) continue;
    any = true;
    latest = std::max(latest, entry.write->not_before);
    if (entry.group.in_flight || !entry.group.now) continue;  // has its place already, or waits for a reading
    const auto kind = write_needed(entry.write->target, *entry.group.now);
    if (kind != WriteNeeded::none) ++left[method_for(kind)][static_cast<std::size_t>(entry.write->priority)];
  }
  if (!any) return std::nullopt;
  Instant done = loop_.now() + (latest - steady);
  for (const auto& [method, counts] : left)
    done = std::max(done, limiter_.when(method, slack::Priority::background, counts));
  return done;
}

std::optional<WriteForecast> GroupWriter::forecast(RotationId rotation) const {
  const auto* own = model_.find(rotation);
  if (!own || !own->write || own->write->refused) return std::nullopt;
  const auto place = [](const RotationEntry& e) { return std::pair(urgency(e), e.rotation.id); };
  WriteForecast forecast;
  slack::CallCounts counts{};
  for (const auto& [id, entry] : model_.rotations) {
    // What is in flight has its place in the budget already.
    if (!entry.write || entry.group.in_flight || place(*own) < place(entry)) continue;
    ++counts[static_cast<std::size_t>(entry.write->priority)];
    if (&entry != own) ++forecast.ahead;
  }
  const auto now = loop_.now();
  const auto steady = loop_.steady_now();
  forecast.at = now + (std::max(own->write->not_before, steady) - steady);
  if (!own->group.in_flight) {
    forecast.at = std::max(
        forecast.at, limiter_.when(slack::Method::usergroups_users_update, own->write->priority, counts));
  }
  return forecast;
}

SteadyInstant GroupWriter::recorded_at(const RotationEntry& entry) const {
  if (journal_.is_durable(entry.stands_on)) return SteadyInstant::min();
  const bool waits =
      entry.write->priority != slack::Priority::handoff || !journal_.is_durable(entry.adopted_with);
  if (waits) return kSteadyNever;
  const auto since = journal_.waiting_since();
  return since ? *since + kStorePatience : kSteadyNever;
}

GroupWriter::Next GroupWriter::pick(SteadyInstant now) {
  Next next;
  for (auto& [id, entry] : model_.rotations) {
    if (!entry.write || entry.group.in_flight || !entry.group.now) continue;
    if (entry.group.must_read && !entry.write->unread) continue;
    const auto at = std::max(entry.write->not_before, recorded_at(entry));
    if (at > now) {
      next.at = std::min(next.at, at);
      continue;
    }
    if (!next.entry || urgency(entry) < urgency(*next.entry)) next.entry = &entry;
  }
  return next;
}

void GroupWriter::handoffs_wait_for(std::optional<slack::Method> method) {
  if (method == handoffs_wait_for_) return;
  if (handoffs_wait_for_) limiter_.handoffs_wait(*handoffs_wait_for_, false);
  handoffs_wait_for_ = method;
  if (method) limiter_.handoffs_wait(*method, true);
}

net::Task<void> GroupWriter::run() {
  while (!stopping_) {
    const auto steady = loop_.steady_now();
    const auto next = pick(steady);
    if (!next.entry) {
      handoffs_wait_for(std::nullopt);
      co_await wait_steady(loop_, kicked_, next.at);
      continue;
    }
    auto& entry = *next.entry;
    const auto kind = needed_by(entry);
    if (kind == WriteNeeded::none) {
      const auto id = entry.rotation.id;
      decider_.group_is_right(entry, loop_.now());
      listener_.on_written(id, false, {});
      continue;
    }
    const auto priority = entry.write->refused ? slack::Priority::background : entry.write->priority;
    const bool handoff = priority == slack::Priority::handoff;
    if (!handoff) handoffs_wait_for(std::nullopt);
    auto permit = limiter_.try_acquire(method_for(kind), priority);
    if (!permit) {
      if (handoff) handoffs_wait_for(method_for(kind));
      const auto wait =
          std::max<milliseconds>(limiter_.when(method_for(kind), priority, 1) - loop_.now(), 1ms);
      co_await wait_steady(loop_, kicked_, steady + wait);
      continue;
    }
    if (entry.write->refused) {
      decider_.write_again(entry);
      if (recorded_at(entry) > steady) continue;
    }
    entry.group.in_flight = true;
    ++in_flight_;
    tasks_.spawn(write_one(entry.rotation.id, entry.write->target, std::move(*permit)));
  }
  handoffs_wait_for(std::nullopt);
}

net::Task<Result<GroupNow>> GroupWriter::carry_out(RotationId rotation, GroupId group, GroupTarget target,
                                                   WriteNeeded kind, slack::Priority priority,
                                                   slack::Permit permit) {
  const GroupNow not_enabled{model_.find(rotation)->group.now->members, true};
  if (kind == WriteNeeded::disable) {
    auto disabled = co_await groups_.disable_group(std::move(permit), group);
    if (!disabled) co_return disabled.error();
    co_return GroupNow{{}, true};
  }
  auto members = co_await groups_.set_members(std::move(permit), group, target.members);
  note_write_ended();
  if (kind == WriteNeeded::members) {
    if (!members) co_return members.error();
    co_return GroupNow{*members, false};
  }
  if (!members && !may_be_for_being_disabled(members.error())) co_return members.error();
  // The group is disabled. Its members are set first, so that it never shows its old ones; where Slack
  // refuses that, it is enabled and set back to back, with both slots in hand. If another handoff came
  // meanwhile the group stays disabled until the write for that.
  auto enable = co_await limiter_.acquire(slack::Method::usergroups_enable, priority);
  if (members) {
    if (!still_wanted(rotation, group, target)) co_return GroupNow{*members, true};
    auto enabled = co_await groups_.enable_group(std::move(enable), group);
    if (!enabled) co_return enabled.error();
    co_return GroupNow{*members, false};
  }
  auto update = co_await limiter_.acquire(slack::Method::usergroups_users_update, priority);
  if (!still_wanted(rotation, group, target)) co_return not_enabled;
  auto enabled = co_await groups_.enable_group(std::move(enable), group);
  if (!enabled) co_return enabled.error();
  auto again = co_await groups_.set_members(std::move(update), group, target.members);
  note_write_ended();
  if (!again) co_return again.error();
  co_return GroupNow{*again, false};
}

bool GroupWriter::still_wanted(RotationId rotation, const GroupId& group, const GroupTarget& target) const {
  const auto* entry = model_.find(rotation);
  return entry && entry->rotation.group == group && entry->write && entry->write->target == target;
}

net::Task<void> GroupWriter::write_one(RotationId rotation, GroupTarget target, slack::Permit permit) {
  auto* entry = model_.find(rotation);
  const auto kind = needed_by(*entry);
  const auto group = entry->rotation.group;
  const auto priority = entry->write->priority;
  auto written = co_await carry_out(rotation, group, target, kind, priority, std::move(permit));
  --in_flight_;
  kicked_.notify();
  // Meanwhile the rotation may have been deleted, or given another group, of which this says nothing.
  entry = model_.find(rotation);
  if (!entry || entry->rotation.group != group) co_return;
  entry->group.in_flight = false;
  entry->group.last_write_ended = loop_.steady_now();
  entry->group.answered.reset();
  if (written) {
    succeeded(*entry, target, std::move(*written));
  } else {
    failed(*entry, target, written.error());
  }
}

void GroupWriter::succeeded(RotationEntry& entry, const GroupTarget& target, GroupNow now) {
  const auto id = entry.rotation.id;
  if (now.disabled && !target.disable && !still_wanted(id, entry.rotation.group, target)) {
    entry.group.now = std::move(now);
    return listener_.on_written(id, false, {});
  }
  if (write_needed(target, now) != WriteNeeded::none) {
    entry.group.now = std::move(now);
    return was_not_done(entry, target);
  }
  // Once it did not do what it said: then only a list can tell.
  const bool doubted = entry.times_not_done > 0 || (entry.refusal && entry.refusal->code == kNotDone);
  entry.group.now = std::move(now);
  entry.group.must_read = false;
  entry.group.answered = target;
  if (!entry.open_changes.empty() && entry.open_changes.back().cause == Cause::handoff) {
    const auto& change = entry.open_changes.back();
    listener_.on_write_lag(loop_.now() - change.held_since.value_or(change.at));
  }
  if (entry.write && entry.write->target == target) decider_.group_is_right(entry, loop_.now());
  listener_.on_written(id, doubted, {});
}

/// Slack answered with other members than those that were sent: nothing is decided before a list says so,
/// too.
void GroupWriter::was_not_done(RotationEntry& entry, const GroupTarget& target) {
  entry.group.must_read = true;
  ++entry.times_not_done;
  const auto error = not_done_error(difference_of(entry), !target.disable);
  if (entry.times_not_done >= kProblemAfter) {
    refused(entry, target, error, static_cast<std::size_t>(entry.times_not_done - kProblemAfter));
  } else if (entry.write) {
    entry.write->not_before = loop_.steady_now() + backoff(++entry.write->attempts);
  }
  listener_.on_written(entry.rotation.id, true, error.message);
}

/// What repeating does not mend: it is tried rarely, and told.
void GroupWriter::refused(RotationEntry& entry, const GroupTarget& target, const Error& error,
                          std::size_t attempt) {
  if (entry.write) {
    entry.write->refused = error;
    entry.write->not_before = loop_.steady_now() + refused_wait(attempt);
  }
  entry.refusal = error;
  decider_.write_refused(entry, error);
  if (about_members(error)) listener_.on_invalid_members(entry.rotation.id, target.members);
}

void GroupWriter::note_write_ended() {
  const auto now = loop_.now();
  auto& writes = model_.group_writes;
  writes.push_back(now);
  // Those of a clock that was set back since mean nothing any more.
  std::erase_if(writes, [&](Instant at) { return at + kBudgetWindow < now || at > now; });
}

void GroupWriter::failed(RotationEntry& entry, const GroupTarget& target, const Error& error) {
  const bool disabled_meanwhile =
      entry.group.now && !entry.group.now->disabled && may_be_for_being_disabled(error);
  // A write that was not taken up leaves the group as unknown as it was.
  const bool waits = error.kind == ErrorKind::rate_limited;
  entry.group.must_read = must_read_after(error) || (waits && entry.group.must_read);
  int attempts = 0;
  if (entry.write) {
    entry.write->unread = waits && entry.write->unread;
    attempts = ++entry.write->attempts;
  }
  if (only_a_person_can_mend(error)) {
    refused(entry, target, error, static_cast<std::size_t>(std::max(attempts - 1, 0)));
  } else if (error.kind != ErrorKind::rate_limited) {
    if (entry.write) {
      entry.write->refused.reset();
      entry.write->not_before =
          loop_.steady_now() + (attempts == 1 ? milliseconds{500} : backoff(attempts - 1));
    }
    if (attempts >= kProblemAfter) entry.refusal = error;
  }
  listener_.on_written(entry.rotation.id, entry.group.must_read || disabled_meanwhile, error.message);
}

}  // namespace watchbill::engine
