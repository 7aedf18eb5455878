#include <spdlog/spdlog.h>

#include "daemon/daemon.hpp"
#include "daemon/metrics.hpp"
#include "daemon/status_page.hpp"

namespace watchbill::daemon {

namespace {

/// A page for people may be so old.
constexpr auto kStatusAge = 3s;

net::CurlOptions curl_options(const config::Config& config) {
  return {config.http.proxy, config.http.ca_file, "watchbill/" WATCHBILL_VERSION};
}

net::ServerResponse service_text(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

net::ServerResponse status_response(std::string page) {
  return {200,
          {{"Content-Type", "text/html; charset=utf-8"},
           {"Content-Security-Policy", status_page_policy()},
           {"Cache-Control", "no-store"},
           {"X-Content-Type-Options", "nosniff"},
           {"Referrer-Policy", "no-referrer"}},
          std::move(page)};
}

}  // namespace

Service::Service(net::EventLoop& loop, store::AsyncStore store, store::HostLease lease, config::Config config)
    : loop_(loop), store_(store), lease_(lease), config_(std::move(config)) {}

net::Task<Result<std::unique_ptr<Service>>> Service::build(net::EventLoop& loop, store::AsyncStore store,
                                                           config::Config config) {
  auto bot_token = config::read_secret(config.slack.bot_token);
  if (!bot_token) co_return bot_token.error();
  auto user_token = config::find_secret(config.slack.user_token);
  if (!user_token) co_return user_token.error();
  auto webhook = config::find_secret(config.alert_webhook_url);
  if (!webhook) co_return webhook.error();
  auto heartbeat = config::find_secret(config.heartbeat_url);
  if (!heartbeat) co_return heartbeat.error();

  auto lease = co_await store.run(store::HostLease::begin);
  if (!lease) co_return lease.error();

  std::unique_ptr<Service> service(new Service(loop, store, *lease, config));
  service->http_ = std::make_unique<net::CurlClient>(loop, curl_options(config));
  service->limiter_ = std::make_unique<slack::RateLimiter>(loop, config.slack.rate_scale);
  slack::WebClientOptions slack_options;
  slack_options.api_url = config.slack.api_url;
  slack_options.bot_token = std::move(*bot_token);
  slack_options.editors_group = config.slack.editors.group;
  auto access = read_app_access(config);
  if (access.secret && config.slack.mode == config::SlackMode::socket)
    slack_options.app_token = *access.secret;
  const bool has_user_token = user_token->has_value();
  if (has_user_token) slack_options.user_token = std::move(**user_token);
  service->slack_ =
      std::make_unique<slack::WebClient>(*service->http_, *service->limiter_, std::move(slack_options));

  service->gateway_ = std::make_unique<AppGateway>(loop, store, service->config_, std::move(access));

  engine::EngineOptions options;
  options.poll_interval = config.poll_interval;
  options.history_retention = config.history_retention;
  options.history_probe = config.slack.history_probe;
  options.allowed_hosts = config.allowed_hosts();
  options.alerts.channel = config.slack.alert_channel;
  if (*webhook) options.alerts.webhook = std::move(**webhook);
  if (*heartbeat) options.alerts.heartbeat = std::move(**heartbeat);
  auto& client = *service->slack_;
  service->context_ = std::make_unique<control::Context>(control::Context{
      loop, store, *service->http_, client, client, client, *service->limiter_, service->config_,
      control::group_requests_of_daemon(loop, store), [] { return Result<bool>(true); }});
  service->key_people_ = std::make_unique<KeyPeopleCheck>(*service->context_, client, has_user_token);
  service->channel_names_ = std::make_unique<ChannelNamesCheck>(*service->context_);
  options.events_arrive = [gateway = service->gateway_.get()] { return gateway->state().state == "up"; };
  options.other_problems = [gateway = service->gateway_.get(),
                            key_people = service->key_people_.get()](Instant now) {
    auto problems = gateway->problems(now);
    problems.insert(problems.end(), key_people->problems().begin(), key_people->problems().end());
    return problems;
  };
  options.slack_clock_skew = [&client] { return client.clock_skew(); };
  options.other_unsure = [gateway = service->gateway_.get(),
                          key_people = service->key_people_.get()](const Problem& problem) {
    return gateway->unsure(problem) || key_people->unsure(problem);
  };
  service->engine_ = std::make_unique<engine::Engine>(
      engine::EnginePorts{loop, service->store_, *service->http_, client, client, client, *service->limiter_,
                          service->lease_},
      std::move(options));
  service->context_->check_store = [engine = service->engine_.get()] { return engine->check_store(); };
  co_return service;
}

net::Task<Result<void>> Service::start() {
  if (auto started = co_await engine_->start(); !started) co_return started;
  tasks_.spawn(introduce());
  key_people_->start();
  channel_names_->start();
  if (config_.listen.empty()) co_return Result<void>{};
  net::ServerOptions options;
  options.limits = [this](const net::ServerRequest& request) { return limits(request); };
  auto server = net::HttpServer::listen(
      loop_, config_.listen, [this](net::ServerRequest request) { return answer(std::move(request)); },
      options);
  if (!server) co_return server.error().in("listen: {}", config_.listen);
  server_ = std::move(*server);
  spdlog::info("listening on {}", server_->url());
  co_return Result<void>{};
}

net::Task<void> Service::introduce() {
  auto permit = co_await limiter_->acquire(slack::Method::auth_test, slack::Priority::edit);
  auto identity = co_await slack_->auth_test(std::move(permit));
  if (!identity) {
    spdlog::error("Slack: {}", identity.error().message);
    co_return;
  }
  spdlog::info("Slack workspace {} ({}) as {}", identity->team, identity->team_id, identity->user);
  const auto claim = [team = identity->team_id.value](store::Store& store) {
    return store.set_meta("team_id", team);
  };
  if (auto set = co_await store_.run(claim); !set) spdlog::warn("{}", set.error().message);
}

void Service::open_app(const AppFactory& make_app) {
  SlackApp app;
  if (make_app) app = make_app({loop_, store_, *http_, *slack_, *limiter_, *engine_, config_});
  gateway_->start(std::move(app), std::make_unique<net::CurlWebSocketClient>(loop_, curl_options(config_)),
                  std::make_unique<slack::ConnectionAddresses>(*slack_, *limiter_),
                  [this] { return slack_->clock_skew(); });
}

net::Task<void> Service::stop(milliseconds patience) {
  co_await gateway_->stop();
  co_await engine_->stop(patience);
}

net::ServerResponse Service::readiness() const {
  const auto figures = engine_->figures();
  std::string missing;
  if (!figures.store_usable) missing += "the store cannot be written\n";
  if (!figures.slack_usable) missing += "Slack does not answer\n";
  auto text = missing.empty() ? "ready\n" : missing;
  // Said, but groups are kept right without it.
  const auto app = gateway_->state();
  text += fmt::format("app home: {} over {}{}\n", app.state, app.mode,
                      app.problem.empty() ? "" : ": " + app.problem);
  return service_text(missing.empty() ? 200 : 503, text);
}

net::Task<net::ServerResponse> Service::status() {
  const auto now = loop_.steady_now();
  if (status_page_.empty() || now - status_made_ > kStatusAge) {
    // Who else looks meanwhile is shown the page of before.
    status_made_ = now;
    auto overview = co_await control::read_overview(*context_);
    if (!overview) {
      status_made_ = {};
      co_return service_text(503, overview.error().message + "\n");
    }
    auto names = co_await context_->store.run(control::known_names);
    status_page_ = status_page(
        {*std::move(overview), std::move(names), engine_->figures(), WATCHBILL_VERSION, loop_.now()});
  }
  co_return status_response(status_page_);
}

net::RequestLimits Service::limits(const net::ServerRequest& request) const {
  const bool kept = request.path == "/healthz" || request.path == "/metrics";
  return {.max_body = gateway_->max_body(request), .kept = kept};
}

net::Task<net::ServerResponse> Service::answer(net::ServerRequest request) {
  const auto& path = request.path;
  if (path.starts_with("/slack/") || path.starts_with("/oauth/")) {
    co_return co_await gateway_->answer(std::move(request));
  }
  const bool page = path == "/" && config_.status_page;
  const bool ours = page || path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!ours) co_return service_text(404, "");
  if (request.method != "GET" && request.method != "HEAD") co_return service_text(405, "");
  if (path == "/healthz") co_return service_text(200, "ok\n");
  if (!may_see_status(request.header("host").value_or(""), config_.public_url))
    co_return service_text(421, "this is shown under this host's loopback names and public_url\n");
  if (page) co_return co_await status();
  if (path == "/readyz") co_return readiness();
  auto response = service_text(200, metrics_text(engine_->figures(), gateway_->figures(), slack_->counts(),
                                                 limiter_->waits(), loop_.now()));
  response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
  co_return response;
}

}  // namespace watchbill::daemon
