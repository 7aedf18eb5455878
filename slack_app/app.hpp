#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "engine/targets/write_forecast.hpp"
#include "net/http_server.hpp"
#include "slack/api/api.hpp"
#include "slack/limits/rate_limiter.hpp"
#include "slack/people/change_event.hpp"
#include "slack/transport/delivery.hpp"
#include "store/async_store.hpp"

namespace watchbill::slack_app {

/// What the app works with. All of it outlives the app.
struct AppPorts {
  net::Loop& loop;
  store::AsyncStore store;
  net::HttpClient& http;
  slack::Groups& groups;
  slack::Users& people;
  slack::Channels& channels;
  slack::Views& views;
  slack::Account& account;
  slack::RateLimiter& limiter;
  const config::Config& config;
  /// When a rotation's group will be written (`engine::Engine::forecast`).
  std::function<std::optional<engine::WriteForecast>(RotationId)> forecast;
  /// The app changed something that the engine acts on (`engine::Engine::notice_changes`).
  std::function<void()> notice_changes;
  /// An event of Slack's says that something changed there (`engine::Engine::hear`).
  std::function<void(const slack::ChangeEvent&)> hear{};
  /// Why the store takes no writes now, if it does not (`engine::Engine::check_store`).
  std::function<Result<void>()> check_store{};
};

/// The Slack app: what people see and do in Slack, and the pages on which a system is connected in a
/// browser. On the loop's thread.
class App final : public slack::Receiver {
 public:
  explicit App(AppPorts ports);
  ~App() override;
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Begins to keep home tabs true, and asks Slack what the app is called.
  void start();
  net::Task<std::string> receive(slack::Delivery delivery) override;
  /// Answers everything under /oauth/.
  net::Task<net::ServerResponse> page(net::ServerRequest request);
  /// Paths among them that take a POST.
  static std::vector<std::string> posts();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::slack_app
