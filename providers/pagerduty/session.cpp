#include "providers/pagerduty/session.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace watchbill::providers::pagerduty {

namespace {

constexpr std::size_t kPage = 100;
/// offset + limit above this is refused (REST API, Pagination).
constexpr std::size_t kOffsetCap = 10'000;
constexpr auto kLongestRange = days{90};

ApiOptions api_options(const Connection& connection) {
  ApiOptions options;
  options.system = "PagerDuty";
  options.base_url = setting(connection, "base_url");
  options.secrets = connection.secrets;
  options.headers = {{"Accept", "application/vnd.pagerduty+json;version=2"}};
  options.explain = explain;
  options.pause = pause;
  return options;
}

/// A page after which more was to follow, and then nothing: who is missing would seem to be off call.
Error cut_short() {
  return fail(ErrorKind::unreadable, "PagerDuty announced more entries than it sent");
}

}  // namespace

Range range_of(Window window) {
  const Instant since = std::chrono::floor<seconds>(window.from);
  const Instant last = since + kLongestRange;
  if (window.to >= last) return {since, last};
  return {since, std::max<Instant>(std::chrono::ceil<seconds>(window.to), since + 1s)};
}

ApiSession::ApiSession(const Connection& connection, const AdapterContext& context)
    : loop_(context.loop),
      name_(connection.name),
      account_(setting(connection, "subdomain")),
      auth_(connection, context),
      api_(context.loop, context.http, api_options(connection)) {}

net::Task<Result<json::Document>> ApiSession::fetch(std::string target) {
  for (bool again = false;; again = true) {
    auto authorization = co_await auth_.authorization();
    if (!authorization) co_return authorization.error();
    const Secret used = *authorization;
    auto document = co_await api_.get_json(target, used);
    if (document || document.error().kind != ErrorKind::unauthorized) {
      if (document) auth_.accepted();
      co_return std::move(document);
    }
    if (again || !auth_.rejected(used)) {
      auto error = document.error();
      error.message += ": " + auth_.remedy();
      co_return error;
    }
  }
}

net::Task<Result<std::string>> ApiSession::prove() {
  auth_.try_credentials_anew();
  const auto document = co_await fetch("/schedules?limit=1");
  if (!document) co_return document.error();
  std::vector<ListedSchedule> found;
  if (const auto page = read_schedules(document->root(), Kind::layer, found); !page) co_return page.error();
  std::string host;
  if (!found.empty()) {
    if (const auto url = net::parse_url(found.front().url)) host = url->host;
  }
  if (host.empty() && !account_.empty()) host = account_ + ".pagerduty.com";
  if (host.empty()) host = "an account at " + api_.base_url();
  if (auth_.of_a_person()) {
    // Whose tokens they are is what tells a forwarded link from one's own (getCurrentUser: user tokens only).
    const auto me = co_await fetch("/users/me");
    if (me) {
      if (const auto name = me->root()["user"]["name"].text()) host += ", as " + one_line(*name);
    }
  }
  if (!auth_.excess().empty()) {
    host += fmt::format("; its token may do more than is needed ({}): give the app the scopes {} alone",
                        auth_.excess(), kScopes);
  }
  co_return host;
}

net::Task<Result<void>> ApiSession::probe() {
  const auto document = co_await fetch("/schedules?limit=1");
  if (!document) co_return document.error();
  std::vector<ListedSchedule> found;
  const auto page = read_schedules(document->root(), Kind::layer, found);
  co_return page ? Result<void>() : Result<void>(page.error());
}

net::Task<Result<std::vector<ListedSchedule>>> ApiSession::list(Kind kind) {
  std::vector<ListedSchedule> found;
  for (std::size_t offset = 0; offset + kPage <= kOffsetCap;) {
    const net::Fields query{{"limit", std::to_string(kPage)}, {"offset", std::to_string(offset)}};
    const auto document = co_await fetch(path_of(kind) + "?" + net::encode_form(query));
    if (!document) co_return document.error();
    const auto page = read_schedules(document->root(), kind, found);
    if (!page) co_return page.error();
    if (offset > 0 && page->rows == 0) co_return cut_short();
    if (!page->more) break;
    offset += page->limit;
  }
  co_return std::move(found);
}

net::Task<Result<std::map<std::string, Oncalls>>> ApiSession::oncalls(std::vector<std::string> ids,
                                                                      Range range) {
  net::Fields query{{"since", format_rfc3339(range.since)},
                    {"until", format_rfc3339(range.until)},
                    {"time_zone", "UTC"},
                    {"include[]", "users"},
                    {"limit", std::to_string(kPage)}};
  for (const auto& id : ids) query.emplace_back("schedule_ids[]", id);
  const auto base = "/oncalls?" + net::encode_form(query);
  std::map<std::string, Oncalls> found;
  for (std::size_t offset = 0; offset + kPage <= kOffsetCap;) {
    const auto document = co_await fetch(fmt::format("{}&offset={}", base, offset));
    if (!document) co_return document.error();
    const auto page = read_oncalls(document->root(), found);
    if (!page) co_return page.error();
    if (offset > 0 && page->rows == 0) co_return cut_short();
    if (!page->more) co_return std::move(found);
    offset += page->limit;
  }
  co_return fail(ErrorKind::invalid, "PagerDuty shows no more than {} on-call entries at a time", kOffsetCap);
}

net::Task<Result<Oncalls>> ApiSession::schedule(std::string id, Kind kind, Range range) {
  const net::Fields query{{"since", format_rfc3339(range.since)},
                          {"until", format_rfc3339(range.until)},
                          {"time_zone", "UTC"},
                          {"overflow", "true"},
                          {"include[]", "final_schedule"}};
  const auto document =
      co_await fetch(path_of(kind) + "/" + net::percent_encode(id) + "?" + net::encode_form(query));
  if (!document) co_return document.error();
  co_return read_schedule(document->root(), kind);
}

net::Task<Result<std::vector<Shift>>> ApiSession::shifts_of(std::vector<Oncall> duties) {
  std::vector<Shift> shifts;
  for (auto& duty : duties) {
    const auto id = duty.user.id;
    auto user = co_await find_user(std::move(duty.user));
    // Without the address the person would silently drop out of the group.
    if (!user) co_return user.error().in("user {}", id);
    Shift shift{Responder{name_, id, user->name, user->email, user->deleted}, duty.start, duty.end};
    shifts.push_back(std::move(shift));
  }
  co_return shifts;
}

net::Task<Result<UserCache::User>> ApiSession::find_user(UserSummary user) {
  UserCache::User known{user.name, user.email, user.deleted};
  if (user.email || user.deleted) {
    users_.put(user.id, known, loop_.steady_now());
    co_return known;
  }
  if (const auto* cached = users_.find(user.id, loop_.steady_now())) co_return *cached;
  const auto document = co_await fetch("/users/" + net::percent_encode(user.id));
  if (document) {
    const auto found = read_user(document->root());
    if (!found) co_return found.error();
    known = {found->name, found->email, found->deleted};
  } else if (document.error().kind != ErrorKind::not_found) {
    co_return document.error();
  }
  // 404: most likely a deleted person, who still stands on the schedule; only `deleted_at` says so for sure.
  users_.put(user.id, known, loop_.steady_now());
  co_return known;
}

}  // namespace watchbill::providers::pagerduty
