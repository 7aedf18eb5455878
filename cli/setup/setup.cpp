// watchbill setup

#include <sys/stat.h>
#include <unistd.h>

#include <istream>
#include <memory>
#include <ostream>
#include <set>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/setup/files.hpp"
#include "cli/setup/process.hpp"
#include "cli/setup/questions.hpp"
#include "cli/setup/slack.hpp"
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
  void say(const std::string& line) { out_ << printable(line) << "\n"; }

  Result<void> begin();
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

  int command(std::vector<std::string> args) { return command(std::move(args), out_); }
  int command(std::vector<std::string> args, std::ostream& out);
  /// Names of what is in the store.
  struct Stored {
    std::set<std::string> connections;
    std::set<std::string> rotations;  ///< folded
  };
  Result<Stored> stored();
  Result<void> first_connection();
  Result<void> first_rotation();
  Result<std::string> kind_of_connection();
  /// The command that adds it; empty: not now.
  Result<std::vector<std::string>> asked_connection();
  std::vector<std::string> asked_rotation();
  int show();

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
  bool secrets_changed_ = false;
};

Result<void> Setup::begin() {
  path_ = session_.config_path();
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

void Setup::set(const std::string& key, const std::string& value) {
  text_ = with_setting(text_, key, value);
}

Result<bool> Setup::check_token(const config::SecretSource& source, const char* option,
                                const std::string& question, Try try_it, Secret& token) {
  const auto file = in_.value(option);
  auto known = config::find_secret(source);
  if (file) {
    auto given = session_.read_secret(*file, fmt::format("--{}", option));
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

int Setup::command(std::vector<std::string> args, std::ostream& out) {
  const auto& globals = session_.globals();
  if (globals.config) args.insert(args.end(), {"--config", *globals.config});
  if (globals.store) args.insert(args.end(), {"--store", *globals.store});
  if (globals.yes) args.emplace_back("--yes");
  Io io{out, io_.err, io_.in, io_.in_tty, io_.out_tty, io_.width};
  return in_child([&](std::string&) { return cli::run(all_commands(nullptr), args, io); }).first;
}

/// What `stored` needs, as JSON; an empty list each while there is no store.
Result<std::string> names_in_store(Session& session) {
  std::vector<std::string> connections;
  std::vector<std::string> rotations;
  auto store = session.store();
  if (!store && store.error().kind != ErrorKind::not_found) return store.error();
  if (store) {
    auto listed = (*store)->connections().list();
    if (!listed) return listed.error();
    for (const auto& connection : *listed) connections.push_back(connection.name);
    auto kept = (*store)->rotations().list();
    if (!kept) return kept.error();
    for (const auto& rotation : *kept) rotations.push_back(fold_name(rotation.name));
  }
  json::Writer w;
  w.begin_object().field("connections", connections).field("rotations", rotations).end_object();
  return w.take();
}

Result<Setup::Stored> Setup::stored() {
  const auto [code, answer] = in_child([&](std::string& text) {
    Session fresh(session_.globals(), io_);
    auto names = names_in_store(fresh);
    text = names ? *names : names.error().message;
    return names ? kDone : kFailed;
  });
  if (code != kDone) return fail(ErrorKind::storage, "{}", answer);
  auto document = json::parse(answer);
  if (!document) return document.error();
  Stored names;
  for (const auto name : document->root()["connections"].items())
    names.connections.insert(name.string_or(""));
  for (const auto name : document->root()["rotations"].items()) names.rotations.insert(name.string_or(""));
  return names;
}

const Command& adding_a_connection() {
  static const Command add = connection_commands().front();
  return add;
}

/// From the option, or from the person until it is one that there is; empty: later.
Result<std::string> Setup::kind_of_connection() {
  if (const auto given = in_.value("kind")) {
    if (auto adapter = providers::find_adapter(*given); !adapter) return adapter.error().in("--kind");
    return *given;
  }
  while (true) {
    auto kind = person_.ask(
        fmt::format("Which scheduling system: {} (empty: later)", providers::kinds_to_choose_from()));
    if (kind.empty()) return kind;
    auto adapter = providers::find_adapter(kind);
    if (adapter) return kind;
    say("  " + adapter.error().message);
  }
}

Result<std::vector<std::string>> Setup::asked_connection() {
  const auto asked = kind_of_connection();
  if (!asked) return asked.error();
  const auto& kind = *asked;
  if (kind.empty()) return std::vector<std::string>{};
  auto adapter = providers::find_adapter(kind);
  if (!adapter) return adapter.error();
  const auto name =
      in_.value_or("name", in_.value("kind") ? kind : person_.ask("  What to call the connection", kind));
  std::vector<std::string> args{"connection", "add", kind, name};
  for (const auto& option : (*adapter)->options) {
    const auto given = in_.value(option.flag);
    const auto value = given ? *given
                       : option.usual && !in_.value("kind")
                           ? person_.ask(fmt::format("  {} ({})", option.description, option.value_name))
                           : "";
    if (!value.empty()) args.insert(args.end(), {"--" + option.flag, value});
  }
  if (in_.has("oauth")) args.emplace_back("--oauth");
  if (const auto port = in_.value("port")) args.insert(args.end(), {"--port", *port});
  return args;
}

Result<void> Setup::first_connection() {
  auto there = stored();
  if (!there) return there.error();
  const auto given = in_.value_or("name", in_.value_or("kind", ""));
  if (given.empty() ? !there->connections.empty() : there->connections.contains(given)) return {};
  while (true) {
    const auto args = asked_connection();
    if (!args) return args.error();
    if (args->empty()) {
      say("No scheduling system yet: `watchbill connection add --help`");
      return {};
    }
    if (command(*args) == kDone) return {};
    if (!given.empty() || !person_.on())
      return fail(ErrorKind::cancelled, "the connection was not added, as told above");
  }
}

std::vector<std::string> Setup::asked_rotation() {
  const auto given = in_.value("rotation");
  if (!given && !person_.on()) return {};
  std::vector<std::string> args{"rotation", "create"};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) args.insert(args.end(), {std::string("--") + option, value});
  };
  if (given) {
    args.push_back(*given);
    add("group", in_.value_or("group", ""));
    for (const auto& schedule : in_.values("schedule")) add("schedule", schedule);
    for (const auto& channel : in_.values("channel")) add("channel", channel);
  } else {
    command({"schedule", "list"});
    const auto name = person_.ask("The first rotation's name (empty: later)");
    if (name.empty()) return {};
    args.push_back(name);
    add("group", person_.ask("  Its user group in Slack (@handle; made if there is none)"));
    add("schedule", person_.ask("  Its schedule (CONN/ID, from the list above)"));
    add("channel", person_.ask("  Channel that hears of handoffs (#name; empty: none)"));
  }
  args.insert(args.end(), {"--create-group", "--adopt"});
  return args;
}

Result<void> Setup::first_rotation() {
  auto there = stored();
  if (!there) return there.error();
  const auto given = in_.value_or("rotation", "");
  if (there->connections.empty()) return {};
  if (given.empty() ? !there->rotations.empty() : there->rotations.contains(fold_name(given))) return {};
  while (true) {
    const auto args = asked_rotation();
    if (args.empty()) {
      say("No rotation yet: `watchbill rotation create --help`");
      return {};
    }
    if (command(args) == kDone) return {};
    if (!given.empty() || !person_.on())
      return fail(ErrorKind::cancelled, "the rotation was not created, as told above");
  }
}

int Setup::show() {
  auto there = stored();
  if (!there || there->rotations.empty()) return kDone;
  say("The first pass:");
  const int synced = command({"sync"});
  std::vector<std::string> status{"status"};
  if (session_.json()) status.insert(status.end(), {"--format", "json"});
  const int shown = command(std::move(status), io_.out);
  return synced == kDone ? shown : synced;
}

Result<int> Setup::run() {
  for (const auto step : {&Setup::begin, &Setup::bot_token, &Setup::app_token, &Setup::alert_channel,
                          &Setup::save_configuration, &Setup::start_service, &Setup::first_connection,
                          &Setup::first_rotation}) {
    if (auto done = (this->*step)(); !done) return done.error();
  }
  return show();
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
  for (const auto& option : adding_a_connection().options) {
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
