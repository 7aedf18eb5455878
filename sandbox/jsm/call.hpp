#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sandbox/schedules.hpp"
#include "sandbox/servers.hpp"
#include "sandbox/timeline.hpp"

/// JSM Operations (Atlassian's OpenAPI document "JSM Operations API", version 1), the users of Jira's
/// platform API v3, and the site's `_edge/tenant_info`: one server in the place of api.atlassian.com and of
/// the site.
namespace watchbill::sandbox {

struct JsmCall {
  Context context;
  const net::ServerRequest& request;
  /// What follows the cloud's part of the path: {"schedules", "ID", "timeline"} or {"user", "bulk"}.
  std::vector<std::string> path;

  [[nodiscard]] const Roster& roster() const { return context.world.roster(System::jsm); }
  [[nodiscard]] const JsmSettings& settings() const { return context.world.jsm; }
  [[nodiscard]] TimelineView view() const { return {context.world, System::jsm, context.now}; }
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
    return request.query_value(name);
  }
};

Answer jsm_ok(std::string body);
/// {"errors":[{"title","code"}]}; `code` is a text (ErrorResponse).
Answer jsm_error(int status, std::string_view title);

/// GET …/schedules/{id}/timeline
Answer jsm_timeline(const JsmCall& call, const Schedule& schedule);
/// GET …/schedules/{id}/on-calls, …/next-on-calls
Answer jsm_on_calls(const JsmCall& call, const Schedule& schedule);
Answer jsm_next_on_calls(const JsmCall& call, const Schedule& schedule);
/// GET /ex/jira/{cloudId}/rest/api/3/user, …/user/bulk
Answer jira_users(const JsmCall& call);

}  // namespace watchbill::sandbox
