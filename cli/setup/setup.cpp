// watchbill setup

#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/setup/files.hpp"
#include "cli/setup/first_objects.hpp"
#include "cli/setup/process.hpp"
#include "cli/setup/questions.hpp"
#include "cli/setup/slack.hpp"
#include "config/value.hpp"
#include "net/listen_socket.hpp"
#include "providers/provider.hpp"

namespace watchbill::cli {

namespace {

class Setup {
 public:
  Setup(Session& session, const Invocation& in)
      : session_(session),
        in_(in),
        io_(session.io()),
        out_(session.json() ? io_.err : io_.out),
        person_(io_, out_, io_.in_tty && !session.globals().yes) {}

  Result<int> run();

 private:
  void say(const std::string& line) { person_.say(line); }

  Result<void> begin();
  /// Nobody else listens where the daemon will.
  Result<void> check_listener();
  Result<void> bot_token();
  Result<void> app_token();
  Result<void> alert_channel();
  using Try = Result<std::string> (SlackTrial::*)(const Secret&);
  /// From the option, from where it is already, or from the person; tried, and then written.
  Result<bool> check_token(const config::SecretSource& source, const char* option,
                           const std::string& question, Try try_it, Secret& token);
  void set(const std::string& key, const std::string& value);
  Result<void> save_configuration();
  Result<void> start_service();

  Session& session_;
  const Invocation& in_;
  Io& io_;
  std::ostream& out_;
  Questions person_;
  std::string path_;
  std::string text_;
  std::string before_;
  config::Config config_;
  SlackTrial slack_{session_, config_.slack};
  FirstObjects first_{session_, in_, person_, out_, config_};
  bool secrets_changed_ = false;
};

Result<void> Setup::begin() {
  path_ = session_.config_path();
  if (auto good = check_path(path_, "--config"); !good) return good;
  struct stat is {};
  const bool there = stat(path_.c_str(), &is) == 0;
  if (!there) {
    auto made = write_configuration(path_, "# Configuration of Watchbill; all keys: watchbill.yaml(5)\n");
    if (!made) return made;
  }
  auto loaded = session_.config();
  if (!loaded) return loaded.error();
  config_ = **loaded;
  auto text = session_.read_file(path_, "the configuration");
  if (!text) return text.error();
  before_ = text_ = *std::move(text);
  say(fmt::format("Configuration: {}{}", path_, there ? "" : " (new)"));
  return {};
}

Result<void> Setup::check_listener() {
  auto running = session_.daemon();
  // Our own daemon may listen.
  if (config_.listen.empty() || !running || *running) return {};
  auto address = config_.listen;
  while (!address.empty()) {
    const auto socket = net::listen_on_loopback(address);
    if (socket) ::close(*socket);
    if (socket && address != config_.listen) set("listen", address);
    if (socket) return {};
    const auto taken = fmt::format("listen: {}", socket.error().message);
    if (!person_.on())
      return fail(ErrorKind::conflict, "{}: set `listen` in {} to another port", taken, path_);
    say(taken);
    address = person_.ask("  Where the daemon answers /healthz and /metrics (ADDRESS:PORT; empty: nowhere)");
    if (!address.empty()) {
      if (auto good = config::check_listen(address); !good) say("  " + good.error().message);
    }
  }
  set("listen", "null");
  return {};
}

void Setup::set(const std::string& key, const std::string& value) {
  text_ = with_setting(text_, key, value);
}

Result<bool> Setup::check_token(const config::SecretSource& source, const char* option,
                                const std::string& question, Try try_it, Secret& token) {
  const auto file = in_.value(option);
  auto known = config::find_secret(source);
  if (file) {
    auto given = session_.read_secret(*file, fmt::format("--{}", option), source.kind);
    if (!given) return given.error();
    token = *std::move(given);
  } else if (known && *known) {
    token = **std::move(known);
  } else {
    token = person_.ask_secret(question);
    if (token.empty()) return false;
  }
  auto tried = (slack_.*try_it)(token);
  while (!tried && !file && person_.on()) {
    say("  " + tried.error().message);
    token = person_.ask_secret(question);
    if (token.empty()) return false;
    tried = (slack_.*try_it)(token);
  }
  if (!tried) return tried.error().in("{}", source.key);
  say(fmt::format("  {}: {}", source.key, *tried));
  auto kept = config::find_secret(source);
  if (kept && *kept && **kept == token) return true;
  const auto place = source.file ? *source.file : secret_path(path_, source.credential);
  if (auto written = put_secret(place, token); !written) return written.error();
  say(fmt::format("  written to {}", place));
  if (!source.file) set(source.key, place);
  secrets_changed_ = true;
  return true;
}

Result<void> Setup::bot_token() {
  say("Slack: `watchbill slack manifest` prints an app to create at https://api.slack.com/apps");
  Secret token;
  auto checked = check_token(config_.slack.bot_token, "bot-token-file", "  Bot token (xoxb-…)",
                             &SlackTrial::try_bot, token);
  if (!checked) return checked.error();
  if (*checked) return {};
  return fail(ErrorKind::invalid, "a bot token is needed: give it with --bot-token-file FILE");
}

Result<void> Setup::app_token() {
  if (config_.slack.mode != config::SlackMode::socket) return {};
  Secret token;
  auto checked = check_token(config_.slack.app_token, "app-token-file",
                             "  App-level token (xapp-…) for the app home and commands; empty: without",
                             &SlackTrial::try_app, token);
  return checked ? Result<void>() : checked.error();
}

Result<void> Setup::alert_channel() {
  const auto given = in_.value("alert-channel");
  if (config_.slack.alert_channel && !given) return {};
  auto wanted = given ? *given : person_.ask("  Channel in which problems are told (#name; empty: none)");
  while (!wanted.empty()) {
    auto channel = slack_.channel(wanted);
    if (channel) {
      set("slack.alert_channel", channel->id.value);
      say(fmt::format("  problems are told in #{} ({}){}", channel->name, channel->id,
                      channel->member ? "" : ": type `/invite @watchbill` there"));
      return {};
    }
    if (given || !person_.on()) return channel.error().in("--alert-channel");
    say("  " + channel.error().message);
    wanted = person_.ask("  Channel (#name; empty: none)");
  }
  return {};
}

Result<void> Setup::save_configuration() {
  if (text_ == before_) return {};
  if (auto written = write_configuration(path_, text_); !written) return written;
  config::Sources sources;
  sources.file = path_;
  // What was put in by lines must be what is read: if not, the file is as it was.
  if (auto loaded = config::load(sources); !loaded) {
    if (auto back = write_configuration(path_, before_); !back) return back;
    return fail(ErrorKind::invalid,
                "{} is written in a way that setup cannot change ({}): put these lines in yourself\n{}",
                path_, loaded.error().message, text_);
  }
  say(fmt::format("  {} is saved", path_));
  return {};
}

Result<void> Setup::start_service() {
  if (in_.has("no-start")) return {};
  const auto unit = unit_of(path_);
  struct stat is {};
  const bool systemd = stat("/run/systemd/system", &is) == 0 && geteuid() == 0 && !unit.empty();
  if (!systemd) {
    say("The service is yours to start: watchbilld --config " + path_);
    return {};
  }
  const bool changed = text_ != before_ || secrets_changed_;
  if (!run_program({"systemctl", "enable", "--quiet", unit}) ||
      !run_program({"systemctl", changed ? "restart" : "start", unit}))
    return fail(ErrorKind::storage, "{} does not start: `journalctl -u {} -e` says why", unit, unit);
  say(fmt::format("{} runs, and starts with the host", unit));
  return {};
}

Result<int> Setup::run() {
  for (const auto step : {&Setup::begin, &Setup::check_listener, &Setup::bot_token, &Setup::app_token,
                          &Setup::alert_channel, &Setup::save_configuration, &Setup::start_service}) {
    if (auto done = (this->*step)(); !done) return done.error();
  }
  if (auto done = first_.connection(); !done) return done.error();
  if (auto done = first_.rotation(); !done) return done.error();
  return first_.show();
}

Result<int> setup(Session& session, const Invocation& in) {
  return Setup(session, in).run();
}

}  // namespace

std::vector<Command> setup_commands() {
  std::vector<OptionSpec> options{
      {"bot-token-file", "FILE", "Slack's bot token (xoxb-…)"},
      {"app-token-file", "FILE", "Slack's app-level token (xapp-…), for the app home and commands"},
      {"alert-channel", "#NAME|ID", "where problems are told"},
      {"no-start", "", "leave the service as it is"},
      {"kind", "KIND",
       "add a connection to this scheduling system; its options are those of `connection add`"},
      {"name", "NAME", "what to call the connection"},
      {"rotation", "NAME",
       "create this rotation, with --group, --schedule and --channel as in `rotation create`"},
      {"group", "@HANDLE|ID", "the rotation's Slack user group; made if there is none"},
      {"schedule", "CONN/ID", "the rotation's schedule", true},
      {"channel", "#NAME|ID", "where its handoffs are announced", true}};
  const auto adding = connection_commands().front();
  for (const auto& option : adding.options) {
    if (option.name != "no-verify") options.push_back(option);
  }
  return {{"setup",
           "Ask for what is missing, start the service, and show the first pass",
           "Slack's tokens, the first scheduling system, the first rotation: each answer is tried before it "
           "is kept, "
           "and written where it belongs, readable by nobody else. What is there already is kept, so it can "
           "be run "
           "again. With options, or without a terminal, nothing is asked. All that it does can be done "
           "without it: "
           "docs/install.md says how.",
           {},
           std::move(options),
           {"setup",
            fmt::format("setup --bot-token-file bot --kind {} --name pd --api-key-file pd.key --rotation "
                        "payments --group @payments-oncall --schedule pd/PSCHED1",
                        providers::adapters().front().kind)},
           setup}};
}

}  // namespace watchbill::cli
