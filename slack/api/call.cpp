#include "slack/api/call.hpp"

#include <spdlog/spdlog.h>

#include <stdexcept>

#include "slack/api/codes.hpp"

namespace watchbill::slack {

namespace {

std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto word = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

/// Slack's code if we know it (their number is bounded), else the kind of the error.
std::string outcome_of(const Error& error) {
  const auto* known = find_code(error.code);
  return std::string(known != nullptr ? known->code : name_of(error.kind));
}

}  // namespace

WebClient::Impl::Impl(net::HttpClient& the_http, RateLimiter& the_limiter, WebClientOptions the_options)
    : http(the_http), limiter(the_limiter), options(std::move(the_options)) {
  if (!options.api_url.ends_with('/')) options.api_url += '/';
  for (const auto* token : {&options.bot_token, &options.user_token, &options.app_token})
    redactor.add(*token);
}

net::Fields WebClient::Impl::with_team(net::Fields fields) const {
  if (!options.team_id.empty()) fields.emplace_back("team_id", options.team_id.value);
  return fields;
}

const Secret& WebClient::Impl::token_of(TokenKind kind) const {
  if (kind == TokenKind::app) return options.app_token;
  return kind == TokenKind::user ? options.user_token : options.bot_token;
}

net::HttpRequest WebClient::Impl::request(const Call& call, TokenKind token) const {
  net::HttpRequest request;
  request.method = "POST";
  request.url = options.api_url + std::string(method_name(call.method));
  request.authorization = Secret("Bearer " + token_of(token).reveal());
  const bool form = call.json.empty();
  request.headers.emplace_back("Content-Type", form ? "application/x-www-form-urlencoded; charset=utf-8"
                                                    : "application/json; charset=utf-8");
  request.body = form ? net::encode_form(call.form) : call.json;
  request.deadline = options.deadline * call.deadlines;
  request.max_body = call.max_body;
  return request;
}

namespace {

/// Neither what was sent nor what came back: both may hold what is nobody's business.
void log_request(Method method, const std::string& result, milliseconds took) {
  spdlog::debug("slack_request method={} result={} ms={}", method_name(method), result, took.count());
}

}  // namespace

net::Task<Result<Answer>> WebClient::Impl::send(Permit permit, Call call) {
  const auto key = permit.key();
  auto answer = co_await send_once(std::move(permit), call);
  while (!answer && answer.error().kind == ErrorKind::rate_limited &&
         answer.error().retry_after.value_or(kDefaultRetryAfter) <= options.patience) {
    auto next = co_await limiter.acquire(call.method, Priority::edit, key);
    answer = co_await send_once(std::move(next), call);
  }
  co_return answer;
}

net::Task<Result<Answer>> WebClient::Impl::send_once(Permit permit, Call call) {
  if (permit.method() != call.method) throw std::logic_error("a permit for another method");
  const bool absent = call.token == TokenKind::user && options.user_token.empty();
  const auto token = absent ? TokenKind::bot : call.token;
  auto response = co_await http.send(request(call, token));
  if (!response) {
    auto error = response.error().in("{}", method_name(call.method));
    // An answer too long or malformed: Slack had the request.
    if (error.kind == ErrorKind::unreadable) error.maybe_done = is_write(call.method);
    redactor.redact(error);
    count(call.method, outcome_of(error));
    spdlog::debug("slack_request method={} result={}", method_name(call.method), outcome_of(error));
    co_return error;
  }
  limiter.answered(permit, response->took);
  if (response->clock_skew) skew = response->clock_skew;
  redactor.redact(*response);
  auto body = interpret(call.method, token, *response);
  if (!body) {
    auto error = body.error();
    if (error.kind == ErrorKind::rate_limited) {
      limiter.pause(call.method, error.retry_after.value_or(kDefaultRetryAfter));
    }
    count(call.method, outcome_of(error));
    log_request(call.method, outcome_of(error), response->took);
    co_return error;
  }
  count(call.method, "ok");
  log_request(call.method, "ok", response->took);
  Answer answer{std::move(*body), comma_separated(response->header("x-oauth-scopes").value_or(""))};
  co_return answer;
}

}  // namespace watchbill::slack
