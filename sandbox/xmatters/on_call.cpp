// xMatters: GET /on-call and the members of an occurrence.

#include <algorithm>

#include "sandbox/xmatters/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kDefaultMembers = 3;
constexpr std::size_t kMaxMembers = 100;

/// One shift of a group while it is active; `shift` nothing: a group without any.
struct Item {
  const Schedule* group = nullptr;
  const Part* part = nullptr;
  Shift shift{};
};

/// The absences of one member in this occurrence: the overrides of the part, seen from here.
std::vector<const Override*> absences_of(const XMattersCall& call, const Item& item, const std::string& key) {
  std::vector<const Override*> found;
  for (const auto& over : item.group->overrides) {
    if (!over.part.empty() && over.part != item.part->id) continue;
    if (over.made_at > call.context.now - call.roster().lag) continue;
    if (over.end <= item.shift.start || item.shift.end <= over.start) continue;
    if (over.of.empty() || over.of == key) found.push_back(&over);
  }
  // Somebody who only replaces himself is not away.
  const std::vector<std::string> self{key};
  if (std::all_of(found.begin(), found.end(), [&](const Override* o) { return o->people == self; }))
    return {};
  // The one made last wins; who reads takes the first that fits.
  std::reverse(found.begin(), found.end());
  return found;
}

void write_absences(json::Writer& w, const XMattersCall& call, const Item& item, const std::string& key) {
  const auto absences = absences_of(call, item, key);
  if (absences.empty()) return;
  const bool older = call.context.world.xmatters.absences_as_replacements;
  w.key(older ? "replacements" : "absences").begin_object().field("count", absences.size());
  w.field("total", absences.size()).key("data").begin_array();
  for (const auto* absence : absences) {
    w.begin_object();
    if (!older) w.field("absenceType", absence->people.empty() ? "VACANCY" : "REPLACEMENT");
    w.field("start", format_rfc3339_ms(absence->start)).key("end");
    if (absence->end == kNever) {
      w.null();
    } else {
      w.value(format_rfc3339_ms(absence->end));
    }
    const auto* person = absence->people.empty() ? nullptr : call.roster().person(absence->people.front());
    if (person) {
      w.key("replacement");
      begin_person(w, *person);
      w.end_object();
    }
    w.end_object();
  }
  w.end_array().end_object();
}

void write_group_reference(json::Writer& w, const Schedule& group) {
  w.begin_object().field("id", group.id).field("targetName", group.name).field("recipientType", "GROUP");
  w.field("groupType", group.group_type).key("links").begin_object();
  w.field("self", "/api/xm/1/groups/" + group.id).end_object().end_object();
}

void write_device_member(json::Writer& w, const XMattersCall& call, const Responder& person) {
  w.begin_object().field("id", uuid_of(person.id + "Work Email")).field("recipientType", "DEVICE");
  w.field("targetName", person.login + "|Work Email")
      .field("deviceType", "EMAIL")
      .field("name", "Work Email");
  w.field("status", "ACTIVE");
  if (!person.email.empty()) w.field("emailAddress", person.email);
  if (call.embeds("members.owner")) {
    w.key("owner");
    begin_person(w, person);
    w.end_object();
  }
}

/// Opens and closes the member; absences belong to it.
void write_member(json::Writer& w, const XMattersCall& call, const Item& item, std::size_t position) {
  const auto& who = item.shift.people[position];
  const auto [kind, id] = split_reference(who);
  const auto& delays = item.part->delays;
  w.begin_object()
      .field("position", position + 1)
      .field("delay", position < delays.size() ? delays[position] : 0);
  w.field("escalationType", "NONE").field("inRotation", true).key("member");
  const auto* person = call.roster().person(std::string(id));
  const auto* nested = kind == "group" ? call.roster().schedules.find(id) : nullptr;
  if (kind == "device" && person) {
    write_device_member(w, call, *person);
    w.end_object();
  } else if (nested) {
    write_group_reference(w, *nested);
  } else if (person) {
    begin_person(w, *person);
    w.end_object();
  } else {
    w.begin_object().field("recipientType", "DYNAMIC_TEAM").end_object();
  }
  if (person) write_absences(w, call, item, person->key);
  w.end_object();
}

std::size_t member_count(const Item& item) {
  return item.shift.people == std::vector<std::string>{""} ? 0 : item.shift.people.size();
}

std::string members_path(const Item& item) {
  return fmt::format("/api/xm/1/groups/{}/shifts/{}/occurrences/{}/members", item.group->id, item.part->id,
                     format_rfc3339_ms(item.shift.start));
}

void write_members(json::Writer& w, const XMattersCall& call, const Item& item, XMattersPage page) {
  const auto total = member_count(item);
  const auto to = std::min(total, page.offset + page.limit);
  const auto count = to > page.offset ? to - page.offset : 0;
  w.begin_object().field("count", count).field("total", total).key("data").begin_array();
  for (auto i = page.offset; i < to; ++i) write_member(w, call, item, i);
  w.end_array().key("links").begin_object();
  w.field("self", fmt::format("{}?offset={}&limit={}", members_path(item), page.offset, page.limit));
  if (to < total) w.field("next", fmt::format("{}?offset={}&limit={}", members_path(item), to, page.limit));
  w.end_object().end_object();
}

void write_shift(json::Writer& w, const Item& item) {
  const auto& group = *item.group;
  w.begin_object().field("id", item.part->id).field("name", item.part->name).key("group");
  write_group_reference(w, group);
  // The definition's first occurrence: nothing to do with the one that is on now.
  w.field("start", "2024-01-08T08:00:00.000Z").field("end", "2024-01-08T20:00:00.000Z");
  w.field("timezone", "Etc/UTC").key("recurrence").begin_object().field("frequency", "DAILY");
  w.field("repeatEvery", 1).key("end").begin_object().field("endBy", "NEVER").end_object().end_object();
  w.key("links").begin_object();
  w.field("self", "/api/xm/1/groups/" + group.id + "/shifts/" + item.part->id).end_object().end_object();
}

void write_item(json::Writer& w, const XMattersCall& call, const Item& item, std::size_t members) {
  w.begin_object().key("group");
  write_group_reference(w, *item.group);
  if (item.part) {
    if (call.embeds("shift")) {
      w.key("shift");
      write_shift(w, item);
    }
    w.field("start", stamp(item.shift.start));
    if (item.shift.end != kNever) w.field("end", stamp(item.shift.end));
    w.key("members");
    write_members(w, call, item, {members, 0});
  }
  w.end_object();
}

/// The range asked for; equal ends mean this moment.
struct Range {
  Window window{};
  bool past = false;
  std::optional<Answer> refusal{};
};

Range read_range(const XMattersCall& call) {
  const auto now = call.context.now;
  const auto from = call.query("from");
  const auto to = call.query("to");
  if (call.query("at")) {
    return {{}, false, xmatters_error(403, "Historical data needs a permission of its own")};
  }
  if (!from && !to) return {{now, now}, false, std::nullopt};
  if (!from || !to) return {{}, false, xmatters_error(400, "from and to go together")};
  auto begin = parse_rfc3339(*from);
  auto end = parse_rfc3339(*to);
  if (!begin || !end) return {{}, false, xmatters_error(400, "from and to are ISO 8601")};
  if (*begin >= *end) return {{}, false, xmatters_error(400, "from must be before to")};
  if (*begin < now && now < *end) {
    return {{}, false, xmatters_error(400, "The range must not span the past and the future")};
  }
  return {{*begin, *end}, *end <= now, std::nullopt};
}

void collect_group(const XMattersCall& call, const Schedule& group, const Range& range,
                   std::vector<Item>& out) {
  if (!group.enabled || group.forbidden) return;
  const auto before = out.size();
  const auto& window = range.window;
  // Historical data lag a day: the last 24 hours are not known.
  const auto known_until = range.past ? call.context.now - days(1) : kNever;
  for (const auto& part : group.parts) {
    for (auto& shift : occurrences(part, window, call.asked())) {
      const bool meets = window.from == window.to ? covers(shift, window.from)
                                                  : shift.start < window.to && window.from < shift.end;
      if (meets && shift.start < known_until) out.push_back({&group, &part, std::move(shift)});
    }
  }
  if (out.size() == before && call.context.world.xmatters.idle_groups_listed)
    out.push_back({&group, nullptr});
}

std::optional<Answer> collect(const XMattersCall& call, const std::vector<std::string>& groups,
                              const Range& range, std::vector<Item>& out) {
  for (const auto& name : groups) {
    if (const auto* group = group_named(call, name)) {
      collect_group(call, *group, range, out);
    } else if (call.context.world.xmatters.unknown_group_is_404) {
      return xmatters_error(404, "Could not find group " + name);
    }
  }
  return std::nullopt;
}

}  // namespace

Answer xmatters_on_call(const XMattersCall& call) {
  const auto groups = split_list(call.query("groups").value_or(""));
  if (groups.empty()) return xmatters_error(400, "groups is missing");
  const auto page = xmatters_page(call);
  const auto members = whole_number(call.query("membersPerShift").value_or(std::to_string(kDefaultMembers)));
  if (!page) return xmatters_error(400, "limit or offset is wrong");
  if (!members || *members == 0 || *members > kMaxMembers)
    return xmatters_error(400, "membersPerShift is 1 to 100");
  const auto range = read_range(call);
  if (range.refusal) return *range.refusal;
  std::vector<Item> items;
  if (auto refusal = collect(call, groups, range, items)) return *refusal;
  json::Writer w;
  const auto to = std::min(items.size(), page->offset + page->limit);
  begin_list(w, call, *page, items.size());
  for (auto i = page->offset; i < to; ++i) write_item(w, call, items[i], *members);
  w.end_array().end_object();
  return xmatters_ok(w);
}

Answer xmatters_members(const XMattersCall& call, const std::string& group_id, const std::string& shift_id,
                        const std::string& start) {
  const auto page = xmatters_page(call);
  if (!page) return xmatters_error(400, "limit or offset is wrong");
  const auto* group = call.roster().schedules.find(group_id);
  auto moment = parse_rfc3339(start);
  if (!group || group->forbidden || !moment) return xmatters_error(404, "Could not find the occurrence");
  for (const auto& part : group->parts) {
    if (part.id != shift_id) continue;
    for (auto& shift : occurrences(part, {*moment, *moment}, call.asked())) {
      if (shift.start != *moment) continue;
      json::Writer w;
      write_members(w, call, {group, &part, std::move(shift)}, *page);
      return xmatters_ok(w);
    }
  }
  return xmatters_error(404, "Could not find the occurrence");
}

}  // namespace watchbill::sandbox
