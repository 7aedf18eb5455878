// xMatters: keys, groups, people and their devices.
// help.xmatters.com/xmapi; github.com/xmatters/xmtoolbox, xmatters-go

#include <algorithm>

#include "sandbox/xmatters/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMaxLimit = 1000;

std::string base64(std::string_view text) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8U | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > text.size() ? '=' : kLetters[bits >> (18U - 6U * k) & 63U];
    }
  }
  return out;
}

void write_group(json::Writer& w, const Schedule& group) {
  w.begin_object().field("id", group.id).field("targetName", group.name).field("recipientType", "GROUP");
  w.field("groupType", group.group_type).field("status", group.enabled ? "ACTIVE" : "INACTIVE");
  w.field("description", "").field("timezone", "Etc/UTC").field("allowDuplicates", true);
  w.field("useDefaultDevices", true).field("observedByAll", true).key("links").begin_object();
  w.field("self", "/api/xm/1/groups/" + group.id).end_object().end_object();
}

Answer list_groups(const XMattersCall& call) {
  const auto page = xmatters_page(call);
  if (!page) return xmatters_error(400, "limit or offset is wrong");
  const auto type = call.query("groupType").value_or("");
  const auto status = call.query("status").value_or("");
  const auto search = call.query("search").value_or("");
  std::vector<const Schedule*> found;
  for (const auto& group : call.roster().schedules) {
    if (group.forbidden || (!type.empty() && group.group_type != type)) continue;
    if (!status.empty() && (status == "ACTIVE") != group.enabled) continue;
    if (group.name.find(search) != std::string::npos) found.push_back(&group);
  }
  json::Writer w;
  const auto to = std::min(found.size(), page->offset + page->limit);
  begin_list(w, call, *page, found.size());
  for (auto i = page->offset; i < to; ++i) write_group(w, *found[i]);
  w.end_array().end_object();
  return xmatters_ok(w);
}

Answer get_group(const XMattersCall& call, const std::string& id) {
  const auto* group = group_named(call, id);
  if (!group) return xmatters_error(404, "Could not find group " + id);
  if (group->forbidden) return xmatters_error(403, "You may not see this group");
  json::Writer w;
  write_group(w, *group);
  return xmatters_ok(w);
}

void write_device(json::Writer& w, const Responder& person, bool email) {
  const std::string name = email ? "Work Email" : "Work Phone";
  w.begin_object().field("id", uuid_of(person.id + name)).field("name", name);
  w.field("targetName", person.login + "|" + name).field("deviceType", email ? "EMAIL" : "VOICE");
  if (email) {
    w.field("emailAddress", person.email);
  } else {
    w.field("phoneNumber", "+4930000000");
  }
  w.field("recipientType", "DEVICE").field("sequence", email ? 1 : 2).field("status", "ACTIVE");
  w.field("testStatus", "UNTESTED").field("defaultDevice", true).end_object();
}

/// {"count","total","data"}
void write_devices(json::Writer& w, const Responder& person) {
  const int count = person.email.empty() ? 1 : 2;
  w.begin_object().field("count", count).field("total", count).key("data").begin_array();
  write_device(w, person, false);
  if (!person.email.empty()) write_device(w, person, true);
  w.end_array().end_object();
}

void write_person(json::Writer& w, const XMattersCall& call, const Responder& person) {
  begin_person(w, person);
  if (call.embeds("devices") && !person.devices_forbidden) {
    w.key("devices");
    write_devices(w, person);
  }
  w.end_object();
}

const Responder* person_named(const XMattersCall& call, const std::string& text) {
  if (const auto* person = call.roster().people.find(text)) return person;
  for (const auto& person : call.roster().people) {
    if (person.login == text) return &person;
  }
  return nullptr;
}

Answer people(const XMattersCall& call) {
  const auto page = xmatters_page(call);
  if (!page) return xmatters_error(400, "limit or offset is wrong");
  const auto search = call.query("search").value_or("");
  std::vector<const Responder*> found;
  for (const auto& person : call.roster().people) {
    const bool match =
        person.login.find(search) != std::string::npos || person.email.find(search) != std::string::npos;
    if (match) found.push_back(&person);
  }
  json::Writer w;
  const auto to = std::min(found.size(), page->offset + page->limit);
  begin_list(w, call, *page, found.size());
  for (auto i = page->offset; i < to; ++i) write_person(w, call, *found[i]);
  w.end_array().end_object();
  return xmatters_ok(w);
}

Answer one_person(const XMattersCall& call, const std::string& id, bool devices) {
  const auto* person = person_named(call, id);
  if (!person) return xmatters_error(404, "Could not find person " + id);
  if (devices && person->devices_forbidden) return xmatters_error(403, "You may not see these devices");
  json::Writer w;
  if (devices) {
    write_devices(w, *person);
  } else {
    write_person(w, call, *person);
  }
  return xmatters_ok(w);
}

Answer route(const XMattersCall& call) {
  const auto& path = call.path;
  const auto size = path.size();
  if (size == 4 && path[3] == "groups") return list_groups(call);
  if (size == 5 && path[3] == "groups") return get_group(call, path[4]);
  if (size == 4 && path[3] == "on-call") return xmatters_on_call(call);
  if (size == 4 && path[3] == "people") return people(call);
  if (size == 5 && path[3] == "people") return one_person(call, path[4], false);
  if (size == 6 && path[3] == "people" && path[5] == "devices") return one_person(call, path[4], true);
  if (size == 10 && path[3] == "groups" && path[5] == "shifts" && path[7] == "occurrences" &&
      path[9] == "members") {
    return xmatters_members(call, path[4], path[6], path[8]);
  }
  return xmatters_error(404, "There is nothing here");
}

}  // namespace

const Schedule* group_named(const XMattersCall& call, const std::string& text) {
  if (const auto* group = call.roster().schedules.find(text)) return group;
  for (const auto& group : call.roster().schedules) {
    if (group.name == text) return &group;
  }
  return nullptr;
}

bool XMattersCall::embeds(std::string_view what) const {
  const auto embedded = split_list(query("embed").value_or(""));
  return std::find(embedded.begin(), embedded.end(), what) != embedded.end();
}

Answer xmatters_ok(json::Writer& w) {
  return {200, {{"Content-Type", "application/json"}}, w.take(), {}};
}

Answer xmatters_error(int status, std::string_view message) {
  const char* reason = status == 401   ? "Unauthorized"
                       : status == 403 ? "Forbidden"
                       : status == 404 ? "Not Found"
                                       : "Bad Request";
  json::Writer w;
  w.begin_object().field("code", status).field("reason", reason).field("message", message).end_object();
  return {status, {{"Content-Type", "application/json"}}, w.take(), fmt::format("{}", status)};
}

std::optional<XMattersPage> xmatters_page(const XMattersCall& call) {
  const auto limit = whole_number(call.query("limit").value_or("100"));
  const auto offset = whole_number(call.query("offset").value_or("0"));
  if (!limit || !offset || *limit == 0 || *limit > kMaxLimit) return std::nullopt;
  return XMattersPage{*limit, *offset};
}

void begin_list(json::Writer& w, const XMattersCall& call, XMattersPage page, std::size_t total) {
  const auto shown = page.offset >= total ? 0 : std::min(page.limit, total - page.offset);
  const auto link = [&](std::size_t offset) {
    net::Fields fields;
    for (const auto& [name, value] : call.request.query) {
      if (name != "offset" && name != "limit") fields.emplace_back(name, value);
    }
    fields.emplace_back("offset", std::to_string(offset));
    fields.emplace_back("limit", std::to_string(page.limit));
    return call.request.raw_path + "?" + net::encode_form(fields);
  };
  w.begin_object().field("count", shown).field("total", total).key("links").begin_object();
  w.field("self", link(page.offset));
  if (page.offset + shown < total) w.field("next", link(page.offset + shown));
  w.end_object().key("data").begin_array();
}

void begin_person(json::Writer& w, const Responder& person) {
  const auto space = person.name.find(' ');
  w.begin_object().field("id", person.id).field("targetName", person.login).field("recipientType", "PERSON");
  w.field("firstName", person.name.substr(0, space));
  w.field("lastName", space == std::string::npos ? std::string{} : person.name.substr(space + 1));
  w.field("status", person.deleted ? "INACTIVE" : "ACTIVE")
      .field("timezone", "Etc/UTC")
      .field("language", "en");
  w.field("webLogin", person.login).field("licenseType", "FULL_USER").key("links").begin_object();
  w.field("self", "/api/xm/1/people/" + person.id).end_object();
}

Answer answer_xmatters(Context context, const net::ServerRequest& request) {
  const XMattersCall call{context, request, path_parts(request)};
  const auto& settings = context.world.xmatters;
  const auto header = request.header("authorization");
  if (!header || *header != "Basic " + base64(settings.api_key + ":" + settings.api_secret)) {
    return xmatters_error(401, "Invalid credentials");
  }
  const auto& path = call.path;
  if (path.size() < 4 || path[0] != "api" || path[1] != "xm" || path[2] != "1") {
    return xmatters_error(404, "There is nothing here");
  }
  if (request.method != "GET") return xmatters_error(405, "Method not allowed");
  return route(call);
}

}  // namespace watchbill::sandbox
