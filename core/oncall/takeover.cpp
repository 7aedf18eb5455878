#include "core/oncall/takeover.hpp"

#include <algorithm>

namespace watchbill {

namespace {

/// It makes the group equal to who is on call; what differs does not stay.
bool removes_others(const Rotation& rotation) {
  return rotation.mode == Mode::keep && rotation.membership == Membership::exact;
}

bool same_schedules(const Rotation& one, const Rotation& other) {
  const auto has = [](const Rotation& rotation, const RotationSchedule& schedule) {
    return std::any_of(rotation.schedules.begin(), rotation.schedules.end(),
                       [&](const RotationSchedule& own) { return own.ref == schedule.ref; });
  };
  return std::all_of(one.schedules.begin(), one.schedules.end(),
                     [&](const RotationSchedule& schedule) { return has(other, schedule); }) &&
         std::all_of(other.schedules.begin(), other.schedules.end(),
                     [&](const RotationSchedule& schedule) { return has(one, schedule); });
}

}  // namespace

Takeover takeover_of(const Rotation* before, const Rotation& after) {
  if (!removes_others(after)) return Takeover::none;
  if (!before || before->group != after.group || before->mode == Mode::observe) return Takeover::first;
  if (before->membership == Membership::merge) return Takeover::again;
  if (before->drift == Drift::report && after.drift == Drift::repair) return Takeover::again;
  if (before->paused && (!after.paused || !same_schedules(*before, after))) return Takeover::again;
  return Takeover::none;
}

std::vector<UserId> unforeseen(const std::vector<UserId>& goes, const RotationRecord& record,
                               const Rotation& before, const Rotation& after) {
  const auto on_call = [&](const UserId& user) {
    return std::any_of(record.people.begin(), record.people.end(), [&](const OnCallPerson& person) {
      return person.member == user &&
             std::any_of(after.schedules.begin(), after.schedules.end(),
                         [&](const RotationSchedule& schedule) { return schedule.ref == person.schedule; });
    });
  };
  std::vector<UserId> expected = after.fallback_members;
  if (!record.decided && record.former && removes_others(before))
    expected.insert(expected.end(), record.former->members.begin(), record.former->members.end());
  std::vector<UserId> left;
  for (const auto& user : goes) {
    const bool foreseen = std::find(expected.begin(), expected.end(), user) != expected.end();
    if (!foreseen && !on_call(user)) left.push_back(user);
  }
  return left;
}

}  // namespace watchbill
