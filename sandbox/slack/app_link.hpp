#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/curl_client.hpp"
#include "sandbox/slack/socket_mode.hpp"
#include "sandbox/world.hpp"

/// The way from Slack to the app, over Socket Mode or over HTTP request URLs, and what the app answered.
namespace watchbill::sandbox {

enum class AppTransport { socket, http };

/// Something that Slack tells the app.
struct AppDelivery {
  std::string envelope;  ///< "events_api", "interactive" or "slash_commands"
  std::string type;      ///< "block_actions", "app_home_opened", "/oncall", ...: for the log
  std::string payload;   ///< JSON
  int retry = 0;         ///< of events
  std::string retry_reason{};
};

struct AppAnswer {
  bool acked = false;  ///< within three seconds, and not refused
  std::string body{};  ///< JSON or, from a command's URL, text; empty: none
  bool json = false;
  std::string trouble{};  ///< what went wrong, as Slack names it: "operation_timeout", "http_error", ...
  milliseconds took{0};
};

/// One line of the log of deliveries.
struct AppRecord {
  std::uint64_t seq = 0;
  Instant at{};
  AppTransport transport = AppTransport::socket;
  std::string envelope;
  std::string type;
  std::string id;  ///< of the envelope; of HTTP requests: made up
  std::uint64_t connection = 0;
  int retry = 0;
  int status = 0;  ///< HTTP
  /// When the app answered, also too late; nothing: not yet.
  std::optional<milliseconds> answered{};
  std::string trouble{};
};

/// How the app is reached. Kept over a reset of the world.
struct AppTransportSettings {
  AppTransport mode = AppTransport::socket;
  /// HTTP: the request URLs; empty ones are those of `events_url`.
  std::string events_url;
  std::string actions_url;
  std::string options_url;
  std::string commands_url;
  /// "good", "wrong" or "none": of requests, for tests of those who must check it.
  std::string signature = "good";
  milliseconds skew{0};  ///< added to X-Slack-Request-Timestamp
  milliseconds patience = 3s;
  std::vector<milliseconds> retry_after{0ms, 1min, 5min};
};

class AppLink {
 public:
  AppLink(net::EventLoop& loop, World& world, std::function<void()> changed);
  Result<void> listen(const std::string& address) { return socket_.listen(address); }

  AppTransportSettings settings;
  [[nodiscard]] SocketMode& socket() { return socket_; }

  /// Delivers once and waits for the answer: at most `settings.patience`.
  net::Task<AppAnswer> deliver(AppDelivery delivery);
  /// Sends an event_callback on its own, with Slack's retries. `event` is the inner object.
  void tell(const std::string& event, const std::string& event_id);
  /// Sends url_verification to the events URL; why it failed, or nothing.
  net::Task<std::string> verify_url();
  /// Nothing more of the events that wait for a retry.
  void forget_events();

  std::deque<AppRecord> records;
  std::uint64_t next_seq = 1;
  /// Frames that were no acknowledgements, late or foreign ones: newest last.
  std::deque<std::string> strange;

 private:
  /// Somebody waits for this envelope's acknowledgement.
  struct Waiting {
    std::uint64_t connection;
    net::Signal answered;
    bool done = false;
    std::string payload{};
  };

  net::Task<AppAnswer> over_socket(AppDelivery delivery, AppRecord record);
  net::Task<AppAnswer> over_http(AppDelivery delivery, AppRecord record);
  net::Task<void> tell_until_heard(std::string payload, std::string type);
  net::HttpRequest request_for(const AppDelivery& delivery) const;
  AppRecord new_record(const AppDelivery& delivery) const;
  AppAnswer finish(AppRecord record, AppAnswer answer);
  void acked(const SocketAck& ack);
  void note(std::string what);

  net::EventLoop& loop_;
  World& world_;
  std::function<void()> changed_;
  net::CurlClient http_;
  SocketMode socket_;
  std::map<std::string, Waiting*> waiting_;
  std::uint64_t next_envelope_ = 1;
  std::unique_ptr<net::TaskScope> events_;
};

/// "v0=..." over "v0:TIMESTAMP:BODY" (docs.slack.dev/authentication/verifying-requests-from-slack).
std::string slack_signature(const std::string& secret, std::int64_t timestamp, const std::string& body);

}  // namespace watchbill::sandbox
