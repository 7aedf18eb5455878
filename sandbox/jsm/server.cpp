// JSM Operations: credentials, limits, the list of schedules, and who answers what.

#include <algorithm>

#include "base/base64.hpp"
#include "sandbox/jsm/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMostRows = 50;
constexpr std::size_t kRows = 25;

std::string basic(const std::string& name, const std::string& password) {
  return "Basic " + base64(name + ":" + password);
}

void write_schedule(json::Writer& w, const Schedule& schedule, bool rotations) {
  w.begin_object().field("id", schedule.id).field("name", schedule.name).field("description", "");
  w.field("timezone", "Etc/UTC").field("enabled", schedule.enabled);
  w.field("teamId", "cd68207b-c55d-4611-ab25-72fd0c439e9f");
  if (rotations) {
    w.key("rotations").begin_array();
    for (const auto& part : schedule.parts) {
      if (!part.deleted) w.begin_object().field("id", part.id).field("name", part.name).end_object();
    }
    w.end_array();
  }
  w.end_object();
}

/// `query`: the whole name, or its beginning before a `*`; upper and lower case are the same.
bool matches(const std::string& name, std::string query) {
  const auto lower = [](std::string text) {
    for (auto& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
  };
  if (query.empty()) return true;
  const bool prefix = query.back() == '*';
  if (prefix) query.pop_back();
  return prefix ? lower(name).starts_with(lower(query)) : lower(name) == lower(query);
}

Answer list_schedules(const JsmCall& call) {
  const auto size = whole_number(call.query("size").value_or(fmt::format("{}", kRows)));
  const auto offset = whole_number(call.query("offset").value_or("0"));
  if (!size || *size == 0 || *size > kMostRows) return jsm_error(400, "size must be between 1 and 50");
  if (!offset) return jsm_error(400, "offset must be a number");
  const auto expand = call.query("expand").value_or("");
  if (!expand.empty() && expand != "rotation") return jsm_error(400, "expand is rotation");
  std::vector<const Schedule*> found;
  for (const auto& schedule : call.roster().schedules) {
    if (!schedule.forbidden && matches(schedule.name, call.query("query").value_or("")))
      found.push_back(&schedule);
  }
  json::Writer w;
  w.begin_object().key("values").begin_array();
  for (auto i = *offset; i < std::min(found.size(), *offset + *size); ++i)
    write_schedule(w, *found[i], expand == "rotation");
  w.end_array().key("links").begin_object();
  if (*offset + *size < found.size()) {
    const auto next = fmt::format("/v1/schedules?offset={}&size={}", *offset + *size, *size);
    const auto base = fmt::format("http://{}/jsm/ops/api/{}", call.request.header("host").value_or(""),
                                  call.settings().cloud_id);
    w.field("next", call.settings().absolute_links ? base + next : next);
  }
  w.end_object().field("_expands", std::vector<std::string>{"rotation"}).end_object();
  return jsm_ok(w.take());
}

Answer list_teams(const JsmCall& call) {
  json::Writer w;
  w.begin_object().key("platformTeams").begin_array();
  for (const auto& team : call.context.world.teams) {
    if (!team.escalation) w.begin_object().field("teamId", team.id).field("teamName", team.name).end_object();
  }
  w.end_array().end_object();
  return jsm_ok(w.take());
}

Answer answer_operations(const JsmCall& call) {
  if (call.path.empty()) return jsm_error(404, "Not found");
  if (call.path[0] == "teams" && call.path.size() == 1) return list_teams(call);
  if (call.path[0] != "schedules" || call.path.size() > 3) return jsm_error(404, "Not found");
  if (call.path.size() == 1) return list_schedules(call);
  const auto* schedule = call.roster().schedules.find(call.path[1]);
  if (schedule && schedule->forbidden) {
    if (!call.settings().hidden_is_404) return jsm_error(403, "You are not authorized to view the schedule");
    schedule = nullptr;
  }
  if (!schedule) return jsm_error(404, fmt::format("No schedule exists with id [{}]", call.path[1]));
  if (call.path.size() == 2) {
    json::Writer w;
    write_schedule(w, *schedule, true);
    return jsm_ok(w.take());
  }
  if (call.path[2] == "timeline") return jsm_timeline(call, *schedule);
  if (call.path[2] == "on-calls") return jsm_on_calls(call, *schedule);
  if (call.path[2] == "next-on-calls") return jsm_next_on_calls(call, *schedule);
  return jsm_error(404, "Not found");
}

/// Takes one call of the account's budget: nothing if it may go on.
std::optional<Answer> beyond_limit(Context context, std::size_t& left) {
  const auto calls = context.world.jsm.calls_a_minute;
  if (calls == 0) return std::nullopt;
  const auto wait = context.rate.take("jsm", calls, 1min, context.now);
  left = context.rate.left("jsm", calls);
  if (!wait) return std::nullopt;
  auto answer = jsm_error(429, "Rate limit exceeded");
  const auto seconds_left = std::chrono::ceil<seconds>(*wait);
  answer.headers.emplace_back("Retry-After", fmt::format("{}", seconds_left.count()));
  if (context.world.jsm.limit_headers) {
    answer.headers.emplace_back("X-RateLimit-Limit", fmt::format("{}", calls));
    answer.headers.emplace_back("X-RateLimit-Remaining", "0");
    answer.headers.emplace_back("X-RateLimit-Reset", format_rfc3339(context.now + seconds_left));
    answer.headers.emplace_back("RateLimit-Reason", "jira-burst-based");
  }
  return answer;
}

/// True if the path begins with these parts; they are cut off.
bool below(std::vector<std::string>& path, const std::vector<std::string>& prefix) {
  if (path.size() < prefix.size() || !std::equal(prefix.begin(), prefix.end(), path.begin())) return false;
  path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
  return true;
}

}  // namespace

Answer jsm_ok(std::string body) {
  return {200, {{"Content-Type", "application/json"}}, std::move(body), {}};
}

Answer jsm_error(int status, std::string_view title) {
  json::Writer w;
  const auto code = fmt::format("{}", status);
  w.begin_object().key("errors").begin_array().begin_object();
  w.field("title", title).field("code", code).end_object().end_array().end_object();
  return {status, {{"Content-Type", "application/json"}}, w.take(), code};
}

Answer answer_jsm(Context context, const net::ServerRequest& request) {
  JsmCall call{context, request, path_parts(request)};
  const auto& settings = context.world.jsm;
  if (call.path == std::vector<std::string>{"_edge", "tenant_info"}) {
    json::Writer w;
    w.begin_object().field("cloudId", settings.cloud_id).end_object();
    return jsm_ok(w.take());
  }
  const auto given = request.header("authorization");
  if (!given || *given != basic(settings.email, settings.api_token)) {
    return {401, {{"Content-Type", "application/json"}}, R"({"code":401,"message":"Unauthorized"})", "401"};
  }
  std::size_t left = 0;
  if (auto refusal = beyond_limit(context, left)) return *refusal;
  Answer answer = jsm_error(404, "Not found");
  if (request.method != "GET") {
    answer = jsm_error(405, "Method not allowed");
  } else if (below(call.path, {"jsm", "ops", "api", settings.cloud_id, "v1"})) {
    answer = answer_operations(call);
  } else if (below(call.path, {"ex", "jira", settings.cloud_id, "rest", "api", "3"})) {
    answer = jira_users(call);
  }
  if (settings.calls_a_minute > 0 && settings.limit_headers) {
    answer.headers.emplace_back("X-RateLimit-Limit", fmt::format("{}", settings.calls_a_minute));
    answer.headers.emplace_back("X-RateLimit-Remaining", fmt::format("{}", left));
  }
  return answer;
}

}  // namespace watchbill::sandbox
