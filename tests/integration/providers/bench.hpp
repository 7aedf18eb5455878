#pragma once

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/oncall/timeline.hpp"
#include "net/curl_client.hpp"
#include "net/event_loop.hpp"
#include "providers/provider.hpp"
#include "sandbox/sandbox.hpp"
#include "tests/support/catch.hpp"

/// A provider against the sandbox's real servers, over real sockets, on one loop.
namespace watchbill::providers::bench {

/// Passes requests on, remembers where credentials went, and can shorten deadlines and spoil links.
class Watcher final : public net::HttpClient {
 public:
  explicit Watcher(net::HttpClient& inner) : inner_(inner) {}

  net::Task<Result<net::HttpResponse>> send(net::HttpRequest request) override {
    urls.push_back(request.url);
    if (!request.authorization.empty() || request.body_is_secret)
      trusted.insert(net::parse_url(request.url)->origin());
    if (deadline) request.deadline = *deadline;
    auto response = co_await inner_.send(std::move(request));
    if (response && evil_links) divert(response->body);
    co_return std::move(response);
  }

  std::vector<std::string> urls;
  std::set<std::string> trusted;  ///< origins that got a credential
  std::optional<milliseconds> deadline;
  bool evil_links = false;  ///< paging links lead to another origin

 private:
  static void divert(std::string& body) {
    const std::string link = R"("next":")";
    for (auto at = body.find(link); at != std::string::npos; at = body.find(link, at + link.size()))
      body.insert(at + link.size(), "https://evil.example");
  }
  net::HttpClient& inner_;
};

class Keeper final : public TokenKeeper {
 public:
  net::Task<Result<void>> keep(std::string /*connection*/, std::map<std::string, std::string> settings,
                               std::map<std::string, Secret> secrets) override {
    ++calls;
    if (broken) co_return fail(ErrorKind::storage, "the disk is full");
    for (const auto& [key, value] : settings) kept.settings[key] = value;
    for (const auto& [key, value] : secrets) kept.secrets[key] = value;
    co_return Result<void>{};
  }
  Connection kept{};
  bool broken = false;
  int calls = 0;
};

struct Bench {
  explicit Bench(std::string system) : kind(std::move(system)) {
    // As the programs do: a peer that went away is an error, not the end.
    std::signal(SIGPIPE, SIG_IGN);
    auto started = sandbox::Sandbox::start(loop, sandbox::Options{});
    REQUIRE(started.ok());
    sandbox = std::move(started).value();
    control(R"({"do":"reset","empty":true})");
    for (const auto* person : {"ada", "bo", "cy"})
      control(fmt::format(R"({{"do":"person","key":"{0}","name":"{0} example","email":"{0}@example.com"}})",
                          person));
  }

  /// A connection with good credentials, as `connection add` would make it.
  Connection connection() {
    const auto ready = json::parse(sandbox->ready_line());
    REQUIRE(ready.ok());
    const auto keys = ready->root()["keys"];
    Connection made;
    made.name = "conn";
    made.kind = kind;
    const auto key = [&](std::string_view name) { return Secret(keys[name].string_or("")); };
    if (kind == "pagerduty") {
      made.settings["base_url"] = sandbox->pagerduty();
      made.settings["identity_url"] = sandbox->identity();
      made.secrets["api_key"] = key("pagerduty");
    } else if (kind == "opsgenie") {
      made.settings["base_url"] = sandbox->opsgenie();
      made.secrets["api_key"] = key("opsgenie");
    } else if (kind == "jsm") {
      made.settings["site"] = keys["jsm_site"].string_or("");
      made.settings["email"] = keys["jsm_email"].string_or("");
      made.settings["base_url"] = sandbox->jsm();
      made.secrets["api_token"] = key("jsm_token");
    } else {
      made.settings["host"] = "acme.xmatters.com";
      made.settings["base_url"] = sandbox->xmatters();
      made.secrets["api_key"] = key("xmatters_key");
      made.secrets["api_secret"] = key("xmatters_secret");
    }
    return made;
  }
  std::string base_url() const {
    if (kind == "pagerduty") return sandbox->pagerduty();
    if (kind == "jsm") return sandbox->jsm();
    return kind == "opsgenie" ? sandbox->opsgenie() : sandbox->xmatters();
  }

  /// The secret that proves who asks.
  std::string key_name() const { return kind == "jsm" ? "api_token" : "api_key"; }

  void connect() { connect(connection()); }
  void connect(const Connection& given) {
    const auto* adapter = *find_adapter(kind);
    auto prepared = adapter->prepare(given, context);
    if (!prepared) FAIL(prepared.error().message);
    provider = adapter->shifts(*prepared, context);
  }

  std::string control(const std::string& action) {
    auto answer = sandbox->control(action);
    if (!answer) FAIL(action << ": " << answer.error().message);
    return *answer;
  }
  /// An action on this bench's system: fields without braces.
  std::string act(const std::string& what, const std::string& fields) {
    return control(fmt::format(R"({{"do":"{}","system":"{}",{}}})", what, kind, fields));
  }
  /// A schedule in turns of an hour, the first since half an hour.
  void schedule(const std::string& id, const std::string& people, const std::string& more = "") {
    act("schedule",
        fmt::format(R"("id":"{0}","name":"Schedule {0}","people":{1},"shift_seconds":3600,"start":-1800{2})",
                    id, people, more));
  }

  Window window(milliseconds span = 2min) { return {loop.now(), loop.now() + span}; }

  std::vector<ScheduleAnswer> poll(const std::vector<std::string>& ids) {
    std::vector<ScheduleAnswer> answers;
    loop.run_until_done(
        provider->poll(ids, window(), [&](ScheduleAnswer answer) { answers.push_back(std::move(answer)); }));
    check_complete(ids, answers);
    return answers;
  }
  std::vector<ScheduleAnswer> look_ahead(const std::vector<std::string>& ids, milliseconds span) {
    std::vector<ScheduleAnswer> answers;
    loop.run_until_done(provider->look_ahead(
        ids, window(span), [&](ScheduleAnswer answer) { answers.push_back(std::move(answer)); }));
    check_complete(ids, answers);
    return answers;
  }
  ScheduleAnswer confirm(const std::string& id) {
    return loop.run_until_done(provider->confirm(id, window()));
  }

  /// Every id exactly once, in the order of the ids.
  static void check_complete(const std::vector<std::string>& ids, std::vector<ScheduleAnswer>& answers) {
    REQUIRE(answers.size() == ids.size());
    const auto by_id = [](const auto& a, const auto& b) { return a.schedule.id < b.schedule.id; };
    std::sort(answers.begin(), answers.end(), by_id);
    auto sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      CHECK(answers[i].schedule.id == sorted[i]);
      CHECK(answers[i].schedule.connection == "conn");
      CHECK((answers[i].status == AnswerStatus::ok) == !answers[i].error.has_value());
    }
  }

  /// Addresses of those whom the answer says to be on call at its beginning; "unknown" if it does not say.
  static std::vector<std::string> people(const ScheduleAnswer& answer) {
    if (answer.status != AnswerStatus::ok) return {"unknown"};
    const auto merged = merge(Timeline{}, answer);
    const auto on_call = on_call_at(merged.timeline, answer.window.from);
    if (std::holds_alternative<Unknown>(on_call)) return {"unknown"};
    std::vector<std::string> addresses;
    if (const auto* who = std::get_if<People>(&on_call)) {
      for (const auto& responder : who->responders)
        addresses.push_back(responder.email.value_or("nameless " + responder.name));
    }
    std::sort(addresses.begin(), addresses.end());
    return addresses;
  }
  /// As the engine does it: what a list says, and the schedule itself before nobody is believed.
  std::vector<std::string> who(const std::string& id) {
    auto answer = poll({id}).at(0);
    if (answer.status == AnswerStatus::ok && !answer.from_schedule && people(answer).empty())
      answer = confirm(id);
    return people(answer);
  }
  /// The sandbox's own truth.
  std::vector<std::string> truth(const std::string& id) {
    const auto document = json::parse(act("on_call", fmt::format(R"("id":"{}")", id)));
    REQUIRE(document.ok());
    std::vector<std::string> addresses;
    const auto schedules = document->root()["schedules"];
    for (const auto& schedule : schedules.items())
      for (const auto& email : schedule["emails"].items()) addresses.push_back(email.string_or("nobody"));
    std::sort(addresses.begin(), addresses.end());
    return addresses;
  }

  ~Bench() {
    // Whatever a test did: no credential went anywhere but to the connection's origins.
    for (const auto& origin : http.trusted) CHECK((origin == base_url() || origin == sandbox->identity()));
  }

  net::EventLoop loop;
  std::string kind;
  std::unique_ptr<sandbox::Sandbox> sandbox;
  net::CurlClient curl{loop, net::CurlOptions{}};
  Watcher http{curl};
  Keeper keeper;
  AdapterContext context{loop, http, keeper, {}};
  std::unique_ptr<Provider> provider;
};

}  // namespace watchbill::providers::bench
