#include "cli/session.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/text.hpp"
#include "cli/terminal/interruption.hpp"
#include "config/value.hpp"
#include "engine/jobs/job_runner.hpp"
#include "net/event_loop.hpp"
#include "store/files.hpp"

namespace watchbill::cli {

namespace {

/// How long a statement waits for the daemon's short transactions.
constexpr auto kBusyTimeout = 2s;
/// What became of a request is recorded within this time, or is found out by the next who starts.
constexpr auto kRecordPatience = 5s;
constexpr std::size_t kLongestFile = 10'000'000;
/// Slack says how long we wait; a person who sees it may stop us.
constexpr seconds kSlackPatience = 1h;
/// Written to find out whether anything can be.
constexpr const char* kStoreTried = "store_tried";

std::string find_login_name() {
  const char* behind = std::getenv("SUDO_USER");
  if (behind != nullptr && *behind != '\0' && getuid() == 0) return behind;
  if (const auto* entry = getpwuid(getuid())) return entry->pw_name;
  return fmt::format("uid-{}", getuid());
}

/// The person who runs this process, also behind sudo. Found when the first session begins: with the store
/// open root is the store's owner.
const std::string& login_name() {
  static const std::string name = find_login_name();
  return name;
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

Result<void> check_path(const std::string& path, const std::string& what) {
  auto good = config::check_path_text(path);
  return good ? good : fail(ErrorKind::invalid, "{}: \"{}\" {}", what, path, good.error().message);
}

SlackAccess::SlackAccess(net::EventLoop& loop, net::HttpClient& http, const config::Config& config,
                         const Secret& bot, const Secret& user, const Secret& app)
    : limiter(loop, config.slack.rate_scale),
      web(http, limiter, {config.slack.api_url, bot, user, app, {}, config.slack.editors.group}),
      has_user_token(!user.empty()) {
  web.set_patience(kSlackPatience);
}

namespace {

/// What takes less is not told.
constexpr auto kUntold = 2s;
/// A wait for Slack that is told where no terminal shows the seconds go by.
constexpr auto kToldInALine = 5s;
constexpr auto kTellEvery = 500ms;
/// How soon an interruption ends a wait.
constexpr auto kLookEvery = 100ms;

}  // namespace

Session::ProgressTimer::ProgressTimer(Session& session) : session_(session) {
  look();
}

Session::ProgressTimer::~ProgressTimer() {
  session_.progress_.clear();
}

void Session::ProgressTimer::look() {
  auto& loop = session_.loop();
  timer_ = net::Timer{loop, loop.start_timer(kTellEvery, [this] {
                        session_.tell_progress();
                        look();
                      })};
}

void Session::tell_progress() {
  const auto now = loop().now();
  const auto resumes = waits_until_ ? waits_until_ : slack_ ? slack_->limiter.resumes() : std::nullopt;
  const auto counted = counted_.empty() ? "" : counted_ + ", ";
  if (resumes && *resumes - now >= 1s) {
    const auto text = fmt::format("{}Slack lets us go on in {} s", counted,
                                  std::chrono::ceil<seconds>(*resumes - now).count());
    if (!io_.err_tty && *resumes - now >= kToldInALine && *resumes > told_until_ + kToldInALine) {
      told_until_ = *resumes;
      io_.err << "watchbill: " << text << std::endl;
    }
    return progress_.show(text);
  }
  if (now - now_ >= kUntold) {
    progress_.show(
        fmt::format("{}{}, {} s", counted, doing_, std::chrono::floor<seconds>(now - now_).count()));
  }
}

Session::Session(Globals globals, Io& io)
    : globals_(std::move(globals)),
      io_(io),
      now_(std::chrono::floor<milliseconds>(std::chrono::system_clock::now())),
      progress_(io_) {
  login_name();
}
Session::~Session() = default;

control::Caller Session::caller() const {
  const auto& name = login_name();
  return {LocalUser{name}, "cli:" + name};
}

std::string Session::config_path() const {
  if (globals_.config) return *globals_.config;
  const char* named = std::getenv("WATCHBILL_CONFIG");
  return named != nullptr && *named != '\0' ? named : config::kDefaultFile;
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

Result<store::OpenOptions> Session::store_options() {
  auto loaded = config();
  if (!loaded) return loaded.error();
  auto key = config::find_key_credential();
  if (!key) return key.error();
  store::OpenOptions options;
  options.path = (*loaded)->store;
  options.key_file = (*loaded)->key_file;
  options.key = *std::move(key);
  options.busy_timeout = kBusyTimeout;
  return options;
}

Result<store::Store*> Session::open(bool must_exist) {
  if (store_) return store_.get();
  auto options = store_options();
  if (!options) return options.error();
  // Once root has become the store's owner it may not be able to read these any more.
  read_tokens();
  options->must_exist = must_exist;
  auto opened = store::Store::open(*options);
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
  app_secret_ =
      config::find_secret(slack.mode == config::SlackMode::http ? slack.signing_secret : slack.app_token);
}

Result<SlackAccess*> Session::make_slack() {
  if (slack_) return slack_.get();
  auto loaded = config();
  if (!loaded) return loaded.error();
  read_tokens();
  auto client = http();
  if (!client) return client.error();
  const auto token = [](const Result<std::optional<Secret>>& found) {
    return found && *found ? **found : Secret{};
  };
  const bool socket = (*loaded)->slack.mode == config::SlackMode::socket;
  slack_ = std::make_unique<SlackAccess>(loop(), **client, **loaded, token(*bot_token_), token(*user_token_),
                                         socket ? token(*app_secret_) : Secret{});
  return slack_.get();
}

Result<void> Session::need_tokens() {
  auto loaded = config();
  if (!loaded) return loaded.error();
  read_tokens();
  if (!*bot_token_) return bot_token_->error();
  if (!*user_token_) return user_token_->error();
  if (**bot_token_) return {};
  auto missing = config::read_secret((*loaded)->slack.bot_token);
  return missing ? fail(ErrorKind::internal, "the bot token appeared just now") : missing.error();
}

Result<std::optional<Secret>> Session::app_secret() {
  auto loaded = config();
  if (!loaded) return loaded.error();
  read_tokens();
  return *app_secret_;
}

Result<SlackAccess*> Session::slack() {
  if (auto there = need_tokens(); !there) return there.error();
  return make_slack();
}

net::Task<Result<json::Document>> Session::ask_daemon(std::string kind, std::string payload) {
  const std::function<Result<bool>()> daemon_runs = [this]() -> Result<bool> {
    if (auto go_on = Interruption::check(); !go_on) return go_on.error();
    return context_->daemon_runs();
  };
  const auto until = loop().steady_now() + kSlackPatience;
  bool limited = false;
  doing("waiting for the daemon to write the group");
  while (true) {
    auto answer = co_await control::ask_writer(context_->loop, context_->store, daemon_runs, kind, payload,
                                               control::kGroupPatience);
    if (answer) co_return answer;
    const auto why = answer.error().kind;
    limited = limited || why == ErrorKind::rate_limited;
    const bool again = why == ErrorKind::rate_limited || (limited && why == ErrorKind::timeout);
    if (!again || loop().steady_now() >= until) co_return answer;
    // It asks when Slack allows that again.
    doing("Slack asks the daemon to wait");
  }
}

net::Task<Result<json::Document>> Session::group_request(std::string kind, std::string payload) {
  auto running = daemon();
  if (!running) co_return running.error();
  const Interruption interruption;
  if (*running) co_return co_await ask_daemon(std::move(kind), std::move(payload));
  if (context_->no_slack) co_return *context_->no_slack;
  auto path = store_path();
  if (!path) co_return path.error();
  // A wait within the call could not be interrupted.
  slack_->web.set_patience(0s);
  while (true) {
    auto done = co_await carry_out(*path, kind, payload);
    if (done || done.error().kind != ErrorKind::rate_limited) {
      slack_->web.set_patience(kSlackPatience);
      co_return done;
    }
    if (auto waited = co_await wait_for_slack(); !waited) co_return waited.error();
  }
}

net::Task<Result<json::Document>> Session::carry_out(std::string path, std::string kind,
                                                     std::string payload) {
  auto lock = store::WriterLock::take(path, "watchbill");
  if (!lock) co_return lock.error();
  auto lease = store::HostLease::begin(*store_);
  if (!lease) co_return lease.error();
  auto from = engine::read_journal_start(*store_);
  if (!from) co_return from.error();
  engine::Journal journal(context_->loop, context_->store, nullptr);
  journal.start(*lease, *from);
  const engine::StillWanted not_interrupted = []() -> net::Task<Result<void>> {
    co_return Interruption::check();
  };
  auto answer = co_await engine::carry_out_group_request(
      {context_->loop, context_->store, journal, context_->groups, context_->limiter}, std::move(kind),
      std::move(payload), not_interrupted);
  co_await journal.drain(kRecordPatience);
  co_return control::read_answer(answer);
}

net::Task<Result<void>> Session::wait_for_slack() {
  Instant until = loop().now();
  for (const auto method : {slack::Method::usergroups_create, slack::Method::usergroups_enable,
                            slack::Method::usergroups_disable, slack::Method::usergroups_users_update})
    until = std::max(until, slack_->limiter.when(method, slack::Priority::edit, 1));
  waits_until_ = until;
  auto go_on = Interruption::check();
  while (go_on && loop().now() < until) {
    co_await net::sleep_for(loop(), kLookEvery);
    go_on = Interruption::check();
  }
  waits_until_.reset();
  co_return go_on;
}

Result<control::Context*> Session::context() {
  if (context_) return &*context_;
  auto opened = store();
  if (!opened) return opened.error();
  auto slack = make_slack();
  if (!slack) return slack.error();
  auto& web = (*slack)->web;
  const auto daemon_runs = [this]() -> Result<bool> {
    auto running = daemon();
    if (!running) return running.error();
    return running->has_value();
  };
  const auto request = [this](std::string kind, std::string payload) {
    return group_request(std::move(kind), std::move(payload));
  };
  const auto check_store = [store = *opened] {
    return store->relaxed_transaction([&] { return store->set_meta(kStoreTried, "yes"); });
  };
  context_.emplace(control::Context{loop(),
                                    {**opened, executor_},
                                    *http_,
                                    web,
                                    web,
                                    web,
                                    (*slack)->limiter,
                                    **config_,
                                    request,
                                    daemon_runs,
                                    {},
                                    {},
                                    check_store});
  if (auto there = need_tokens(); !there) context_->no_slack = there.error();
  context_->progress = [this](std::size_t number, std::size_t of) {
    counted_ = of > 1 ? fmt::format("{} of {}", number, of) : "";
  };
  return &*context_;
}

Result<Instant> Session::moment(std::string_view option, const std::string& text, Bare bare) {
  auto at = parse_moment(text, now_, bare);
  if (!at) return at.error().in("--{}", option);
  if (!parse_rfc3339(text))
    io_.err << fmt::format("--{}: {} ({})\n", option, format_local(*at), format_rfc3339(*at));
  return at;
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

Result<std::string> Session::read_file(const std::string& path, const std::string& what) {
  if (path == "-") {
    if (input_read_) return fail(ErrorKind::invalid, "{}: standard input can be read only once", what);
    input_read_ = true;
    return read_stream(io_.in, what);
  }
  if (auto good = check_path(path, what); !good) return good.error();
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

Result<Secret> Session::read_secret(const std::string& path, const std::string& what,
                                    config::SecretKind kind) {
  std::error_code unknown;
  const auto here = std::filesystem::current_path(unknown).string();
  if (auto good = path == "-" ? Result<void>() : config::check_secret_path(path, here); !good)
    return good.error().in("{}", what);
  auto content = read_file(path, what);
  if (!content) return content.error();
  auto secret = config::secret_of_file(*std::move(content), kind);
  if (!secret) {
    Error error = secret.error();
    error.message = fmt::format("{}: {} {}", what, path == "-" ? "standard input" : path, error.message);
    return error;
  }
  return secret;
}

void Session::print_json(std::string_view text) {
  const auto visible = visible_json(text);
  io_.out << (io_.out_tty ? json::pretty(visible) : visible) << "\n";
}

}  // namespace watchbill::cli
