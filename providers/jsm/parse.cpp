#include "providers/jsm/parse.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::jsm {

namespace {

/// The server's present may lie so far behind `from` by our clock: how long the answer took, and how wrong
/// the clocks may be before the engine stops believing them (core/oncall/host_clock.hpp) and more.
constexpr auto kPresentReach = 10min;

Result<Instant> time_at(json::View view) {
  auto text = view.string();
  if (!text) return text.error();
  auto t = parse_rfc3339(*text);
  if (!t) return fail(ErrorKind::unreadable, "{}: {}", view.path(), t.error().message);
  return t;
}

/// Collections are `values`; third parties have seen `data`.
Result<json::Items> values_of(json::View root) {
  const auto values = root["values"];
  return (values.exists() ? values : root["data"]).array();
}

Result<AtlassianAccount> parse_account(json::View view) {
  auto id = view["id"].string();
  if (!id) return id.error();
  if (id->empty()) return fail(ErrorKind::unreadable, "{}: a user without id", view.path());
  return AtlassianAccount{std::move(*id), view["deleted"].boolean_or(false)};
}

/// Those behind a team or escalation, which only the past tells. False if they are not told.
Result<bool> parse_flattened(json::View view, std::vector<AtlassianAccount>& people) {
  if (view.is_null()) return false;
  auto items = view.array();
  if (!items) return items.error();
  if (items->size() == 0) return false;  // it names nobody, which is not the same as no one
  for (const auto item : *items) {
    const auto type = item["type"].string_or("");
    if (type == "noone") continue;
    if (type != "user") {
      people.clear();
      return false;
    }
    auto account = parse_account(item);
    if (!account) return account.error();
    people.push_back(std::move(*account));
  }
  return true;
}

Result<void> parse_responder(json::View view, RotationPeriod& period) {
  const auto responder = view["responder"];
  if (responder.is_null()) return {};
  if (auto object = responder.object(); !object) return object.error();
  // The type comes first: `noone` has no id (schema example).
  auto type = responder["type"].string();
  if (!type) return type.error();
  if (*type == "noone") return {};
  if (*type == "user") {
    auto account = parse_account(responder);
    if (!account) return account.error();
    period.people.push_back(std::move(*account));
    return {};
  }
  auto flattened = parse_flattened(view["flattenedResponders"], period.people);
  if (!flattened) return flattened.error();
  if (!*flattened) period.unresolved_type = one_line(*type);
  return {};
}

Result<RotationPeriod> parse_period(json::View view, Window window) {
  RotationPeriod period{window.from, window.to};
  auto start = time_at(view["startDate"]);
  if (!start) return start.error();
  period.start = *start;
  if (const auto end = view["endDate"]; !end.is_null()) {
    auto t = time_at(end);
    if (!t) return t.error();
    period.end = *t;
  }
  period.past = view["type"].string_or("") == "historical";
  if (auto read = parse_responder(view, period); !read) return read.error();
  return period;
}

/// Where the system's past ends, if that is shortly after `from`; else `from`.
Instant present_of(const FinalTimeline& timeline, Instant from) {
  auto present = from;
  for (const auto& period : timeline.periods) {
    if (period.past && period.end - from <= kPresentReach) present = std::max(present, period.end);
  }
  return present;
}

std::vector<AccountSpan> join(std::vector<AccountSpan> spans) {
  std::sort(spans.begin(), spans.end(), [](const AccountSpan& a, const AccountSpan& b) {
    return std::tie(a.account.id, a.start) < std::tie(b.account.id, b.start);
  });
  std::vector<AccountSpan> out;
  for (auto& span : spans) {
    if (!out.empty() && out.back().account == span.account && span.start <= out.back().end) {
      out.back().end = std::max(out.back().end, span.end);
      out.back().account.deleted = out.back().account.deleted || span.account.deleted;
    } else {
      out.push_back(std::move(span));
    }
  }
  std::sort(out.begin(), out.end(), [](const AccountSpan& a, const AccountSpan& b) {
    return std::tie(a.start, a.account.id) < std::tie(b.start, b.account.id);
  });
  return out;
}

}  // namespace

Result<SchedulePage> parse_schedules(json::View root) {
  auto items = values_of(root);
  if (!items) return items.error();
  SchedulePage page;
  for (const auto item : *items) {
    auto id = item["id"].string();
    if (!id) return id.error();
    ScheduleInfo info;
    info.name = one_line(item["name"].text().value_or(*id));
    info.id = std::move(*id);
    info.kind = "schedule";
    info.time_zone = item["timezone"].string_or("");
    if (!item["enabled"].boolean_or(true)) info.note = "disabled";
    page.schedules.push_back(std::move(info));
  }
  if (const auto next = root["links"]["next"]; !next.is_null()) {
    auto link = next.string();
    if (!link) return link.error();
    page.next = std::move(*link);
  }
  return page;
}

Result<FinalTimeline> parse_timeline(json::View root) {
  FinalTimeline out;
  auto from = time_at(root["startDate"]);
  if (!from) return from.error();
  auto to = time_at(root["endDate"]);
  if (!to) return to.error();
  out.window = {*from, *to};
  auto rotations = root["finalTimeline"]["rotations"].array();
  if (!rotations) return rotations.error();
  for (const auto rotation : *rotations) {
    if (auto object = rotation.object(); !object) return object.error();
    if (rotation["deleted"].boolean_or(false) || rotation["periods"].is_null()) continue;
    auto periods = rotation["periods"].array();
    if (!periods) return periods.error();
    for (const auto view : *periods) {
      auto period = parse_period(view, out.window);
      if (!period) return period.error();
      if (period->start < period->end) out.periods.push_back(std::move(*period));
    }
  }
  return out;
}

TimelineCover cover(const FinalTimeline& timeline, Instant from) {
  const auto present = present_of(timeline, from);
  TimelineCover out{{}, timeline.window.to, ""};
  for (const auto& period : timeline.periods) {
    for (const auto& account : period.people) out.spans.push_back({account, period.start, period.end});
    if (period.unresolved_type.empty() || period.end <= present) continue;
    const auto start = period.start <= present ? from : period.start;
    if (start >= out.known_to) continue;
    out.known_to = start;
    out.reason =
        fmt::format("its timeline has a responder of type \"{}\" and does not tell the people behind it",
                    period.unresolved_type);
  }
  out.spans = join(std::move(out.spans));
  std::erase_if(out.spans, [&](const AccountSpan& span) { return span.end <= present; });
  for (auto& span : out.spans) {
    if (span.start <= present) span.start = std::min(span.start, from);
  }
  return out;
}

Result<std::vector<AtlassianAccount>> parse_flat_on_calls(json::View root) {
  auto items = root["onCallUsers"].array();
  if (!items) return items.error();
  std::vector<AtlassianAccount> accounts;
  std::set<std::string> seen;
  for (const auto item : *items) {
    auto id = item.string();
    if (!id) return id.error();
    if (!id->empty() && seen.insert(*id).second) accounts.push_back({std::move(*id)});
  }
  return accounts;
}

Result<JiraUserPage> parse_users(json::View root) {
  auto items = values_of(root);
  if (!items) return items.error();
  JiraUserPage page;
  page.last = root["isLast"].boolean_or(true);
  for (const auto item : *items) {
    auto id = item["accountId"].string();
    if (!id) return id.error();
    JiraUser user{std::move(*id), one_line(item["displayName"].string_or("")), std::nullopt};
    user.email = clean_email(item["emailAddress"].string_or(""));
    page.users.push_back(std::move(user));
  }
  return page;
}

Result<std::string> parse_cloud_id(json::View root) {
  auto id = root["cloudId"].string();
  if (!id) return id.error();
  if (id->empty()) return fail(ErrorKind::unreadable, "the cloud ID that it told is empty");
  return id;
}

std::string error_detail(const std::string& body) {
  const auto document = json::parse(body);
  if (!document) return {};
  const auto root = document->root();
  const auto words = [](json::View view) { return one_line(view.string_or("")).substr(0, 200); };
  if (auto text = words(root["message"]); !text.empty()) return text;  // UnauthorizedErrorResponse
  for (const auto error : root["errors"].items()) {                    // ErrorResponse
    if (auto text = words(error["title"]); !text.empty()) return text;
  }
  for (const auto error : root["errorMessages"].items()) {  // Jira's platform
    if (auto text = words(error); !text.empty()) return text;
  }
  return {};
}

}  // namespace watchbill::providers::jsm
