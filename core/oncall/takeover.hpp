#pragma once

#include <optional>
#include <vector>

#include "core/oncall/plan.hpp"
#include "core/oncall/rotation.hpp"
#include "core/oncall/rotation_record.hpp"

namespace watchbill {

/// What a change of a rotation means for members of its group that Watchbill did not put there.
enum class Takeover {
  /// They stay, or they are gone already: nobody need be asked.
  none,
  /// Who is in the group that no handoff would take out goes, though the group was Watchbill's before.
  again,
  /// The group becomes Watchbill's: whoever goes or comes is shown, and what it was is kept.
  first,
};

/// `before`: as it is stored; null for a new one. A rotation that is paused counts as what it becomes when it
/// is resumed: whoever changes its schedules meanwhile is asked, and whoever resumes it is asked, too.
Takeover takeover_of(const Rotation* before, const Rotation& after);

/// Those of `goes` whom nobody agreed to lose: all but who was put there as being on call in a schedule that
/// `after` still has, its fallback members, and who was there when the group was taken over, as long as that
/// has not been carried out.
std::vector<UserId> unforeseen(const std::vector<UserId>& goes, const RotationRecord& record,
                               const Rotation& before, const Rotation& after);

}  // namespace watchbill
