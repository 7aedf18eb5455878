#include "slack/http_receiver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "slack/signature.hpp"

namespace watchbill::slack {

namespace {

constexpr std::array<std::string_view, 4> kPaths{"/slack/events", "/slack/interactions", "/slack/commands",
                                                 "/slack/options"};

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

HttpReceiver::HttpReceiver(net::Loop& loop, Dispatcher& dispatcher, Secret signing_secret)
    : loop_(loop),
      dispatcher_(dispatcher),
      signing_secret_(std::move(signing_secret)),
      started_(loop.now()) {}

bool HttpReceiver::is_slacks(const net::ServerRequest& request) {
  const auto checked = check_signature(signing_secret_, request.header("X-Slack-Request-Timestamp"),
                                       request.header("X-Slack-Signature"), request.body, loop_.now());
  if (checked) {
    ++accepted_;
    if (!first_accepted_) first_accepted_ = loop_.now();
    return true;
  }
  ++refused_;
  // Whoever does not even claim to be Slack says nothing about our settings.
  if (!request.header("X-Slack-Signature")) return false;
  if (told_refusal_) return false;
  // Anybody can send such requests: logged once, and no sentence of `status` follows from them.
  told_refusal_ = true;
  const auto* const fix = checked.error().kind == ErrorKind::conflict
                              ? "is this host's clock right?"
                              : "unless somebody only pretended to be Slack, check slack.signing_secret_file";
  spdlog::warn("Slack's requests: one was refused ({}): {}", checked.error().message, fix);
  return false;
}

net::Task<net::ServerResponse> HttpReceiver::answer(net::ServerRequest request) {
  const bool known = std::find(kPaths.begin(), kPaths.end(), request.path) != kPaths.end();
  if (!known || request.method != "POST") co_return plain(404);
  const std::string content_type(request.header("Content-Type").value_or(""));
  if (is_ssl_check(content_type, request.body)) co_return plain(200);
  if (!is_slacks(request)) co_return plain(401);
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
