#pragma once

#include <list>
#include <memory>
#include <random>
#include <string>

#include "net/web_socket.hpp"
#include "slack/api/web_client.hpp"
#include "slack/transport/dispatcher.hpp"
#include "slack/transport/transport.hpp"

namespace watchbill::slack {

/// Where Socket Mode connects to.
class SocketAddresses {
 public:
  virtual ~SocketAddresses() = default;
  /// A fresh address for one connection, to be used at once.
  virtual net::Task<Result<std::string>> next() = 0;
};

/// By apps.connections.open, within the budget.
class ConnectionAddresses final : public SocketAddresses {
 public:
  ConnectionAddresses(WebClient& client, RateLimiter& limiter) : client_(client), limiter_(limiter) {}
  net::Task<Result<std::string>> next() override;

 private:
  WebClient& client_;
  RateLimiter& limiter_;
};

struct SocketModeOptions {
  milliseconds first_pause{1s};  ///< before the first attempt after a failure; doubles up to `longest_pause`
  milliseconds longest_pause{60s};
  milliseconds slow_pause{5min};    ///< where only a person can help
  milliseconds settled_after{60s};  ///< a connection that lived so long was no failure
  milliseconds hello_deadline{10s};
  milliseconds linger{10s};  ///< how long a connection that was replaced may still deliver
  std::uint32_t seed = std::random_device{}();
};

/// Slack's Socket Mode: keeps one WebSocket connection open and hands what comes to the dispatcher
/// (docs.slack.dev/apis/events-api/using-socket-mode). An envelope is acknowledged on the connection it came
/// from. When Slack announces the end of a connection, the new one is opened first and the old one finishes
/// what it has begun. There is one path to a connection, with one backoff.
class SocketMode {
 public:
  SocketMode(net::Loop& loop, net::WebSocketClient& sockets, SocketAddresses& addresses,
             Dispatcher& dispatcher, SocketModeOptions options = {});
  /// Drops everything. Prefer `stop`.
  ~SocketMode();
  SocketMode(const SocketMode&) = delete;
  SocketMode& operator=(const SocketMode&) = delete;

  void start();
  /// Opens nothing new, acknowledges what has come and closes.
  net::Task<void> stop();

  [[nodiscard]] TransportState state() const;
  /// Connections that said hello, and attempts that failed or connections that ended early, since the start.
  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  struct Link;
  using LinkPtr = std::shared_ptr<Link>;
  /// What became of an attempt.
  struct Attempt {
    LinkPtr link;
    std::optional<Error> error;
    bool needs_a_person = false;
  };

  net::Task<void> run();
  net::Task<Attempt> open_link();
  net::Task<void> read(LinkPtr link);
  net::Task<void> answer(LinkPtr link, Envelope envelope);
  net::Task<void> retire(LinkPtr link, milliseconds linger);
  void take(const LinkPtr& link, const std::string& frame);
  [[nodiscard]] bool needs_link() const;
  [[nodiscard]] milliseconds pause_after_loss();
  [[nodiscard]] milliseconds pause_after_failure(const Attempt& attempt);
  [[nodiscard]] milliseconds backoff();
  void went_up(const LinkPtr& link);
  /// What is wrong, until the next connection.
  void note(const std::string& problem);

  net::Loop& loop_;
  net::WebSocketClient& sockets_;
  SocketAddresses& addresses_;
  Dispatcher& dispatcher_;
  SocketModeOptions options_;
  std::minstd_rand random_;
  LinkPtr current_;
  std::list<LinkPtr> links_;  ///< all that are not closed yet
  Instant started_;
  Instant up_since_;
  std::string problem_;
  bool stopping_ = false;
  bool switched_off_ = false;  ///< Slack said so (link_disabled), and no connection has come up since
  int failed_in_row_ = 0;
  std::uint64_t connections_ = 0;
  std::uint64_t failures_ = 0;
  net::Signal changed_;
  net::TaskScope tasks_;
  net::TaskScope supervisor_;  ///< the one path to a connection
};

}  // namespace watchbill::slack
