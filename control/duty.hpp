#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "core/oncall/rotation.hpp"

/// Who is on call when, from what the store knows: it works while Slack and every scheduling system are down,
/// and says how old the answer is.
namespace watchbill::control {

struct OnDuty {
  std::string name;
  std::optional<std::string> email;
  std::optional<UserId> member;     ///< none: nobody in Slack, or not known yet
  bool member_pending = false;      ///< not known yet
  std::optional<UserId> account{};  ///< without a member: theirs in Slack, which may not be in a group
  ScheduleRef schedule;
  std::optional<Instant> until;  ///< none: not known, or never
};

struct Duty {
  Rotation rotation;
  std::vector<OnDuty> people{};
  /// Schedules of which it is not known who is on call at that moment.
  std::vector<std::string> unknown{};
  /// When each schedule last confirmed this, to a poll interval; none of those that never answered, and for
  /// what history tells.
  std::map<std::string, Instant> confirmed{};
  /// When all of them had; none if one never answered.
  [[nodiscard]] std::optional<Instant> confirmed_at() const;
};

/// One answer for each rotation, in order; without `at`, for now. A moment in the past is answered from
/// history, else from the timelines.
net::Task<Result<std::vector<Duty>>> on_duty(Context& context, std::vector<Rotation> rotations,
                                             std::optional<Instant> at = std::nullopt);

/// The rotation of that name, or the one that keeps that group ("@payments-oncall"), regardless of case.
Result<Rotation> rotation_named(store::Store& store, const std::string& which);

/// Rotations that a person named: by name (regardless of case), or "@handle" of the group; empty: all.
/// `not_found` if there is none.
Result<std::vector<Rotation>> rotations_named(store::Store& store, const std::string& which);

/// Somebody's time on call in a rotation: shifts of one schedule that follow each other without a gap are
/// one.
struct DutyShift {
  std::string rotation;
  Instant start;
  std::optional<Instant> end{};  ///< none: not known, or never
  std::string schedule{};        ///< its name, where the rotation has several
};

/// Everybody's own shifts in all rotations that run now or begin later, as far as the timelines reach, in
/// order of time; at most `limit` for each. It reads every timeline: a tenth of a second with 500 schedules.
net::Task<Result<std::map<UserId, std::vector<DutyShift>>>> shifts_by_person(Context& context,
                                                                             std::size_t limit);

}  // namespace watchbill::control
