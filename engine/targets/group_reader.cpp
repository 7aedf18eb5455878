#include "engine/targets/group_reader.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "engine/decide/open_problems.hpp"
#include "engine/targets/refusal.hpp"

namespace watchbill::engine {

namespace {

/// A list counts for a group only if it was asked for this long after the group's last write ended: Slack's
/// list may lag behind.
constexpr auto kQuiet = 5s;
/// A list that misses more than half of the managed groups is believed the third time in a row.
constexpr int kBelieveAfter = 3;

/// What Slack had not done was written again: only a list tells whether it is done now.
bool awaits_list(const RotationEntry& entry) {
  return entry.group.answered &&
         (entry.times_not_done > 0 || (entry.refusal && entry.refusal->code == kNotDone));
}

}  // namespace

GroupReader::GroupReader(net::Loop& loop, Model& model, slack::Groups& groups, slack::RateLimiter& limiter,
                         milliseconds interval, OnRead on_read)
    : loop_(loop),
      model_(model),
      groups_(groups),
      limiter_(limiter),
      interval_(interval),
      on_read_(std::move(on_read)),
      wanted_(loop) {}

void GroupReader::start() {
  tasks_.spawn(run());
}

void GroupReader::read_soon() {
  soon_ = true;
  wanted_.notify();
}

void GroupReader::read_when_quiet() {
  quiet_at_ = std::min(quiet_at_, loop_.steady_now() + kQuiet);
  wanted_.notify();
}

net::Task<void> GroupReader::run() {
  while (true) {
    const auto began = loop_.steady_now();
    const auto next = began + interval_;
    soon_ = false;
    const bool read = co_await read_once();
    quiet_at_ = next_check(read);
    while (!soon_ && loop_.steady_now() < std::min(next, quiet_at_))
      co_await wait_steady(loop_, wanted_, std::min(next, quiet_at_));
  }
}

/// When a group whose write must be checked can be: what was read now may have been too early for it.
SteadyInstant GroupReader::next_check(bool read) const {
  const auto now = loop_.steady_now();
  auto next = read ? differed_until_ : kSteadyNever;
  for (const auto& [id, entry] : model_.rotations) {
    if (!(entry.group.must_read || awaits_list(entry)) || entry.group.in_flight) continue;
    const auto in_sync = entry.group.last_write_ended.value_or(now) + kQuiet;
    next = std::min(next, read ? in_sync : std::max(in_sync, now + kQuiet));
  }
  return next;
}

net::Task<bool> GroupReader::read_once() {
  auto permit = co_await limiter_.acquire(slack::Method::usergroups_list, slack::Priority::background);
  const auto requested_at = loop_.now();
  const auto requested_steady = loop_.steady_now();
  auto groups = co_await groups_.list_groups(std::move(permit));
  if (!groups) {
    on_read_(groups.error());
    co_return false;
  }
  if (!believable(*groups)) {
    on_read_(fail(ErrorKind::unreadable, "{}", distrust_));
    co_return false;
  }
  last_success_ = std::min(requested_at, loop_.now());  // the clock may have been set back meanwhile
  on_read_(apply(*groups, requested_steady));
  co_return true;
}

bool GroupReader::believable(const std::vector<slack::UserGroup>& groups) {
  std::unordered_set<GroupId> listed;
  for (const auto& group : groups) listed.insert(group.id);
  std::size_t missing = 0;
  for (const auto& [id, rotation] : model_.by_group) missing += listed.contains(id) ? 0U : 1U;
  if (missing * 2 <= model_.by_group.size()) {
    distrusted_ = 0;
    distrust_.clear();
    return true;
  }
  if (++distrusted_ >= kBelieveAfter) {
    distrust_.clear();
    return true;
  }
  distrust_ = fmt::format(
      "Slack's list of user groups misses {} of the {} that are managed; it is not believed before it "
      "says so {} times in a row",
      missing, model_.by_group.size(), kBelieveAfter);
  return false;
}

bool GroupReader::too_early(const GroupEntry& group, SteadyInstant requested_at) {
  return group.in_flight || (group.last_write_ended && requested_at < *group.last_write_ended + kQuiet);
}

/// The first list that counts after a write shows whether Slack did what it answered.
void GroupReader::compare_with_answer(GroupEntry& known, const GroupNow& now, const slack::UserGroup& shown) {
  const auto answered = std::exchange(known.answered, std::nullopt);
  if (!answered) return;
  if (write_needed(*answered, now) == WriteNeeded::none) {
    ourselves_ = shown.updated_by;
    return;
  }
  const bool by_ourselves = !shown.updated_by.empty() && shown.updated_by == ourselves_;
  // As it was before the write: neither we nor anybody else changed it since.
  const bool untouched = shown.updated_at != Instant{} && shown.updated_at == known.changed_at &&
                         shown.updated_by == known.changed_by;
  known.not_done = by_ourselves || untouched;
}

std::vector<RotationId> GroupReader::apply(const std::vector<slack::UserGroup>& groups,
                                           SteadyInstant requested_at) {
  std::vector<RotationId> different;
  std::unordered_set<GroupId> listed;
  handles_.clear();
  differed_until_ = kSteadyNever;
  for (const auto& group : groups) {
    handles_.emplace(group.id, group.handle);
    const auto managed = model_.by_group.find(group.id);
    if (managed == model_.by_group.end()) continue;
    listed.insert(group.id);
    auto& entry = *model_.find(managed->second);
    auto& known = entry.group;
    GroupNow now{group.members, group.disabled};
    if (too_early(known, requested_at)) {
      if (!known.in_flight && known.now != now) {
        differed_until_ = std::min(differed_until_, *known.last_write_ended + kQuiet);
      }
      continue;
    }
    entry.rotation.handle = group.handle;
    const bool was_odd = known.missing || known.must_read || known.unwritable != group.unwritable;
    known.missing = false;
    known.must_read = false;
    known.unwritable = group.unwritable;
    entry.problems.erase(std::string(kMissingProblem));
    entry.problems.erase(std::string(kUnwritableProblem));
    if (group.unwritable) {
      entry.problems[std::string(kUnwritableProblem)] = fmt::format(
          "@{} cannot be kept by Watchbill: {}; choose another group", group.handle, *group.unwritable);
    }
    compare_with_answer(known, now, group);
    known.changed_by = group.updated_by;
    known.changed_at = group.updated_at;
    // What was refused because the group was disabled, or was not, may pass now.
    const bool switched = known.now && known.now->disabled != now.disabled;
    if (switched && entry.write && entry.write->refused) {
      entry.write->refused.reset();
      entry.write->not_before = requested_at;
    }
    const bool changed = known.now != now;
    known.now = std::move(now);
    const auto& target = entry.record.target;
    const bool wrong = target && write_needed(*target, *known.now) != WriteNeeded::none;
    if (!wrong) {
      entry.times_not_done = 0;
      known.not_done = false;
    }
    if (changed || wrong || was_odd || entry.refusal || !entry.open_changes.empty() || !entry.record.decided)
      different.push_back(managed->second);
  }
  for (const auto& [id, rotation] : model_.by_group) {
    if (listed.contains(id)) continue;
    auto& entry = *model_.find(rotation);
    if (too_early(entry.group, requested_at)) continue;
    entry.group.missing = true;
    entry.group.must_read = false;
    entry.group.now.reset();
    entry.problems[std::string(kMissingProblem)] = fmt::format(
        "Slack has no user group {} (@{}) any more; choose another with `watchbill rotation "
        "edit`, or delete the rotation",
        id, entry.rotation.handle);
    different.push_back(rotation);
  }
  return different;
}

}  // namespace watchbill::engine
