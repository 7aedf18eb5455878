#include "slack/transport/http_receiver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "slack/transport/signature.hpp"

namespace watchbill::slack {

namespace {

constexpr std::array<std::string_view, 4> kPaths{"/slack/events", "/slack/interactions", "/slack/commands",
                                                 "/slack/options"};

/// What a request is believed by. Twice, one reader could believe the first and another one the second.
constexpr std::array<std::string_view, 3> kDecisive{"Content-Type", "X-Slack-Request-Timestamp",
                                                    "X-Slack-Signature"};

bool is_ambiguous(const net::ServerRequest& request) {
  return std::any_of(kDecisive.begin(), kDecisive.end(), [&request](std::string_view name) {
    const auto is_it = [name](const auto& header) { return net::find_header({header}, name).has_value(); };
    return std::count_if(request.headers.begin(), request.headers.end(), is_it) > 1;
  });
}

net::ServerResponse plain(int status, std::string body = {}) {
  net::ServerResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

net::ServerResponse acknowledged(std::string answer) {
  // Nothing at all closes a modal; an empty object would not.
  if (answer.empty()) return plain(200);
  net::ServerResponse response;
  response.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  response.body = std::move(answer);
  return response;
}

}  // namespace

HttpReceiver::HttpReceiver(net::Loop& loop, Dispatcher& dispatcher, Secret signing_secret, ClockSkew skew)
    : loop_(loop),
      dispatcher_(dispatcher),
      signing_secret_(std::move(signing_secret)),
      skew_(std::move(skew)),
      started_(loop.now()) {}

bool HttpReceiver::takes(const net::ServerRequest& request) {
  return request.method == "POST" && std::find(kPaths.begin(), kPaths.end(), request.path) != kPaths.end();
}

std::optional<Instant> HttpReceiver::signed_by_slack(const net::ServerRequest& request) {
  const auto checked = check_signature(signing_secret_, request.header("X-Slack-Request-Timestamp"),
                                       request.header("X-Slack-Signature"), request.body, loop_.now());
  if (checked) return *checked;
  ++refused_;
  // Whoever does not even claim to be Slack says nothing about our settings.
  if (!request.header("X-Slack-Signature")) return std::nullopt;
  // Anybody can send such requests: logged once, and no sentence of `status` follows from them.
  if (std::exchange(told_refusal_, true)) return std::nullopt;
  const auto* const fix = checked.error().kind == ErrorKind::conflict
                              ? "is this host's clock right?"
                              : "unless somebody only pretended to be Slack, check slack.signing_secret_file";
  spdlog::warn("Slack's requests: one was refused ({}): {}", checked.error().message, fix);
  return std::nullopt;
}

bool HttpReceiver::may_be_repeated(Instant signed_at) const {
  // Both the time of signing and the difference of the clocks are known to the second.
  constexpr auto kInexact = 1s;
  const auto skew = skew_ ? skew_().value_or(0s) : 0s;
  return signed_at <= std::chrono::floor<seconds>(started_ + skew) + kInexact;
}

net::Task<net::ServerResponse> HttpReceiver::answer(net::ServerRequest request) {
  if (!takes(request)) co_return plain(404);
  if (is_ambiguous(request)) {
    ++refused_;
    co_return plain(400);
  }
  const std::string content_type(request.header("Content-Type").value_or(""));
  if (is_ssl_check(content_type, request.body)) co_return plain(200);
  const auto signed_at = signed_by_slack(request);
  if (!signed_at) co_return plain(401);
  if (may_be_repeated(*signed_at)) {
    ++refused_;
    if (!std::exchange(early_told_, true))
      spdlog::info(
          "Slack's requests: one that was signed before this start was refused; Slack sends events again");
    co_return plain(503);
  }
  ++accepted_;
  if (!first_accepted_) first_accepted_ = loop_.now();
  auto body = decode_http_body(content_type, request.body);
  if (!body) {
    spdlog::warn("Slack's requests: one that cannot be read: {}", body.error().message);
    co_return plain(400);
  }
  if (!body->challenge.empty()) co_return plain(200, body->challenge);
  auto answer = co_await dispatcher_.dispatch(std::move(body->incoming));
  co_return acknowledged(std::move(answer));
}

TransportState HttpReceiver::state() const {
  if (first_accepted_) return {"http", "up", first_accepted_};
  return {"http", "waiting", started_,
          "no request with Slack's signature has come since the start; if the app does not answer in Slack, "
          "check its request URLs, slack.signing_secret_file and this host's clock"};
}

}  // namespace watchbill::slack
