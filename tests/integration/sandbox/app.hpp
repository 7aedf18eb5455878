#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "net/http_server.hpp"
#include "net/web_socket.hpp"
#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {

/// What an app hears and says over one Socket Mode connection. `answer` gives the acknowledgement's payload
/// (JSON, or empty); "silence" stands for none at all.
struct SocketApp {
  explicit SocketApp(Room& with) : room(with), client(with.loop, {}) { connect(); }
  ~SocketApp() { tasks.cancel(); }

  Room& room;
  net::CurlWebSocketClient client;
  std::unique_ptr<net::WebSocket> socket;
  std::deque<json::Document> frames;
  std::string ended;  ///< why the connection is over
  milliseconds delay{0};
  std::function<std::string(json::View envelope)> answer = [](json::View) { return std::string{}; };
  net::TaskScope tasks;

  std::string url() {
    net::HttpRequest request;
    request.method = "POST";
    request.url = room.sandbox->slack_api() + "apps.connections.open";
    request.authorization = Secret("Bearer xapp-sandbox-app");
    const auto reply = room.send(std::move(request));
    INFO(reply.slack());
    REQUIRE(reply.slack() == "ok");
    return reply["url"].string_or("");
  }
  void connect() {
    auto connected = room.loop.run_until_done(client.connect(url()));
    INFO((connected ? std::string() : connected.error().message));
    REQUIRE(connected);
    socket = std::move(*connected);
    tasks.spawn(listen(*this));
  }
  static net::Task<void> listen(SocketApp& self) {
    for (;;) {
      auto text = co_await self.socket->receive();
      if (!text) {
        self.ended = text.error().message;
        co_return;
      }
      auto frame = json::parse(*text);
      if (!frame) co_return;
      self.frames.push_back(std::move(*frame));
      const auto envelope = self.frames.back().root();
      if (!envelope["envelope_id"].exists()) continue;
      const auto payload = self.answer(envelope);
      if (payload == "silence") continue;
      if (self.delay > milliseconds(0)) co_await net::sleep_for(self.room.loop, self.delay);
      self.acknowledge(envelope["envelope_id"].string_or(""), payload);
    }
  }
  void acknowledge(const std::string& envelope, const std::string& payload) {
    json::Writer w;
    w.begin_object().field("envelope_id", envelope);
    if (!payload.empty()) w.key("payload").raw(payload);
    w.end_object();
    (void)socket->send(w.take());
  }
  /// The frame that came last of this type, waiting for it.
  json::View heard(const std::string& type, std::size_t count = 1) {
    std::size_t found = 0;
    json::View last;
    for (int turn = 0; turn < 500; ++turn) {
      found = 0;
      for (const auto& frame : frames) {
        if (frame.root()["type"].string_or("") != type) continue;
        ++found;
        last = frame.root();
      }
      if (found >= count) return last;
      room.wait(10ms);
    }
    FAIL("no " << type << " came");
    return {};
  }
};

/// An app behind request URLs.
struct HttpApp {
  explicit HttpApp(Room& with) : room(with) {
    auto started = net::HttpServer::listen(
        with.loop, "127.0.0.1:0",
        [this](net::ServerRequest request) { return serve(*this, std::move(request)); }, {});
    REQUIRE(started);
    server = std::move(*started);
    room.control(R"({"do":"transport","mode":"http","url":")" + server->url() + R"(/slack"})");
  }

  Room& room;
  std::deque<net::ServerRequest> requests;
  std::function<net::ServerResponse(const net::ServerRequest&)> answer = [](const net::ServerRequest&) {
    return net::ServerResponse{};
  };
  std::unique_ptr<net::HttpServer> server;

  static net::Task<net::ServerResponse> serve(HttpApp& self, net::ServerRequest request) {
    self.requests.push_back(std::move(request));
    co_return self.answer(self.requests.back());
  }
  static net::ServerResponse json(std::string body) {
    return {.headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
  }
};

/// Carries out an action that waits for the app.
inline Reply act(Room& room, const std::string& action) {
  auto answer = room.loop.run_until_done(room.sandbox->act(action));
  INFO(action << ": " << (answer ? std::string() : answer.error().message));
  REQUIRE(answer);
  Reply reply;
  *reply.document = std::move(*json::parse(*answer));
  return reply;
}
inline std::string act_refused(Room& room, const std::string& action) {
  auto answer = room.loop.run_until_done(room.sandbox->act(action));
  INFO((answer ? *answer : std::string()));
  REQUIRE_FALSE(answer);
  return answer.error().message;
}

}  // namespace watchbill::test
