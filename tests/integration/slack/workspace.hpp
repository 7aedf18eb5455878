#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "net/curl_client.hpp"
#include "sandbox/sandbox.hpp"
#include "slack/api/web_client.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::test {

/// The client and an empty sandbox workspace on one loop, over real sockets.
struct SlackWorkspace {
  net::EventLoop loop;
  net::CurlClient http{loop, {}};
  std::unique_ptr<sandbox::Sandbox> sandbox = start(loop);
  slack::RateLimiter limiter{loop, 1};
  slack::WebClient client{http, limiter, options()};

  /// Without rate limits: they are switched on by those tests that are about them.
  SlackWorkspace() {
    control(R"({"do":"reset","empty":true})");
    control(R"({"do":"rate","off":true})");
  }

  [[nodiscard]] slack::WebClientOptions options() const {
    slack::WebClientOptions out;
    out.api_url = sandbox->slack_api();
    out.bot_token = Secret("xoxb-sandbox-bot");
    out.deadline = 3s;
    return out;
  }
  [[nodiscard]] slack::WebClientOptions with_token(const std::string& bot_token) const {
    auto out = options();
    out.bot_token = Secret(bot_token);
    return out;
  }

  json::Document control(const std::string& action) {
    INFO(action);
    auto answer = sandbox->control(action);
    INFO((answer ? std::string() : answer.error().message));
    REQUIRE(answer);
    auto document = json::parse(*answer);
    REQUIRE(document);
    return std::move(*document);
  }
  template <class T>
  T run(net::Task<T> task) {
    return loop.run_until_done(std::move(task));
  }
  /// ada, bo and cy; the group @oncall (S0ONCALL) with bo in it; the channel #payments (C0PAYMENTS).
  void populate() {
    control(R"({"do":"person","key":"ada","name":"Ada Example","email":"ada@example.com"})");
    control(R"({"do":"person","key":"bo","name":"Bo Example","email":"bo@example.com"})");
    control(R"({"do":"person","key":"cy","name":"Cy Example","email":"cy@example.com"})");
    control(R"({"do":"channel","name":"payments","bot":true})");
    control(R"({"do":"group","handle":"oncall","people":["bo"],"default_channels":["payments"],"by":"ada"})");
  }
  void fault(const std::string& fields) { control(R"({"do":"fault","system":"slack",)" + fields + "}"); }

 private:
  static std::unique_ptr<sandbox::Sandbox> start(net::EventLoop& loop) {
    auto started = sandbox::Sandbox::start(loop, {});
    REQUIRE(started);
    return std::move(*started);
  }
};

inline slack::Permit permit(slack::Method method) {
  return slack::Permit::grant(method);
}

}  // namespace watchbill::test
