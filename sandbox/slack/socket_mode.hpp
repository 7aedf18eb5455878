#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sandbox/slack/web_socket_server.hpp"

/// Slack's end of Socket Mode: who is connected, and what goes over which connection
/// (docs.slack.dev/apis/events-api/using-socket-mode).
namespace watchbill::sandbox {

/// An app's answer to an envelope.
struct SocketAck {
  std::uint64_t connection = 0;
  std::string envelope_id;
  std::string payload;  ///< JSON; empty if it has none, or an empty object
};

struct SocketConnection {
  std::uint64_t id = 0;
  Instant opened{};
  bool leaving = false;  ///< was told to go: gets something only if there is no other
  bool closing = false;  ///< a close frame was sent; still counts until the client ends the connection
  bool silent = false;   ///< dead, and does not show it
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;
  net::Timer ending{};
};

class SocketMode {
 public:
  /// At most so many connections of one app.
  static constexpr std::size_t kMaxConnections = 10;

  struct Listener {
    std::function<void(SocketAck)> acked;
    /// A frame that is no acknowledgement: what is wrong with it.
    std::function<void(std::uint64_t connection, std::string what)> strange;
    std::function<void()> changed;  ///< connections came, went or were told to
  };

  SocketMode(net::EventLoop& loop, Listener listener) : loop_(loop), listener_(std::move(listener)) {}
  Result<void> listen(const std::string& address);

  /// What apps.connections.open gives: a URL that lets one connection in within 30 s.
  std::string new_url(const std::string& app_id);
  /// Sends a frame over one of the connections and says which; nothing if there is none.
  std::optional<std::uint64_t> send(std::string_view frame);

  /// A switch of the app's settings: while off nobody gets in.
  bool enabled = true;
  [[nodiscard]] const std::map<std::uint64_t, SocketConnection>& connections() const { return connections_; }
  /// True if something could be sent now.
  [[nodiscard]] bool up() const;

  /// Tells a connection to go ("warning", ...) and closes it after `patience`.
  void disconnect(std::uint64_t id, std::string_view reason, milliseconds patience);
  void close(std::uint64_t id);
  void drop(std::uint64_t id, bool reset);
  void silence(std::uint64_t id);
  void ping(std::uint64_t id);

 private:
  int admit(const std::string& target);
  void opened(std::uint64_t id, const std::string& target);
  void received(std::uint64_t id, const std::string& text);
  void gone(std::uint64_t id);
  void say_hello(std::uint64_t id);
  void say_disconnect(std::uint64_t id, std::string_view reason);
  void keep_alive();

  net::EventLoop& loop_;
  Listener listener_;
  std::unique_ptr<WebSocketServer> server_;
  std::map<std::string, Instant> tickets_;
  std::map<std::uint64_t, SocketConnection> connections_;
  std::uint64_t last_used_ = 0;
  std::uint64_t next_ticket_ = 1;
  std::string app_id_;
  net::Timer beat_;
};

}  // namespace watchbill::sandbox
