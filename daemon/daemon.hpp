#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "daemon/app_gateway.hpp"
#include "daemon/channel_names_check.hpp"
#include "daemon/key_people_check.hpp"
#include "daemon/metrics.hpp"
#include "engine/engine.hpp"
#include "net/curl_client.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "slack/api/web_client.hpp"
#include "store/async_store.hpp"
#include "store/lease.hpp"

namespace watchbill::daemon {

/// What the program was started with.
struct DaemonOptions {
  config::Sources sources;
  /// One pass within 60 s and the outbox drained, then the end.
  bool once = false;
  /// Makes the Slack app; without it Slack finds nobody.
  AppFactory make_app{};
};

/// Everything that follows from one configuration; a reload makes a new one.
class Service {
 public:
  /// Reads the secrets and builds the clients. The error names what is missing.
  static net::Task<Result<std::unique_ptr<Service>>> build(net::EventLoop& loop, store::AsyncStore store,
                                                           config::Config config);
  /// Begins to keep groups and to listen.
  net::Task<Result<void>> start();
  /// Lets Slack reach the app. What goes wrong there is told, and touches nothing else.
  void open_app(const AppFactory& make_app);
  net::Task<void> stop(milliseconds patience);
  engine::Engine& engine() { return *engine_; }
  /// Where it listens: "http://127.0.0.1:9469"; empty if nowhere.
  [[nodiscard]] std::string url() const { return server_ ? server_->url() : std::string(); }

 private:
  Service(net::EventLoop& loop, store::AsyncStore store, store::HostLease lease, config::Config config);
  [[nodiscard]] net::RequestLimits limits(const net::ServerRequest& request) const;
  net::Task<net::ServerResponse> answer(net::ServerRequest request);
  [[nodiscard]] net::ServerResponse readiness() const;
  net::Task<net::ServerResponse> status();
  net::Task<void> introduce();

  net::EventLoop& loop_;
  store::AsyncStore store_;
  store::HostLease lease_;
  config::Config config_;
  std::unique_ptr<net::CurlClient> http_;
  std::unique_ptr<slack::RateLimiter> limiter_;
  std::unique_ptr<slack::WebClient> slack_;
  std::unique_ptr<control::Context> context_;
  std::unique_ptr<KeyPeopleCheck> key_people_;
  std::unique_ptr<ChannelNamesCheck> channel_names_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<AppGateway> gateway_;
  std::unique_ptr<net::HttpServer> server_;
  /// The status page as it was last made: however many look, it is made once in a while.
  std::string status_page_;
  SteadyInstant status_made_{};
  net::TaskScope tasks_;
};

/// Runs `watchbilld` until it is told to stop; returns the exit status. What goes wrong is on standard error.
int run(const DaemonOptions& options);

/// Opens the store of this configuration, waiting a little for another process's transaction.
Result<std::unique_ptr<store::Store>> open_store(const config::Config& config);

}  // namespace watchbill::daemon
