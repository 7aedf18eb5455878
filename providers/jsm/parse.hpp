#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "core/oncall/timeline.hpp"
#include "providers/provider.hpp"

/// What the replies of JSM Operations and of Jira's user look-up mean, without I/O. Facts: Atlassian's
/// OpenAPI document "JSM Operations API" version 1 (schemas named), and the Jira Cloud platform REST API v3,
/// "Users".
namespace watchbill::providers::jsm {

/// One page of the list of schedules (ListSchedulesResponse). There is no total.
struct SchedulePage {
  std::vector<ScheduleInfo> schedules;
  /// Where the next page is: behind the API's base ("/v1/schedules?…") or an absolute URL; empty: nowhere.
  std::string next;
};
Result<SchedulePage> parse_schedules(json::View root);

/// An Atlassian account as schedules name it: opaque, and it may hold a colon.
struct AtlassianAccount {
  std::string id;
  bool deleted = false;
  bool operator==(const AtlassianAccount& other) const { return id == other.id; }
};

/// A span of time of one rotation of a schedule's final timeline (TimelinePeriod).
struct RotationPeriod {
  Instant start;
  Instant end;
  /// "historical": it was so. The rest is planned.
  bool past = false;
  /// Empty: nobody.
  std::vector<AtlassianAccount> people{};
  /// Instead of people: a team or escalation, of which it does not tell who is behind it.
  std::string unresolved_type{};
};

/// A schedule's final timeline, overrides and forwardings applied (ScheduleTimelineResponse). Rotations that
/// were deleted are left out: of them only the past is told.
struct FinalTimeline {
  Window window;  ///< what the reply covers, by its own words
  std::vector<RotationPeriod> periods;
};
Result<FinalTimeline> parse_timeline(json::View root);

/// Somebody on call without a break from `start` to `end`.
struct AccountSpan {
  AtlassianAccount account;
  Instant start;
  Instant end;
  bool operator==(const AccountSpan&) const = default;
};

/// What a timeline says of who is on call from a moment on.
struct TimelineCover {
  std::vector<AccountSpan> spans;  ///< joined over periods that touch; by start
  /// From here on nothing is known: the end of the reply, or somebody behind whom it does not tell who is.
  Instant known_to;
  std::string reason;  ///< why it ends before the reply does; empty if it does not
};
/// Whoever is on call at the system's present is so at `from`, if the present comes less than ten minutes
/// later by our clock: what was on call until a moment ago is no answer to who is on call now.
TimelineCover cover(const FinalTimeline& timeline, Instant from);

/// `onCallUsers` of an on-calls reply with `flat=true` (OnCallUsers), none twice.
Result<std::vector<AtlassianAccount>> parse_flat_on_calls(json::View root);

/// A user of Jira's look-up. Without an address: the person's profile hides it.
struct JiraUser {
  std::string id;
  std::string name;
  std::optional<std::string> email;
};
/// One page of a bulk look-up (PageBeanUser). A page may have fewer than were asked for.
struct JiraUserPage {
  std::vector<JiraUser> users;
  bool last = true;
};
Result<JiraUserPage> parse_users(json::View root);

/// `cloudId` of a site's `_edge/tenant_info`.
Result<std::string> parse_cloud_id(json::View root);

/// The system's own words for a refusal; empty if there are none. The body may be anything.
std::string error_detail(const std::string& body);

}  // namespace watchbill::providers::jsm
