#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace watchbill {

/// `keep` writes the group; `observe` decides and records everything and writes nothing.
enum class Mode { keep, observe };
/// `exact` makes the group equal; `merge` adds and removes only the people that Watchbill itself placed.
enum class Membership { exact, merge };
/// What to do when the group differs although nobody handed off.
enum class Drift { repair, report };
/// What becomes of the group when nobody is on call.
enum class Empty { keep, fallback, disable };
/// Who is mentioned (notified) by an announcement; the others stand there as names.
enum class Mention { incoming, all, none };

std::string_view name_of(Mode value);
std::string_view name_of(Membership value);
std::string_view name_of(Drift value);
std::string_view name_of(Empty value);
std::string_view name_of(Mention value);
/// Reads what `name_of` writes; the error lists what is possible.
Result<Mode> parse_mode(std::string_view text);
Result<Membership> parse_membership(std::string_view text);
Result<Drift> parse_drift(std::string_view text);
Result<Empty> parse_empty(std::string_view text);
Result<Mention> parse_mention(std::string_view text);

struct RotationSchedule {
  ScheduleRef ref;        ///< as somebody writes it, its id may be a name (`written_schedule`)
  std::string label{};    ///< "secondary": shown in announcements; may be empty
  bool required = false;  ///< nobody on call here is a problem even when the rotation's others have people
  bool operator==(const RotationSchedule&) const = default;
};

struct Announce {
  bool enabled = true;
  std::optional<std::string> text_template{};  ///< see core/announce/template.hpp; none: the default text
  Mention mention = Mention::incoming;
  milliseconds max_age = 6h;  ///< an announcement that is later than this is not sent any more
  bool operator==(const Announce&) const = default;
};

/// Our rule: one Slack user group <- one or more schedules, announced in zero or more channels.
struct Rotation {
  RotationId id{};
  std::string name;  ///< 1 to 80 characters, unique regardless of case
  GroupId group;
  std::string handle;  ///< of the group, without '@', as last seen
  std::vector<RotationSchedule> schedules;
  Mode mode = Mode::keep;
  Membership membership = Membership::exact;
  Drift drift = Drift::repair;
  bool paused = false;
  std::vector<ChannelId> channels{};
  std::vector<UserId> permanent_members{};
  Empty empty = Empty::keep;
  std::vector<UserId> fallback_members{};
  std::optional<bool> empty_alert{};  ///< none: yes for `keep`, no for the others
  Announce announce{};
  std::vector<std::string> owners{};  ///< Slack users (`U…`) and groups (`S…`)
  std::optional<ChannelId> alert_channel{};
  std::string managed_by = "cli";  ///< "slack", "cli" or "file:NAME"
  bool operator==(const Rotation&) const = default;

  [[nodiscard]] bool alerts_when_empty() const { return empty_alert.value_or(empty == Empty::keep); }
};

/// That a rotation is being deleted, by a command that puts its group back first. Meanwhile the group is left
/// alone as if the rotation were paused.
struct Deletion {
  RotationId rotation{};
  std::string by{};  ///< the actor
  Instant at{};      ///< since when
  Instant until{};   ///< a command that has not finished by then is given up, and the group kept again
  bool operator==(const Deletion&) const = default;
};

/// The rules that need no other system: name, schedules (at least one, none twice), fallback members when the
/// policy needs them, the template's syntax, lists without repeats. The error names the field.
Result<void> validate(const Rotation& rotation);

/// A schedule as people write it: "CONNECTION/ID", or its name, as "CONNECTION/NAME" or, with an empty
/// connection, alone. Names are found when the rotation is saved (control/validate.hpp).
Result<ScheduleRef> written_schedule(std::string_view text);

/// A handle without its '@', or why it cannot be one: `[a-z0-9][a-z0-9_-]*`, and none of Slack's own words
/// (here, channel, everyone, admins, owners). Whether it is too long Slack says (`bad_handle`).
Result<std::string> check_handle(std::string_view handle);

/// Lower-cased name: what uniqueness and searches go by (Latin, Greek and Cyrillic letters are folded).
std::string fold_name(std::string_view name);

}  // namespace watchbill
