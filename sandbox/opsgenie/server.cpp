// Opsgenie: keys, schedules, users.

#include <algorithm>

#include "sandbox/opsgenie/call.hpp"

namespace watchbill::sandbox {
namespace {

/// What a key may see, or why it is refused.
struct Found {
  const Schedule* schedule = nullptr;
  std::optional<Answer> refusal{};
};

/// `parameter` tells how to read the identifier; `trap` is the name that other paths use for it.
Found find_schedule(const OpsgenieCall& call, const std::string& identifier, std::string_view parameter,
                    std::string_view trap) {
  if (call.query(trap)) {
    return {nullptr, opsgenie_error(400, fmt::format("{} is not known here, use {}", trap, parameter))};
  }
  const auto kind = call.query(parameter).value_or("id");
  if (kind != "id" && kind != "name") {
    return {nullptr, opsgenie_error(400, fmt::format("{} is id or name", parameter))};
  }
  const Schedule* found = nullptr;
  if (kind == "id") {
    found = call.roster().schedules.find(identifier);
  } else {
    for (const auto& schedule : call.roster().schedules) {
      if (schedule.name == identifier) found = &schedule;
    }
  }
  const bool hidden = found ? found->forbidden : call.context.world.opsgenie.team_key;
  if (hidden) return {nullptr, opsgenie_error(403, "You are not authorized to reach this schedule", 40301)};
  if (!found) {
    return {nullptr, opsgenie_error(404, fmt::format("No schedule exists with {} [{}]", kind, identifier))};
  }
  return {found, std::nullopt};
}

/// The moment asked for: now, or `date`.
struct Date {
  Instant at{};
  std::optional<Answer> refusal{};
};

Date read_date(const OpsgenieCall& call) {
  const auto text = call.query("date");
  if (!text) return {call.context.now, std::nullopt};
  auto moment = parse_rfc3339(*text);
  if (!moment) return {{}, opsgenie_error(422, "date is not yyyy-MM-dd'T'HH:mm:ssZ")};
  return {*moment, std::nullopt};
}

std::optional<Answer> bad_flat(const OpsgenieCall& call) {
  const auto flat = call.query("flat").value_or("false");
  if (flat == "true" || flat == "false") return std::nullopt;
  return opsgenie_error(422, "flat is true or false");
}

void write_schedule(json::Writer& w, const Schedule& schedule, bool rotations) {
  w.begin_object().field("id", schedule.id).field("name", schedule.name).field("description", "");
  w.field("timezone", "Etc/UTC").field("enabled", schedule.enabled).key("ownerTeam").begin_object();
  w.field("id", "90098alp9-f0e3-41d3-a060-0ea895027630").field("name", "Sandbox").end_object();
  w.key("rotations").begin_array();
  for (const auto& part : schedule.parts) {
    if (rotations) w.begin_object().field("id", part.id).field("name", part.name).end_object();
  }
  w.end_array().end_object();
}

Answer list_schedules(const OpsgenieCall& call) {
  return opsgenie_ok(
      [&](json::Writer& w) {
        w.begin_array();
        for (const auto& schedule : call.roster().schedules) {
          if (!schedule.forbidden) write_schedule(w, schedule, call.query("expand") == "rotation");
        }
        w.end_array();
      },
      {"rotation"});
}

Answer all_on_calls(const OpsgenieCall& call) {
  const auto date = read_date(call);
  if (date.refusal) return *date.refusal;
  if (auto refusal = bad_flat(call)) return *refusal;
  return opsgenie_ok([&](json::Writer& w) {
    w.begin_array();
    for (const auto& schedule : call.roster().schedules) {
      if (!schedule.forbidden) write_on_calls(w, call, schedule, date.at);
    }
    w.end_array();
  });
}

Answer one_schedule(const OpsgenieCall& call) {
  const auto& id = call.path[2];
  const auto what = call.path.size() == 4 ? call.path[3] : std::string{};
  if (what.empty() || what == "timeline") {
    const auto found = find_schedule(call, id, "identifierType", "scheduleIdentifierType");
    if (found.refusal) return *found.refusal;
    if (!what.empty()) return opsgenie_timeline(call, *found.schedule);
    return opsgenie_ok([&](json::Writer& w) { write_schedule(w, *found.schedule, true); });
  }
  if (what != "on-calls" && what != "next-on-calls") return opsgenie_error(404, "Not found");
  const auto found = find_schedule(call, id, "scheduleIdentifierType", "identifierType");
  if (found.refusal) return *found.refusal;
  const auto date = read_date(call);
  if (date.refusal) return *date.refusal;
  if (auto refusal = bad_flat(call)) return *refusal;
  if (what == "next-on-calls") return opsgenie_next_on_calls(call, *found.schedule, date.at);
  return opsgenie_ok([&](json::Writer& w) { write_on_calls(w, call, *found.schedule, date.at); });
}

const std::string& user_name(const Responder& person) {
  return person.email.empty() ? person.login : person.email;
}

void write_user(json::Writer& w, const Responder& person) {
  w.begin_object().field("id", person.id).field("username", user_name(person)).field("fullName", person.name);
  w.key("role").begin_object().field("id", "User").field("name", "User").end_object();
  w.field("blocked", false).field("verified", true).field("timeZone", "Etc/UTC").field("locale", "en_GB");
  w.field("createdAt", "2024-02-01T10:00:00.000Z").end_object();
}

Answer list_users(const OpsgenieCall& call) {
  const auto limit = whole_number(call.query("limit").value_or("100"));
  const auto offset = whole_number(call.query("offset").value_or("0"));
  if (!limit || !offset || *limit == 0 || *limit > 100) return opsgenie_error(422, "limit is 1 to 100");
  std::vector<const Responder*> found;
  for (const auto& person : call.roster().people) {
    if (!person.deleted) found.push_back(&person);
  }
  json::Writer w;
  w.begin_object().field("totalCount", found.size()).key("data").begin_array();
  for (auto i = *offset; i < std::min(found.size(), *offset + *limit); ++i) write_user(w, *found[i]);
  w.end_array().key("paging").begin_object();
  const auto link = [&](const char* name, std::size_t from) {
    w.field(name, fmt::format("https://api.opsgenie.com/v2/users?limit={}&offset={}&order=ASC&sort=username",
                              *limit, from));
  };
  link("first", 0);
  if (*offset + *limit < found.size()) link("next", *offset + *limit);
  if (*offset >= *limit) link("prev", *offset - *limit);
  link("last", found.empty() ? 0 : (found.size() - 1) / *limit * *limit);
  w.end_object().field("took", 0.2).field("requestId", "sandbox").end_object();
  return {200, {{"Content-Type", "application/json"}, {"X-RateLimit-State", "OK"}}, w.take(), {}};
}

Answer get_user(const OpsgenieCall& call) {
  for (const auto& person : call.roster().people) {
    if (person.deleted || (person.id != call.path[2] && user_name(person) != call.path[2])) continue;
    return opsgenie_ok([&](json::Writer& w) { write_user(w, person); }, {"contact"});
  }
  return opsgenie_error(404, "No user exists with this id");
}

}  // namespace

Answer opsgenie_error(int status, std::string_view message, int code) {
  json::Writer w;
  w.begin_object().field("message", message).field("took", 0.004).field("requestId", "sandbox");
  if (code != 0) w.field("code", code);
  w.end_object();
  return {
      status, {{"Content-Type", "application/json"}}, w.take(), fmt::format("{}", code != 0 ? code : status)};
}

void write_parent(json::Writer& w, const Schedule& schedule) {
  w.key("_parent").begin_object().field("id", schedule.id).field("name", schedule.name);
  w.field("enabled", schedule.enabled).end_object();
}

void begin_recipient(json::Writer& w, const OpsgenieCall& call, const std::string& who) {
  const auto [kind, id] = split_reference(who);
  w.begin_object();
  if (who.empty()) {
    w.field("type", "none");
  } else if (kind.empty()) {
    const auto* person = call.roster().person(who);
    if (person) w.field("id", person->id).field("name", user_name(*person));
    w.field("type", "user");
  } else if (kind == "schedule") {
    const auto* nested = call.roster().schedules.find(id);
    w.field("id", id).field("name", nested ? nested->name : std::string(id)).field("type", "schedule");
  } else {
    const auto* team = call.context.world.teams.find(id);
    w.field("id", id).field("name", team ? team->name : std::string(id));
    w.field("type", team && team->escalation ? "escalation" : "team");
  }
}

Answer answer_opsgenie(Context context, const net::ServerRequest& request) {
  const OpsgenieCall call{context, request, path_parts(request)};
  const auto& path = call.path;
  const auto key = request.header("authorization");
  if (!key || *key != "GenieKey " + context.world.opsgenie.api_key) {
    return opsgenie_error(401, "Could not authenticate");
  }
  if (path.size() < 2 || path[0] != "v2" || path.size() > 4) return opsgenie_error(404, "Not found");
  if (request.method != "GET") return opsgenie_error(405, "Method not allowed");
  if (path[1] == "users" && path.size() == 2) return list_users(call);
  if (path[1] == "users" && path.size() == 3) return get_user(call);
  if (path[1] != "schedules") return opsgenie_error(404, "Not found");
  if (path.size() == 2) return list_schedules(call);
  if (path.size() == 3 && path[2] == "on-calls") return all_on_calls(call);
  return one_schedule(call);
}

}  // namespace watchbill::sandbox
