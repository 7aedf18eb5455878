#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/oncall/on_call_person.hpp"

namespace watchbill {

/// Why a group changed.
enum class Cause { handoff, drift, edit, adoption, restore, config };
std::string_view name_of(Cause cause);
Result<Cause> parse_cause(std::string_view text);

/// One remembered change of a rotation, as two truths: what the source said, and what became of the group.
struct Change {
  ChangeId id{};
  Instant at;
  RotationId rotation{};
  std::string rotation_name;
  GroupId group;
  Cause cause = Cause::handoff;
  /// Who was in the group before, and who should be after.
  std::vector<UserId> before{};
  std::vector<UserId> after{};
  /// The group is (to be) disabled.
  bool disabled = false;
  /// Who was on call according to the source, since when that held and when we saw it.
  std::vector<OnCallPerson> said{};
  std::optional<Instant> held_since{};
  std::optional<Instant> seen_at{};
  /// Who did it: nothing for Watchbill itself, else "U…", "cli:root", "file:NAME".
  std::optional<std::string> by{};
  /// Nothing while it is open; "ok", "superseded", "observed", "reported", or the error's code.
  std::optional<std::string> result{};
  std::string note{};
};

/// One change of a rotation, a connection, a mapping or a key: who, what, before, after (JSON without
/// secrets).
struct AuditEntry {
  Instant at;
  std::string actor;
  std::string action;  ///< "rotation.create", "connection.update", ...
  std::string object;  ///< the name of what was changed
  std::string before{};
  std::string after{};
};

/// Something a person must know. The same `key` is the same problem: it is alerted once, and ends once.
struct Problem {
  std::string key;   ///< "rotation:12:permission_denied", "connection:pagerduty:unauthorized"
  std::string text;  ///< what happened, to which object, and what to do
  std::optional<RotationId> rotation{};
  std::string connection{};
  bool alert = true;  ///< goes to the alert channel and webhook; else only to `status`
  bool operator==(const Problem&) const = default;
};

}  // namespace watchbill
