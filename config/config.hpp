#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "config/secret_file.hpp"
#include "core/access/may.hpp"

/// The configuration: /etc/watchbill/watchbill.yaml, the environment and flags.
namespace watchbill::config {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };
/// How Slack reaches the app: through a WebSocket that we open, or requests that it sends.
enum class SlackMode { socket, http };

struct Http {
  std::string proxy{};    ///< URL; empty for none
  std::string ca_file{};  ///< PEM; empty for the system's certificates
  bool operator==(const Http&) const = default;
};

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  bool operator==(const Log&) const = default;
};

struct Slack {
  SlackMode mode = SlackMode::socket;
  std::string api_url = "https://slack.com/api/";  ///< ends with '/'
  SecretSource bot_token{"slack.bot_token_file", "slack-bot-token", SecretKind::bot_token};
  SecretSource app_token{"slack.app_token_file", "slack-app-token", SecretKind::app_token};
  SecretSource signing_secret{"slack.signing_secret_file", "slack-signing-secret",
                              SecretKind::signing_secret};
  SecretSource user_token{"slack.user_token_file", "slack-user-token", SecretKind::user_token};
  std::optional<ChannelId> alert_channel{};
  double rate_scale = 1;
  bool history_probe = false;
  std::string command = "/oncall";
  bool credentials_in_modals = true;
  Editors editors{};
  bool operator==(const Slack&) const = default;
};

/// What is set for one kind of scheduling system. Not every kind has a key for each of these.
struct ProviderSettings {
  std::string api_url{};          ///< empty: that of the account's region or of the connection's host
  std::string identity_url{};     ///< where people sign in with a browser
  std::string oauth_client_id{};  ///< empty for none
  SecretSource oauth_client_secret{};
  std::vector<std::string> allowed_hosts{};  ///< lower case; beyond those that the adapter allows itself
  bool operator==(const ProviderSettings&) const = default;
};
/// Every kind that has keys, with their defaults (config/keys.cpp).
std::map<std::string, ProviderSettings> default_providers();

/// What each member means is said once, in the table of keys (config/keys.cpp).
struct Config {
  std::string store = "/var/lib/watchbill/watchbill.db";
  std::string key_file = "/var/lib/watchbill/key";
  std::string listen = "127.0.0.1:9469";  ///< "address:port"; empty: nothing listens
  bool status_page = false;
  std::string public_url{};  ///< without a '/' at its end; empty for none
  milliseconds poll_interval = 60s;
  milliseconds history_retention = days{400};
  SecretSource alert_webhook_url{"alert_webhook_url_file", "alert-webhook", SecretKind::url};
  SecretSource heartbeat_url{"heartbeat_url_file", "heartbeat", SecretKind::url};
  Http http{};
  Log log{};
  Slack slack{};
  std::map<std::string, ProviderSettings> providers = default_providers();  ///< by kind
  bool operator==(const Config&) const = default;

  [[nodiscard]] Permissions permissions() const { return {slack.editors, slack.credentials_in_modals}; }
  /// Of a kind without keys: nothing is set.
  [[nodiscard]] ProviderSettings provider(const std::string& kind) const;
  /// By kind; those that allow some.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> allowed_hosts() const;
};

/// Read when no other file is named; it may be missing.
inline constexpr const char* kDefaultFile = "/etc/watchbill/watchbill.yaml";

/// Where values come from; what stands further down goes first.
struct Sources {
  /// `--config`, else the variable WATCHBILL_CONFIG, else `kDefaultFile`. A file that was named must exist.
  std::optional<std::string> file{};
  /// Reads an environment variable; empty: the process's own.
  std::function<std::optional<std::string>(const std::string& name)> environment{};
  /// Values by key ("poll_interval", "slack.api_url"), as flags gave them.
  std::map<std::string, std::string> flags{};
};

/// Reads and checks everything. The error (`invalid`, or `not_found` for a missing file) lists all that is
/// wrong, one line each: "FILE:LINE:COLUMN: KEY: what is wrong", or the variable's or flag's name instead of
/// the place.
Result<Config> load(const Sources& sources);

}  // namespace watchbill::config
