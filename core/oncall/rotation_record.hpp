#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/oncall/on_call_person.hpp"

namespace watchbill {

/// What a group should be.
struct GroupTarget {
  bool disable = false;
  std::vector<UserId> members{};  ///< sorted; empty only if `disable`
  bool operator==(const GroupTarget&) const = default;
};

/// A group as it was before Watchbill took it over.
struct FormerGroup {
  std::vector<UserId> members;
  bool disabled = false;
  Instant at;
  bool operator==(const FormerGroup&) const = default;
};

/// What is remembered of a rotation between passes and runs.
struct RotationRecord {
  RotationId rotation{};
  /// False until the first decision: that one is "now on call", not a handoff.
  bool decided = false;
  /// The first decision is not announced.
  bool quiet = false;
  /// Who was on call at the last decision; empty means nobody.
  std::vector<OnCallPerson> people{};
  Instant people_since{};
  std::optional<GroupTarget> target{};
  /// The ledger of `merge`: who was put into the group by Watchbill, or is being put there.
  std::vector<UserId> placed{};
  std::optional<FormerGroup> former{};
  /// The group was adopted: what it was is in `former`.
  bool adopted = false;
  bool operator==(const RotationRecord&) const = default;
};

}  // namespace watchbill
