#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "core/oncall/timeline.hpp"
#include "providers/opsgenie/parse.hpp"

/// What Opsgenie's timeline replies mean, without I/O. Facts: GitHub opsgenie/opsgenie-oas
/// (definitions/schedule.yaml: ScheduleTimeline, TimelinePeriod, TimelineRecipient).
namespace watchbill::providers::opsgenie {

/// A span of time of a schedule's final timeline with one recipient.
struct Period {
  Instant start;
  Instant end;
  /// The people, if the reply names them; empty if nobody.
  std::vector<UserReference> users{};
  /// Instead of people: who is behind must be asked elsewhere ("schedule", "team", "escalation", ...).
  std::string unresolved_type{};
  std::string unresolved_id{};
  std::string unresolved_name{};
};

struct ScheduleTimeline {
  std::string id;
  std::string name;
  Window window;  ///< what the reply covers, by its own words
  std::vector<Period> periods;
};

/// Reads `data` of a timeline reply: its final timeline, with overrides and forwardings applied. Types of
/// periods are not read: each is coverage.
Result<ScheduleTimeline> parse_timeline(json::View data);

/// A user on call without a break from `start` to `end`.
struct UserSpan {
  UserReference user;
  Instant start;
  Instant end;
  bool operator==(const UserSpan&) const = default;
};

/// Joins touching and overlapping spans of the same user (a timeline is split at the present moment and where
/// rotations meet). Sorted by start, then user name.
std::vector<UserSpan> join(std::vector<UserSpan> spans);

/// Spans as shifts inside what was answered: what ends before `window.from` is dropped, what reaches
/// `window.to` has an unknown end.
std::vector<Shift> shifts_of(const std::string& connection, const std::vector<UserSpan>& spans,
                             Window window);

/// How many weeks to ask of a timeline so that it surely reaches `to`: it may begin at the start of the week
/// that contains now, hence one more than needed.
int weeks_to_ask(Instant now, Instant to);

/// Timelines by schedule id: the one asked for and those nested in it.
using Timelines = std::map<std::string, ScheduleTimeline>;

/// Nested schedules whose timelines are needed to say who is on call in `timeline` from `from` on.
std::vector<std::string> nested_schedules(const ScheduleTimeline& timeline, Instant from);

/// What can be said of a schedule.
struct Coverage {
  std::vector<UserSpan> spans;  ///< joined
  /// From here on nothing is known: the reply's end, or somebody who could not be resolved.
  Instant known_to;
  /// Why it ends before the reply does; empty if it does not.
  std::string reason;
};

/// Puts the people of nested schedules into the periods that name them. A schedule nested in itself adds
/// nobody. Teams and escalations, of which a timeline does not tell the people, end what is known.
Coverage cover(const Timelines& timelines, const std::string& id, Instant from);

}  // namespace watchbill::providers::opsgenie
