#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/oncall/timeline.hpp"
#include "net/http.hpp"

/// Reading PagerDuty's answers. Pure: no network, no clock. Whatever is not as the API promises is
/// `unreadable`, so that a broken answer is never mistaken for an empty schedule.
namespace watchbill::providers::pagerduty {

/// Layer-based schedules ("v2") live under /schedules, shift-based ones under /v3/schedules. An id can change
/// kind while we run, when its schedule is upgraded.
enum class Kind { layer, shift };
[[nodiscard]] inline Kind other(Kind kind) {
  return kind == Kind::layer ? Kind::shift : Kind::layer;
}
/// "/schedules" or "/v3/schedules"
std::string path_of(Kind kind);

struct UserSummary {
  std::string id;
  std::string name;
  std::optional<std::string> email{};
  /// A deleted user can still stand on a schedule; it has no e-mail and nothing more is to be learnt of it.
  bool deleted = false;
};

struct Oncall {
  UserSummary user;
  Instant start = kAlways;
  Instant end = kNever;
  std::string rotation{};  ///< of a shift-based schedule; empty for a custom shift, which belongs to none
};

/// What one schedule does, as read so far.
struct Oncalls {
  std::string name;
  std::vector<Oncall> duties{};
  /// The rotations of a shift-based schedule, in PagerDuty's order.
  std::vector<std::string> rotations{};
  /// Those that an entry names, also one that is assigned to nobody.
  std::set<std::string> seen_rotations{};
  /// An entry could not be read: nothing is known of this schedule.
  std::optional<Error> error{};
};

struct PageInfo {
  std::size_t rows = 0;
  bool more = false;
  /// How far to move on: the page size that the server used.
  std::size_t limit = 0;
};

struct ListedSchedule {
  std::string id;
  std::string name;
  Kind kind = Kind::layer;
  std::string time_zone{};
  std::string url{};
  /// An escalation policy uses it, so /oncalls shows it. Not told of shift-based ones.
  std::optional<bool> attached{};
};

/// Adds the rows of an /oncalls page to `found`, by schedule. Rows without a schedule are direct targets of
/// an escalation policy and are ignored; rows that differ only in the policy or level count once.
Result<PageInfo> read_oncalls(const json::View& root, std::map<std::string, Oncalls>& found);
/// Adds a page of /schedules or /v3/schedules to `found`.
Result<PageInfo> read_schedules(const json::View& root, Kind kind, std::vector<ListedSchedule>& found);
/// One schedule with its final schedule.
Result<Oncalls> read_schedule(const json::View& root, Kind kind);
/// What one rotation of a shift-based schedule does. `not_found` if the schedule's list of rotations goes
/// without it; `unreadable` if there is no list that could tell (whether there always is one is not
/// documented).
Result<Oncalls> only_rotation(Oncalls schedule, const std::string& rotation);
/// How a rotation, which has no name of its own, is called: "SRE on-call, rotation 2".
std::string rotation_name(const Oncalls& schedule, const std::string& rotation);
/// /users/{id}
Result<UserSummary> read_user(const json::View& root);

/// What an answer means; nothing for a success.
std::optional<Error> explain(const net::HttpResponse& response);
/// `ratelimit-reset`, when nothing is left or the answer is a 429.
std::optional<milliseconds> pause(const net::HttpResponse& response);

}  // namespace watchbill::providers::pagerduty
