#include "providers/xmatters/parse.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::xmatters {

namespace {

Result<std::string> optional_string(json::View view) {
  if (view.is_null()) return std::string{};
  return view.string();
}

/// Missing and null are `fallback`.
Result<Instant> optional_time(json::View view, Instant fallback) {
  if (view.is_null()) return fallback;
  auto text = view.string();
  if (!text) return text.error();
  auto t = parse_rfc3339(*text);
  if (!t) return fail(ErrorKind::unreadable, "{}: {}", view.path(), t.error().message);
  return t;
}

/// A missing status is active: dynamic teams have none.
bool is_active(json::View view) {
  return view["status"].string_or("ACTIVE") == "ACTIVE";
}

Result<Person> parse_person(json::View view) {
  Person person;
  if (view.is_string()) {  // replies hold objects, but the client sends plain ids
    person.id = person.name = *view.string();
    return person;
  }
  auto id = view["id"].string();
  if (!id) return id.error();
  person.id = std::move(*id);
  const auto first = view["firstName"].string_or("");
  const auto last = view["lastName"].string_or("");
  const auto target = view["targetName"].string_or("");
  person.name = first.empty() || last.empty() ? first + last : first + " " + last;
  if (person.name.empty()) person.name = target.empty() ? person.id : target;
  person.name = one_line(person.name);
  person.login = clean_email(view["webLogin"].string_or(""));
  if (!person.login) person.login = clean_email(target);
  person.active = is_active(view);
  return person;
}

Result<Absence> parse_absence(json::View view) {
  if (auto object = view.object(); !object) return object.error();
  Absence absence;
  auto from = optional_time(view["start"], kAlways);
  if (!from) return from.error();
  auto to = optional_time(view["end"], kNever);
  if (!to) return to.error();
  absence.from = *from;
  absence.to = *to;
  const auto stand_in = view["replacement"];
  if (view["absenceType"].string_or("") == "VACANCY" || stand_in.is_null()) return absence;
  auto person = parse_person(stand_in);
  if (!person) return person.error();
  absence.replacement = std::move(*person);
  return absence;
}

/// Absences stand under two names (newer and older), as a page or as a plain list.
Result<void> parse_absences(json::View holder, std::vector<Absence>& out) {
  for (const auto* name : {"absences", "replacements"}) {
    const auto view = holder[name];
    if (view.is_null()) continue;
    const auto list = view.is_array() ? view : view["data"];
    if (list.is_null()) continue;
    auto items = list.array();
    if (!items) return items.error();
    for (const auto item : *items) {
      auto absence = parse_absence(item);
      if (!absence) return absence.error();
      out.push_back(std::move(*absence));
    }
  }
  return {};
}

Result<std::int64_t> optional_integer(json::View view) {
  if (view.is_null()) return std::int64_t{0};
  auto number = view.number();
  if (!number) return number.error();
  return static_cast<std::int64_t>(std::clamp(*number, -1e9, 1e9));
}

Result<void> parse_device(json::View view, Member& member) {
  member.kind = Member::Kind::device;
  const auto owner = view["owner"];
  if (!owner.is_null()) {
    auto person = parse_person(owner);
    if (!person) return person.error();
    member.who = std::move(*person);
    if (auto away = parse_absences(owner, member.absences); !away) return away.error();
  } else {
    // Without its owner the device has to stand for him: "bsample|Work Email".
    auto id = view["id"].string();
    if (!id) return id.error();
    const auto target = view["targetName"].string_or("");
    member.who.name = one_line(target.substr(0, target.find('|')));
    if (member.who.name.empty()) member.who.name = *id;
    member.who.id = std::move(*id);
  }
  if (view["deviceType"].string_or("") == "EMAIL") {
    member.address = clean_email(view["emailAddress"].string_or(""));
    member.work_address = view["name"].string_or("") == "Work Email";
  }
  return {};
}

/// Whom a line names; a dynamic team may have no more than a name.
Result<void> parse_recipient(json::View view, Member& member) {
  if (member.kind == Member::Kind::team && view["id"].is_null()) {
    member.who.name = one_line(view["targetName"].text().value_or("a dynamic team"));
    member.who.id = member.who.name;
    return {};
  }
  auto who = parse_person(view);
  if (!who) return who.error();
  member.who = std::move(*who);
  return {};
}

Result<Member> parse_member(json::View item) {
  if (auto object = item.object(); !object) return object.error();
  Member member;
  for (auto [field, target] : {std::pair{"position", &member.position}, {"delay", &member.delay}}) {
    auto number = optional_integer(item[field]);
    if (!number) return number.error();
    *target = std::max<std::int64_t>(*number, 0);
  }
  const auto view = item["member"];
  if (view.is_null()) {
    member.active = false;  // a line without anybody
    return member;
  }
  if (auto object = view.object(); !object) return object.error();
  auto type = optional_string(view["recipientType"]);
  if (!type) return type.error();
  for (const auto holder : {item, view}) {
    if (auto away = parse_absences(holder, member.absences); !away) return away.error();
  }
  member.active = is_active(view) && is_active(item);
  if (*type == "DEVICE") {
    if (auto device = parse_device(view, member); !device) return device.error();
  } else {
    if (*type == "GROUP") {
      member.kind = Member::Kind::group;
    } else if (*type != "PERSON" && !type->empty()) {
      member.kind = Member::Kind::team;
    }
    if (auto read = parse_recipient(view, member); !read) return read.error();
  }
  member.active = member.active && member.who.active;
  return member;
}

Result<std::vector<Member>> parse_member_list(json::View data) {
  auto items = data.array();
  if (!items) return items.error();
  std::vector<Member> members;
  members.reserve(items->size());
  for (const auto item : *items) {
    auto member = parse_member(item);
    if (!member) return member.error();
    members.push_back(std::move(*member));
  }
  return members;
}

/// Missing, and what is no number, is not told.
std::optional<std::size_t> read_total(json::View view) {
  const auto total = view.integer();
  if (!total) return std::nullopt;
  return static_cast<std::size_t>(std::max<std::int64_t>(*total, 0));
}

/// Fills what all pages have; `links` may be missing.
template <class T>
void read_paging(json::View root, std::size_t rows, Page<T>& page) {
  page.rows = rows;
  page.total = read_total(root["total"]);
  page.next = root["links"]["next"].string_or("");
}

Result<void> parse_occurrence(json::View item, Occurrence& out) {
  auto start = optional_time(item["start"], kAlways);
  if (!start) return start.error();
  auto end = optional_time(item["end"], kNever);
  if (!end) return end.error();
  out.start = *start;
  out.end = *end;
  out.shift = item["shift"]["id"].string_or("");
  const auto members = item["members"];
  if (members.is_null()) return {};
  auto list = parse_member_list(members["data"]);
  if (!list) return list.error();
  out.members = std::move(*list);
  out.members_next = members["links"]["next"].string_or("");
  out.members_total = read_total(members["total"]);
  if (out.shift.empty()) return {};
  out.members_query = fmt::format("/api/xm/1/groups/{}/shifts/{}/occurrences/{}/members?embed=members.owner",
                                  net::percent_encode(out.group), net::percent_encode(out.shift),
                                  net::percent_encode(item["start"].string_or("")));
  return {};
}

}  // namespace

Result<Page<Occurrence>> parse_on_call(json::View root) {
  auto items = root["data"].array();
  if (!items) return items.error();
  Page<Occurrence> page;
  for (const auto item : *items) {
    auto group = item["group"]["id"].string();
    if (!group) return group.error();
    Occurrence occurrence;
    occurrence.group = std::move(*group);
    occurrence.group_name = one_line(item["group"]["targetName"].string_or(""));
    if (auto read = parse_occurrence(item, occurrence); !read) occurrence.error = read.error();
    page.items.push_back(std::move(occurrence));
  }
  read_paging(root, items->size(), page);
  return page;
}

Result<Page<Member>> parse_members(json::View root) {
  auto members = parse_member_list(root["data"]);
  if (!members) return members.error();
  Page<Member> page;
  page.items = std::move(*members);
  read_paging(root, page.items.size(), page);
  return page;
}

Result<Page<ScheduleInfo>> parse_groups(json::View root) {
  auto items = root["data"].array();
  if (!items) return items.error();
  Page<ScheduleInfo> page;
  for (const auto item : *items) {
    auto id = item["id"].string();
    if (!id) return id.error();
    if (item["groupType"].string_or("ON_CALL") != "ON_CALL") continue;  // others have no shifts
    ScheduleInfo info;
    info.name = one_line(item["targetName"].text().value_or(*id));
    info.id = std::move(*id);
    info.kind = "group";
    info.time_zone = item["timezone"].string_or("");
    if (!is_active(item)) info.note = "inactive";
    page.items.push_back(std::move(info));
  }
  read_paging(root, items->size(), page);
  return page;
}

Result<Group> parse_group(json::View root) {
  auto id = root["id"].string();
  if (!id) return id.error();
  return Group{std::move(*id), root["targetName"].string_or(""), is_active(root)};
}

Result<Page<EmailDevice>> parse_devices(json::View root) {
  auto items = root["data"].array();
  if (!items) return items.error();
  Page<EmailDevice> page;
  for (const auto item : *items) {
    auto address = clean_email(item["emailAddress"].string_or(""));
    if (item["deviceType"].string_or("") != "EMAIL" || !is_active(item) || !address) continue;
    page.items.push_back(
        {std::move(*address), item["name"].string_or("") == "Work Email", item["sequence"].integer_or(0)});
  }
  read_paging(root, items->size(), page);
  return page;
}

std::optional<std::string> choose_email(const std::vector<EmailDevice>& devices) {
  const auto best = std::min_element(devices.begin(), devices.end(), [](const auto& a, const auto& b) {
    if (a.work != b.work) return a.work;
    return a.sequence < b.sequence;
  });
  if (best == devices.end()) return std::nullopt;
  return best->address;
}

std::string error_detail(const std::string& body) {
  const auto document = json::parse(body);
  if (!document) return "";
  const auto root = document->root();
  auto text = root["message"].text();
  if (!text) text = root["reason"].text();
  if (!text) text = root["error"].text();
  return text.value_or("").substr(0, 200);
}

}  // namespace watchbill::providers::xmatters
