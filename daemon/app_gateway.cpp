#include "daemon/app_gateway.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace watchbill::daemon {

namespace {

/// Slack moves connections now and then, and networks have their moments: not worth an alert.
constexpr milliseconds kToldAfter = 3min;
/// Where `watchbill status` finds how Slack reaches the app.
constexpr auto* kStateKey = "slack_app";
constexpr auto* kProblemKey = "slack:app";

bool is_socket(const config::Config& config) {
  return config.slack.mode == config::SlackMode::socket;
}

}  // namespace

std::string state_json(const slack::TransportState& state) {
  json::Writer out;
  out.begin_object().field("mode", state.mode).field("state", state.state);
  out.field("since", state.since ? std::optional(format_rfc3339(*state.since)) : std::nullopt);
  out.field("problem", state.problem.empty() ? std::nullopt : std::optional(state.problem));
  return out.end_object().take();
}

std::optional<Problem> problem_of(const slack::TransportState& state, bool broken, Instant now) {
  if (state.state == "off" && broken) {
    return Problem{kProblemKey, "there is no app home in Slack: " + state.problem, std::nullopt};
  }
  if (state.state != "down" || now - state.since.value_or(now) < kToldAfter) return std::nullopt;
  auto text = fmt::format(
      "Slack cannot reach the app home and commands since {}: {}. Groups are kept right all the same",
      format_minutes(*state.since), state.problem);
  return Problem{kProblemKey, std::move(text), std::nullopt};
}

AppAccess read_app_access(const config::Config& config) {
  const auto& source = is_socket(config) ? config.slack.app_token : config.slack.signing_secret;
  AppAccess out;
  auto secret = config::find_secret(source);
  if (!secret) {
    out.missing = secret.error().message;
    out.broken = true;
  } else if (!*secret) {
    out.missing = fmt::format("set {} (or give the systemd credential \"{}\") for the app home and commands",
                              source.key, source.credential);
  } else if (!is_socket(config) && config.listen.empty()) {
    out.missing = "slack.mode http needs an address to take Slack's requests at: set listen";
    out.broken = true;
  } else {
    out.secret = std::move(**secret);
  }
  return out;
}

AppGateway::AppGateway(net::EventLoop& loop, store::AsyncStore store, const config::Config& config,
                       AppAccess access)
    : loop_(loop), store_(store), config_(config), access_(std::move(access)) {}

void AppGateway::start(SlackApp app, std::unique_ptr<net::WebSocketClient> sockets,
                       std::unique_ptr<slack::SocketAddresses> addresses,
                       slack::HttpReceiver::ClockSkew skew) {
  app_ = std::move(app);
  sockets_ = std::move(sockets);
  addresses_ = std::move(addresses);
  if (!access_.secret) {
    spdlog::log(access_.broken ? spdlog::level::err : spdlog::level::info, "no app home in Slack: {}",
                access_.missing);
  } else if (app_.receiver) {
    dispatcher_ = std::make_unique<slack::Dispatcher>(loop_, *app_.receiver);
    if (is_socket(config_)) {
      socket_mode_ = std::make_unique<slack::SocketMode>(loop_, *sockets_, *addresses_, *dispatcher_);
      socket_mode_->start();
    } else {
      http_receiver_ =
          std::make_unique<slack::HttpReceiver>(loop_, *dispatcher_, *access_.secret, std::move(skew));
    }
  }
  tasks_.spawn(publish());
}

net::Task<void> AppGateway::stop() {
  if (socket_mode_) co_await socket_mode_->stop();
}

net::Task<void> AppGateway::publish() {
  std::string written;
  while (true) {
    auto now = state_json(state());
    if (now != written) {
      const auto write = [now](store::Store& store) { return store.set_meta(kStateKey, now); };
      // A store that is busy for a moment is tried again.
      if (co_await store_.run(write)) written = std::move(now);
    }
    co_await net::sleep_for(loop_, 1s);
  }
}

std::size_t AppGateway::max_body(const net::ServerRequest& request) const {
  if (http_receiver_ && slack::HttpReceiver::takes(request)) return slack::kMaxSlackRequest;
  const bool posted = request.method == "POST" && app_.page;
  const auto& posts = app_.posts;
  return posted && std::find(posts.begin(), posts.end(), request.path) != posts.end() ? kMaxPageBody : 0;
}

net::Task<net::ServerResponse> AppGateway::answer(net::ServerRequest request) {
  if (request.path.starts_with("/slack/") && http_receiver_) {
    co_return co_await http_receiver_->answer(std::move(request));
  }
  if (request.path.starts_with("/oauth/") && app_.page) co_return co_await app_.page(std::move(request));
  net::ServerResponse nothing;
  nothing.status = 404;
  co_return nothing;
}

slack::TransportState AppGateway::state() const {
  if (socket_mode_) return socket_mode_->state();
  if (http_receiver_) return http_receiver_->state();
  return {is_socket(config_) ? "socket" : "http", "off", std::nullopt, access_.missing};
}

std::vector<Problem> AppGateway::problems(Instant now) const {
  std::vector<Problem> out;
  if (auto problem = problem_of(state(), access_.broken, now)) out.push_back(std::move(*problem));
  return out;
}

bool AppGateway::unsure(const Problem& problem) const {
  const auto now = state().state;
  return problem.key == kProblemKey && (now == "connecting" || now == "down");
}

AppFigures AppGateway::figures() const {
  AppFigures out;
  out.state = state();
  if (dispatcher_) {
    out.deliveries = dispatcher_->figures();
    out.running = dispatcher_->running();
  }
  if (socket_mode_) {
    out.connections = socket_mode_->connections();
    out.failures = socket_mode_->failures();
  }
  if (http_receiver_) {
    out.accepted = http_receiver_->accepted();
    out.refused = http_receiver_->refused();
  }
  return out;
}

}  // namespace watchbill::daemon
