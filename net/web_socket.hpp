#pragma once

#include <memory>
#include <string>

#include "net/curl_client.hpp"

namespace watchbill::net {

/// The client's end of a WebSocket connection (RFC 6455) for text messages. Pings are answered by itself;
/// binary messages are ignored. Destroying it drops the connection; nobody may wait for it then.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// The next text message, in order. Messages that came before the end are delivered before the error that
  /// says why it ended: `unreachable` (closed or reset by the other side; `code` is the status of its close
  /// frame, if it sent one), `timeout` (nothing was heard for too long), `unreadable` (the other side broke
  /// the protocol, or sent too long a message), `cancelled` (`close`). One task at a time.
  virtual Task<Result<std::string>> receive() = 0;
  /// Queues a text message; messages leave in order. An error means that it will not be sent.
  virtual Result<void> send(std::string_view text) = 0;
  /// Says goodbye, and returns when the other side has, or a second has passed: some never close the
  /// connection themselves. What was queued is sent before.
  virtual Task<void> close() = 0;
};

/// Opens WebSocket connections.
class WebSocketClient {
 public:
  virtual ~WebSocketClient() = default;
  /// `url`: wss://…, or ws:// to a loopback address; errors never repeat its query. Errors besides those of
  /// `HttpClient`: what the server's status says where it refuses the upgrade.
  virtual Task<Result<std::unique_ptr<WebSocket>>> connect(std::string url) = 0;
};

struct WebSocketOptions {
  /// From the beginning to the end of the handshake.
  milliseconds connect_deadline{15s};
  /// A longer message ends the connection.
  std::size_t max_message = std::size_t{4} << 20U;
  /// How often we ask whether the other side is still there.
  milliseconds ping_interval{10s};
  /// A connection on which nothing at all arrives for so long is dead: a half-open one never says so.
  milliseconds dead_after{30s};
  /// How long the other side may take to close after the close frames.
  milliseconds close_patience{1s};
};

/// `WebSocketClient` on libcurl, with its proxy and certificates, and wslay.
class CurlWebSocketClient final : public WebSocketClient {
 public:
  CurlWebSocketClient(EventLoop& loop, CurlOptions curl, WebSocketOptions options = {});
  Task<Result<std::unique_ptr<WebSocket>>> connect(std::string url) override;

 private:
  EventLoop& loop_;
  CurlOptions curl_;
  WebSocketOptions options_;
};

}  // namespace watchbill::net
