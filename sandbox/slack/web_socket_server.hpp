#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/event_loop.hpp"

namespace watchbill::sandbox {

/// What the owner of a `WebSocketServer` is told. Called by the loop; none may throw or destroy the server.
struct WebSocketEvents {
  /// A client asks for this target ("/link/?ticket=..."): 101 lets it in, any other status refuses it.
  std::function<int(const std::string& target)> admit;
  std::function<void(std::uint64_t id, const std::string& target)> opened;
  std::function<void(std::uint64_t id, std::string text)> received;
  /// Its TCP connection is gone.
  std::function<void(std::uint64_t id)> gone;
};

/// The server's end of WebSocket connections (RFC 6455) on a loopback address: libevent, an upgrade of its
/// own and wslay. Pings and close frames are answered, and after a close the TCP connection is left to the
/// client, as Slack does. Connections are known by numbers; a number that is gone is ignored.
class WebSocketServer {
 public:
  /// Errors: as `net::listen_on_loopback`.
  static Result<std::unique_ptr<WebSocketServer>> listen(net::EventLoop& loop, const std::string& address,
                                                         WebSocketEvents events);
  ~WebSocketServer();
  WebSocketServer(const WebSocketServer&) = delete;
  WebSocketServer& operator=(const WebSocketServer&) = delete;

  /// "ws://127.0.0.1:41234"
  [[nodiscard]] const std::string& url() const;
  void send(std::uint64_t id, std::string_view text);
  void ping(std::uint64_t id, std::string_view bytes);
  /// Sends a close frame after what is queued.
  void close(std::uint64_t id, int code);
  /// Ends the TCP connection; `reset` with a RST.
  void drop(std::uint64_t id, bool reset);
  /// From now on nothing is read and nothing sent: the other end cannot tell.
  void silence(std::uint64_t id);
  /// When anything last arrived.
  [[nodiscard]] SteadyInstant last_heard(std::uint64_t id) const;

 private:
  struct Impl;
  explicit WebSocketServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::sandbox
