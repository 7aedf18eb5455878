// Control actions on the scheduling systems as such: teams, forwardings, keys, lag; faults and limits.

#include <algorithm>
#include <cmath>

#include "sandbox/control/ops.hpp"
#include "sandbox/faults.hpp"

namespace watchbill::sandbox {
namespace {

/// People are in Opsgenie and in JSM alike; teams are of both.
Result<void> known_in_opsgenie(const World& world, const std::string& who) {
  const auto& roster = world.roster(System::opsgenie);
  const auto colon = who.find(':');
  if (colon == std::string::npos ? roster.person(who) != nullptr
                                 : roster.schedules.find(who.substr(colon + 1)) != nullptr ||
                                       world.teams.find(who.substr(colon + 1)) != nullptr) {
    return {};
  }
  return fail(ErrorKind::not_found, "opsgenie knows no \"{}\"", who);
}

Result<void> save_team(Desk& desk, Team team, json::Writer& out) {
  for (const auto& step : team.steps) {
    if (auto known = known_in_opsgenie(desk.world, step.who); !known) return known;
  }
  if (team.name.empty()) team.name = team.id;
  out.field("id", team.id);
  desk.world.teams.make(team.id) = std::move(team);
  return {};
}

/// Of a fault: nothing for "all".
Result<std::optional<System>> fault_system(Reader& in) {
  std::string name = "all";
  in.text("system", name);
  const auto system = system_named(name);
  if (!system && name != "all") return fail(ErrorKind::invalid, "there is no system \"{}\"", name);
  return system;
}

milliseconds whole_ms(double amount, double unit) {
  return milliseconds(std::llround(amount * unit));
}

}  // namespace

void write_fault(json::Writer& out, const Fault& fault) {
  out.begin_object().field("system", fault.system ? name_of(*fault.system) : "all").field("kind", fault.kind);
  out.field("match", fault.match).field("with", fault.with).field("times", fault.times);
  out.field("code", fault.code).field("after", fault.after).end_object();
}

Result<void> do_team(Desk& desk, Reader& in, json::Writer& out) {
  Team team;
  team.id = in.required("id");
  in.text("name", team.name);
  std::vector<std::string> people;
  in.texts("people", people);
  if (auto done = in.done(); !done) return done;
  for (const auto& who : people) team.steps.push_back({who, 0});
  return save_team(desk, std::move(team), out);
}

Result<void> do_escalation(Desk& desk, Reader& in, json::Writer& out) {
  Team team;
  team.escalation = true;
  team.id = in.required("id");
  in.text("name", team.name);
  for (const auto view : in.at("steps").items()) {
    Reader one(view, desk.now());
    Step step;
    step.who = one.required("who");
    one.number("delay", step.delay);
    if (auto done = one.done(); !done) return done.error().in("step");
    team.steps.push_back(std::move(step));
  }
  if (auto done = in.done(); !done) return done;
  return save_team(desk, std::move(team), out);
}

Result<void> do_forward(Desk& desk, Reader& in, json::Writer&) {
  Forwarding forwarding;
  forwarding.from = in.required("from");
  forwarding.to = in.required("to");
  in.span(forwarding.start, forwarding.end);
  forwarding.made_at = desk.now();
  if (in.has("system")) {
    auto system = scheduling_system(in);
    if (!system) return system.error();
    forwarding.system = *system;
  }
  if (auto done = in.done(); !done) return done;
  for (const auto& who : {forwarding.from, forwarding.to}) {
    if (auto known = known_in_opsgenie(desk.world, who); !known) return known;
  }
  desk.world.forwardings.push_back(std::move(forwarding));
  return {};
}

Result<void> do_pagerduty(Desk& desk, Reader& in, json::Writer&) {
  auto settings = desk.world.pagerduty;
  in.text("api_key", settings.api_key);
  in.text("client_id", settings.client_id);
  in.text("client_secret", settings.client_secret);
  in.text("subdomain", settings.subdomain);
  in.text("region", settings.region);
  in.number("token_seconds", settings.token_lifetime_seconds);
  in.flag("v3_in_oncalls", settings.v3_in_oncalls);
  in.texts("direct_targets", settings.direct_targets);
  in.texts("redirect_uris", settings.redirect_uris);
  in.real("code_seconds", settings.code_seconds);
  in.texts("withheld_scopes", settings.withheld_scopes);
  in.flag("echo_state", settings.echo_state);
  bool expire = false;
  in.flag("expire_tokens", expire);
  std::string refresh;
  in.text("refresh_token", refresh);
  if (auto done = in.done(); !done) return done;
  for (const auto& key : settings.direct_targets) {
    if (!desk.world.roster(System::pagerduty).person(key)) {
      return fail(ErrorKind::not_found, "pagerduty knows no \"{}\"", key);
    }
  }
  if (expire) {
    for (auto& [token, facts] : settings.access_tokens) facts.expires = desk.now();
  }
  if (!refresh.empty()) {
    settings.refresh_tokens[refresh] = {{"openid", "oncalls.read", "schedules.read", "users.read"}, {}};
  }
  desk.world.pagerduty = std::move(settings);
  return {};
}

Result<void> do_opsgenie(Desk& desk, Reader& in, json::Writer&) {
  auto settings = desk.world.opsgenie;
  in.text("api_key", settings.api_key);
  in.flag("team_key", settings.team_key);
  if (auto done = in.done(); !done) return done;
  desk.world.opsgenie = settings;
  return {};
}

Result<void> do_jsm(Desk& desk, Reader& in, json::Writer&) {
  auto settings = desk.world.jsm;
  in.text("site", settings.site);
  in.text("cloud_id", settings.cloud_id);
  in.text("email", settings.email);
  in.text("api_token", settings.api_token);
  in.flag("hidden_is_404", settings.hidden_is_404);
  in.flag("absolute_links", settings.absolute_links);
  in.flag("limit_headers", settings.limit_headers);
  in.number("calls_a_minute", settings.calls_a_minute);
  in.flag("jira_forbidden", settings.jira_forbidden);
  in.number("users_a_page", settings.users_a_page);
  if (settings.users_a_page == 0) return fail(ErrorKind::invalid, "users_a_page: at least 1");
  if (auto done = in.done(); !done) return done;
  desk.world.jsm = settings;
  return {};
}

Result<void> do_xmatters(Desk& desk, Reader& in, json::Writer&) {
  auto settings = desk.world.xmatters;
  in.text("api_key", settings.api_key);
  in.text("api_secret", settings.api_secret);
  in.flag("unknown_group_is_404", settings.unknown_group_is_404);
  in.flag("absences_as_replacements", settings.absences_as_replacements);
  in.flag("idle_groups_listed", settings.idle_groups_listed);
  if (auto done = in.done(); !done) return done;
  desk.world.xmatters = settings;
  return {};
}

Result<void> do_lag(Desk& desk, Reader& in, json::Writer&) {
  auto system = scheduling_system(in);
  std::int64_t lag = 0;
  in.number("ms", lag);
  if (!system) return system.error();
  if (auto done = in.done(); !done) return done;
  desk.world.roster(*system).lag = milliseconds(lag);
  return {};
}

Result<void> do_fault(Desk& desk, Reader& in, json::Writer&) {
  Fault fault;
  auto system = fault_system(in);
  if (!system) return system.error();
  fault.system = *system;
  fault.kind = in.required("kind");
  in.text("match", fault.match);
  in.text("with", fault.with);
  in.text("group", fault.with);
  in.text("code", fault.code);
  in.number("times", fault.times);
  in.flag("after", fault.after);
  in.flag("bare", fault.bare);
  in.number("mb", fault.megabytes);
  double amount = 0;
  if (in.real("seconds", amount)) fault.until = desk.now() + whole_ms(amount, 1000);
  if (in.real("slow_ms", amount)) fault.slow = whole_ms(amount, 1);
  if (in.real("retry_after", amount)) fault.retry_after = seconds(static_cast<std::int64_t>(amount));
  if (auto done = in.done(); !done) return done;
  if (!is_fault_kind(fault.kind)) return fail(ErrorKind::invalid, "unknown kind of fault \"{}\"", fault.kind);
  if (fault.kind == "error") {
    if (fault.code.empty()) return fail(ErrorKind::invalid, "\"code\" is missing");
    if (fault.system != System::slack) return fail(ErrorKind::invalid, "kind \"error\" is Slack's alone");
  }
  if (fault.kind == "slow" && fault.slow <= milliseconds(0)) {
    return fail(ErrorKind::invalid, "\"slow_ms\" is missing");
  }
  desk.front.faults.push_back(std::move(fault));
  return {};
}

Result<void> do_clear_faults(Desk& desk, Reader& in, json::Writer&) {
  auto system = fault_system(in);
  if (!system) return system.error();
  if (auto done = in.done(); !done) return done;
  std::erase_if(desk.front.faults, [&](const Fault& f) { return !*system || f.system == *system; });
  return {};
}

Result<void> do_faults(Desk& desk, Reader& in, json::Writer& out) {
  if (auto done = in.done(); !done) return done;
  out.key("faults").begin_array();
  for (const auto& fault : desk.front.faults) {
    if (fault.times != 0 && fault.until > desk.now()) write_fault(out, fault);
  }
  out.end_array();
  return {};
}

Result<void> do_rate(Desk& desk, Reader& in, json::Writer&) {
  bool off = false;
  double scale = desk.front.rate.scale;
  in.flag("off", off);
  in.real("scale", scale);
  if (auto done = in.done(); !done) return done;
  if (scale <= 0) return fail(ErrorKind::invalid, "scale is above 0");
  desk.front.rate.off = off;
  desk.front.rate.scale = scale;
  desk.front.rate.clear();
  return {};
}

Result<void> do_skew(Desk& desk, Reader& in, json::Writer&) {
  auto system = fault_system(in);
  if (!system) return system.error();
  double amount = 0;
  in.real("seconds", amount);
  if (auto done = in.done(); !done) return done;
  for (const System one : kSystems) {
    if (!*system || *system == one) desk.front.skew[one] = whole_ms(amount, 1000);
  }
  return {};
}

}  // namespace watchbill::sandbox
