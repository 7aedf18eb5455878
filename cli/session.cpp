#include "cli/session.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/text.hpp"
#include "net/event_loop.hpp"
#include "store/files.hpp"

namespace watchbill::cli {

namespace {

/// How long a statement waits for the daemon's short transactions.
constexpr auto kBusyTimeout = 2s;
constexpr std::size_t kLongestFile = 10'000'000;

/// The person, also behind sudo.
std::string login_name() {
  const char* behind = std::getenv("SUDO_USER");
  if (behind != nullptr && *behind != '\0' && getuid() == 0) return behind;
  if (const auto* entry = getpwuid(getuid())) return entry->pw_name;
  return fmt::format("uid-{}", getuid());
}

Result<std::string> read_stream(std::istream& in, const std::string& what) {
  std::string content(kLongestFile + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kLongestFile)
    return fail(ErrorKind::invalid, "{}: is longer than {} bytes", what, kLongestFile);
  return content;
}

}  // namespace

SlackDesk::SlackDesk(net::EventLoop& loop, net::HttpClient& http, const config::Config& config,
                     const Secret& bot, const Secret& user)
    : gate(loop, config.slack.rate_scale),
      web(http, gate, {config.slack.api_url, bot, user, {}}),
      has_user_token(!user.empty()) {}

Session::Session(Globals globals, Io& io)
    : globals_(std::move(globals)),
      io_(io),
      now_(std::chrono::floor<milliseconds>(std::chrono::system_clock::now())) {}
Session::~Session() = default;

store::Actor Session::actor() const {
  return "cli:" + login_name();
}

Principal Session::principal() const {
  return LocalUser{login_name()};
}

Result<const config::Config*> Session::config() {
  if (!config_) {
    config::Sources sources;
    sources.file = globals_.config;
    if (globals_.store) sources.flags["store"] = *globals_.store;
    config_ = config::load(sources);
    // Another database than the configured one has its own key, unless the configuration says where that is.
    if (config_->ok() && globals_.store && (*config_)->key_file == config::Config{}.key_file)
      (*config_)->key_file = store::folder_of((*config_)->store) + "/key";
  }
  if (!config_->ok()) return config_->error();
  return &**config_;
}

Result<std::string> Session::store_path() {
  auto loaded = config();
  if (!loaded) return loaded.error();
  return (*loaded)->store;
}

Result<store::Store*> Session::open(bool must_exist) {
  if (store_) return store_.get();
  auto loaded = config();
  if (!loaded) return loaded.error();
  // Once root has become the store's owner it may not be able to read these any more.
  read_tokens();
  auto key = config::find_key_credential();
  if (!key) return key.error();
  store::OpenOptions options;
  options.path = (*loaded)->store;
  options.key_file = (*loaded)->key_file;
  options.key = *std::move(key);
  options.must_exist = must_exist;
  options.busy_timeout = kBusyTimeout;
  auto opened = store::Store::open(options);
  if (!opened) return opened.error();
  store_ = *std::move(opened);
  return store_.get();
}

Result<store::Store*> Session::store() {
  return open(true);
}

Result<store::Store*> Session::store_or_new() {
  return open(false);
}

Result<std::optional<int>> Session::daemon() {
  auto path = store_path();
  if (!path) return path.error();
  return store::WriterLock::holder(*path);
}

net::EventLoop& Session::loop() {
  if (!loop_) loop_ = std::make_unique<net::EventLoop>();
  return *loop_;
}

Result<net::HttpClient*> Session::http() {
  if (http_) return http_.get();
  auto loaded = config();
  if (!loaded) return loaded.error();
  net::CurlOptions options;
  options.proxy = (*loaded)->http.proxy;
  options.ca_file = (*loaded)->http.ca_file;
  options.user_agent = fmt::format("watchbill/{}", version());
  http_ = std::make_unique<net::CurlClient>(loop(), std::move(options));
  return http_.get();
}

void Session::read_tokens() {
  if (bot_token_) return;
  const auto& slack = (*config_)->slack;
  bot_token_ = config::find_secret(slack.bot_token);
  user_token_ = config::find_secret(slack.user_token);
}

Result<SlackDesk*> Session::make_slack(bool need_token) {
  auto loaded = config();
  if (!loaded) return loaded.error();
  read_tokens();
  if (need_token) {
    if (!*bot_token_) return bot_token_->error();
    if (!*user_token_) return user_token_->error();
    if (!**bot_token_) {
      auto missing = config::read_secret((*loaded)->slack.bot_token);
      return missing ? fail(ErrorKind::internal, "the bot token appeared just now") : missing.error();
    }
  }
  if (slack_) return slack_.get();
  auto client = http();
  if (!client) return client.error();
  const auto token = [](const Result<std::optional<Secret>>& found) {
    return found && *found ? **found : Secret{};
  };
  slack_ = std::make_unique<SlackDesk>(loop(), **client, **loaded, token(*bot_token_), token(*user_token_));
  return slack_.get();
}

Result<SlackDesk*> Session::slack() {
  return make_slack(true);
}

Result<SlackDesk*> Session::slack_offline() {
  return make_slack(false);
}

Result<void> Session::confirm(const std::string& question) {
  if (globals_.yes) return {};
  if (!io_.in_tty || input_read_)
    return fail(ErrorKind::invalid, "{} Nobody can be asked here: run it again with --yes", question);
  io_.out.flush();
  io_.err << printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(io_.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return fail(ErrorKind::cancelled, "nothing was changed");
}

Result<void> Session::may_do(Action action, const Object& object) {
  auto loaded = config();
  if (!loaded) return loaded.error();
  return may(principal(), action, object, (*loaded)->permissions());
}

Result<std::string> Session::read_file(const std::string& path, const std::string& what) {
  if (path == "-") {
    if (input_read_) return fail(ErrorKind::invalid, "{}: standard input can be read only once", what);
    input_read_ = true;
    return read_stream(io_.in, what);
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const auto kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::storage;
    return fail(kind, "{}: {}: {}", what, path, std::strerror(errno));
  }
  auto content = read_stream(file, fmt::format("{}: {}", what, path));
  if (content && file.bad()) return fail(ErrorKind::storage, "{}: {}: {}", what, path, std::strerror(errno));
  return content;
}

Result<Secret> Session::read_secret(const std::string& path, const std::string& what) {
  auto content = read_file(path, what);
  if (!content) return content.error();
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r')) content->pop_back();
  const std::string source = path == "-" ? "standard input" : path;
  if (content->empty()) return fail(ErrorKind::invalid, "{}: {} is empty", what, source);
  if (has_control(*content)) return fail(ErrorKind::invalid, "{}: {} has more than one line", what, source);
  return Secret(*std::move(content));
}

void Session::print_json(std::string_view text) {
  io_.out << (io_.out_tty ? json::pretty(text) : std::string(text)) << "\n";
}

Result<void> CliTokens::keep(const std::string& name, const std::map<std::string, std::string>& settings,
                             const std::map<std::string, Secret>& secrets) {
  if (store_) return store_->connections().keep_tokens(name, settings, secrets);
  for (const auto& [key, value] : settings) connection_->settings[key] = value;
  for (const auto& [key, value] : secrets) connection_->secrets[key] = value;
  return {};
}

namespace {

/// A refresh token works once: two processes that renew it would lock each other out.
Result<void> refuse_to_renew(Session& session, const Connection& connection) {
  if (!connection.secrets.contains("refresh_token")) return {};
  const auto expiry = connection.settings.find("token_expires_at");
  const auto until =
      expiry == connection.settings.end() ? fail(ErrorKind::invalid, "none") : parse_rfc3339(expiry->second);
  if (until && *until > session.now() + 2min) return {};
  auto daemon = session.daemon();
  if (!daemon) return daemon.error();
  if (!*daemon) return {};
  return fail(ErrorKind::conflict,
              "connection {}: its token is being renewed by the daemon (pid {}): try again in a minute",
              connection.name, **daemon);
}

}  // namespace

Result<std::unique_ptr<OpenProvider>> open_provider(Session& session, Connection connection, bool stored) {
  auto loaded = session.config();
  if (!loaded) return loaded.error();
  auto http = session.http();
  if (!http) return http.error();
  auto open = std::make_unique<OpenProvider>();
  open->connection = std::move(connection);
  if (stored) {
    if (auto free = refuse_to_renew(session, open->connection); !free) return free.error();
    auto store = session.store();
    if (!store) return store.error();
    open->tokens = std::make_unique<CliTokens>(**store);
  } else {
    open->tokens = std::make_unique<CliTokens>(open->connection);
  }
  const providers::Context context{session.loop(), **http, *open->tokens, (*loaded)->xmatters.allowed_hosts};
  auto adapter = providers::find_adapter(open->connection.kind);
  if (!adapter) return adapter.error();
  auto prepared = (*adapter)->prepare(open->connection, context);
  if (!prepared) return prepared.error().in("connection {}", open->connection.name);
  open->connection = *std::move(prepared);
  open->provider = (*adapter)->create(open->connection, context);
  return open;
}

}  // namespace watchbill::cli
