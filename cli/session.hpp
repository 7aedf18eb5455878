#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "cli/terminal/command.hpp"
#include "cli/terminal/io.hpp"
#include "cli/terminal/moment.hpp"
#include "cli/terminal/progress.hpp"
#include "config/config.hpp"
#include "control/context.hpp"
#include "net/curl_client.hpp"
#include "net/event_loop.hpp"
#include "slack/api/web_client.hpp"
#include "slack/limits/rate_limiter.hpp"
#include "store/async_store.hpp"

namespace watchbill::cli {

/// Refuses what a shell would have replaced in a path, and did not: `--file=~/x` (config/value.hpp). `what`
/// is the option or argument.
Result<void> check_path(const std::string& path, const std::string& what);

/// Slack as the command line uses it.
struct SlackAccess {
  SlackAccess(net::EventLoop& loop, net::HttpClient& http, const config::Config& config, const Secret& bot,
              const Secret& user, const Secret& app);
  slack::RateLimiter limiter;
  slack::WebClient web;
  bool has_user_token;
};

/// What one run of the program works with. Everything is opened when it is first asked for, so that a command
/// pays for what it uses.
class Session {
 public:
  Session(Globals globals, Io& io);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Io& io() { return io_; }
  [[nodiscard]] bool json() const { return globals_.json; }
  [[nodiscard]] const Globals& globals() const { return globals_; }
  /// The file that the configuration is read from, whether it exists or not.
  [[nodiscard]] std::string config_path() const;
  /// One moment for the whole run.
  [[nodiscard]] Instant now() const { return now_; }
  /// Whoever sits at the command line: "cli:ada".
  [[nodiscard]] control::Caller caller() const;

  Result<const config::Config*> config();
  /// The database; `not_found` if there is none.
  Result<store::Store*> store();
  /// The same, but creates it.
  Result<store::Store*> store_or_new();
  /// How the database is opened; for those who work on its files.
  Result<store::OpenOptions> store_options();
  /// Path of the database.
  Result<std::string> store_path();
  /// The pid of the process that writes groups, if one runs.
  Result<std::optional<int>> daemon();

  net::EventLoop& loop();
  Result<net::HttpClient*> http();
  /// An error if no bot token is configured.
  Result<SlackAccess*> slack();
  /// What lets Slack reach the app: the app-level token, or over HTTP the signing secret; nothing if none is
  /// configured.
  Result<std::optional<Secret>> app_secret();
  /// What the rules of manage/ work with. Needs the store, and no token as long as Slack is not asked.
  Result<control::Context*> context();
  /// Runs a task; a terminal shows meanwhile how long it takes and what it waits for.
  template <class T>
  T run(net::Task<T> task) {
    const ProgressTimer timer(*this);
    return loop().run_until_done(std::move(task));
  }
  /// What is done now ("checking connection pd"), for that line; it stays until it is replaced.
  void doing(std::string what) { doing_ = std::move(what); }

  /// The moment that an option's value means. Unless that was RFC 3339 the error stream says which one it is.
  Result<Instant> moment(std::string_view option, const std::string& text, Bare bare);

  /// Success if the person agrees (or `--yes`). `cancelled` if not; `invalid` if nobody can be asked.
  Result<void> confirm(const std::string& question);

  /// The text of a file that a person named; '-' is standard input, which can be read once. Reading happens
  /// before the store is opened, since root then becomes the store's owner.
  Result<std::string> read_file(const std::string& path, const std::string& what);
  /// The same for a secret (config/secret_text.hpp).
  Result<Secret> read_secret(const std::string& path, const std::string& what, config::SecretKind kind);

  /// Prints JSON: indented for people, in one line for programs.
  void print_json(std::string_view text);

 private:
  /// While it lives the person who waits is told, every second.
  class ProgressTimer {
   public:
    explicit ProgressTimer(Session& session);
    ~ProgressTimer();
    ProgressTimer(const ProgressTimer&) = delete;
    ProgressTimer& operator=(const ProgressTimer&) = delete;

   private:
    void look();
    Session& session_;
    net::Timer timer_;
  };
  void tell_progress();

  Result<store::Store*> open(bool must_exist);
  Result<SlackAccess*> make_slack();
  Result<void> need_tokens();
  void read_tokens();
  /// Has the daemon do it; where Slack asks the daemon to wait, it is asked again.
  net::Task<Result<json::Document>> ask_daemon(std::string kind, std::string payload);
  /// Has a change of a group made by the daemon, or, when none runs, makes it while holding the writer's
  /// lock.
  net::Task<Result<json::Document>> group_request(std::string kind, std::string payload);
  /// Does it once, holding the writer's lock.
  net::Task<Result<json::Document>> carry_out(std::string path, std::string kind, std::string payload);
  /// Until Slack takes writes of groups again; `cancelled` if the person does not want to wait.
  net::Task<Result<void>> wait_for_slack();

  Globals globals_;
  Io& io_;
  Instant now_;
  std::optional<Result<config::Config>> config_;
  std::optional<Result<std::optional<Secret>>> bot_token_;
  std::optional<Result<std::optional<Secret>>> user_token_;
  std::optional<Result<std::optional<Secret>>> app_secret_;
  std::unique_ptr<store::Store> store_;
  net::InlineExecutor executor_;
  std::unique_ptr<net::EventLoop> loop_;
  std::unique_ptr<net::CurlClient> http_;
  std::unique_ptr<SlackAccess> slack_;
  std::optional<control::Context> context_;
  bool input_read_ = false;
  Progress progress_;
  std::string doing_ = "asking";
  std::string counted_{};  ///< "21 of 45"
  std::optional<Instant> waits_until_{};
  Instant told_until_{};  ///< of the wait that was told in a line of its own
};

}  // namespace watchbill::cli
