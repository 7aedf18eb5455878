// PagerDuty: shift-based schedules (/v3/schedules), and the identity server's token endpoint.

#include <algorithm>

#include "sandbox/pagerduty_call.hpp"

namespace watchbill::sandbox {
namespace {

const std::set<std::string>& all_scopes() {
  static const std::set<std::string> scopes{"openid",          "oncalls.read",   "schedules.read",
                                            "schedules.write", "users.read",     "users:contact_methods.read",
                                            "incidents.read",  "incidents.write"};
  return scopes;
}

void write_assignments(json::Writer& w, const PagerDutyCall& call, const Schedule& schedule, Window window) {
  w.key("final_schedule").begin_object().field("type", "final_schedule");
  w.field("rendered_coverage_percentage", 100).key("computed_shift_assignments").begin_array();
  for (const auto& part : schedule.parts) {
    for (const auto& shift : rendered(call, schedule, part, window)) {
      for (const auto& key : shift.people) {
        const auto* person = call.roster().person(key);
        w.begin_object().field("type", "computed_shift_assignment");
        write_moment(w, "start_time", shift.start);
        write_moment(w, "end_time", shift.end);
        w.key("member").begin_object().field("type", person ? "user_member" : "empty_member");
        if (person) w.field("user_id", person->id);
        w.end_object().key("source").begin_object();
        w.field("type", shift.source == "override" ? "schedule_rotation_override" : "schedule_rotation");
        w.field("rotation_id", part.id).end_object().end_object();
      }
    }
  }
  w.end_array().end_object();
}

Answer oauth_error(int status, std::string_view code, std::string_view description) {
  json::Writer w;
  w.begin_object().field("error", code).field("error_description", description).end_object();
  return {status, {{"Content-Type", "application/json"}}, w.take(), std::string(code)};
}

std::string scope_text(const std::set<std::string>& scopes) {
  std::string text;
  for (const auto& scope : scopes) text += (text.empty() ? "" : " ") + scope;
  return text;
}

std::string new_access_token(Context& context, const std::set<std::string>& scopes) {
  auto& settings = context.world.pagerduty;
  // Real ones hold a '+' too: who does not encode form values loses it.
  auto token = fmt::format("pdus+_0XSANDBOX_{}", context.world.next_number++);
  settings.access_tokens[token] = {scopes, context.now + seconds(settings.token_lifetime_seconds)};
  return token;
}

Answer token_answer(const std::string& access, const std::string& refresh, const std::string& scope,
                    std::int64_t lifetime) {
  json::Writer w;
  w.begin_object().field("token_type", "bearer").field("access_token", access);
  if (!refresh.empty()) w.field("refresh_token", refresh).field("client_info", "prefix_legacy_app");
  w.field("scope", scope).field("expires_in", lifetime).end_object();
  return {200, {{"Content-Type", "application/json"}}, w.take(), {}};
}

Answer client_credentials(Context& context, const std::string& scope) {
  const auto& settings = context.world.pagerduty;
  const auto account = fmt::format("as_account-{}.{}", settings.region, settings.subdomain);
  std::set<std::string> scopes;
  bool named = false;
  std::size_t from = 0;
  while (from < scope.size()) {
    const auto end = std::min(scope.find(' ', from), scope.size());
    const auto one = scope.substr(from, end - from);
    from = end + 1;
    if (one == account) {
      named = true;
    } else if (!one.empty() && all_scopes().count(one) == 0) {
      return oauth_error(400, "invalid_request", "Invalid scope");
    } else if (!one.empty()) {
      scopes.insert(one);
    }
  }
  if (!named) return oauth_error(400, "invalid_request", "Invalid scope: as_account is missing or wrong");
  return token_answer(new_access_token(context, scopes), "", scope, settings.token_lifetime_seconds);
}

/// The old refresh token dies at once, as a careful client must assume.
Answer refresh_token(Context& context, const std::string& token) {
  auto& settings = context.world.pagerduty;
  const auto known = settings.refresh_tokens.find(token);
  if (known == settings.refresh_tokens.end()) {
    return oauth_error(400, "invalid_grant", "The refresh token is invalid, expired or revoked");
  }
  const auto scopes = known->second;
  settings.refresh_tokens.erase(known);
  const auto fresh = fmt::format("pdus+_1XSANDBOX_{}", context.world.next_number++);
  settings.refresh_tokens[fresh] = scopes;
  return token_answer(new_access_token(context, scopes), fresh, scope_text(scopes),
                      settings.token_lifetime_seconds);
}

}  // namespace

Answer v3_schedules(const PagerDutyCall& call) {
  const auto page = pagerduty_page(call, 100, 1000);
  if (!page) return pagerduty_error(400, 2001, "Invalid Input Provided", true);
  const auto query = call.query("query").value_or("");
  std::vector<const Schedule*> found;
  for (const auto& schedule : call.roster().schedules) {
    const bool shown = schedule.shift_based && !schedule.forbidden;
    if (shown && schedule.name.find(query) != std::string::npos) found.push_back(&schedule);
  }
  json::Writer w;
  w.begin_object().key("schedules").begin_array();
  for (auto i = page->offset; i < std::min(found.size(), page->offset + page->limit); ++i) {
    w.begin_object().field("id", found[i]->id).field("type", "schedule_v3_reference");
    w.field("summary", found[i]->name)
        .field("self", "https://api.pagerduty.com/v3/schedules/" + found[i]->id);
    w.field("html_url", "https://acme.pagerduty.com/schedules/" + found[i]->id).end_object();
  }
  w.end_array();
  write_page(w, call, *page, found.size());
  w.end_object();
  return pagerduty_ok(w);
}

Answer v3_schedule(const PagerDutyCall& call, const std::string& id) {
  const auto* schedule = call.roster().schedules.find(id);
  if (!schedule) return pagerduty_error(404, 2100, "Not Found", true);
  if (schedule->forbidden) return pagerduty_error(403, 2010, "Access Denied", true);
  if (!schedule->shift_based) return pagerduty_error(400, 2001, "This is a layer-based schedule.", true);
  SinceUntil span;
  const bool final_wanted = call.includes("final_schedule") && call.query("since") && call.query("until");
  if (final_wanted) span = since_until(call, true);
  if (span.refusal) return *span.refusal;
  json::Writer w;
  w.begin_object().key("schedule").begin_object().field("id", schedule->id).field("type", "schedule_v3");
  w.field("name", schedule->name).field("time_zone", "Etc/UTC");
  write_policy_references(w, *schedule);
  w.key("rotations").begin_array();
  for (const auto& part : schedule->parts) {
    w.begin_object().field("id", part.id).field("type", "schedule_rotation").end_object();
  }
  w.end_array();
  if (final_wanted) write_assignments(w, call, *schedule, span.window);
  w.end_object().end_object();
  return pagerduty_ok(w);
}

Answer answer_identity(Context context, const net::ServerRequest& request) {
  if (request.path != "/oauth/token") return {404, {}, "", "404"};
  if (request.method != "POST") return {405, {}, "", "405"};
  const auto type = request.header("content-type").value_or("");
  if (type.substr(0, type.find(';')) != "application/x-www-form-urlencoded") {
    return oauth_error(400, "invalid_request", "The body must be form encoded");
  }
  std::map<std::string, std::string> form;
  for (const auto& [name, value] : net::decode_form(request.body)) form[name] = value;
  const auto& settings = context.world.pagerduty;
  if (form["client_id"] != settings.client_id || form["client_secret"] != settings.client_secret) {
    return oauth_error(401, "invalid_client", "Client authentication failed");
  }
  if (form["grant_type"] == "client_credentials") return client_credentials(context, form["scope"]);
  if (form["grant_type"] == "refresh_token") return refresh_token(context, form["refresh_token"]);
  return oauth_error(400, "unsupported_grant_type", "This grant type is not supported");
}

}  // namespace watchbill::sandbox
