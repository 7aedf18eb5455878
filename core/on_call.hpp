#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "core/timeline.hpp"

namespace watchbill {

/// Somebody on call in a rotation, as it was decided: a responder, seen through one schedule, and the Slack
/// user that he is.
struct OnCallPerson {
  Responder responder;
  ScheduleRef schedule;
  std::string schedule_label{};    ///< the rotation's label, else the schedule's name
  std::optional<UserId> member{};  ///< none: nobody in Slack matches
  std::optional<Instant> since{};  ///< none: not known
  std::optional<Instant> until{};  ///< none: not known; kNever: does not end
  /// Who is on call in the schedule is not known: this is who it was when it was.
  bool last_known = false;
  bool operator==(const OnCallPerson&) const = default;
};

/// True if both are the same human being: the same Slack user, responder or e-mail address.
bool same_person(const OnCallPerson& a, const OnCallPerson& b);
/// True if both name the same people, in whatever order and through whatever schedules.
bool same_people(const std::vector<OnCallPerson>& a, const std::vector<OnCallPerson>& b);
/// Those of `a` who are not in `b`, each human being once.
std::vector<OnCallPerson> people_without(const std::vector<OnCallPerson>& a,
                                         const std::vector<OnCallPerson>& b);

/// "Ada, Bo (not in Slack), Cy (last known)": everybody once. Without anybody "nobody", or "not known" while
/// a schedule is `unknown`; one that is and has no last known people is named behind the others.
std::string on_call_names(const std::vector<OnCallPerson>& people, const std::vector<ScheduleRef>& unknown);
/// Those of `unknown` of which not even the last known people are among `people`.
std::vector<ScheduleRef> without_people(const std::vector<OnCallPerson>& people,
                                        const std::vector<ScheduleRef>& unknown);

}  // namespace watchbill
