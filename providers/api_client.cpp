#include "providers/api_client.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <random>

namespace watchbill::providers {

namespace {

/// A pause that short is waited for; a longer one is the caller's matter.
constexpr milliseconds kShortPause = 2s;
constexpr milliseconds kLongestPause = 1h;

std::function<double()> own_jitter() {
  auto generator = std::make_shared<std::minstd_rand>(std::random_device{}());
  return [generator] { return std::uniform_real_distribution<double>(0.0, 1.0)(*generator); };
}

/// Host and path alone: what is asked for, and by whom, may stand in a query.
std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

}  // namespace

Slots::Awaiter::~Awaiter() {
  if (state_ == State::queued) slots_.queue_.erase(position_);
  if (state_ == State::granted) slots_.give_back();
}

bool Slots::Awaiter::await_ready() noexcept {
  if (slots_.free_ == 0) return false;
  --slots_.free_;
  state_ = State::granted;
  return true;
}

void Slots::Awaiter::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  position_ = slots_.queue_.insert(slots_.queue_.end(), this);
  state_ = State::queued;
}

Slots::Place Slots::Awaiter::await_resume() noexcept {
  state_ = State::taken;
  return Place{&slots_};
}

void Slots::give_back() {
  if (queue_.empty()) {
    ++free_;
    return;
  }
  auto* next = queue_.front();
  queue_.pop_front();
  next->state_ = Awaiter::State::granted;
  next->wake_ = net::Timer{loop_, loop_.start_timer(0ms, [handle = next->waiting_] { handle.resume(); })};
}

net::Task<Result<void>> SharedWork::join(std::function<net::Task<Result<void>>()> start) {
  if (!round_) {
    auto fresh = std::make_shared<Round>(loop_);
    round_ = fresh;
    scope_.spawn(run(fresh, start()));
    // It may have ended without waiting.
    if (fresh->result) co_return *fresh->result;
  }
  auto round = round_;
  while (!round->result) co_await round->done.wait();
  co_return *round->result;
}

net::Task<void> SharedWork::run(std::shared_ptr<Round> round, net::Task<Result<void>> work) {
  auto result = co_await std::move(work);
  round->result.emplace(std::move(result));
  round_.reset();
  round->done.notify();
}

ApiClient::ApiClient(net::Loop& loop, net::HttpClient& http, ApiOptions options)
    : loop_(loop), http_(http), options_(std::move(options)), slots_(loop, options_.concurrency) {
  if (!options_.jitter) options_.jitter = own_jitter();
  for (const auto& [key, secret] : options_.secrets) redactor_.add(secret);
}

Result<std::string> ApiClient::resolve(const std::string& target) const {
  if (target.starts_with('/')) return options_.base_url + target;
  auto url = net::parse_secure_url(target);
  if (!url) return fail(ErrorKind::unreadable, "{} gave a link that is no URL", options_.system);
  if (url->origin() != options_.base_url)
    return fail(ErrorKind::unreadable, "{} gave a link to {}; credentials are only sent to {}",
                options_.system, url->origin(), options_.base_url);
  return url->origin() + url->path;
}

milliseconds ApiClient::pause_left() const {
  if (!paused_until_) return 0ms;
  return std::max(0ms, *paused_until_ - loop_.steady_now());
}

std::optional<Error> ApiClient::throttled() const {
  const auto left = pause_left();
  if (left <= kShortPause) return std::nullopt;
  auto error = fail(ErrorKind::rate_limited, "{} asked us to pause; {} are left", options_.system,
                    format_duration(std::chrono::ceil<seconds>(left)));
  error.retry_after = std::chrono::ceil<seconds>(left);
  return error;
}

std::shared_ptr<const net::Redactor> ApiClient::redactor_for(const net::HttpRequest& request) {
  const bool same = last_redactor_ && request.authorization == last_authorization_;
  if (same && !request.body_is_secret) return last_redactor_;
  auto redactor = std::make_shared<net::Redactor>(redactor_);
  redactor->add_authorization(request.authorization);
  if (request.body_is_secret) {
    redactor->add_form(request.body);
    return redactor;
  }
  last_authorization_ = request.authorization;
  last_redactor_ = redactor;
  return redactor;
}

void ApiClient::note_answer(const net::HttpResponse& response) {
  if (response.clock_skew) clock_skew_ = response.clock_skew;
  auto pause = retry_after(response, loop_.now());
  if (!pause && options_.pause) pause = options_.pause(response);
  if (response.status == 429) {
    if (!pause || *pause <= 0ms) pause = backoff(refusals_, options_.jitter());
    ++refusals_;
  } else if (response.status < 400) {
    refusals_ = 0;
  }
  if (pause && *pause > 0ms) paused_until_ = loop_.steady_now() + std::min(*pause, kLongestPause);
}

net::Task<Result<net::HttpResponse>> ApiClient::send(ApiRequest request) {
  auto url = resolve(request.target);
  if (!url) co_return url.error();
  if (auto error = throttled()) co_return *error;
  auto place = co_await slots_.take();
  // Whoever went before may have been told to pause.
  while (pause_left() > 0ms) {
    if (auto error = throttled()) co_return *error;
    co_await net::sleep_for(loop_, pause_left());
  }

  net::HttpRequest http;
  http.method = std::move(request.method);
  http.url = std::move(*url);
  http.headers = options_.headers;
  for (auto& header : request.headers) http.headers.push_back(std::move(header));
  http.authorization = std::move(request.authorization);
  http.body = std::move(request.body);
  http.body_is_secret = request.body_is_secret;
  http.deadline = options_.deadline;
  http.max_body = options_.max_body;
  ++requests_;
  const auto redactor = redactor_for(http);
  const bool asks_for_tokens = http.body_is_secret;
  const auto asked =
      spdlog::should_log(spdlog::level::debug)
          ? fmt::format("provider_request method={} url={}", http.method, without_query(http.url))
          : std::string();
  auto response = co_await http_.send(std::move(http));
  if (!response) {
    ++failures_;
    spdlog::debug("{} result={}", asked, name_of(response.error().kind));
    auto error = response.error().in("{}", options_.system);
    redactor->redact(error);
    co_return error;
  }
  spdlog::debug("{} result={} ms={}", asked, response->status, response->took.count());
  note_answer(*response);
  // A token that is given is no echo, though it may be the one that was sent.
  if (!asks_for_tokens || response->status >= 300) redactor->redact(*response);
  if (auto error = options_.explain(*response)) {
    ++failures_;
    if (error->kind == ErrorKind::rate_limited) error->retry_after = std::chrono::ceil<seconds>(pause_left());
    co_return *error;
  }
  co_return std::move(*response);
}

net::Task<Result<json::Document>> ApiClient::get_json(std::string target, Secret authorization) {
  ApiRequest request;
  request.target = std::move(target);
  request.authorization = std::move(authorization);
  auto response = co_await send(std::move(request));
  if (!response) co_return response.error();
  auto document = parse_body(options_.system, *response);
  if (!document) ++failures_;
  co_return std::move(document);
}

ConnectionHealth ApiClient::health() const {
  ConnectionHealth health;
  if (const auto left = pause_left(); left > 0ms) health.throttled_until = loop_.now() + left;
  health.clock_skew = clock_skew_;
  health.requests = requests_;
  health.failures = failures_;
  return health;
}

milliseconds backoff(int refusals, double jitter) {
  const auto step = std::min<milliseconds>(5min, milliseconds{5s} * (1 << std::clamp(refusals, 0, 10)));
  const auto cut = static_cast<double>(step.count()) / 2 * std::clamp(jitter, 0.0, 1.0);
  return step - milliseconds{static_cast<std::int64_t>(cut)};
}

std::optional<milliseconds> retry_after(const net::HttpResponse& response, Instant now) {
  const auto header = response.header("Retry-After");
  if (!header) return std::nullopt;
  std::int64_t number = 0;
  const auto* end = header->data() + header->size();
  if (const auto [stop, error] = std::from_chars(header->data(), end, number);
      error == std::errc{} && stop == end)
    return milliseconds{std::clamp<std::int64_t>(number, 0, 3600) * 1000};
  if (const auto date = parse_http_date(*header)) {
    // The date is of the server's clock.
    const auto server_now = now + response.clock_skew.value_or(0s);
    return std::clamp<milliseconds>(*date - server_now, 0ms, kLongestPause);
  }
  return std::nullopt;
}

std::optional<Error> explain_status(std::string_view system, const net::HttpResponse& response,
                                    std::string_view detail, std::string_view code) {
  const auto status = response.status;
  if (status >= 200 && status < 300) return std::nullopt;
  const auto words =
      detail.empty() ? fmt::format("status {}", status) : fmt::format("status {}, {}", status, detail);
  const auto make = [&](ErrorKind kind, std::string_view what) {
    auto error = fail(kind, "{} {} ({})", system, what, words);
    error.code = code.empty() ? std::to_string(status) : std::string(code);
    return error;
  };
  if (status < 400) return make(ErrorKind::unreadable, "answered with a redirect: is the base URL right?");
  switch (status) {
    case 401:
      return make(ErrorKind::unauthorized, "refuses the credentials");
    case 402:
      return make(ErrorKind::forbidden, "says that the plan does not include this");
    case 403:
      return make(ErrorKind::forbidden, "does not allow this");
    case 404:
    case 410:
      return make(ErrorKind::not_found, "does not know this");
    case 408:
      return make(ErrorKind::server, "took too long");
    case 429:
      return make(ErrorKind::rate_limited, "asks us to slow down");
    default:
      break;
  }
  if (status < 500) return make(ErrorKind::invalid, "refuses the request");
  return make(ErrorKind::server, "failed");
}

Result<json::Document> parse_body(std::string_view system, const net::HttpResponse& response) {
  auto document = json::parse(response.body);
  if (document) return document;
  if (response.body.empty()) return fail(ErrorKind::unreadable, "{} sent an empty answer", system);
  auto error = document.error();
  error.kind = ErrorKind::unreadable;
  const auto type = response.header("Content-Type").value_or("no content type");
  return error.in("{} sent no readable JSON ({} bytes, {})", system, response.body.size(),
                  type.substr(0, 60));
}

}  // namespace watchbill::providers
