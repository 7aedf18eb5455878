#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/value.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::config;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

/// A configuration file of its own for each test.
class File {
 public:
  explicit File(const std::string& content) {
    std::string pattern = std::filesystem::temp_directory_path() / "watchbill-config-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    path = folder + "/w.yaml";
    std::ofstream(path) << content;
  }
  ~File() { std::filesystem::remove_all(folder); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string folder;
  std::string path;
};

using Variables = std::map<std::string, std::string>;

Result<Config> read(const std::string& content, const Variables& variables = {},
                    const Variables& flags = {}) {
  const File file(content);
  return load({file.path,
               [&](const std::string& name) {
                 const auto found = variables.find(name);
                 return found == variables.end() ? std::nullopt : std::optional(found->second);
               },
               flags});
}

/// The errors without the folder in front.
std::string errors(const std::string& content, const Variables& variables = {}, const Variables& flags = {}) {
  const auto config = read(content, variables, flags);
  REQUIRE(!config);
  CHECK(config.error().kind == ErrorKind::invalid);
  auto text = config.error().message;
  for (auto at = text.find("/w.yaml"); at != std::string::npos; at = text.find("/w.yaml")) {
    const auto line = text.rfind('\n', at) + 1;
    text.erase(line, at + 1 - line);
  }
  return text;
}

}  // namespace

TEST_CASE("an empty configuration is the defaults") {
  CHECK(read("").value() == Config{});
  CHECK(read("# only words\n").value() == Config{});
  CHECK(read("slack:\n").value() == Config{});
}

TEST_CASE("the table's defaults are those of the structure") {
  std::string everything;
  for (const auto& key : keys()) {
    const auto file = fmt::format("{}: {}\n", key.path, key.fallback);
    const auto dot = key.path.find('.');
    // "a.b.c: x" as nested maps in flow style
    if (dot == std::string_view::npos) {
      everything = file;
    } else {
      everything.clear();
      std::string closing;
      std::string_view rest = key.path;
      for (auto at = rest.find('.'); at != std::string_view::npos; at = rest.find('.')) {
        everything += std::string(rest.substr(0, at)) + ": " + "{";
        closing += "}";
        rest = rest.substr(at + 1);
      }
      everything += fmt::format("{}: {}", rest, key.fallback) + closing + "\n";
    }
    INFO(everything);
    const auto config = read(everything);
    REQUIRE(config);
    CHECK(*config == Config{});
  }
}

TEST_CASE("every key is read") {
  const auto config = read(R"(
store: /srv/w.db
key_file: keys/w
listen: "[::1]:0"
public_url: https://watchbill.example.com/
poll_interval: 1s
history_retention: 30d
alert_webhook_url_file: /etc/alert
heartbeat_url_file: ./beat
http: {proxy: "http://proxy:3128", ca_file: /ca.pem}
log: {level: warning, format: json}
slack:
  mode: http
  api_url: http://127.0.0.1:8080/api
  bot_token_file: /t/bot
  app_token_file: /t/app
  signing_secret_file: /t/sign
  user_token_file: /t/user
  alert_channel: C0ALERTS
  rate_scale: 60.5
  history_probe: true
  command: /duty
  credentials_in_modals: false
  editors: {users: [U1, W2], group: S1, workspace_admins: false}
pagerduty: {oauth_client_id: abc, oauth_client_secret_file: /t/pd}
xmatters: {allowed_hosts: [xm.example.com]}
)");
  REQUIRE(config);
  CHECK(config->store == "/srv/w.db");
  CHECK_THAT(config->key_file, ContainsSubstring("watchbill-config-") && EndsWith("/keys/w"));
  CHECK(config->listen == "[::1]:0");
  CHECK(config->public_url == "https://watchbill.example.com");
  CHECK(config->poll_interval == 1s);
  CHECK(config->history_retention == days{30});
  CHECK(config->alert_webhook_url.file == "/etc/alert");
  CHECK_THAT(config->heartbeat_url.file.value(), StartsWith("/") && EndsWith("/beat"));
  CHECK(config->http == Http{"http://proxy:3128", "/ca.pem"});
  CHECK(config->log == Log{LogLevel::warning, LogFormat::json});
  const auto& slack = config->slack;
  CHECK(slack.mode == SlackMode::http);
  CHECK(slack.api_url == "http://127.0.0.1:8080/api/");
  CHECK(slack.bot_token.file == "/t/bot");
  CHECK(slack.app_token.file == "/t/app");
  CHECK(slack.signing_secret.file == "/t/sign");
  CHECK(slack.user_token.file == "/t/user");
  CHECK(slack.alert_channel == ChannelId("C0ALERTS"));
  CHECK(slack.rate_scale == 60.5);
  CHECK(slack.history_probe);
  CHECK(slack.command == "/duty");
  CHECK(!slack.credentials_in_modals);
  CHECK(slack.editors == Editors{{UserId("U1"), UserId("W2")}, GroupId("S1"), false});
  CHECK(config->provider("pagerduty").oauth_client_id == "abc");
  CHECK(config->provider("pagerduty").oauth_client_secret.file == "/t/pd");
  CHECK(config->provider("xmatters").allowed_hosts == std::vector<std::string>{"xm.example.com"});
  CHECK(config->permissions().editors.group == GroupId("S1"));
  CHECK(!config->permissions().credentials_in_modals);
}

TEST_CASE("everything that is wrong is reported in one go, each with its place") {
  CHECK(
      errors("poll_intervall: 60s\n"
             "listen: 0.0.0.0:80\n"
             "store: [a]\n"
             "slack:\n"
             "  mode: sockets\n"
             "  tokens: x\n"
             "  editors: U1\n"
             "history_retention: 60\n"
             "log: {level: null}\n") ==
      "w.yaml:1:1: poll_intervall: unknown key; did you mean \"poll_interval\"?\n"
      "w.yaml:2:9: listen: \"0.0.0.0:80\" is not a loopback address; listen on 127.0.0.1 or [::1] and put a "
      "proxy with TLS in front\n"
      "w.yaml:3:8: store: must be text, not a list\n"
      "w.yaml:5:9: slack.mode: value \"sockets\" does not exist; use socket or http\n"
      "w.yaml:6:3: slack.tokens: unknown key; known here: alert_channel, api_url, app_token_file, "
      "bot_token_file, command, credentials_in_modals, editors, history_probe, mode, rate_scale, "
      "signing_secret_file, user_token_file\n"
      "w.yaml:7:3: slack.editors: must be a section with keys of its own\n"
      "w.yaml:8:20: history_retention: \"60\" is not a duration; write 30s, 5m, 6h or 400d\n"
      "w.yaml:9:7: log.level: must be text, not null");
}

TEST_CASE("bad values are refused") {
  for (const auto* line : {"poll_interval: 500ms",
                           "poll_interval: -1s",
                           "history_retention: 1h",
                           "listen: 127.0.0.1",
                           "listen: 127.0.0.1:99999",
                           "listen: example.com:80",
                           "public_url: http://example.com",
                           "public_url: https://a.example.com/?x=1",
                           "http: {proxy: proxy}",
                           "slack: {api_url: http://slack.com/api/}",
                           "slack: {api_url: ftp://slack.com/}",
                           "slack: {history_probe: yes}",
                           "slack: {command: oncall}",
                           "slack: {alert_channel: '#alerts'}",
                           "slack: {editors: {users: U1}}",
                           "slack: {editors: {users: [U1, U1]}}",
                           "slack: {editors: {users: [[U1]]}}",
                           "slack: {rate_scale: 0}",
                           "slack: {rate_scale: nan}",
                           "slack: {rate_scale: fast}",
                           "xmatters: {allowed_hosts: ['https://x.example.com']}",
                           "xmatters: {allowed_hosts: ['x.example.com:80']}",
                           "store: ''",
                           "store: {a: b}",
                           "slack: text"}) {
    INFO(line);
    CHECK_THAT(errors(line), StartsWith("w.yaml:1:"));
  }
}

TEST_CASE("a file that is no configuration is refused with the place") {
  CHECK_THAT(errors("store: [a\nb: c"), StartsWith("w.yaml:2:"));
  CHECK_THAT(errors("- a\n- b\n"), ContainsSubstring("key: value"));
  CHECK_THAT(errors("just words"), ContainsSubstring("key: value"));
  CHECK_THAT(errors("store: /a\n---\nstore: /b\n"), ContainsSubstring("2 YAML documents"));
  CHECK_THAT(errors("store: /a\nstore: /b\n"), StartsWith("w.yaml:2:1: store: stands there twice"));
  CHECK_THAT(errors("[a]: b\n"), StartsWith("w.yaml:1:1: "));
}

TEST_CASE("what YAML reads as nothing is no configuration that is right") {
  for (const auto* text : {"%", "\t", "# one\n\n%", "%YAML 1.2", "~", "null", "--- ~"}) {
    INFO(text);
    CHECK_THAT(errors(text), StartsWith("w.yaml:"));
    CHECK_THAT(errors(text), ContainsSubstring("key: value"));
  }
  CHECK(errors("\xFF\xFE") == "w.yaml: is written in UTF-16: save it as UTF-8");
  CHECK_THAT(errors("# one\n\n%"), StartsWith("w.yaml:3: "));
}

TEST_CASE("every text is read or refused: none is read for ever") {
  CHECK_THAT(errors(","), StartsWith("w.yaml:1:1: no YAML begins like this"));
  CHECK_THAT(errors("!,"), StartsWith("w.yaml:1:2: no YAML begins like this"));
  CHECK_THAT(errors("--- ,"), StartsWith("w.yaml:1:5: no YAML begins like this"));
  for (const auto* text : {"&,", "*,", ",,", "store: /a\n,", "[", "{,", "?", "- ,", "store: ,"}) {
    INFO(text);
    CHECK_THAT(errors(text), StartsWith("w.yaml:"));
  }
  for (const auto* text :
       {"", "\n", "  \r\n", "---", "...", "---\n...", "# nothing", "\xEF\xBB\xBF# nothing"}) {
    INFO(text);
    CHECK(read(text));
  }
}

TEST_CASE("a file of a mebibyte is read, and one that is longer is refused") {
  const std::string comment = "# " + std::string(1024 * 1024 - 3, 'x') + "\n";
  CHECK(read(comment));
  CHECK_THAT(errors(comment + "\n"), ContainsSubstring("is longer than 1048576 bytes"));
}

TEST_CASE("a key in place of the path of its file is refused and not repeated") {
  const File file("");
  const auto refused = [&](const std::string& text) {
    const auto good = check_secret_path(text, file.folder);
    return !good && good.error().message.find(text) == std::string::npos;
  };
  CHECK(refused("u+Qx3s9ZkfT1aPzsecret"));
  CHECK(refused("aGVsbG8/d29ybGQ+secret=="));
  CHECK(refused("https://example.com/hooks/secret"));
  CHECK_FALSE(refused("w.yaml"));
  CHECK_FALSE(refused("./key"));
  CHECK_FALSE(refused("../key"));
  CHECK_FALSE(refused("/etc/watchbill/key"));
  const std::string sealing(64, 'a');
  const auto error = errors("key_file: " + sealing);
  CHECK_THAT(error, ContainsSubstring("not the key itself"));
  CHECK_THAT(error, !ContainsSubstring(sealing));
}

TEST_CASE("what a configuration says cannot add a line to its errors") {
  CHECK(errors("\"a\\nb\\u202e\": 1").find_first_of("\n\xE2") == std::string::npos);
}

TEST_CASE("Slack's limits are scaled only against a loopback address") {
  CHECK_THAT(errors("slack: {rate_scale: 60}"), StartsWith("w.yaml:1:21: slack.rate_scale: "));
  CHECK_THAT(errors("", {{"WATCHBILL_SLACK_RATE_SCALE", "60"}}), StartsWith("WATCHBILL_SLACK_RATE_SCALE: "));
  CHECK(read("slack: {rate_scale: 60, api_url: 'http://127.0.0.1:1/api/'}"));
  CHECK(read("slack: {rate_scale: 1}"));
}

TEST_CASE("the environment goes before the file, flags before both") {
  const std::string file = "poll_interval: 60s\n";
  const Variables variables{{"WATCHBILL_POLL_INTERVAL", "30s"}};
  CHECK(read(file).value().poll_interval == 60s);
  CHECK(read(file, variables).value().poll_interval == 30s);
  CHECK(read(file, variables, {{"poll_interval", "5s"}}).value().poll_interval == 5s);
  CHECK(errors("", {{"WATCHBILL_POLL_INTERVAL", "x"}}, {{"log.level", "loud"}}) ==
        "WATCHBILL_POLL_INTERVAL: poll_interval: \"x\" is not a duration; write 30s, 5m, 6h or 400d\n"
        "--log-level: log.level: value \"loud\" does not exist; use debug, info, warning or error");
}

TEST_CASE("values from the environment may be lists and none") {
  CHECK(read("", {{"WATCHBILL_SLACK_EDITORS_USERS", "U1,U2"}}).value().slack.editors.users ==
        std::vector{UserId("U1"), UserId("U2")});
  CHECK(read("slack: {alert_channel: C1}", {{"WATCHBILL_SLACK_ALERT_CHANNEL", ""}})
            .value()
            .slack.alert_channel == std::nullopt);
  CHECK(read("", {{"WATCHBILL_STORE", "w.db"}}).value().store == std::filesystem::current_path() / "w.db");
}

TEST_CASE("names of variables and flags follow from the key") {
  for (const auto& [path, variable, flag] :
       {std::tuple{"store", "WATCHBILL_STORE", "store"},
        std::tuple{"slack.editors.workspace_admins", "WATCHBILL_SLACK_EDITORS_WORKSPACE_ADMINS",
                   "slack-editors-workspace-admins"}}) {
    const auto* key = find_key(path);
    REQUIRE(key != nullptr);
    CHECK(variable_of(*key) == variable);
    CHECK(flag_of(*key) == flag);
  }
  CHECK(find_key("slack") == nullptr);
}

TEST_CASE("a secret in the place of its file's name is refused and not repeated") {
  for (const auto* line : {"slack: {bot_token_file: xoxb-12345-secret}",
                           "heartbeat_url_file: https://hc.example.com/12345-secret"}) {
    CHECK_THAT(errors(line), ContainsSubstring("not the secret itself"));
    CHECK_THAT(errors(line), !ContainsSubstring("12345"));
  }
}

TEST_CASE("the file of a secret may stand beside the configuration under a bare name") {
  const File file("slack: {bot_token_file: bot}\n");
  const auto none = [](const std::string&) { return std::optional<std::string>{}; };
  const auto missing = load({file.path, none, {}});
  REQUIRE(!missing);
  CHECK_THAT(missing.error().message, ContainsSubstring("not the secret itself"));
  CHECK_THAT(missing.error().message, !ContainsSubstring("bot is"));
  std::ofstream(file.folder + "/bot") << "xoxb-1";
  const auto there = load({file.path, none, {}});
  REQUIRE(there);
  CHECK(there->slack.bot_token.file == file.folder + "/bot");
}

TEST_CASE("a file that was named must exist, the usual one need not") {
  const auto none = [](const std::string&) { return std::optional<std::string>{}; };
  const auto missing = load({"/nonexistent/w.yaml", none, {}});
  REQUIRE(!missing);
  CHECK(missing.error().kind == ErrorKind::not_found);
  CHECK_THAT(missing.error().message, ContainsSubstring("/nonexistent/w.yaml"));
  const auto by_variable = [](const std::string& name) {
    return name == "WATCHBILL_CONFIG" ? std::optional<std::string>("/nonexistent/v.yaml") : std::nullopt;
  };
  REQUIRE(!load({std::nullopt, by_variable, {}}));
  CHECK_THAT(load({std::nullopt, by_variable, {}}).error().message, ContainsSubstring("/nonexistent/v.yaml"));
  CHECK(!load({"/", none, {}}));
  if (!std::filesystem::exists(kDefaultFile)) CHECK(load({std::nullopt, none, {}}).value() == Config{});
}

TEST_CASE("the help names every key with its default") {
  const auto help = describe_keys();
  for (const auto& key : keys())
    CHECK_THAT(help, ContainsSubstring(fmt::format("{}: {}", key.path, key.fallback)));
}

TEST_CASE("what only a shell replaces is refused in paths") {
  CHECK(errors("store: ~/watchbill/watchbill.db") ==
        "w.yaml:1:8: store: begins with \"~\", which only a shell replaces: write the whole path");
  CHECK_THAT(errors("key_file: ${STATE_DIRECTORY}/key"),
             ContainsSubstring("w.yaml:1:11: key_file: has a variable in it"));
  CHECK_THAT(errors("slack: {bot_token_file: $CREDENTIALS_DIRECTORY/bot}"),
             ContainsSubstring("slack.bot_token_file: has a variable in it"));
  CHECK_THAT(errors("slack: {bot_token_file: ~/bot}"), ContainsSubstring("begins with \"~\""));
  CHECK_THAT(errors("store: '%S/watchbill/watchbill.db'"), ContainsSubstring("specifier of systemd's (%S)"));
  CHECK_THAT(errors("", {{"WATCHBILL_STORE", "~/w.db"}}),
             ContainsSubstring("WATCHBILL_STORE: store: begins with"));
  CHECK_THAT(errors("", {}, {{"store", "$HOME/w.db"}}), ContainsSubstring("--store: store: has a variable"));
  CHECK_THAT(load({"~/w.yaml", {}, {}}).error().message, ContainsSubstring("\"~/w.yaml\" begins with"));
  CHECK(read("store: /srv/a$/b~/c%20.db"));
}

TEST_CASE("a value that YAML takes for a comment is not silently none") {
  CHECK(errors("slack:\n  alert_channel: #ops\n") ==
        "w.yaml:2:3: slack.alert_channel: write \"#ops\" in quotes: in YAML '#' begins a comment");
  CHECK_THAT(errors("slack:\n  editors:\n    users: #U1\n"), ContainsSubstring("write \"#U1\" in quotes"));
  CHECK(read("http:\n  proxy: # none here\n"));
  CHECK(read("#slack:\n#  mode: socket\nstore: /srv/x #x\n"));
}

TEST_CASE("a key without its end and one text for a list are answered with what to write") {
  CHECK(errors("slack:\n  bot_token: xoxb-12345\n") ==
        "w.yaml:2:3: slack.bot_token: unknown key; did you mean \"bot_token_file\"?");
  CHECK(errors("slack: {editors: {users: U012345}}\n") ==
        "w.yaml:1:26: slack.editors.users: must be a list: write [\"U012345\"]");
}
