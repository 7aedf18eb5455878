#include "providers/pagerduty/answers.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "providers/api_client.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::pagerduty {

namespace {

constexpr std::string_view kSystem = "PagerDuty";

Error unreadable(const Error& error) {
  auto changed = error.in("PagerDuty sent something else than its API promises");
  changed.kind = ErrorKind::unreadable;
  return changed;
}

Error unreadable(const json::View& view, std::string_view expected) {
  return fail(ErrorKind::unreadable, "PagerDuty sent something else than its API promises: {} is not {}",
              view.path(), expected);
}

Result<std::string> read_id(const json::View& view) {
  auto id = view.string();
  if (!id) return unreadable(id.error());
  if (id->empty()) return unreadable(view, "an id");
  return id;
}

/// null means `if_null`; a missing member is no promise of anything.
Result<Instant> read_time(const json::View& view, Instant if_null) {
  if (!view.exists()) return unreadable(view, "there");
  if (view.is_null()) return if_null;
  const auto text = view.string();
  if (!text) return unreadable(text.error());
  const auto time = parse_rfc3339(*text);
  if (!time) return unreadable(view, "a time");
  return *time;
}

/// A user object or a reference to one. A deleted user has `summary` and `deleted_at`, no name, no e-mail.
Result<UserSummary> read_person(const json::View& view) {
  if (!view.is_object()) return unreadable(view, "a user");
  auto id = read_id(view["id"]);
  if (!id) return id.error();
  UserSummary user;
  user.name = one_line(view["name"].text().value_or(view["summary"].text().value_or(*id)));
  user.id = std::move(*id);
  const auto email = view["email"];
  if (!email.is_null() && !email.is_string()) return unreadable(email, "an e-mail address");
  user.email = clean_email(email.string_or(""));
  user.deleted = !view["deleted_at"].is_null();
  return user;
}

Result<Oncall> read_duty(const json::View& entry, std::string_view start_name, std::string_view end_name) {
  const auto start = read_time(entry[start_name], kAlways);
  if (!start) return start.error();
  const auto end = read_time(entry[end_name], kNever);
  if (!end) return end.error();
  Oncall duty;
  duty.start = *start;
  duty.end = *end;
  return duty;
}

Result<PageInfo> read_page(const json::View& root, std::size_t rows) {
  const auto more = root["more"].boolean();
  if (!more) return unreadable(more.error());
  PageInfo page;
  page.rows = rows;
  page.more = *more;
  const auto limit = root["limit"].integer_or(0);
  page.limit = limit > 0 ? static_cast<std::size_t>(limit) : rows;
  if (page.more && rows == 0)
    return fail(ErrorKind::unreadable, "PagerDuty says that more follows an empty page");
  return page;
}

void add_once(std::vector<Oncall>& duties, Oncall duty) {
  const auto same = [&](const Oncall& known) {
    return known.user.id == duty.user.id && known.start == duty.start && known.end == duty.end &&
           known.rotation == duty.rotation;
  };
  if (std::none_of(duties.begin(), duties.end(), same)) duties.push_back(std::move(duty));
}

Result<Oncall> read_oncall(const json::View& row) {
  auto user = read_person(row["user"]);
  if (!user) return user.error();
  auto duty = read_duty(row, "start", "end");
  if (duty) duty->user = std::move(*user);
  return duty;
}

Result<Oncalls> read_layer_entries(const json::View& schedule) {
  const auto entries = schedule["final_schedule"]["rendered_schedule_entries"].array();
  if (!entries) return unreadable(entries.error());
  Oncalls found;
  for (const auto& entry : *entries) {
    auto duty = read_oncall(entry);
    if (!duty) return duty.error();
    add_once(found.duties, std::move(*duty));
  }
  return found;
}

Result<Oncalls> read_assignments(const json::View& schedule) {
  const auto entries = schedule["final_schedule"]["computed_shift_assignments"].array();
  if (!entries) return unreadable(entries.error());
  Oncalls found;
  for (const auto& rotation : schedule["rotations"].items()) {
    auto id = read_id(rotation["id"]);
    if (!id) return id.error();
    found.rotations.push_back(std::move(*id));
  }
  for (const auto& entry : *entries) {
    const auto member = entry["member"];
    const auto type = member["type"].string();
    if (!type) return unreadable(type.error());
    const auto rotation = entry["source"]["rotation_id"].string_or("");
    if (!rotation.empty()) found.seen_rotations.insert(rotation);
    if (*type == "empty_member") continue;
    auto id = read_id(member["user_id"]);
    if (!id) return id.error();
    auto duty = read_duty(entry, "start_time", "end_time");
    if (!duty) return duty.error();
    duty->user.name = *id;
    duty->user.id = std::move(*id);
    duty->rotation = rotation;
    add_once(found.duties, std::move(*duty));
  }
  return found;
}

/// Texts of whatever shape: a string, or an array or object of such.
void collect_texts(const json::View& view, std::string& into) {
  if (const auto text = view.text()) into += (into.empty() ? "" : ", ") + *text;
  for (const auto& item : view.items()) {
    if (into.size() > 300) return;
    collect_texts(item, into);
  }
}

/// One line, printable, not longer than a log line should be.
std::string tidy(std::string text) {
  if (text.size() > 300) text.resize(300);
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return text;
}

std::optional<std::int64_t> number_header(const net::HttpResponse& response, std::string_view name) {
  const auto header = response.header(name);
  if (!header) return std::nullopt;
  std::int64_t number = 0;
  const auto* end = header->data() + header->size();
  const auto [stop, error] = std::from_chars(header->data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace

std::string path_of(Kind kind) {
  return kind == Kind::layer ? "/schedules" : "/v3/schedules";
}

Result<PageInfo> read_oncalls(const json::View& root, std::map<std::string, Oncalls>& found) {
  const auto rows = root["oncalls"].array();
  if (!rows) return unreadable(rows.error());
  for (const auto& row : *rows) {
    if (!row.is_object()) return unreadable(row, "an on-call entry");
    const auto schedule = row["schedule"];
    if (schedule.is_null()) continue;
    const auto id = read_id(schedule["id"]);
    if (!id) return id.error();
    auto& duties = found[*id];
    if (duties.name.empty()) duties.name = one_line(schedule["summary"].string_or(""));
    auto duty = read_oncall(row);
    if (duty) {
      add_once(duties.duties, std::move(*duty));
    } else {
      duties.error = duty.error();
    }
  }
  return read_page(root, rows->size());
}

Result<PageInfo> read_schedules(const json::View& root, Kind kind, std::vector<ListedSchedule>& found) {
  const auto rows = root["schedules"].array();
  if (!rows) return unreadable(rows.error());
  for (const auto& row : *rows) {
    auto id = read_id(row["id"]);
    if (!id) return id.error();
    ListedSchedule schedule;
    schedule.id = std::move(*id);
    schedule.kind = kind;
    schedule.name = one_line(row["name"].text().value_or(row["summary"].text().value_or(schedule.id)));
    schedule.time_zone = row["time_zone"].string_or("");
    schedule.url = row["html_url"].string_or("");
    if (kind == Kind::layer) {
      const auto policies = row["escalation_policies"].array();
      if (!policies) return unreadable(policies.error());
      schedule.attached = policies->size() > 0;
    }
    found.push_back(std::move(schedule));
  }
  return read_page(root, rows->size());
}

Result<Oncalls> read_schedule(const json::View& root, Kind kind) {
  const auto schedule = root["schedule"];
  if (!schedule.is_object()) return unreadable(schedule, "a schedule");
  auto found = kind == Kind::layer ? read_layer_entries(schedule) : read_assignments(schedule);
  if (found) found->name = one_line(schedule["name"].text().value_or(schedule["summary"].string_or("")));
  return found;
}

std::string rotation_name(const Oncalls& schedule, const std::string& rotation) {
  const auto& all = schedule.rotations;
  const auto place = std::find(all.begin(), all.end(), rotation);
  if (place == all.end()) return fmt::format("{}, rotation {}", schedule.name, rotation);
  return fmt::format("{}, rotation {}", schedule.name, place - all.begin() + 1);
}

Result<Oncalls> only_rotation(Oncalls schedule, const std::string& rotation) {
  const auto& listed = schedule.rotations;
  const bool is_listed = std::find(listed.begin(), listed.end(), rotation) != listed.end();
  if (!is_listed && !schedule.seen_rotations.contains(rotation)) {
    if (!listed.empty())
      return fail(ErrorKind::not_found, "PagerDuty knows no rotation {} of it (any more)", rotation);
    return fail(ErrorKind::unreadable, "PagerDuty does not list its rotations, and shows nothing of {}",
                rotation);
  }
  schedule.name = rotation_name(schedule, rotation);
  std::erase_if(schedule.duties, [&](const Oncall& duty) { return duty.rotation != rotation; });
  return schedule;
}

Result<UserSummary> read_user(const json::View& root) {
  return read_person(root["user"]);
}

std::optional<Error> explain(const net::HttpResponse& response) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  std::string detail;
  std::string code;
  // A 401 after a revocation, and anything from a proxy, may not be JSON: the status decides, never the
  // parser.
  if (const auto body = json::parse(response.body)) {
    const auto root = body->root();
    const auto error = root["error"];
    if (const auto number = error["code"].integer()) code = std::to_string(*number);
    collect_texts(error.is_object() ? error["message"] : error, detail);
    collect_texts(error["errors"], detail);
    collect_texts(root["errors"], detail);
    std::string scopes;
    collect_texts(error["required_scopes"], scopes);
    collect_texts(root["required_scopes"], scopes);
    if (!scopes.empty()) detail += fmt::format("{}needed: {}", detail.empty() ? "" : "; ", scopes);
  }
  return explain_status(kSystem, response, tidy(std::move(detail)), code);
}

std::optional<milliseconds> pause(const net::HttpResponse& response) {
  const auto reset = number_header(response, "ratelimit-reset");
  if (!reset || *reset <= 0) return std::nullopt;
  if (response.status != 429 && number_header(response, "ratelimit-remaining") != 0) return std::nullopt;
  return milliseconds{std::min<std::int64_t>(*reset, 3600) * 1000};
}

}  // namespace watchbill::providers::pagerduty
