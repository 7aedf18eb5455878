#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/history.hpp"
#include "engine/engine.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "slack/transport/dispatcher.hpp"
#include "slack/transport/http_receiver.hpp"
#include "slack/transport/socket_mode.hpp"
#include "store/async_store.hpp"

namespace watchbill::daemon {

/// What the Slack app works with. All outlive it.
struct GatewayPorts {
  net::Loop& loop;
  store::AsyncStore store;
  net::HttpClient& http;
  slack::WebClient& slack;
  slack::RateLimiter& limiter;
  engine::Engine& engine;
  const config::Config& config;
};

/// The Slack app as the daemon runs it.
struct SlackApp {
  std::shared_ptr<slack::Receiver> receiver;
  /// Pages for browsers, under /oauth/.
  std::function<net::Task<net::ServerResponse>(net::ServerRequest)> page;
  /// Their paths that take a POST, with a body of at most `kMaxPageBody`.
  std::vector<std::string> posts{};
};
inline constexpr std::size_t kMaxPageBody = std::size_t{64} << 10U;

using AppFactory = std::function<SlackApp(const GatewayPorts&)>;

/// What lets Slack reach the app: the app-level token or the signing secret, whichever `slack.mode` needs.
struct AppAccess {
  std::optional<Secret> secret{};
  /// Why there is no app home: what to set. Empty if there is one.
  std::string missing{};
  /// True if something was configured and does not work: a problem, not a choice.
  bool broken = false;
};
AppAccess read_app_access(const config::Config& config);

/// Figures for metrics.
struct AppFigures {
  slack::TransportState state;
  slack::DeliveryFigures deliveries;
  std::size_t running = 0;        ///< deliveries that are being handled
  std::uint64_t connections = 0;  ///< Socket Mode: that were opened
  std::uint64_t failures = 0;     ///< Socket Mode: attempts that failed, connections that ended early
  std::uint64_t accepted = 0;     ///< HTTP: requests with a good signature
  std::uint64_t refused = 0;      ///< HTTP: without
};

/// Runs the Slack app behind one of the two transports, and says how that is going: in the store (for
/// `status`), and as a problem when Slack has been away for some minutes. Nothing of it touches the sync.
class AppGateway {
 public:
  AppGateway(net::EventLoop& loop, store::AsyncStore store, const config::Config& config, AppAccess access);
  AppGateway(const AppGateway&) = delete;
  AppGateway& operator=(const AppGateway&) = delete;

  /// `sockets` and `addresses` are used in Socket Mode alone, `skew` over HTTP alone.
  void start(SlackApp app, std::unique_ptr<net::WebSocketClient> sockets,
             std::unique_ptr<slack::SocketAddresses> addresses, slack::HttpReceiver::ClockSkew skew);
  net::Task<void> stop();

  /// Bytes that the body of this request, which has not been read, may have; 0 where none belongs.
  [[nodiscard]] std::size_t max_body(const net::ServerRequest& request) const;
  /// Requests under /slack/ and /oauth/; 404 where nothing serves them.
  net::Task<net::ServerResponse> answer(net::ServerRequest request);

  [[nodiscard]] slack::TransportState state() const;
  [[nodiscard]] std::vector<Problem> problems(Instant now) const;
  /// True if an earlier problem of the app may be there all the same: it is being connected.
  [[nodiscard]] bool unsure(const Problem& problem) const;
  [[nodiscard]] AppFigures figures() const;

 private:
  net::Task<void> publish();

  net::EventLoop& loop_;
  store::AsyncStore store_;
  const config::Config& config_;
  AppAccess access_;
  SlackApp app_;
  std::unique_ptr<net::WebSocketClient> sockets_;
  std::unique_ptr<slack::SocketAddresses> addresses_;
  std::unique_ptr<slack::Dispatcher> dispatcher_;
  std::unique_ptr<slack::SocketMode> socket_mode_;
  std::unique_ptr<slack::HttpReceiver> http_receiver_;
  net::TaskScope tasks_;
};

/// The state as `watchbill status` finds it in the store, under "slack_app":
/// {"mode":"socket","state":"up","since":"2026-11-22T09:00:00Z","problem":null}.
std::string state_json(const slack::TransportState& state);

/// What people are to be told about it: when Slack has been away for some minutes, or (`broken`) when there
/// is no app home although one is configured.
std::optional<Problem> problem_of(const slack::TransportState& state, bool broken, Instant now);

}  // namespace watchbill::daemon
