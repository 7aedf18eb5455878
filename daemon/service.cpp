#include <spdlog/spdlog.h>

#include "daemon/daemon.hpp"
#include "daemon/metrics.hpp"

namespace watchbill::daemon {

Service::Service(net::EventLoop& loop, store::Store& store, const config::Config& config)
    : loop_(loop), store_(store), config_(config) {}

Result<std::unique_ptr<Service>> Service::build(net::EventLoop& loop, store::Store& store,
                                                const config::Config& config) {
  auto bot_token = config::read_secret(config.slack.bot_token);
  if (!bot_token) return bot_token.error();
  auto user_token = config::find_secret(config.slack.user_token);
  if (!user_token) return user_token.error();
  auto webhook = config::find_secret(config.alert_webhook_url);
  if (!webhook) return webhook.error();
  auto heartbeat = config::find_secret(config.heartbeat_url);
  if (!heartbeat) return heartbeat.error();

  std::unique_ptr<Service> service(new Service(loop, store, config));
  service->http_ = std::make_unique<net::CurlClient>(
      loop, net::CurlOptions{config.http.proxy, config.http.ca_file, "watchbill/" WATCHBILL_VERSION});
  service->gate_ = std::make_unique<slack::Gate>(loop, config.slack.rate_scale);
  slack::WebClientOptions slack_options;
  slack_options.api_url = config.slack.api_url;
  slack_options.bot_token = std::move(*bot_token);
  if (*user_token) slack_options.user_token = std::move(**user_token);
  service->slack_ =
      std::make_unique<slack::WebClient>(*service->http_, *service->gate_, std::move(slack_options));

  engine::EngineOptions options;
  options.poll_interval = config.poll_interval;
  options.history_retention = config.history_retention;
  options.history_probe = config.slack.history_probe;
  options.xmatters_allowed_hosts = config.xmatters.allowed_hosts;
  options.alerts.channel = config.slack.alert_channel;
  if (*webhook) options.alerts.webhook = std::move(**webhook);
  if (*heartbeat) options.alerts.heartbeat = std::move(**heartbeat);
  auto& client = *service->slack_;
  service->engine_ = std::make_unique<engine::Engine>(
      engine::EnginePorts{loop, store, *service->http_, client, client, client, *service->gate_},
      std::move(options));
  return service;
}

Result<void> Service::start() {
  if (auto started = engine_->start(); !started) return started;
  tasks_.spawn(introduce());
  if (config_.listen.empty()) return {};
  auto server = net::HttpServer::listen(
      loop_, config_.listen, [this](net::ServerRequest request) { return answer(std::move(request)); }, {});
  if (!server) return server.error().in("listen: {}", config_.listen);
  server_ = std::move(*server);
  spdlog::info("listening on {}", server_->url());
  return {};
}

net::Task<void> Service::introduce() {
  auto permit = co_await gate_->acquire(slack::Method::auth_test, slack::Priority::edit);
  auto identity = co_await slack_->auth_test(std::move(permit));
  if (!identity) {
    spdlog::error("Slack: {}", identity.error().message);
    co_return;
  }
  spdlog::info("Slack workspace {} ({}) as {}", identity->team, identity->team_id, identity->user);
  if (auto set = store_.set_meta("team_id", identity->team_id.value); !set)
    spdlog::warn("{}", set.error().message);
}

net::Task<net::ServerResponse> Service::answer(net::ServerRequest request) {
  const auto text = [](int status, std::string body) {
    return net::ServerResponse{status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
  };
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (!reading)
    co_return text(
        request.path == "/healthz" || request.path == "/readyz" || request.path == "/metrics" ? 405 : 404,
        "");
  if (request.path == "/healthz") co_return text(200, "ok\n");
  if (request.path == "/readyz") {
    const auto figures = engine_->figures();
    std::string missing;
    if (!figures.store_usable) missing += "the store cannot be written\n";
    if (!figures.slack_usable) missing += "Slack does not answer\n";
    co_return text(missing.empty() ? 200 : 503, missing.empty() ? "ready\n" : missing);
  }
  if (request.path == "/metrics") {
    co_return net::ServerResponse{
        200,
        {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
        metrics_text(engine_->figures(), slack_->counts(), gate_->waits(), loop_.now())};
  }
  co_return text(404, "");
}

}  // namespace watchbill::daemon
