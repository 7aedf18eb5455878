#include "slack/transport/socket_mode.hpp"

#include "tests/integration/slack/small_app.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using test::SmallApp;

namespace {

net::WebSocketOptions quick_pings() {
  net::WebSocketOptions options;
  options.ping_interval = 50ms;
  options.dead_after = 300ms;
  return options;
}

SocketModeOptions quick_pauses() {
  SocketModeOptions options;
  options.first_pause = 20ms;
  options.longest_pause = 200ms;
  options.slow_pause = 300ms;
  options.settled_after = 0ms;
  options.linger = 300ms;
  return options;
}

struct Bench {
  explicit Bench(net::WebSocketOptions sockets_options = {}) : sockets(app.w.loop, {}, sockets_options) {
    mode.start();
    app.until([this] { return up(); });
  }
  ~Bench() { app.w.run(mode.stop()); }
  [[nodiscard]] bool up() const { return mode.state().state == "up"; }
  json::Document socket(const std::string& more) { return app.w.control(R"({"do":"socket")" + more + "}"); }
  bool answers() {
    const auto reply = app.command();
    return reply.root()["messages"].size() == 1;
  }

  SmallApp app;
  net::CurlWebSocketClient sockets;
  ConnectionAddresses addresses{*app.client, app.w.limiter};
  SocketMode mode{app.w.loop, sockets, addresses, app.dispatcher, quick_pauses()};
};

}  // namespace

TEST_CASE("Socket Mode against the sandbox: every way in and out") {
  Bench b;
  test::try_everything(b.app);
  CHECK(b.mode.connections() == 1);
  CHECK(b.socket("").root()["connections"].size() == 1);
}

TEST_CASE("a warning moves the app to a new connection without losing anything") {
  Bench b;
  for (const auto* reason : {"warning", "refresh_requested"}) {
    const auto before = b.mode.connections();
    b.socket(R"(,"action":")" + std::string(reason) + R"(","seconds":1)");
    for (int i = 0; i < 20; ++i) REQUIRE(b.answers());
    CHECK(b.mode.connections() == before + 1);
    b.app.until([&] { return b.socket("").root()["connections"].size() == 1; });
  }
  CHECK(b.mode.failures() == 0);
}

TEST_CASE("a connection that is closed, dropped or reset is opened again") {
  Bench b;
  for (const auto* action : {"close", "drop", "reset"}) {
    INFO(action);
    const auto before = b.mode.connections();
    b.socket(R"(,"action":")" + std::string(action) + "\"");
    b.app.until([&] { return b.mode.connections() > before && b.up(); });
    CHECK(b.answers());
  }
}

TEST_CASE("a half-open connection is noticed, and replaced") {
  Bench b(quick_pings());
  const auto before = b.mode.connections();
  b.socket(R"(,"action":"silent")");
  b.app.until([&] { return b.mode.connections() > before && b.up(); });
  // Slack may still think that the dead one lives, and send some there.
  b.app.w.control(R"({"do":"transport","patience_seconds":0.3})");
  b.app.until([&] { return b.answers(); });
}

TEST_CASE("switched off in the app's settings: told, and back when it is on again") {
  Bench b;
  b.socket(R"(,"action":"link_disabled","seconds":0)");
  b.app.until([&] { return b.mode.state().state == "down"; });
  b.app.until([&] { return b.mode.failures() > 0; });
  CHECK(b.mode.state().problem.find("switched off") != std::string::npos);
  b.socket(R"(,"action":"enable")");
  b.app.until([&] { return b.up(); });
  CHECK(b.answers());
}

TEST_CASE("connections of somebody else that are too many: ours makes room and comes back") {
  Bench b;
  const auto before = b.mode.connections();
  b.socket(R"(,"action":"too_many_websockets")");
  b.app.until([&] { return b.mode.connections() > before && b.up(); });
  CHECK(b.socket("").root()["connections"].size() == 1);
  CHECK(b.answers());
}

TEST_CASE("a dead app-level token is told with its fix") {
  Bench b;
  b.app.w.control(R"({"do":"token","token":"xapp-sandbox-app","error":"invalid_auth"})");
  b.socket(R"(,"action":"close")");
  b.app.until([&] { return b.mode.state().problem.find("slack.app_token_file") != std::string::npos; });
  CHECK(b.mode.state().state == "down");
  b.app.w.control(R"({"do":"token","token":"xapp-sandbox-app","error":null})");
  b.app.until([&] { return b.up(); });
}

TEST_CASE("an event that Slack repeats is handled once") {
  Bench b;
  for (int i = 0; i < 3; ++i) {
    b.app.w.control(R"({"do":"event","event":{"type":"app_home_opened","user":"U0ADA"},"event_id":"Ev1"})");
  }
  b.app.until([&] { return b.app.dispatcher.figures().duplicates == 2; });
  CHECK(b.app.kinds.size() == 1);
}

TEST_CASE("an app that takes longer than Slack waits is acknowledged in time all the same") {
  Bench b;
  b.app.delay = 4s;
  const auto reply = b.app.command();
  CHECK(reply.root()["acked"].boolean_or(false));
  CHECK(reply.root()["shown"].is_null());
  CHECK(b.app.dispatcher.figures().late == 1);
}
