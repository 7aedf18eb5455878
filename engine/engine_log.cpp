#include <spdlog/common.h>

#include <algorithm>
#include <utility>

#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"
#include "engine/targets/refusal.hpp"

/// The lines of the log that tell of decisions and writes: one for each event, none for an idle pass.
namespace watchbill::engine {

namespace {

/// A group of more members is told by their number alone.
constexpr std::size_t kMembersShown = 20;

std::string group_of(const RotationEntry& entry) {
  return "@" + entry.rotation.handle;
}

std::vector<OnCallPerson> without(const std::vector<OnCallPerson>& people,
                                  const std::vector<OnCallPerson>& others) {
  std::vector<OnCallPerson> rest;
  for (const auto& person : people) {
    const bool stays = std::any_of(others.begin(), others.end(), [&](const OnCallPerson& other) {
      return other.responder == person.responder;
    });
    if (!stays) rest.push_back(person);
  }
  return rest;
}

void add_members(Event& event, const std::vector<UserId>& members) {
  event.with("members", members.size());
  if (members.size() <= kMembersShown) event.with("ids", members);
}

}  // namespace

Engine::Impl::Decided Engine::Impl::decided_so_far(const RotationEntry& entry) {
  const auto& drifts = entry.group.drifts;
  return {entry.record.decided, entry.record.people,
          drifts.empty() ? std::nullopt : std::optional(drifts.back()), entry.group.reported,
          entry.times_not_done};
}

void Engine::Impl::log_decision(const RotationEntry& entry, const Decided& before, Instant now) {
  if (entry.group.now && entry.group.now->disabled)
    disabled_.insert(entry.rotation.id);
  else
    disabled_.erase(entry.rotation.id);
  const auto& people = entry.record.people;
  const auto event = [&](std::string_view name) {
    return Event(name).with("rotation", entry.rotation.name).with("group", group_of(entry));
  };
  if (entry.record.decided && !before.decided) {
    event("rotation_begun").with("on", people).log(spdlog::level::info);
  } else if (entry.plan.handoff && people != before.people) {
    const auto& schedules = entry.rotation.schedules;
    const bool foreseen = std::any_of(schedules.begin(), schedules.end(), [&](const auto& schedule) {
      const auto* known = model_.find(schedule.ref);
      return known && known->boundary && *known->boundary <= now;
    });
    const auto off = without(before.people, people);
    auto line = event("handoff").with("on", people);
    if (!off.empty()) line.with("off", off);
    line.with("foreseen", foreseen).log(spdlog::level::info);
  }
  if (!entry.group.now || !entry.record.target) return;
  const auto drift = [&](std::string_view action) {
    event("drift")
        .with("found", entry.group.now->disabled ? std::string("disabled") : std::string())
        .with("members", entry.group.now->members)
        .with("wanted", entry.record.target->members)
        .with("action", action)
        .log(spdlog::level::warn);
  };
  const auto& drifts = entry.group.drifts;
  if (!drifts.empty() && before.last_drift != drifts.back())
    drift(entry.group.contested ? "repair_later" : "repair");
  if (entry.group.reported && entry.group.reported != before.reported) drift("report");
  if (entry.times_not_done > before.times_not_done)
    log_failure(entry, not_done_error(difference_of(entry), false).message);
}

/// With its reason, and when it is tried again.
void Engine::Impl::log_failure(const RotationEntry& entry, const std::string& why) {
  const bool refused = entry.write && entry.write->refused;
  Event line(refused ? "write_refused" : "write_failed");
  line.with("rotation", entry.rotation.name).with("group", group_of(entry));
  if (refused) {
    const auto& error = *entry.write->refused;
    line.with("code", error.code.empty() ? std::string(name_of(error.kind)) : error.code);
  }
  line.with("error", why);
  // What Slack did not do says itself who is missing.
  if (!refused && entry.times_not_done == 0) {
    if (const auto difference = difference_of(entry); !difference.empty()) line.with("group_is", difference);
  }
  const auto now = ports_.loop.steady_now();
  if (entry.write && entry.write->not_before > now)
    line.with("next_try_in", format_duration(entry.write->not_before - now));
  line.log(spdlog::level::warn);
}

void Engine::Impl::log_write(const RotationEntry& entry, const std::string& failure) {
  const auto lag = std::exchange(last_lag_, std::nullopt);
  auto& told = told_writes_[entry.rotation.id];
  if (told == entry.group.last_write_ended) return;  // nothing was sent
  told = entry.group.last_write_ended;
  const auto event = [&](std::string_view name) {
    return Event(name).with("rotation", entry.rotation.name).with("group", group_of(entry));
  };
  if (!failure.empty()) return log_failure(entry, failure);
  if (!entry.group.now) return;
  const bool was_disabled = disabled_.erase(entry.rotation.id) > 0;
  if (entry.group.now->disabled) {
    disabled_.insert(entry.rotation.id);
    event("group_disabled").log(spdlog::level::info);
    return;
  }
  auto line = event(was_disabled ? "group_enabled" : "group_written");
  add_members(line, entry.group.now->members);
  if (lag) line.with("after_ms", static_cast<std::int64_t>(lag->count()));
  line.log(spdlog::level::info);
}

void Engine::Impl::log_edit(const Rotation* before, const Rotation* after, const std::string& by) {
  std::string_view name = "rotation_edited";
  if (!before) name = "rotation_created";
  if (!after) name = "rotation_deleted";
  if (before && after && before->paused != after->paused)
    name = after->paused ? "rotation_paused" : "rotation_resumed";
  Event(name).with("rotation", after ? after->name : before->name).with("by", by).log(spdlog::level::info);
}

}  // namespace watchbill::engine
