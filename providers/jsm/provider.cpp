#include "providers/jsm/provider.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::jsm {

namespace {

constexpr std::string_view kSystem = "JSM Operations";
/// Both APIs have the cloud ID between such a beginning and end.
constexpr ApiPath kOperations{"/jsm/ops/api/", ""};
constexpr ApiPath kJira{"/ex/jira/", "/rest/api/3"};
/// `size` of a list (1 to 50).
constexpr std::size_t kPage = 50;
/// More pages are a list without end.
constexpr int kMaxPages = 400;
/// Schedules of a poll that are asked at the same time. A boundary's question finds a place beside them.
constexpr std::size_t kPollWorkers = 4;
constexpr std::size_t kConcurrency = 6;
/// Long windows are in no hurry.
constexpr std::size_t kLookAheadWorkers = 2;
/// Slow or broken answers in a row after which the rest of a round waits for the next one.
constexpr int kMaxSlow = 3;
/// As many people as one look-up takes are named together.
constexpr std::size_t kNamedTogether = 50;
/// What an answer about a moment speaks of.
constexpr milliseconds kMoment = 10min;
constexpr auto kRefusalLife = 5min;
constexpr std::string_view kSchedulesFix =
    "it must be a member of the schedules' teams, stand on the schedules, or have a right of an "
    "administrator "
    "to read them";

ApiOptions options_of(const Connection& connection, net::Loop& loop) {
  ApiOptions options;
  options.system = kSystem;
  const auto base = setting(connection, "base_url");
  options.base_url = base.empty() ? "https://api.atlassian.com" : base;
  options.secrets = connection.secrets;
  options.concurrency = kConcurrency;
  options.headers = {{"Accept", "application/json"}};
  options.explain = [account = setting(connection, "email")](const net::HttpResponse& response) {
    return explain(response, account);
  };
  options.pause = [&loop](const net::HttpResponse& response) { return limit_pause(response, loop.now()); };
  return options;
}

ApiOptions site_options_of(const Connection& connection, net::Loop& loop) {
  auto options = options_of(connection, loop);
  if (setting(connection, "base_url").empty()) options.base_url = "https://" + setting(connection, "site");
  return options;
}

bool is_refusal(const Error& error) {
  return error.kind == ErrorKind::not_found || error.kind == ErrorKind::forbidden;
}

/// True for failures that the next schedule of a round would meet as well.
bool stops_round(const Error& error) {
  return error.kind == ErrorKind::unauthorized || error.kind == ErrorKind::rate_limited ||
         error.kind == ErrorKind::unreachable;
}

bool is_slow(const Error& error) {
  return error.kind == ErrorKind::timeout || error.kind == ErrorKind::server;
}

/// A timeline's range begins with the unit that holds the present, by a clock and time zone that are not
/// ours: hence one unit more than needed, and one to spare.
std::string days_until(Instant now, Instant to) {
  const auto ahead = std::max(to - now, milliseconds{0});
  return fmt::format("interval={}&intervalUnit=days", std::chrono::ceil<days>(ahead).count() + 1);
}

std::string weeks_until(Instant now, Instant to) {
  const auto ahead = std::max(to - now, milliseconds{0});
  return fmt::format("interval={}&intervalUnit=weeks",
                     std::chrono::ceil<std::chrono::weeks>(ahead).count() + 1);
}

}  // namespace

std::optional<Error> explain(const net::HttpResponse& response, const std::string& account) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  auto error = explain_status(kSystem, response, error_detail(response.body), "");
  if (!error) return error;
  if (error->kind == ErrorKind::unauthorized) {
    // A missing scope is told by 401, too ("scope does not match").
    error->message += fmt::format(
        "; check that the API token is one of {}, has not expired, and, if it has scopes, holds "
        "read:ops-config:jira-service-management and read:jira-user",
        account);
  } else if (error->kind == ErrorKind::forbidden && response.status != 402) {
    error->message += fmt::format("; the API token may do what {} may: {}", account, kSchedulesFix);
  } else if (error->kind == ErrorKind::not_found) {
    error->message +=
        fmt::format("; it was deleted, or {} may not see it (any more): {}", account, kSchedulesFix);
  } else if (error->kind == ErrorKind::rate_limited) {
    // Jira platform, "Rate limiting": which of its limits it was, as in "jira-burst-based".
    const auto reason = one_line(response.header("RateLimit-Reason").value_or("")).substr(0, 60);
    error->message += reason.empty() ? "; it does not say which of its limits was reached"
                                     : fmt::format("; the limit that was reached: {}", reason);
  }
  return error;
}

std::optional<milliseconds> limit_pause(const net::HttpResponse& response, Instant now) {
  const bool spent = response.header("X-RateLimit-Remaining").value_or("") == "0";
  if (response.status != 429 && !spent) return std::nullopt;
  const auto header = response.header("X-RateLimit-Reset");
  if (!header) return std::nullopt;
  const auto reset = parse_rfc3339(*header);
  if (!reset) return std::nullopt;
  // The time is of the server's clock.
  return std::max<milliseconds>(*reset - (now + response.clock_skew.value_or(0s)), 0ms);
}

/// One question to many schedules.
struct JsmProvider::Round {
  std::vector<std::string> ids;
  Window window;
  AnswerSink sink;
  std::string interval;
  bool near = false;
  std::size_t next = 0;
  std::optional<Error> stopped{};
  int slow = 0;
  /// Answers whose people are not all known by name, and who those are.
  std::vector<Said> unnamed{};
  bool listed = false;
  std::set<std::string> strangers{};
};

JsmProvider::JsmProvider(const Connection& connection, const AdapterContext& context)
    : loop_(context.loop),
      connection_(connection.name),
      site_name_(setting(connection, "site")),
      account_(setting(connection, "email")),
      authorization_("Basic " + base64(account_ + ":" + secret(connection, "api_token").reveal())),
      api_(context.loop, context.http, options_of(connection, context.loop)),
      site_(context.loop, context.http, site_options_of(connection, context.loop)),
      cloud_id_(setting(connection, "cloud_id")),
      asking_cloud_id_(context.loop),
      listing_(context.loop),
      users_(context.loop, [this](std::string target) { return get_jira(std::move(target)); }) {}

net::Task<Result<void>> JsmProvider::ask_cloud_id() {
  auto document = co_await site_.get_json("/_edge/tenant_info", Secret());
  if (!document) {
    auto error = document.error();
    if (error.kind == ErrorKind::not_found)
      error = fail(ErrorKind::invalid,
                   "there is no Jira site of this name; `connection update --site` corrects it");
    if (error.kind == ErrorKind::forbidden) error.kind = ErrorKind::server;
    co_return error.in("the cloud ID of {}", site_name_);
  }
  auto id = parse_cloud_id(document->root());
  if (!id) co_return id.error().in("the cloud ID of {}", site_name_);
  cloud_id_ = std::move(*id);
  co_return Result<void>{};
}

net::Task<Result<std::string>> JsmProvider::cloud_id() {
  if (cloud_id_.empty()) {
    std::function<net::Task<Result<void>>()> start = [this] { return ask_cloud_id(); };
    auto asked = co_await asking_cloud_id_.join(std::move(start));
    if (!asked) co_return asked.error();
  }
  co_return cloud_id_;
}

net::Task<Result<json::Document>> JsmProvider::get(ApiPath base, std::string target) {
  auto cloud = co_await cloud_id();
  if (!cloud) co_return cloud.error();
  if (target.starts_with('/'))
    target.insert(0, fmt::format("{}{}{}", base.before, net::percent_encode(*cloud), base.after));
  co_return co_await api_.get_json(std::move(target), authorization_);
}

net::Task<Result<json::Document>> JsmProvider::get_operations(std::string target) {
  co_return co_await get(kOperations, std::move(target));
}

net::Task<Result<json::Document>> JsmProvider::get_jira(std::string target) {
  auto document = co_await get(kJira, std::move(target));
  if (document || !is_refusal(document.error())) co_return std::move(document);
  // No matter of one schedule: a person must give the account a right.
  co_return fail(
      ErrorKind::unauthorized,
      "Jira does not let {} look up users ({}); it needs access to Jira on {}, and the permission to "
      "browse users",
      account_, document.error().code, site_name_);
}

net::Task<Result<std::string>> JsmProvider::verify() {
  auto schedules = co_await list_schedules();
  if (!schedules) co_return schedules.error();
  if (schedules->empty())
    co_return fmt::format("{}, and {} sees no schedule there: {}", site_name_, account_, kSchedulesFix);
  co_return fmt::format("{}, {} schedule{}", site_name_, schedules->size(),
                        schedules->size() == 1 ? "" : "s");
}

net::Task<Result<std::vector<ScheduleInfo>>> JsmProvider::list_schedules() {
  std::vector<ScheduleInfo> schedules;
  std::set<std::string> seen;
  auto target = fmt::format("/v1/schedules?size={}&offset=0", kPage);
  for (int pages = 0; !target.empty(); ++pages) {
    if (pages >= kMaxPages)
      co_return fail(ErrorKind::unreadable, "{}'s list of schedules does not end", kSystem);
    auto document = co_await get_operations(std::move(target));
    if (!document) co_return document.error();
    auto page = parse_schedules(document->root());
    if (!page) co_return page.error().in("{}'s list of schedules", kSystem);
    if (page->schedules.empty() && !page->next.empty())
      co_return fail(ErrorKind::unreadable, "{}'s list of schedules: a page is empty, and another follows",
                     kSystem);
    for (auto& schedule : page->schedules) {
      if (seen.insert(schedule.id).second) schedules.push_back(std::move(schedule));
    }
    target = std::move(page->next);
  }
  std::sort(schedules.begin(), schedules.end(),
            [](const auto& a, const auto& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  co_return schedules;
}

net::Task<JsmProvider::Said> JsmProvider::ask(std::string id, Window window, std::string_view interval) {
  const auto asked = loop_.now();
  auto document =
      co_await get_operations(fmt::format("/v1/schedules/{}/timeline?{}", net::percent_encode(id), interval));
  if (!document) co_return Said{failed_answer(connection_, id, window, asked, document.error(), false)};
  auto timeline = parse_timeline(document->root());
  if (!timeline) {
    const auto error = timeline.error().in("{} schedule {}", kSystem, id);
    co_return Said{failed_answer(connection_, id, window, asked, error, false)};
  }
  auto covered = cover(*timeline, window.from);
  if (covered.known_to <= window.from) co_return co_await ask_flat(std::move(id), window, asked);
  const Window known{window.from, std::min(window.to, covered.known_to)};
  Said said{blank_answer(connection_, id, known, asked), std::move(covered.spans), covered.known_to};
  said.answer.status = AnswerStatus::ok;
  co_return said;
}

net::Task<JsmProvider::Said> JsmProvider::ask_flat(std::string id, Window window, Instant asked) {
  // It tells of a moment, not of weeks.
  window.to = std::min<Instant>(window.to, window.from + kMoment);
  const auto fail_with = [&](const Error& error) {
    return Said{failed_answer(connection_, id, window, asked, error, false)};
  };
  auto target = fmt::format("/v1/schedules/{}/on-calls?flat=true", net::percent_encode(id));
  if (window.from > loop_.now() + 1s)
    target += "&" + net::encode_form({{"date", format_rfc3339(std::chrono::ceil<seconds>(window.from))}});
  auto document = co_await get_operations(std::move(target));
  if (!document) co_return fail_with(document.error());
  auto accounts = parse_flat_on_calls(document->root());
  if (!accounts) co_return fail_with(accounts.error().in("{} schedule {}: its on-calls", kSystem, id));
  Said said{blank_answer(connection_, id, window, asked), {}, window.to};
  said.answer.status = AnswerStatus::ok;
  said.answer.moment = true;
  for (auto& account : *accounts) said.spans.push_back({std::move(account), window.from, window.to});
  co_return said;
}

bool JsmProvider::all_named(const Said& said) const {
  return std::all_of(said.spans.begin(), said.spans.end(),
                     [&](const AccountSpan& span) { return users_.is_fresh(span.account.id); });
}

ScheduleAnswer JsmProvider::with_names(Said said) const {
  std::map<std::string, SharedResponder> people;
  for (const auto& span : said.spans) {
    const auto& id = span.account.id;
    if (!people.contains(id)) {
      Responder responder{connection_, id, id, std::nullopt, span.account.deleted};
      if (const auto* user = users_.find(id)) {
        if (!user->name.empty()) responder.name = user->name;
        responder.email = user->email;
      }
      people.emplace(id, std::move(responder));
    }
    if (span.start >= said.answer.window.to) continue;
    const bool cut = span.end >= said.known_to;
    said.answer.shifts.push_back({people.at(id), span.start, cut ? said.answer.window.to : span.end, cut});
  }
  return std::move(said.answer);
}

net::Task<void> JsmProvider::name_people(std::shared_ptr<Round> round) {
  auto unnamed = std::exchange(round->unnamed, {});
  const auto strangers = std::exchange(round->strangers, {});
  std::vector<std::string> ids(strangers.begin(), strangers.end());
  auto looked_up = co_await users_.look_up(std::move(ids));
  for (auto& said : unnamed) {
    const bool known = std::all_of(said.spans.begin(), said.spans.end(), [&](const AccountSpan& span) {
      return users_.find(span.account.id) != nullptr;
    });
    if (looked_up || known) {
      round->sink(with_names(std::move(said)));
      continue;
    }
    const auto error = looked_up.error().in("who is on call has no names and e-mail addresses");
    const auto& answer = said.answer;
    round->sink(failed_answer(connection_, answer.schedule.id, answer.window, answer.asked_at, error, false));
  }
}

net::Task<std::size_t> JsmProvider::work(std::shared_ptr<Round> round) {
  std::size_t asked = 0;
  while (round->next < round->ids.size()) {
    const auto id = round->ids[round->next++];
    if (round->stopped) {
      round->sink(failed_answer(connection_, id, round->window, loop_.now(), *round->stopped, false));
      continue;
    }
    ++asked;
    auto said = co_await ask(id, round->window, round->interval);
    if (const auto& error = said.answer.error) {
      round->slow = is_slow(*error) ? round->slow + 1 : 0;
      if (stops_round(*error) || round->slow >= kMaxSlow) round->stopped = error;
      if (round->near && is_refusal(*error)) {
        co_await weigh(round, std::move(said.answer));
      } else {
        round->sink(std::move(said.answer));
      }
      continue;
    }
    round->slow = 0;
    refusals_.erase(id);
    if (all_named(said)) {
      round->sink(with_names(std::move(said)));
      continue;
    }
    for (const auto& span : said.spans) {
      if (!users_.is_fresh(span.account.id)) round->strangers.insert(span.account.id);
    }
    round->unnamed.push_back(std::move(said));
    if (round->strangers.size() >= kNamedTogether) co_await name_people(round);
  }
  co_return asked;
}

net::Task<void> JsmProvider::weigh(std::shared_ptr<Round> round, ScheduleAnswer answer) {
  const auto id = answer.schedule.id;
  const auto refusal = *answer.error;
  std::optional<Error> error;
  if (const auto* known = known_refusal(id, refusal)) {
    error = *known;
  } else {
    if (!round->listed) {
      std::function<net::Task<Result<void>>()> start = [this] { return read_list(); };
      (void)co_await listing_.join(std::move(start));
      round->listed = true;
    }
    error = weighed(id, refusal);
  }
  round->sink(failed_answer(connection_, id, round->window, answer.asked_at, *error, true));
}

net::Task<Result<void>> JsmProvider::read_list() {
  list_ = co_await list_schedules();
  co_return Result<void>{};
}

const Error* JsmProvider::known_refusal(const std::string& id, const Error& refusal) const {
  const auto known = refusals_.find(id);
  const bool counts = known != refusals_.end() && known->second.error.code == refusal.code &&
                      loop_.steady_now() - known->second.at < kRefusalLife;
  return counts ? &known->second.error : nullptr;
}

Error JsmProvider::weighed(const std::string& id, const Error& refusal) {
  auto error = weigh_refusal(kSystem, refusal, is_listed(list_, id));
  if (list_ && list_->empty()) {
    error =
        fail(ErrorKind::forbidden, "{} shows {} no schedule at all: {}", kSystem, account_, kSchedulesFix);
    error.code = refusal.code;
  }
  // What may not be seen is not found either: nobody tells which of the two it is.
  if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::forbidden;
  if (is_refusal(error)) refusals_.insert_or_assign(id, Refusal{error, loop_.steady_now()});
  return error;
}

net::Task<void> JsmProvider::run_round(std::shared_ptr<Round> round, std::size_t workers) {
  std::vector<net::Task<std::size_t>> tasks;
  for (std::size_t i = 0; i < std::min(workers, round->ids.size()); ++i) tasks.push_back(work(round));
  (void)co_await net::all(loop_, std::move(tasks));
  if (!round->unnamed.empty()) co_await name_people(round);
}

net::Task<void> JsmProvider::poll(std::vector<std::string> ids, Window window, AnswerSink sink) {
  auto round = std::make_shared<Round>();
  round->ids = std::move(ids);
  round->window = window;
  round->sink = std::move(sink);
  round->interval = days_until(loop_.now(), window.to);
  round->near = true;
  co_await run_round(std::move(round), kPollWorkers);
}

net::Task<void> JsmProvider::look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) {
  auto round = std::make_shared<Round>();
  round->ids = std::move(ids);
  round->window = window;
  round->sink = std::move(sink);
  round->interval = weeks_until(loop_.now(), window.to);
  co_await run_round(std::move(round), kLookAheadWorkers);
}

net::Task<ScheduleAnswer> JsmProvider::confirm(std::string id, Window window) {
  const auto asked = loop_.now();
  auto said = co_await ask(id, window, days_until(asked, window.to));
  if (said.answer.error && is_refusal(*said.answer.error)) {
    const auto refusal = *said.answer.error;
    std::optional<Error> error;
    if (const auto* known = known_refusal(id, refusal)) {
      error = *known;
    } else {
      (void)co_await read_list();
      error = weighed(id, refusal);
    }
    co_return failed_answer(connection_, id, window, asked, *error, true);
  }
  if (said.answer.status == AnswerStatus::ok) {
    std::vector<std::string> ids;
    for (const auto& span : said.spans) ids.push_back(span.account.id);
    auto looked_up = co_await users_.look_up(std::move(ids));
    if (!looked_up) co_return failed_answer(connection_, id, window, asked, looked_up.error(), true);
  }
  auto answer = with_names(std::move(said));
  answer.from_schedule = true;
  co_return answer;
}

ConnectionHealth JsmProvider::health() const {
  auto health = api_.health();
  const auto site = site_.health();
  health.throttled_until = std::max(health.throttled_until, site.throttled_until);
  if (!health.clock_skew) health.clock_skew = site.clock_skew;
  health.requests += site.requests;
  health.failures += site.failures;
  return health;
}

}  // namespace watchbill::providers::jsm
