#include "slack/transport/http_receiver.hpp"
#include "tests/integration/slack/small_app.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using test::SmallApp;

namespace {

struct Bench {
  Bench() {
    net::ServerOptions options;
    options.max_body = kMaxSlackRequest;
    auto started = net::HttpServer::listen(
        app.w.loop, "127.0.0.1:0",
        [this](net::ServerRequest request) { return receiver.answer(std::move(request)); }, options);
    REQUIRE(started);
    server = std::move(*started);
    transport(R"("mode":"http","url":")" + server->url() + R"(/slack/events","actions_url":")" +
              server->url() + R"(/slack/interactions","options_url":")" + server->url() +
              R"(/slack/options","commands_url":")" + server->url() + R"(/slack/commands")");
  }
  void transport(const std::string& fields) { app.w.control(R"({"do":"transport",)" + fields + "}"); }

  SmallApp app;
  /// As one that has run for an hour: what was signed before its start is refused.
  HttpReceiver receiver{app.w.loop, app.dispatcher, Secret("sandbox-signing-secret"), [] { return -1h; }};
  std::unique_ptr<net::HttpServer> server;
};

}  // namespace

TEST_CASE("request URLs against the sandbox: every way in and out") {
  Bench b;
  CHECK(b.receiver.state().state == "waiting");
  CHECK(b.app.act(R"({"do":"verify_url"})").root()["verified"].boolean_or(false));
  test::try_everything(b.app);
  CHECK(b.receiver.state().state == "up");
  CHECK(b.receiver.refused() == 0);
}

TEST_CASE("what is signed wrongly, not at all or long ago does nothing") {
  Bench b;
  for (const auto* fields : {R"("signature":"wrong")", R"("signature":"none")",
                             R"("signature":"good","skew_seconds":-301)", R"("skew_seconds":303)"}) {
    INFO(fields);
    b.transport(fields);
    CHECK(b.app.command().root()["messages"].size() == 0);
    CHECK_FALSE(b.app.act(R"({"do":"verify_url"})").root()["verified"].boolean_or(true));
  }
  CHECK(b.app.kinds.empty());
  CHECK(b.receiver.refused() == 8);
  b.transport(R"("skew_seconds":-290)");
  CHECK(b.app.command().root()["messages"].size() == 1);
}

TEST_CASE("an event that Slack repeats over HTTP is handled once") {
  Bench b;
  for (int i = 0; i < 3; ++i) {
    b.app.w.control(R"({"do":"event","event":{"type":"app_home_opened","user":"U0ADA"},"event_id":"Ev1"})");
  }
  b.app.until([&] { return b.app.dispatcher.figures().duplicates == 2; });
  CHECK(b.app.kinds.size() == 1);
}
