#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/oncall/timeline.hpp"

namespace watchbill {

/// Somebody on call in a rotation, as it was decided: a responder, seen through one schedule, and the Slack
/// user that he is.
struct OnCallPerson {
  Responder responder;
  ScheduleRef schedule;
  std::string schedule_label{};    ///< the rotation's label, else the schedule's name
  std::optional<UserId> member{};  ///< none: nobody in Slack matches, or that is not known yet
  std::optional<Instant> since{};  ///< none: not known
  std::optional<Instant> until{};  ///< none: not known; kNever: does not end
  /// Who is on call in the schedule is not known: this is who it was when it was.
  bool last_known = false;
  /// Slack has not said yet who that is there: `member` is not known.
  bool member_pending = false;
  /// Without a `member`: their account in Slack, which may not be in a group (a guest, a bot, deactivated).
  std::optional<UserId> account{};
  /// Equal in everything, what is told of the responder included.
  bool operator==(const OnCallPerson& other) const;
};

/// True if both are the same human being: the same Slack user, responder or e-mail address.
bool same_person(const OnCallPerson& a, const OnCallPerson& b);
/// True if both name the same people, in whatever order and through whatever schedules.
bool same_people(const std::vector<OnCallPerson>& a, const std::vector<OnCallPerson>& b);
/// True if nothing is told differently of them in `b`: names, addresses, who they are in Slack.
bool same_facts(const std::vector<OnCallPerson>& a, const std::vector<OnCallPerson>& b);
/// What is told beside a name: nothing of a member, else " (not in Slack)", that the account there cannot be
/// in a group, or, while that is pending, that it is not known yet.
std::string_view slack_remark(const OnCallPerson& person);
/// True if Slack has not said yet who somebody of them is.
bool any_pending(const std::vector<OnCallPerson>& people);
/// Those of `a` who are not in `b`, each human being once.
std::vector<OnCallPerson> people_without(const std::vector<OnCallPerson>& a,
                                         const std::vector<OnCallPerson>& b);

/// "Ada, Bo (not in Slack), Cy (last known)": everybody once. Without anybody "nobody", or "not known" while
/// a schedule is `unknown`; one that is and has no last known people is named behind the others. More than
/// `at_most` are counted.
std::string on_call_names(const std::vector<OnCallPerson>& people, const std::vector<ScheduleRef>& unknown,
                          std::size_t at_most = 12);
/// Those of `unknown` of which not even the last known people are among `people`.
std::vector<ScheduleRef> without_people(const std::vector<OnCallPerson>& people,
                                        const std::vector<ScheduleRef>& unknown);

}  // namespace watchbill
