#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sandbox/schedules.hpp"
#include "sandbox/servers.hpp"

/// PagerDuty's REST API v2 and v3 (developer.pagerduty.com).
namespace watchbill::sandbox {

struct PagerDutyCall {
  Context context;
  const net::ServerRequest& request;
  std::vector<std::string> path;
  std::string person{};  ///< whose token asks; empty: nobody's

  [[nodiscard]] const Roster& roster() const { return context.world.roster(System::pagerduty); }
  [[nodiscard]] Asked asked() const { return {context.now, roster().lag}; }
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
    return request.query_value(name);
  }
  /// All values of a repeated parameter: `schedule_ids[]`.
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  [[nodiscard]] bool includes(std::string_view what) const;
};

Answer pagerduty_ok(json::Writer& w);
/// {"error":{"message","code"}}, on all paths alike.
Answer pagerduty_error(int status, int code, std::string_view message);
/// 400 with what is wrong in `errors`: an array; on v3 paths, and for this status alone, an object of fields
/// (the specification's V3ErrorResponse).
Answer pagerduty_invalid(std::string_view field, std::string_view wrong, bool v3 = false);

/// `limit` and `offset`, checked; nothing if they are refused.
struct PagerDutyPage {
  std::size_t limit = 25;
  std::size_t offset = 0;
};
std::optional<PagerDutyPage> pagerduty_page(const PagerDutyCall& call, std::size_t default_limit,
                                            std::size_t max_limit);
/// "limit", "offset", "more", "total".
void write_page(json::Writer& w, const PagerDutyCall& call, PagerDutyPage page, std::size_t count);

/// `since` and `until`, whole seconds. An Answer if they are refused.
struct SinceUntil {
  Window window{};
  std::optional<Answer> refusal{};
};
SinceUntil since_until(const PagerDutyCall& call, bool v3);
/// Cut to the window unless `overflow=true`, without what only touches it.
std::vector<Shift> rendered(const PagerDutyCall& call, const Schedule& schedule, const Part& part,
                            Window window);

/// A moment, or null for never.
void write_moment(json::Writer& w, std::string_view name, Instant t);
void write_user_reference(json::Writer& w, const Responder& person);
void write_full_user(json::Writer& w, const Responder& person, const std::string& subdomain);

/// Escalation policies of a schedule: PEP<schedule><number>.
std::string policy_id(const Schedule& schedule, int number);
void write_policy_references(json::Writer& w, const Schedule& schedule);

Answer v3_schedules(const PagerDutyCall& call);
Answer v3_schedule(const PagerDutyCall& call, const std::string& id);
Answer oncalls(const PagerDutyCall& call);

}  // namespace watchbill::sandbox
