#include "providers/opsgenie/parse.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.hpp"

namespace watchbill::providers::opsgenie {

namespace {

/// Replies longer than this are not a roster but a fault (or an attack): nothing is made of them.
constexpr std::size_t kMaxNodes = 200'000;

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// A string that may be missing or null, but nothing else.
Result<std::string> optional_string(json::View view) {
  if (view.is_null()) return std::string{};
  return view.string();
}

}  // namespace

Result<UserReference> parse_user(json::View view) {
  auto id = optional_string(view["id"]);
  if (!id) return id.error();
  auto name = optional_string(view["name"]);
  if (!name) return name.error();
  if (id->empty() && name->empty()) {
    return fail(ErrorKind::unreadable, "{}: a user without id and name", view.path());
  }
  return UserReference{std::move(*id), one_line(*name)};
}

std::string key_of(const UserReference& user) {
  return user.id.empty() ? lower(user.username) : user.id;
}

namespace {

Result<Participant> parse_participant(json::View view, std::size_t& nodes);

Result<std::vector<Participant>> parse_participants(json::View view, std::size_t& nodes) {
  auto items = view.array();
  if (!items) return items.error();
  std::vector<Participant> out;
  out.reserve(items->size());
  for (const auto item : *items) {
    auto one = parse_participant(item, nodes);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

Result<Participant> parse_participant(json::View view, std::size_t& nodes) {
  if (++nodes > kMaxNodes) return fail(ErrorKind::unreadable, "more than {} participants", kMaxNodes);
  Participant p;
  if (view.is_string()) {  // a flat list under the detailed name
    p.name = one_line(*view.string());
    p.type = "user";
    return p;
  }
  if (auto object = view.object(); !object) return object.error();
  for (auto [field, target] : {std::pair{"id", &p.id}, {"name", &p.name}, {"type", &p.type}}) {
    auto text = optional_string(view[field]);
    if (!text) return text.error();
    *target = std::move(*text);
  }
  if (p.type == "user" && p.name.empty() && p.id.empty()) {
    return fail(ErrorKind::unreadable, "{}: a user without id and name", view.path());
  }
  if (const auto delay = view["escalationTime"]; !delay.is_null()) {
    auto minutes = delay.number();
    if (!minutes) return minutes.error();
    p.delayed = *minutes > 0;
  }
  if (const auto inner = view["onCallParticipants"]; !inner.is_null()) {
    auto parsed = parse_participants(inner, nodes);
    if (!parsed) return parsed.error();
    p.inner = std::move(*parsed);
    p.expanded = true;
  }
  return p;
}

Result<void> parse_people(json::View view, OnCallEntry& entry, std::size_t& nodes) {
  if (const auto detailed = view["onCallParticipants"]; !detailed.is_null()) {
    auto parsed = parse_participants(detailed, nodes);
    if (!parsed) return parsed.error();
    const bool nobody =
        std::all_of(parsed->begin(), parsed->end(), [](const Participant& p) { return p.type == "none"; });
    if (nobody && view["onCallRecipients"].items().size() > 0) {
      return fail(ErrorKind::unreadable, "{}: it names people on call, and says that there are none",
                  view.path());
    }
    entry.detailed = true;
    entry.participants = std::move(*parsed);
    return {};
  }
  auto names = view["onCallRecipients"].array();
  if (!names) return names.error();
  for (const auto name : *names) {
    auto text = name.string();
    if (!text) return text.error();
    if (!text->empty()) entry.usernames.push_back(std::move(*text));
  }
  return {};
}

Result<OnCallEntry> parse_entry(json::View view, std::size_t& nodes) {
  OnCallEntry entry;
  auto id = view["_parent"]["id"].string();
  if (!id) return id.error();
  entry.id = std::move(*id);
  entry.name = one_line(view["_parent"]["name"].string_or(""));
  if (auto people = parse_people(view, entry, nodes); !people) entry.error = people.error();
  return entry;
}

/// Walks the nested lists of one question, as far as people are on call without a delay.
class Resolver {
 public:
  Resolver(const std::vector<OnCallEntry>& book, ExpandedParticipants& expanded, OnCallPeople& out)
      : book_(book), expanded_(expanded), out_(out) {}

  void visit(const OnCallEntry& entry) {
    if (!visited_.emplace("", entry.id).second) return;
    if (entry.error) out_.complete = false;
    for (const auto& name : entry.usernames) add({"", name});
    visit(entry.participants);
  }

 private:
  using Key = std::pair<std::string, std::string>;  ///< type and id; no type: a schedule's own entry

  void visit(const std::vector<Participant>& participants) {
    for (const auto& p : participants) {
      if (!p.delayed && p.type != "none") visit(p);
    }
  }

  void visit(const Participant& p) {
    if (p.type == "user") {
      add({p.id, p.name});
    } else if (p.expanded) {
      visit(p.inner);
    } else if (const auto* entry = p.type == "schedule" ? nested(p) : nullptr) {
      visit(*entry);
    } else if (const auto* places = expanded_.find(p)) {
      if (!visited_.emplace(p.type, p.id).second) return;
      for (const auto* place : *places) visit(place->inner);
    } else {
      out_.complete = false;
    }
  }

  const OnCallEntry* nested(const Participant& p) const {
    if (const auto* entry = find_entry(book_, p.id)) return entry;
    if (p.name.empty()) return nullptr;
    const auto at = std::find_if(book_.begin(), book_.end(), [&](const auto& e) { return e.name == p.name; });
    return at == book_.end() ? nullptr : &*at;
  }

  void add(UserReference user) {
    const auto same = [&](const UserReference& other) {
      if (!user.id.empty() && !other.id.empty()) return user.id == other.id;
      return lower(user.username) == lower(other.username);
    };
    if (std::none_of(out_.users.begin(), out_.users.end(), same)) out_.users.push_back(std::move(user));
  }

  const std::vector<OnCallEntry>& book_;
  ExpandedParticipants& expanded_;
  OnCallPeople& out_;
  std::set<Key> visited_;
};

}  // namespace

Result<std::vector<OnCallEntry>> parse_on_calls(json::View data) {
  std::vector<OnCallEntry> book;
  std::size_t nodes = 0;
  if (data.is_object()) {
    auto entry = parse_entry(data, nodes);
    if (!entry) return entry.error();
    book.push_back(std::move(*entry));
    return book;
  }
  auto items = data.array();
  if (!items) return items.error();
  book.reserve(items->size());
  for (const auto item : *items) {
    auto entry = parse_entry(item, nodes);
    if (!entry) return entry.error();
    book.push_back(std::move(*entry));
  }
  std::sort(book.begin(), book.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return book;
}

const OnCallEntry* find_entry(const std::vector<OnCallEntry>& book, std::string_view id) {
  const auto at =
      std::lower_bound(book.begin(), book.end(), id,
                       [](const OnCallEntry& e, std::string_view wanted) { return e.id < wanted; });
  return at == book.end() || at->id != id ? nullptr : &*at;
}

void ExpandedParticipants::note(const std::vector<Participant>& participants) {
  for (const auto& p : participants) {
    if (p.expanded && !p.id.empty()) places_[{p.type, p.id}].push_back(&p);
    note(p.inner);
  }
}

const std::vector<const Participant*>* ExpandedParticipants::find(const Participant& participant) {
  if (!sorted_out_) {
    for (const auto& entry : book_) note(entry.participants);
    sorted_out_ = true;
  }
  const auto known = places_.find({participant.type, participant.id});
  return known == places_.end() ? nullptr : &known->second;
}

OnCallPeople people_on_call(const std::vector<OnCallEntry>& book, const OnCallEntry& entry,
                            ExpandedParticipants& expanded) {
  OnCallPeople out;
  Resolver(book, expanded, out).visit(entry);
  return out;
}

OnCallPeople people_on_call(const std::vector<OnCallEntry>& book, const OnCallEntry& entry) {
  ExpandedParticipants expanded(book);
  expanded.add(entry);
  return people_on_call(book, entry, expanded);
}

std::vector<UserReference> flat_users(const std::vector<std::string>& usernames) {
  std::vector<UserReference> users;
  std::set<std::string> seen;
  for (const auto& name : usernames) {
    if (seen.insert(lower(name)).second) users.push_back({"", name});
  }
  return users;
}

Responder responder_of(const std::string& connection, const UserReference& user) {
  Responder responder{connection, key_of(user), user.username.empty() ? user.id : user.username};
  if (user.username.find('@') != std::string::npos) responder.email = lower(user.username);
  return responder;
}

Result<std::vector<ScheduleInfo>> parse_schedules(json::View data) {
  auto items = data.array();
  if (!items) return items.error().in("Opsgenie's list of schedules");
  std::vector<ScheduleInfo> schedules;
  for (const auto item : *items) {
    auto id = item["id"].string();
    if (!id) return id.error().in("Opsgenie's list of schedules");
    ScheduleInfo info;
    info.name = one_line(item["name"].text().value_or(*id));
    info.id = std::move(*id);
    info.kind = "schedule";
    info.time_zone = item["timezone"].string_or("");
    if (!item["enabled"].boolean_or(true)) info.note = "disabled";
    schedules.push_back(std::move(info));
  }
  std::sort(schedules.begin(), schedules.end(),
            [](const auto& a, const auto& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  return schedules;
}

std::string format_date(Instant t) {
  auto text = format_rfc3339(std::chrono::ceil<seconds>(t));
  text.replace(text.size() - 1, 1, "+00:00");
  return text;
}

}  // namespace watchbill::providers::opsgenie
