#include "config/keys.hpp"

#include <algorithm>
#include <array>

namespace watchbill::config {

namespace {

constexpr NameTable<LogLevel, 4> kLevels{{{LogLevel::debug, "debug"},
                                          {LogLevel::info, "info"},
                                          {LogLevel::warning, "warning"},
                                          {LogLevel::error, "error"}}};
constexpr NameTable<LogFormat, 2> kFormats{{{LogFormat::text, "text"}, {LogFormat::json, "json"}}};
constexpr NameTable<SlackMode, 2> kModes{{{SlackMode::socket, "socket"}, {SlackMode::http, "http"}}};

// The kinds of scheduling systems that have keys.
constexpr const char* kPagerduty = "pagerduty";
constexpr const char* kOpsgenie = "opsgenie";
constexpr const char* kJsm = "jsm";
constexpr const char* kXmatters = "xmatters";

using Set = Result<void>;

Set set_url(const Value& value, bool any_http, bool slash_at_end, std::string& into) {
  std::string text;
  if (auto good = read_text(value, text); !good) return good;
  if (auto good = check_url(text, any_http); !good) return good;
  while (text.ends_with('/')) text.pop_back();
  into = slash_at_end ? text + "/" : text;
  return {};
}

Set set_optional_url(const Value& value, bool any_http, std::string& into) {
  if (value.kind != Value::Kind::null) return set_url(value, any_http, false, into);
  into.clear();
  return {};
}

Set set_listen(Config& config, const Value& value) {
  if (auto good = read_optional_text(value, config.listen); !good) return good;
  return config.listen.empty() ? Set{} : check_listen(config.listen);
}

Set set_command(Config& config, const Value& value) {
  std::string text;
  if (auto good = read_text(value, text); !good) return good;
  const bool good = text.size() >= 2 && text.size() <= 32 && text.front() == '/' &&
                    std::all_of(text.begin() + 1, text.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  if (!good)
    return fail(ErrorKind::invalid, "\"{}\" is not a command; write it like /oncall", text.substr(0, 40));
  config.slack.command = text;
  return {};
}

Set set_editors(Config& config, const Value& value) {
  std::vector<std::string> ids;
  if (auto good = read_list(value, ids); !good) return good;
  config.slack.editors.users.clear();
  for (const auto& id : ids) {
    if (auto good = check_slack_id(id); !good) return good;
    config.slack.editors.users.emplace_back(id);
  }
  return {};
}

Set set_hosts(const Value& value, std::vector<std::string>& into) {
  std::vector<std::string> hosts;
  if (auto good = read_list(value, hosts); !good) return good;
  for (const auto& host : hosts) {
    if (auto good = check_host(host); !good) return good;
  }
  into = std::move(hosts);
  return {};
}

constexpr std::array<Key, 35> kKeys{{
    {"store", "path", "/var/lib/watchbill/watchbill.db",
     "the database; its folder belongs to Watchbill alone (mode 0700)", false,
     [](Config& c, const Value& v) { return read_path(v, c.store); }},
    {"key_file", "path", "/var/lib/watchbill/key",
     "the key that seals secrets in the database; made by whoever needs it first; the credential "
     "`watchbill-key` overrides it",
     false, [](Config& c, const Value& v) { return read_key_path(v, c.key_file); }},
    {"listen", "address:port or null", "127.0.0.1:9469",
     "where `/healthz`, `/readyz`, `/metrics`, `/slack/*` and `/oauth/*` are served; loopback only, a proxy "
     "forwards the last two; null: nothing listens",
     false, [](Config& c, const Value& v) { return set_listen(c, v); }},
    {"status_page", "true or false", "false",
     "serve a page to look at, at `/` of `listen`: rotations, who is on call, what is wrong", false,
     [](Config& c, const Value& v) { return read_flag(v, c.status_page); }},
    {"public_url", "URL or null", "null",
     "how Slack and browsers reach the proxy; only for `slack.mode: http` and sign-in in a browser", false,
     [](Config& c, const Value& v) { return set_optional_url(v, false, c.public_url); }},
    {"poll_interval", "duration", "60s", "how often each scheduling system is asked; at least 1s", false,
     [](Config& c, const Value& v) { return read_duration(v, 1s, c.poll_interval); }},
    {"history_retention", "duration", "400d", "how long history is kept; at least 1d", false,
     [](Config& c, const Value& v) { return read_duration(v, days{1}, c.history_retention); }},
    {"alert_webhook_url_file", "file of a secret or null", "null",
     "file with a URL that alerts are posted to as JSON, a way that does not need Slack; credential "
     "`alert-webhook`",
     false, [](Config& c, const Value& v) { return read_secret_path(v, c.alert_webhook_url.file); }},
    {"heartbeat_url_file", "file of a secret or null", "null",
     "file with a URL that is fetched after each complete pass; credential `heartbeat`", false,
     [](Config& c, const Value& v) { return read_secret_path(v, c.heartbeat_url.file); }},
    {"http.proxy", "URL or null", "null", "proxy for all outgoing requests but those to loopback addresses",
     false, [](Config& c, const Value& v) { return set_optional_url(v, true, c.http.proxy); }},
    {"http.ca_file", "path or null", "null", "certificates (PEM) to trust instead of the system's", false,
     [](Config& c, const Value& v) { return read_optional_path(v, c.http.ca_file); }},
    {"log.level", "debug, info, warning or error", "info", "the least important messages that are logged",
     false, [](Config& c, const Value& v) { return read_choice(v, kLevels, c.log.level); }},
    {"log.format", "text or json", "text", "how messages are written", false,
     [](Config& c, const Value& v) { return read_choice(v, kFormats, c.log.format); }},
    {"slack.mode", "socket or http", "socket",
     "how Slack reaches the app home and commands: a WebSocket that we open, or requests to `public_url`",
     false, [](Config& c, const Value& v) { return read_choice(v, kModes, c.slack.mode); }},
    {"slack.api_url", "URL", "https://slack.com/api/", "the Web API; plain http only to loopback addresses",
     false, [](Config& c, const Value& v) { return set_url(v, false, true, c.slack.api_url); }},
    {"slack.bot_token_file", "file of a secret or null", "null",
     "the bot token (`xoxb-…`); credential `slack-bot-token`", false,
     [](Config& c, const Value& v) { return read_secret_path(v, c.slack.bot_token.file); }},
    {"slack.app_token_file", "file of a secret or null", "null",
     "the app-level token (`xapp-…`) for `slack.mode: socket`; without it there is no app home, the sync "
     "works all the same; credential `slack-app-token`",
     false, [](Config& c, const Value& v) { return read_secret_path(v, c.slack.app_token.file); }},
    {"slack.signing_secret_file", "file of a secret or null", "null",
     "the signing secret for `slack.mode: http`; without it there is no app home; credential "
     "`slack-signing-secret`",
     false, [](Config& c, const Value& v) { return read_secret_path(v, c.slack.signing_secret.file); }},
    {"slack.user_token_file", "file of a secret or null", "null",
     "a user token (`xoxp-…`) to write groups where only admins may edit them; credential `slack-user-token`",
     false, [](Config& c, const Value& v) { return read_secret_path(v, c.slack.user_token.file); }},
    {"slack.alert_channel", "channel id or null", "null", "where problems that need a person are told", false,
     [](Config& c, const Value& v) { return read_optional_id(v, c.slack.alert_channel); }},
    {"slack.rate_scale", "number", "1",
     "multiplies all of Slack's limits; only for tests, with a loopback `slack.api_url`", false,
     [](Config& c, const Value& v) { return read_factor(v, c.slack.rate_scale); }},
    {"slack.history_probe", "true or false", "false",
     "find our own announcements again in channel history when an answer was lost; needs history scopes, and "
     "the bot joins. Without it history is read only where the token may",
     false, [](Config& c, const Value& v) { return read_flag(v, c.slack.history_probe); }},
    {"slack.command", "command", "/oncall", "the slash command, as in the app's manifest", false,
     [](Config& c, const Value& v) { return set_command(c, v); }},
    {"slack.credentials_in_modals", "true or false", "true", "connections may be made in Slack", false,
     [](Config& c, const Value& v) { return read_flag(v, c.slack.credentials_in_modals); }},
    {"slack.editors.users", "list of user ids", "[]", "people who may edit in Slack", true,
     [](Config& c, const Value& v) { return set_editors(c, v); }},
    {"slack.editors.group", "group id or null", "null",
     "the user group whose members may edit in Slack; no rotation may manage it", false,
     [](Config& c, const Value& v) { return read_optional_id(v, c.slack.editors.group); }},
    {"slack.editors.workspace_admins", "true or false", "true",
     "workspace admins and owners may edit in Slack", false,
     [](Config& c, const Value& v) { return read_flag(v, c.slack.editors.workspace_admins); }},
    {"pagerduty.oauth_client_id", "text or null", "null", "PagerDuty app for signing in as a user", false,
     [](Config& c, const Value& v) {
       return read_optional_text(v, c.providers[kPagerduty].oauth_client_id);
     }},
    {"pagerduty.oauth_client_secret_file", "file of a secret or null", "null",
     "its client secret; credential `pagerduty-oauth-client-secret`", false,
     [](Config& c, const Value& v) {
       return read_secret_path(v, c.providers[kPagerduty].oauth_client_secret.file);
     }},
    {"pagerduty.identity_url", "URL", "https://identity.pagerduty.com",
     "where people sign in to PagerDuty; plain http only to loopback addresses", false,
     [](Config& c, const Value& v) {
       return set_url(v, false, false, c.providers[kPagerduty].identity_url);
     }},
    {"pagerduty.api_url", "URL or null", "null",
     "PagerDuty's REST API for connections made by signing in, or in Slack; null: that of the account's "
     "region",
     false,
     [](Config& c, const Value& v) { return set_optional_url(v, false, c.providers[kPagerduty].api_url); }},
    {"opsgenie.api_url", "URL or null", "null",
     "Opsgenie's API for connections made in Slack; null: that of the account's region", false,
     [](Config& c, const Value& v) { return set_optional_url(v, false, c.providers[kOpsgenie].api_url); }},
    {"jsm.api_url", "URL or null", "null",
     "JSM Operations' and the site's address for connections made in Slack; null: Atlassian's own", false,
     [](Config& c, const Value& v) { return set_optional_url(v, false, c.providers[kJsm].api_url); }},
    {"xmatters.api_url", "URL or null", "null",
     "xMatters' API for connections made in Slack; null: that of the host", false,
     [](Config& c, const Value& v) { return set_optional_url(v, false, c.providers[kXmatters].api_url); }},
    {"xmatters.allowed_hosts", "list of host names", "[]",
     "hosts beyond `*.xmatters.com` that an xMatters connection may use", true,
     [](Config& c, const Value& v) { return set_hosts(v, c.providers[kXmatters].allowed_hosts); }},
}};

}  // namespace

std::map<std::string, ProviderSettings> default_providers() {
  ProviderSettings pagerduty;
  pagerduty.identity_url = "https://identity.pagerduty.com";
  pagerduty.oauth_client_secret = {"pagerduty.oauth_client_secret_file", "pagerduty-oauth-client-secret"};
  return {{kPagerduty, std::move(pagerduty)}, {kOpsgenie, {}}, {kJsm, {}}, {kXmatters, {}}};
}

std::span<const Key> keys() {
  return kKeys;
}

const Key* find_key(std::string_view path) {
  const auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.path == path; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::string variable_of(const Key& key) {
  std::string name = "WATCHBILL_";
  for (const char c : key.path) {
    name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::string flag_of(const Key& key) {
  std::string name(key.path);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return name;
}

std::string describe_keys() {
  std::string text;
  for (const auto& key : kKeys) {
    text += fmt::format("  {}: {}   ({})\n      {}\n", key.path, key.fallback, key.type, key.meaning);
  }
  return text;
}

}  // namespace watchbill::config
