// PagerDuty: who may ask, paging, layer-based schedules, users.
// developer.pagerduty.com/docs (REST API), api-schema reference/REST/openapiv3.json

#include <algorithm>

#include "sandbox/faults.hpp"
#include "sandbox/pagerduty/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kPerMinute = 960;
constexpr std::size_t kMaxOffset = 10'000;
constexpr std::string_view kAccept = "application/vnd.pagerduty+json;version=2";
constexpr std::string_view kShiftBased =
    "This is a shift-based schedule. Use the v3 Schedules API to access it.";

/// The scope that a path asks for.
std::string scope_of(const std::vector<std::string>& path) {
  if (path[0] == "oncalls") return "oncalls.read";
  if (path[0] == "users" || (path.size() == 3 && path[2] == "users")) return "users.read";
  return "schedules.read";
}

Answer missing_scope(const std::string& scope) {
  json::Writer w;
  w.begin_object().key("error").begin_object().field("message", "Token missing required scopes");
  w.key("required_scopes").begin_array().value(scope).end_array().end_object().end_object();
  return {403, {{"Content-Type", "application/json"}}, w.take(), "missing scope " + scope};
}

/// Who asks (the key of his rate limit), or why he may not.
struct Caller {
  std::string name;
  std::optional<Answer> refusal;
  std::string person{};  ///< of a token that a person gave
};

Caller caller_of(const PagerDutyCall& call) {
  const auto& settings = call.context.world.pagerduty;
  const auto unauthorized = pagerduty_error(401, 2006, "Unauthorized");
  const auto header = call.request.header("authorization");
  if (!header) return {"", unauthorized};
  constexpr std::string_view kToken = "Token token=";
  constexpr std::string_view kBearer = "Bearer ";
  if (*header == std::string(kToken) + settings.api_key) return {"key", std::nullopt};
  if (header->substr(0, kBearer.size()) != kBearer) return {"", unauthorized};
  const auto token = settings.access_tokens.find(std::string(header->substr(kBearer.size())));
  if (token == settings.access_tokens.end() || token->second.expires <= call.context.now) {
    return {"", unauthorized};
  }
  const auto scope = scope_of(call.path);
  if (token->second.scopes.count(scope) == 0) return {"", missing_scope(scope)};
  return {"app", std::nullopt, token->second.person};
}

bool accepts(const net::ServerRequest& request) {
  auto accept = std::string(request.header("accept").value_or(""));
  std::erase(accept, ' ');
  return accept.find(kAccept) != std::string::npos;
}

/// Why this schedule cannot be had on the layer-based path, or nothing.
std::optional<Answer> refusal_of(const Schedule* schedule) {
  if (!schedule) return pagerduty_error(404, 2100, "Not Found");
  if (schedule->forbidden) return pagerduty_error(403, 2010, "Access Denied");
  if (schedule->shift_based) return pagerduty_error(400, 2001, kShiftBased);
  return std::nullopt;
}

void write_schedule_head(json::Writer& w, const PagerDutyCall& call, const Schedule& schedule) {
  w.field("id", schedule.id).field("type", "schedule").field("summary", schedule.name);
  w.field("self", "https://api.pagerduty.com/schedules/" + schedule.id);
  w.field("html_url", "https://acme.pagerduty.com/schedules/" + schedule.id).field("name", schedule.name);
  w.field("time_zone", "Etc/UTC").field("description", "");
  write_policy_references(w, schedule);
  w.key("users").begin_array();
  for (const auto& key : everybody_in(schedule)) {
    if (const auto* person = call.roster().person(key)) write_user_reference(w, *person);
  }
  w.end_array().key("teams").begin_array().end_array();
}

Answer list_schedules(const PagerDutyCall& call) {
  const auto page = pagerduty_page(call, 25, 100);
  if (!page) return pagerduty_invalid("limit", "Limit and offset are beyond what is allowed");
  const auto query = call.query("query").value_or("");
  std::vector<const Schedule*> found;
  for (const auto& schedule : call.roster().schedules) {
    const bool hidden = schedule.shift_based || schedule.forbidden;
    if (!hidden && schedule.name.find(query) != std::string::npos) found.push_back(&schedule);
  }
  json::Writer w;
  w.begin_object().key("schedules").begin_array();
  for (auto i = page->offset; i < std::min(found.size(), page->offset + page->limit); ++i) {
    w.begin_object();
    write_schedule_head(w, call, *found[i]);
    w.end_object();
  }
  w.end_array();
  write_page(w, call, *page, found.size());
  w.end_object();
  return pagerduty_ok(w);
}

void write_entries(json::Writer& w, const PagerDutyCall& call, const Schedule& schedule, Window window) {
  w.key("final_schedule").begin_object().field("name", "Final Schedule");
  w.key("rendered_schedule_entries").begin_array();
  for (const auto& part : schedule.parts) {
    for (const auto& shift : rendered(call, schedule, part, window)) {
      const auto* person = call.roster().person(shift.people.front());
      if (!person) continue;
      w.begin_object();
      write_moment(w, "start", shift.start);
      write_moment(w, "end", shift.end);
      w.key("user");
      write_user_reference(w, *person);
      w.end_object();
    }
  }
  w.end_array().field("rendered_coverage_percentage", 100).end_object();
}

Answer get_schedule(const PagerDutyCall& call, const std::string& id) {
  const auto* schedule = call.roster().schedules.find(id);
  if (auto refusal = refusal_of(schedule)) return *refusal;
  const bool dated = call.query("since") || call.query("until");
  SinceUntil span;
  if (dated) span = since_until(call, false);
  if (span.refusal) return *span.refusal;
  json::Writer w;
  w.begin_object().key("schedule").begin_object();
  write_schedule_head(w, call, *schedule);
  if (dated) write_entries(w, call, *schedule, span.window);
  w.end_object().end_object();
  return pagerduty_ok(w);
}

/// Everybody on the schedule in the range: no times.
Answer schedule_users(const PagerDutyCall& call, const std::string& id) {
  const auto* schedule = call.roster().schedules.find(id);
  if (auto refusal = refusal_of(schedule)) return *refusal;
  const auto span = since_until(call, false);
  if (span.refusal) return *span.refusal;
  std::set<std::string> keys;
  for (const auto& part : schedule->parts) {
    for (const auto& shift : rendered(call, *schedule, part, span.window)) {
      keys.insert(shift.people.begin(), shift.people.end());
    }
  }
  json::Writer w;
  w.begin_object().key("users").begin_array();
  for (const auto& key : keys) {
    if (const auto* person = call.roster().person(key))
      write_full_user(w, *person, call.context.world.pagerduty.subdomain);
  }
  w.end_array().end_object();
  return pagerduty_ok(w);
}

Answer list_users(const PagerDutyCall& call) {
  const auto page = pagerduty_page(call, 25, 100);
  if (!page) return pagerduty_invalid("limit", "Limit and offset are beyond what is allowed");
  const auto query = call.query("query").value_or("");
  std::vector<const Responder*> found;
  for (const auto& person : call.roster().people) {
    const bool match =
        person.name.find(query) != std::string::npos || person.email.find(query) != std::string::npos;
    if (!person.deleted && match) found.push_back(&person);
  }
  json::Writer w;
  w.begin_object().key("users").begin_array();
  for (auto i = page->offset; i < std::min(found.size(), page->offset + page->limit); ++i) {
    write_full_user(w, *found[i], call.context.world.pagerduty.subdomain);
  }
  w.end_array();
  write_page(w, call, *page, found.size());
  w.end_object();
  return pagerduty_ok(w);
}

Answer get_user(const PagerDutyCall& call, const std::string& id) {
  if (id == "me" && call.person.empty()) {
    return pagerduty_error(400, 2001, "Users me is only for user-level tokens");
  }
  const auto* person = id == "me" ? call.roster().person(call.person) : call.roster().people.find(id);
  if (!person || person->deleted) return pagerduty_error(404, 2100, "Not Found");
  json::Writer w;
  w.begin_object().key("user");
  write_full_user(w, *person, call.context.world.pagerduty.subdomain);
  w.end_object();
  return pagerduty_ok(w);
}

Answer route(const PagerDutyCall& call) {
  const auto& path = call.path;
  if (path[0] == "oncalls" && path.size() == 1) return oncalls(call);
  if (path[0] == "users" && path.size() == 1) return list_users(call);
  if (path[0] == "users" && path.size() == 2) return get_user(call, path[1]);
  if (path[0] == "schedules" && path.size() == 1) return list_schedules(call);
  if (path[0] == "schedules" && path.size() == 2) return get_schedule(call, path[1]);
  if (path[0] == "schedules" && path.size() == 3 && path[2] == "users") return schedule_users(call, path[1]);
  if (path[0] == "v3" && path.size() == 2 && path[1] == "schedules") return v3_schedules(call);
  if (path[0] == "v3" && path.size() == 3 && path[1] == "schedules") return v3_schedule(call, path[2]);
  return pagerduty_error(404, 2100, "Not Found");
}

}  // namespace

std::vector<std::string> PagerDutyCall::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : request.query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

bool PagerDutyCall::includes(std::string_view what) const {
  const auto included = all("include[]");
  return std::find(included.begin(), included.end(), what) != included.end();
}

Answer pagerduty_ok(json::Writer& w) {
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), {}};
}

namespace {
Answer error_answer(int status, int code, json::Writer& w) {
  return {status, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), fmt::format("{}", code)};
}
}  // namespace

Answer pagerduty_error(int status, int code, std::string_view message) {
  json::Writer w;
  w.begin_object().key("error").begin_object().field("message", message).field("code", code);
  w.end_object().end_object();
  return error_answer(status, code, w);
}

Answer pagerduty_invalid(std::string_view field, std::string_view wrong, bool v3) {
  constexpr int kCode = 2001;
  json::Writer w;
  w.begin_object().key("error").begin_object();
  w.field("message", v3 ? "Invalid Request" : "Invalid Input Provided").field("code", kCode).key("errors");
  if (v3) w.begin_object().key(field);
  w.begin_array().value(wrong).end_array();
  if (v3) w.end_object();
  w.end_object().end_object();
  return error_answer(400, kCode, w);
}

std::optional<PagerDutyPage> pagerduty_page(const PagerDutyCall& call, std::size_t default_limit,
                                            std::size_t max_limit) {
  const auto limit = whole_number(call.query("limit").value_or(std::to_string(default_limit)));
  const auto offset = whole_number(call.query("offset").value_or("0"));
  if (!limit || !offset || *limit == 0 || *limit > max_limit || *limit + *offset > kMaxOffset)
    return std::nullopt;
  return PagerDutyPage{*limit, *offset};
}

void write_page(json::Writer& w, const PagerDutyCall& call, PagerDutyPage page, std::size_t count) {
  w.field("limit", page.limit).field("offset", page.offset).field("more", page.offset + page.limit < count);
  w.key("total");
  if (call.query("total") == "true") {
    w.value(count);
  } else {
    w.null();
  }
}

SinceUntil since_until(const PagerDutyCall& call, bool v3) {
  SinceUntil span;
  const auto now = std::chrono::floor<seconds>(call.context.now);
  span.window = {now, now};
  const auto read = [&](const char* name, Instant& out) {
    const auto text = call.query(name);
    if (!text) return;
    auto moment = parse_rfc3339(*text);
    // PagerDuty counts in whole seconds.
    if (moment) out = std::chrono::floor<seconds>(*moment);
    if (!moment) span.refusal = pagerduty_invalid(name, fmt::format("Invalid {}", name), v3);
  };
  read("since", span.window.from);
  read("until", span.window.to);
  if (!span.refusal && span.window.to < span.window.from) {
    span.refusal = pagerduty_invalid("since", "Since cannot be after until.", v3);
  }
  return span;
}

std::vector<Shift> rendered(const PagerDutyCall& call, const Schedule& schedule, const Part& part,
                            Window window) {
  // Equal since and until gave an empty list (api-schema issue #479).
  if (window.from == window.to) return {};
  auto shifts = shifts_of(schedule, part, window, call.asked());
  std::erase_if(shifts, [&](const Shift& s) { return s.end <= window.from || window.to <= s.start; });
  if (call.query("overflow") == "true") return shifts;
  for (auto& shift : shifts) {
    shift.start = std::max(shift.start, window.from);
    shift.end = std::min(shift.end, window.to);
  }
  return shifts;
}

void write_moment(json::Writer& w, std::string_view name, Instant t) {
  w.key(name);
  if (t == kNever || t == kAlways) {
    w.null();
  } else {
    w.value(stamp(t));
  }
}

void write_user_reference(json::Writer& w, const Responder& person) {
  w.begin_object().field("id", person.id).field("type", "user_reference").field("summary", person.name);
  if (person.deleted) {
    w.field("deleted_at", "2026-01-01T00:00:00Z").key("self").null().key("html_url").null().end_object();
    return;
  }
  w.field("self", "https://api.pagerduty.com/users/" + person.id).key("html_url").null().end_object();
}

void write_full_user(json::Writer& w, const Responder& person, const std::string& subdomain) {
  if (person.deleted) return write_user_reference(w, person);
  w.begin_object().field("id", person.id).field("type", "user").field("summary", person.name);
  w.field("self", "https://api.pagerduty.com/users/" + person.id);
  w.field("html_url", fmt::format("https://{}.pagerduty.com/users/{}", subdomain, person.id));
  w.field("name", person.name).key("email");
  if (person.email.empty()) {
    w.null();
  } else {
    w.value(person.email);
  }
  w.field("time_zone", "Etc/UTC").field("role", "user").end_object();
}

std::string policy_id(const Schedule& schedule, int number) {
  return fmt::format("PEP{}{}", schedule.id, number);
}

void write_policy_references(json::Writer& w, const Schedule& schedule) {
  w.key("escalation_policies").begin_array();
  for (int number = 1; number <= schedule.escalation_policies; ++number) {
    w.begin_object().field("id", policy_id(schedule, number)).field("type", "escalation_policy_reference");
    w.field("summary", fmt::format("{} policy {}", schedule.name, number));
    w.field("self", "https://api.pagerduty.com/escalation_policies/" + policy_id(schedule, number));
    w.key("html_url").null().end_object();
  }
  w.end_array();
}

Answer answer_pagerduty(Context context, const net::ServerRequest& request) {
  PagerDutyCall call{context, request, path_parts(request)};
  if (call.path.empty() || call.path[0].empty()) return pagerduty_error(404, 2100, "Not Found");
  if (!accepts(request)) return pagerduty_error(406, 2001, "Accept header is missing the version");
  const auto caller = caller_of(call);
  if (caller.refusal) return *caller.refusal;
  const auto bucket = "pagerduty " + caller.name;
  if (const auto wait = context.rate.take(bucket, kPerMinute, 60s, context.now)) {
    return too_many(System::pagerduty, std::chrono::ceil<seconds>(*wait));
  }
  if (request.method != "GET") return pagerduty_error(405, 2000, "Method Not Allowed");
  call.person = caller.person;
  auto answer = route(call);
  answer.headers.emplace_back("ratelimit-limit", std::to_string(kPerMinute));
  answer.headers.emplace_back("ratelimit-remaining", std::to_string(context.rate.left(bucket, kPerMinute)));
  answer.headers.emplace_back("ratelimit-reset", "60");
  return answer;
}

}  // namespace watchbill::sandbox
