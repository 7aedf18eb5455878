#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/announce/outbox.hpp"
#include "core/history.hpp"
#include "core/oncall/on_call_person.hpp"
#include "core/oncall/rotation.hpp"
#include "core/oncall/rotation_record.hpp"
#include "core/oncall/schedule_state.hpp"

namespace watchbill {

/// Which Slack user a responder is.
struct Match {
  std::optional<UserId> user{};
  bool pending = false;  ///< not looked up yet: the answer is on its way
  std::string why{};     ///< why there is none (yet): "no Slack account has the address bo@example.com"
  std::string name{};    ///< as Slack shows the account; empty if that is not known
  /// Without a `user`: the account that they have and that may not be in a group.
  std::optional<UserId> account{};
};

/// What the planner asks about people. Pure look-ups; implemented on the directory and the mappings.
class Matcher {
 public:
  virtual ~Matcher() = default;
  [[nodiscard]] virtual Match match(const Responder& responder) const = 0;
  /// Who this is and why they may not be in a group: "Otto is a guest, …" (or bot, deactivated); nothing if
  /// they may, or are not known yet.
  [[nodiscard]] virtual std::optional<std::string> unfit(const UserId& user) const = 0;
};

/// A Slack group as it is.
struct GroupNow {
  std::vector<UserId> members;  ///< sorted
  bool disabled = false;
  bool operator==(const GroupNow&) const = default;
};

struct PlanInput {
  const Rotation& rotation;
  const RotationRecord& record;
  /// One for each of `rotation.schedules`, in their order.
  const std::vector<const ScheduleState*>& states;
  /// Nothing while the group has not been seen.
  const GroupNow* group;
  const Matcher& matcher;
  Instant now;
};

/// What should be. Nothing is done by making one.
struct Plan {
  /// False while a schedule has not been asked at all, or nobody is known to be on call and of some schedule
  /// it is not known who is: leave everything.
  bool decided = false;
  /// A source is Unknown: its last people stay.
  bool stale = false;
  /// Somebody has not been looked up in Slack yet.
  bool pending = false;
  /// Who that is and why, for a person: "Bo: …"; empty if nobody.
  std::string pending_why{};
  /// Who is on call; one entry for each person and schedule. Empty means nobody, unless a schedule is
  /// `unknown`.
  std::vector<OnCallPerson> people{};
  /// Schedules of which it is not known who is on call, in the rotation's order.
  std::vector<ScheduleRef> unknown{};
  /// The people differ from those of the last decision.
  bool handoff = false;
  /// What the group should be; nothing means: leave it as it is.
  std::optional<GroupTarget> target{};
  /// Who of the target was put there by Watchbill, once it is written (`merge`).
  std::vector<UserId> placed{};
  std::vector<NextPerson> next{};
  std::optional<Instant> next_boundary{};
  /// What became of the group when nobody is on call or nobody matches; for the announcement.
  std::string group_note{};
  std::vector<Problem> problems{};
};

/// Who should be in the group now, and what is wrong. Guarantees, whatever the input: a target that does not
/// disable has members; each of them is on call, permanent, a fallback member, or was in the group already
/// (or put there last, if it is empty); none is known to be unfit. The same input gives the same plan, in
/// whatever order schedules, people and members come.
Plan make_plan(const PlanInput& input);

/// The ledger of `merge` (`RotationRecord::placed`) before a write begins that may put `more` into the group:
/// nobody leaves it, since the write may be lost, refused or overtaken.
std::vector<UserId> ledger_before(const std::vector<UserId>& placed, const std::vector<UserId>& more);
/// The ledger while nothing is written and the group is as it was seen: whoever is not in it was taken out,
/// and is put back by others if at all. A list of nobody says nothing, and a disabled group keeps its
/// members.
std::vector<UserId> ledger_of(const std::vector<UserId>& placed, const GroupNow& seen);

/// How a group differs from its target.
enum class WriteNeeded { none, members, members_and_enable, disable };
WriteNeeded write_needed(const GroupTarget& target, const GroupNow& group);

}  // namespace watchbill
