#include "net/web_socket.hpp"

#include <future>

#include "net/web_socket_handshake.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_server.hpp"

using namespace watchbill;
using namespace watchbill::net;
using test::RawServer;

namespace {

constexpr int kContinuation = 0;
constexpr int kText = 1;
constexpr int kBinary = 2;
constexpr int kClose = 8;
constexpr int kPing = 9;
constexpr int kPong = 10;

/// A frame as a server sends it (RFC 6455, section 5.2). `announced`: a length that is not the payload's.
std::string frame(int opcode, std::string_view payload, bool last = true,
                  std::optional<std::uint64_t> announced = {}) {
  const auto length = announced.value_or(payload.size());
  std::string out(1, static_cast<char>(opcode | (last ? 0x80 : 0)));
  const int bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  out += static_cast<char>(bytes == 0 ? length : bytes == 2 ? 126 : 127);
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(length >> (8 * i) & 0xFF);
  return out.append(payload);
}

std::string close_frame(int code, std::string_view reason = "") {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return frame(kClose, payload.append(reason));
}

struct Received {
  int opcode = -1;  ///< -1 at the end
  bool masked = false;
  std::string payload{};
};

/// One frame from the client, unmasked.
Received read_frame(RawServer::Client& client) {
  const auto head = client.read_bytes(2);
  if (head.size() < 2) return {};
  Received out;
  out.opcode = head[0] & 0x0F;
  out.masked = (head[1] & 0x80) != 0;
  std::uint64_t length = head[1] & 0x7F;
  if (length >= 126) {
    const auto longer = client.read_bytes(length == 126 ? 2 : 8);
    length = 0;
    for (const char c : longer) length = length << 8U | static_cast<unsigned char>(c);
  }
  const auto mask = client.read_bytes(out.masked ? 4 : 0);
  out.payload = client.read_bytes(length);
  for (std::size_t i = 0; out.masked && i < out.payload.size(); ++i) {
    out.payload[i] = static_cast<char>(out.payload[i] ^ mask[i % 4]);
  }
  return out;
}

std::string upgraded(const std::string& request) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const auto begin = request.find(kName) + kName.size();
  const auto key = request.substr(begin, request.find("\r\n", begin) - begin);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         web_socket_accept(key) + "\r\n\r\n";
}

/// A server that shakes hands and then does what the test says.
RawServer::Script after_handshake(std::function<void(RawServer::Client&)> then) {
  return [then = std::move(then)](RawServer::Client& client, int) {
    client.send(upgraded(client.read_request()));
    then(client);
  };
}

struct Fixture {
  explicit Fixture(RawServer::Script script, WebSocketOptions options = {})
      : server(std::move(script)), client(loop, CurlOptions{}, options) {}

  Result<std::unique_ptr<WebSocket>> connect() {
    return loop.run_until_done(client.connect("ws" + server.url().substr(4) + "/link/?ticket=hush"));
  }
  /// Connects, for tests whose subject begins after that.
  void open() {
    auto connected = connect();
    INFO((connected ? std::string() : connected.error().message));
    REQUIRE(connected);
    socket = std::move(*connected);
  }
  Result<std::string> receive() { return loop.run_until_done(socket->receive()); }
  Error end() {
    auto received = receive();
    REQUIRE_FALSE(received);
    return received.error();
  }

  EventLoop loop;
  RawServer server;
  CurlWebSocketClient client;
  std::unique_ptr<WebSocket> socket;
};

Error refusal(RawServer::Script script, WebSocketOptions options = {}) {
  Fixture f(std::move(script), options);
  auto connected = f.connect();
  REQUIRE_FALSE(connected);
  CHECK(connected.error().message.find("hush") == std::string::npos);
  return connected.error();
}

RawServer::Script answer(std::string text) {
  return [text = std::move(text)](RawServer::Client& client, int) {
    client.read_request();
    client.send(text);
    client.wait_for_end();
  };
}

/// What the server saw, handed over when its thread is done.
template <class T>
struct Seen {
  std::promise<T> promise;
  T get() { return promise.get_future().get(); }
};

}  // namespace

TEST_CASE("text goes both ways, masked from our side, and in order") {
  Seen<std::vector<Received>> seen;
  Fixture f(after_handshake([&](RawServer::Client& client) {
    client.send(frame(kText, "hello") + frame(kText, std::string(70'000, 'x')) + frame(kText, ""));
    seen.promise.set_value({read_frame(client), read_frame(client), read_frame(client)});
    client.wait_for_end();
  }));
  f.open();
  CHECK(f.receive().value() == "hello");
  CHECK(f.receive().value() == std::string(70'000, 'x'));
  CHECK(f.receive().value().empty());
  REQUIRE(f.socket->send("one"));
  REQUIRE(f.socket->send(std::string(300'000, 'y')));
  REQUIRE(f.socket->send("two"));
  // Long texts need more turns of the loop.
  f.loop.run_until_done(f.socket->close());
  const auto frames = seen.get();
  CHECK(frames[0].payload == "one");
  CHECK(frames[0].opcode == kText);
  CHECK(frames[1].payload == std::string(300'000, 'y'));
  CHECK(frames[2].payload == "two");
  CHECK(std::all_of(frames.begin(), frames.end(), [](const Received& r) { return r.masked; }));
}

TEST_CASE("what comes in one piece with the handshake is not lost") {
  Fixture f([](RawServer::Client& client, int) {
    client.send(upgraded(client.read_request()) + frame(kText, "first") + frame(kText, "second"));
    client.wait_for_end();
  });
  f.open();
  CHECK(f.receive().value() == "first");
  CHECK(f.receive().value() == "second");
}

TEST_CASE("a message in fragments is one message, also with a ping between them") {
  Seen<Received> pong;
  Fixture f(after_handshake([&](RawServer::Client& client) {
    client.send(frame(kText, "a\xE2", false));
    client.send(frame(kPing, "are you there?"));
    client.send(frame(kContinuation, "\x82\xAC", false));
    client.send(frame(kContinuation, "z"));
    pong.promise.set_value(read_frame(client));
    client.wait_for_end();
  }));
  f.open();
  CHECK(f.receive().value() == "a\xE2\x82\xACz");
  const auto reply = pong.get();
  CHECK(reply.opcode == kPong);
  CHECK(reply.payload == "are you there?");
}

TEST_CASE("binary messages are passed over") {
  Fixture f(after_handshake([](RawServer::Client& client) {
    client.send(frame(kBinary, "\x01\x02") + frame(kText, "text"));
    client.wait_for_end();
  }));
  f.open();
  CHECK(f.receive().value() == "text");
}

TEST_CASE("a server that is no WebSocket is refused, and its status says why") {
  CHECK(refusal(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).kind == ErrorKind::unreadable);
  CHECK(refusal(answer("HTTP/1.1 403 Forbidden\r\n\r\n")).kind == ErrorKind::forbidden);
  CHECK(refusal(answer("HTTP/1.1 429 Slow\r\nRetry-After: 9\r\n\r\n")).retry_after == 9s);
  CHECK(refusal(answer("SSH-2.0-OpenSSH_9.2\r\n\r\n")).kind == ErrorKind::unreadable);
  CHECK(refusal(answer(std::string(40'000, 'a'))).kind == ErrorKind::unreadable);
  CHECK(refusal([](RawServer::Client&, int) {}).kind == ErrorKind::unreachable);
  CHECK(refusal([](RawServer::Client& client, int) {
          client.read_request();
          client.send("HTTP/1.1 101 Swit");
        }).kind == ErrorKind::unreachable);
}

TEST_CASE("a wrong accept key is refused") {
  const auto error =
      refusal(answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
  CHECK(error.kind == ErrorKind::unreadable);
  CHECK(error.message.find("does not fit our key") != std::string::npos);
}

TEST_CASE("a server that never answers the handshake is given up") {
  WebSocketOptions options;
  options.connect_deadline = 100ms;
  const auto error = refusal([](RawServer::Client& client, int) { client.wait_for_end(); }, options);
  CHECK(error.kind == ErrorKind::timeout);
}

TEST_CASE("nobody listens, and addresses that are not allowed") {
  EventLoop loop;
  CurlWebSocketClient client(loop, CurlOptions{});
  std::string url;
  {
    url = "ws" + RawServer([](RawServer::Client&, int) {}).url().substr(4);
  }
  CHECK(loop.run_until_done(client.connect(url)).error().kind == ErrorKind::unreachable);
  CHECK(loop.run_until_done(client.connect("ws://slack.com/")).error().kind == ErrorKind::invalid);
  CHECK(loop.run_until_done(client.connect("https://slack.com/")).error().kind == ErrorKind::invalid);
}

TEST_CASE("a server's close is answered, says its code, and comes after what was sent before") {
  Seen<Received> reply;
  Fixture f(after_handshake([&](RawServer::Client& client) {
    client.send(frame(kText, "last") + close_frame(1001, "going away"));
    reply.promise.set_value(read_frame(client));
    client.wait_for_end();
  }));
  f.open();
  CHECK(f.receive().value() == "last");
  const auto error = f.end();
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK(error.code == "1001");
  CHECK(reply.get().opcode == kClose);
  CHECK_FALSE(f.socket->send("too late"));
  CHECK(f.end().code == "1001");
}

TEST_CASE("a server that answers our close but keeps the connection is dropped") {
  Seen<Received> closed;
  Seen<bool> ended;
  Fixture f(after_handshake([&](RawServer::Client& client) {
    closed.promise.set_value(read_frame(client));
    client.send(close_frame(1000));
    client.wait_for_end();
    ended.promise.set_value(true);
  }));
  f.open();
  f.loop.run_until_done(f.socket->close());
  CHECK(closed.get().opcode == kClose);
  CHECK(ended.get());
  CHECK(f.end().kind == ErrorKind::cancelled);
}

TEST_CASE("a server that does not even answer our close is dropped after a while") {
  WebSocketOptions options;
  options.close_patience = 50ms;
  Seen<bool> ended;
  Fixture f(after_handshake([&](RawServer::Client& client) {
              client.wait_for_end();
              ended.promise.set_value(true);
            }),
            options);
  f.open();
  f.loop.run_until_done(f.socket->close());
  CHECK(ended.get());
  CHECK(f.end().kind == ErrorKind::cancelled);
}

TEST_CASE("an end without a word, and a reset, are ends") {
  Fixture quiet(after_handshake([](RawServer::Client&) {}));
  quiet.open();
  CHECK(quiet.end().kind == ErrorKind::unreachable);
  Fixture reset(after_handshake([](RawServer::Client& client) {
    client.send(frame(kText, "half of a message", true, 100));
    client.reset();
  }));
  reset.open();
  CHECK(reset.end().kind == ErrorKind::unreachable);
}

TEST_CASE("a message that ends half way is not delivered") {
  Fixture f(after_handshake([](RawServer::Client& client) {
    client.send(frame(kText, "whole") + frame(kText, "half", true, 100));
  }));
  f.open();
  CHECK(f.receive().value() == "whole");
  CHECK(f.end().kind == ErrorKind::unreachable);
}

TEST_CASE("what breaks the protocol ends the connection") {
  const std::vector<std::string> broken{
      frame(kText, "\xC0\xAF"),             // no UTF-8
      frame(kContinuation, "of nothing"),   // nothing to continue
      frame(3, "reserved"),                 // an opcode that is not defined
      frame(kPing, std::string(126, 'p')),  // a control frame that is too long
      frame(kText, "a", false) + frame(kText, "b"),
      "\xC1\x01"
      "a",             // an extension's bit
      close_frame(5),  // no status code
      "\x81\x81"
      "abcdX",  // masked, as only clients do
  };
  for (const auto& bytes : broken) {
    Seen<Received> reply;
    Fixture f(after_handshake([&](RawServer::Client& client) {
      client.send(bytes);
      reply.promise.set_value(read_frame(client));
      client.wait_for_end();
    }));
    f.open();
    CAPTURE(bytes);
    CHECK(f.end().kind == ErrorKind::unreadable);
    CHECK(reply.get().opcode == kClose);
  }
}

TEST_CASE("a message that is too long is refused before it is read") {
  WebSocketOptions options;
  options.max_message = 1000;
  for (const bool fragmented : {false, true}) {
    Fixture f(after_handshake([fragmented](RawServer::Client& client) {
                if (fragmented) {
                  client.send(frame(kText, std::string(999, 'x'), false));
                  client.send(frame(kContinuation, "xx"));
                } else {
                  client.send(frame(kText, "x", true, std::uint64_t{1} << 62U));
                }
                client.wait_for_end();
              }),
              options);
    f.open();
    const auto error = f.end();
    CHECK(error.kind == ErrorKind::unreadable);
    CHECK(error.message.find("longer than 1000 bytes") != std::string::npos);
  }
}

TEST_CASE("a half-open connection is found by our own pings") {
  WebSocketOptions options;
  options.ping_interval = 20ms;
  options.dead_after = 100ms;
  Seen<int> pings;
  Fixture f(after_handshake([&](RawServer::Client& client) {
              int count = 0;
              while (read_frame(client).opcode == kPing) ++count;
              pings.promise.set_value(count);
            }),
            options);
  f.open();
  const auto error = f.end();
  CHECK(error.kind == ErrorKind::timeout);
  f.socket.reset();
  CHECK(pings.get() >= 1);
}

TEST_CASE("a connection on which only pongs come is alive") {
  WebSocketOptions options;
  options.ping_interval = 10ms;
  options.dead_after = 2s;
  Fixture f(after_handshake([&](RawServer::Client& client) {
              for (int pings = 0; pings < 5; ++pings) {
                const auto ping = read_frame(client);
                client.send(frame(kPong, ping.payload));
              }
              client.send(frame(kText, "still here"));
              client.wait_for_end();
            }),
            options);
  f.open();
  CHECK(f.receive().value() == "still here");
}

TEST_CASE("a flood waits for whoever reads it, and nothing of it is lost") {
  constexpr int kCount = 20'000;
  Fixture f(after_handshake([](RawServer::Client& client) {
    std::string all;
    for (int i = 0; i < kCount; ++i) all += frame(kText, std::to_string(i));
    client.send(all);
    client.wait_for_end();
  }));
  f.open();
  for (int i = 0; i < kCount; ++i) REQUIRE(f.receive().value() == std::to_string(i));
}

TEST_CASE("a proxy is asked for a tunnel") {
  Seen<std::string> asked;
  RawServer proxy([&](RawServer::Client& client, int) {
    asked.promise.set_value(client.read_request());
    client.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  EventLoop loop;
  CurlOptions options;
  options.proxy = proxy.url();
  CurlWebSocketClient client(loop, options);
  const auto refused = loop.run_until_done(client.connect("wss://wss.slack.com/link/?ticket=hush"));
  CHECK(refused.error().kind == ErrorKind::unreachable);
  const auto request = asked.get();
  CHECK(request.starts_with("CONNECT wss.slack.com:443 HTTP/1.1\r\n"));
  CHECK(request.find("hush") == std::string::npos);
}

TEST_CASE("giving up while connecting leaves nothing behind") {
  EventLoop loop;
  RawServer server([](RawServer::Client& client, int) { client.wait_for_end(); });
  CurlWebSocketClient client(loop, CurlOptions{});
  {
    struct Wait {
      static Task<void> connect(CurlWebSocketClient& client, std::string url) {
        (void)co_await client.connect(std::move(url));
      }
    };
    TaskScope scope;
    scope.spawn(Wait::connect(client, "ws" + server.url().substr(4)));
    loop.run_until_done([](EventLoop& on) -> Task<void> { co_await sleep_for(on, 20ms); }(loop));
  }
  loop.run_until_done([](EventLoop& on) -> Task<void> { co_await sleep_for(on, 1ms); }(loop));
}
