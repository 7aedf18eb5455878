#include "providers/opsgenie/provider.hpp"

#include <algorithm>
#include <charconv>

#include "providers/support.hpp"

namespace watchbill::providers::opsgenie {

namespace {

constexpr auto kIdLife = 24h;
/// A schedule is never nested in that many others: more is a fault.
constexpr std::size_t kMaxNested = 50;
/// More than that is no account's staff: start again rather than grow.
constexpr std::size_t kMaxKnownIds = 200'000;
/// Slow or broken answers in a row after which the rest of a long round waits for the next one.
constexpr int kMaxFailures = 3;

std::string host_of(const std::string& region) {
  // GitHub opsgenie/opsgenie-go-sdk-v2, client/config.go
  return region == "eu" ? "https://api.eu.opsgenie.com" : "https://api.opsgenie.com";
}

std::string origin_of(const Connection& connection) {
  const auto base = setting(connection, "base_url");
  return base.empty() ? host_of(setting(connection, "region")) : base;
}

ApiOptions options_of(const Connection& connection) {
  ApiOptions options;
  options.system = "Opsgenie";
  options.base_url = origin_of(connection);
  options.secrets = connection.secrets;
  // A long round of timelines must not make the poll at a boundary wait.
  options.concurrency = 2;
  options.headers = {{"Accept", "application/json"}};
  options.explain = [region = setting(connection, "region")](const net::HttpResponse& response) {
    return explain(response, region);
  };
  options.pause = throttle_pause;
  return options;
}

std::string schedule_path(const std::string& id, std::string_view rest) {
  return fmt::format("/v2/schedules/{}{}", net::percent_encode(id), rest);
}

/// True for failures that the next schedule of a round would meet as well.
bool stops_round(const Error& error) {
  return error.kind == ErrorKind::unauthorized || error.kind == ErrorKind::rate_limited ||
         error.kind == ErrorKind::unreachable;
}

bool is_slow(const Error& error) {
  return error.kind == ErrorKind::timeout || error.kind == ErrorKind::server;
}

}  // namespace

std::optional<Error> explain(const net::HttpResponse& response, const std::string& region) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  std::string detail;
  std::string code;
  if (const auto body = json::parse(response.body)) {
    detail = body->root()["message"].string_or("").substr(0, 200);
    if (const auto number = body->root()["code"].integer()) code = std::to_string(*number);
  }
  auto error = explain_status("Opsgenie", response, detail, code);
  if (!error) return error;
  if (error->kind == ErrorKind::unauthorized) {
    error->message += fmt::format(
        "; check the API key, that its integration is enabled, and the region: this connection asks the {} "
        "region (--region us|eu)",
        region == "eu" ? "EU" : "US");
  } else if (error->kind == ErrorKind::forbidden) {
    // A key without the right got 403 with 40301 for a schedule that does not exist, too
    // (GitHub dxw/opsgenie-schedule, recorded reply).
    error->message +=
        "; the key may lack the right (its integration needs read and configuration access, and a team's key "
        "only reads that team's schedules), or the schedule may be gone";
  }
  return error;
}

std::optional<milliseconds> throttle_pause(const net::HttpResponse& response) {
  const bool throttled = response.header("X-RateLimit-State").value_or("") == "THROTTLED";
  if (!throttled && response.status != 429) return std::nullopt;
  int period = 60;
  if (const auto header = response.header("X-RateLimit-Period-In-Sec")) {
    int given = 0;
    const auto [stop, error] = std::from_chars(header->data(), header->data() + header->size(), given);
    if (error == std::errc{} && given > 0) period = std::min(given, 3600);
  }
  return seconds{period};
}

OpsgenieProvider::OpsgenieProvider(const Connection& connection, const AdapterContext& context)
    : loop_(context.loop),
      connection_(connection.name),
      region_(setting(connection, "region")),
      authorization_("GenieKey " + secret(connection, "api_key").reveal()),
      api_(context.loop, context.http, options_of(connection)) {}

net::Task<Result<json::Document>> OpsgenieProvider::get(std::string target) {
  co_return co_await api_.get_json(std::move(target), authorization_);
}

net::Task<Result<std::string>> OpsgenieProvider::verify() {
  auto schedules = co_await list_schedules();
  if (!schedules) co_return schedules.error();
  co_return fmt::format("Opsgenie {}, {} schedule{}", region_ == "eu" ? "EU" : "US", schedules->size(),
                        schedules->size() == 1 ? "" : "s");
}

net::Task<Result<std::vector<ScheduleInfo>>> OpsgenieProvider::list_schedules() {
  // The list has no paging (opsgenie-oas, paths/schedule.yaml).
  auto document = co_await get("/v2/schedules");
  if (!document) co_return document.error();
  co_return parse_schedules(document->root()["data"]);
}

net::Task<Result<std::vector<OnCallEntry>>> OpsgenieProvider::on_calls(std::string id, bool flat,
                                                                       Instant at) {
  std::string target = id.empty() ? "/v2/schedules/on-calls?" : schedule_path(id, "/on-calls?");
  // These calls say `scheduleIdentifierType` where the timeline says `identifierType`.
  if (!id.empty()) target += "scheduleIdentifierType=id&";
  target += flat ? "flat=true" : "flat=false";
  if (at > loop_.now() + 1s) target += "&" + net::encode_form({{"date", format_date(at)}});
  auto document = co_await get(std::move(target));
  if (!document) co_return document.error();
  auto book = parse_on_calls(document->root()["data"]);
  if (!book) co_return book.error().in("Opsgenie's list of who is on call");
  co_return std::move(*book);
}

net::Task<void> OpsgenieProvider::poll(std::vector<std::string> ids, Window window, AnswerSink sink) {
  const auto asked = loop_.now();
  auto book = co_await on_calls("", false, window.from);
  if (!book) {
    fail_all(sink, connection_, ids, window, asked, book.error());
    co_return;
  }
  struct Open {
    std::string id;
    std::string name;
    OnCallPeople people;
  };
  std::vector<Open> open;
  ExpandedParticipants expanded(*book);
  for (const auto& id : ids) {
    auto answer = blank_answer(connection_, id, window, asked);
    answer.moment = true;
    const auto* entry = find_entry(*book, id);
    if (entry == nullptr) {
      answer.status = AnswerStatus::ok;
      sink(std::move(answer));
    } else if (entry->error) {
      sink(
          failed_answer(connection_, id, window, asked, entry->error->in("Opsgenie schedule {}", id), false));
    } else {
      answer.schedule_name = entry->name;
      auto people = people_on_call(*book, *entry, expanded);
      learn(people.users);
      const bool has_ids = std::all_of(people.users.begin(), people.users.end(),
                                       [](const UserReference& user) { return !user.id.empty(); });
      if (people.complete && has_ids) {
        answer_moment(answer, people.users);
        sink(std::move(answer));
      } else {
        open.push_back({id, entry->name, std::move(people)});
      }
    }
  }
  for (auto& one : open) {
    auto users = co_await flat_people(one.id, std::move(one.people), window.from);
    if (!users) {
      sink(failed_answer(connection_, one.id, window, asked, users.error(), false));
      continue;
    }
    auto answer = blank_answer(connection_, one.id, window, asked);
    answer.moment = true;
    answer.schedule_name = one.name;
    answer_moment(answer, *users);
    sink(std::move(answer));
  }
}

net::Task<Result<std::vector<UserReference>>> OpsgenieProvider::flat_people(std::string id,
                                                                            OnCallPeople nested, Instant at) {
  if (nested.complete) co_return co_await with_ids(std::move(nested.users));
  auto flat = co_await on_calls(id, true, at);
  if (!flat) co_return flat.error();
  if (flat->size() != 1 || flat->front().error || flat->front().detailed) {
    co_return fail(ErrorKind::unreadable, "Opsgenie schedule {}: its flat list has no names", id);
  }
  auto users = flat_users(flat->front().usernames);
  co_return co_await with_ids(std::move(users));
}

net::Task<Result<std::vector<UserReference>>> OpsgenieProvider::with_ids(std::vector<UserReference> users) {
  for (auto& user : users) {
    if (!user.id.empty()) continue;
    const auto key = key_of(user);
    const auto known = ids_by_username_.find(key);
    if (known != ids_by_username_.end() && loop_.steady_now() - known->second.seen < kIdLife) {
      user.id = known->second.id;
      continue;
    }
    auto document = co_await get("/v2/users/" + net::percent_encode(user.username));
    if (document) {
      user.id = document->root()["data"]["id"].string_or(key);
    } else if (document.error().kind == ErrorKind::not_found ||
               document.error().kind == ErrorKind::forbidden) {
      user.id = key;  // the e-mail address will do
    } else {
      // A guess now and the id later would look like two people.
      co_return document.error();
    }
    ids_by_username_[key] = {user.id, loop_.steady_now()};
  }
  co_return users;
}

void OpsgenieProvider::learn(const std::vector<UserReference>& users) {
  if (ids_by_username_.size() > kMaxKnownIds) ids_by_username_.clear();
  for (const auto& user : users) {
    if (user.id.empty() || user.username.empty()) continue;
    ids_by_username_[key_of({"", user.username})] = {user.id, loop_.steady_now()};
  }
}

void OpsgenieProvider::answer_moment(ScheduleAnswer& answer, const std::vector<UserReference>& users) const {
  answer.status = AnswerStatus::ok;
  for (const auto& user : users) {
    answer.shifts.push_back(
        {responder_of(connection_, user), answer.window.from, answer.window.to, /*end_unknown=*/true});
  }
}

net::Task<Result<ScheduleTimeline>> OpsgenieProvider::timeline(std::string id, int weeks) {
  auto document = co_await get(
      schedule_path(id, fmt::format("/timeline?identifierType=id&intervalUnit=weeks&interval={}", weeks)));
  if (!document) co_return document.error();
  auto parsed = parse_timeline(document->root()["data"]);
  if (!parsed) co_return parsed.error().in("Opsgenie schedule {}", id);
  for (const auto& period : parsed->periods) learn(period.users);
  co_return std::move(*parsed);
}

net::Task<Result<Timelines>> OpsgenieProvider::timelines(std::string id, Window window) {
  const int weeks = weeks_to_ask(loop_.now(), window.to);
  Timelines known;
  std::set<std::string> seen{id};
  std::vector<std::string> open{id};
  while (!open.empty()) {
    const auto next = std::move(open.back());
    open.pop_back();
    auto one = co_await timeline(next, weeks);
    if (!one) {
      // Without a nested schedule the rest can still be told, up to where it is needed.
      if (next != id && !stops_round(one.error()) && !is_slow(one.error())) continue;
      co_return one.error();
    }
    for (auto& nested : nested_schedules(*one, window.from)) {
      if (seen.size() < kMaxNested && seen.insert(nested).second) open.push_back(std::move(nested));
    }
    known.emplace(next, std::move(*one));
  }
  co_return known;
}

net::Task<ScheduleAnswer> OpsgenieProvider::ask_timeline(std::string id, Window window, bool from_schedule) {
  const auto asked = loop_.now();
  auto known = co_await timelines(id, window);
  if (!known) co_return failed_answer(connection_, id, window, asked, known.error(), from_schedule);
  const auto covered = cover(*known, id, window.from);
  const auto& own = known->at(id);
  if (covered.known_to <= window.from) {
    const auto why = covered.reason.empty() ? "its timeline ends before now" : covered.reason;
    auto answer = failed_answer(connection_, id, window, asked,
                                fail(ErrorKind::unreadable, "Opsgenie schedule {}: {}", id, why), false);
    answer.schedule_name = own.name;
    co_return answer;
  }
  auto answer = blank_answer(connection_, id, {window.from, covered.known_to}, asked);
  answer.status = AnswerStatus::ok;
  answer.from_schedule = from_schedule;
  answer.schedule_name = own.name;
  answer.shifts = shifts_of(connection_, covered.spans, answer.window);
  co_return answer;
}

net::Task<void> OpsgenieProvider::look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) {
  std::optional<Error> stopped;
  int slow = 0;
  for (const auto& id : ids) {
    if (stopped) {
      sink(failed_answer(connection_, id, window, loop_.now(), *stopped, false));
      continue;
    }
    auto answer = co_await ask_timeline(id, window, false);
    if (answer.error) {
      slow = is_slow(*answer.error) ? slow + 1 : 0;
      if (stops_round(*answer.error) || slow >= kMaxFailures) stopped = answer.error;
    } else {
      slow = 0;
    }
    sink(std::move(answer));
  }
}

net::Task<ScheduleAnswer> OpsgenieProvider::refused(std::string id, Window window, Error refusal) {
  const auto asked = loop_.now();
  if (refusal.kind == ErrorKind::not_found || refusal.kind == ErrorKind::forbidden) {
    const auto all = co_await list_schedules();
    refusal = weigh_refusal("Opsgenie", refusal, is_listed(all, id));
  }
  co_return failed_answer(connection_, id, window, asked, refusal, true);
}

net::Task<ScheduleAnswer> OpsgenieProvider::confirm(std::string id, Window window) {
  auto answer = co_await ask_timeline(id, window, true);
  if (answer.status == AnswerStatus::gone || answer.status == AnswerStatus::forbidden)
    co_return co_await refused(id, window, *answer.error);
  // The timeline is there but does not name the people: the schedule's own on-calls do.
  if (answer.status == AnswerStatus::failed && answer.error->kind == ErrorKind::unreadable &&
      !answer.schedule_name.empty()) {
    co_return co_await confirm_moment(id, window);
  }
  co_return answer;
}

net::Task<ScheduleAnswer> OpsgenieProvider::confirm_moment(std::string id, Window window) {
  const auto asked = loop_.now();
  auto book = co_await on_calls(id, false, window.from);
  if (!book) co_return co_await refused(id, window, book.error());
  if (book->size() != 1 || book->front().error) {
    co_return failed_answer(connection_, id, window, asked,
                            fail(ErrorKind::unreadable, "Opsgenie schedule {}: its on-calls", id), true);
  }
  const auto own = book->front();
  auto people = people_on_call(*book, own);
  if (!people.complete) {
    // Nested schedules stand in the list of all; without it the flat list has to do.
    auto all = co_await on_calls("", false, window.from);
    if (all) people = people_on_call(*all, own);
  }
  learn(people.users);
  auto users = co_await flat_people(id, std::move(people), window.from);
  if (!users) co_return co_await refused(id, window, users.error());
  auto answer = blank_answer(connection_, id, window, asked);
  answer.moment = true;
  answer.from_schedule = true;
  answer.schedule_name = own.name;
  answer_moment(answer, *users);
  co_return answer;
}

}  // namespace watchbill::providers::opsgenie
