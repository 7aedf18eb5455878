#pragma once

#include "engine/decide/decider.hpp"

/// Inside of the decider, shared by its own files alone.
namespace watchbill::engine {

/// This many drifts within `kDriftWindow` mean that somebody else manages the group.
inline constexpr std::size_t kDriftLimit = 3;
inline constexpr auto kDriftWindow = 10min;

/// The first decision keeps what the group was, and `merge` goes by what it is: it must have been seen.
inline bool waits_for_group(const RotationEntry& entry) {
  if (entry.group.now) return false;
  return !entry.record.decided || (entry.rotation.membership == Membership::merge && !entry.group.missing);
}

/// What one rotation's decision will change; nothing of it has happened yet.
struct Decider::Stage {
  RotationEntry* entry;
  Plan plan;
  RotationRecord record;
  std::optional<Change> change{};
  std::vector<OutboxRow> superseded{};
  std::vector<OutboxRow> added{};
  std::vector<OutboxRow> corrected{};  ///< not sent yet, and some of their people are others in Slack now
  std::optional<Instant> foreseen{};   ///< the boundary that this handoff is of
  std::optional<Rematch> rematch{};
  std::optional<Instant> wait_until{};
  bool right = false;  ///< the group is what it should be, or is to be left as it is
  bool write = false;  ///< it is not, and may be written
  bool anew = false;   ///< it replaces a list of which Slack refused a member
  bool blind = false;  ///< the group must be read again first: a queued write stays queued
  slack::Priority priority = slack::Priority::handoff;
  std::optional<SteadyInstant> not_before{};
  std::optional<GroupNow> reported{};
  std::optional<Change> refused{};  ///< the change whose refused write is taken up again
  bool drifted = false;
  bool not_done = false;  ///< Slack said that it wrote this already
};

}  // namespace watchbill::engine
