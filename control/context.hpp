#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "config/config.hpp"
#include "core/access/may.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"
#include "slack/api/api.hpp"
#include "slack/limits/rate_limiter.hpp"
#include "store/async_store.hpp"

/// What people see and change, whatever they use to do it: the command line and the Slack app share these
/// rules. Nothing here blocks: what asks somebody, or the store, is a task. What takes a `store::Store` is a
/// piece of work for the store's thread.
namespace watchbill::control {

/// Who asks for something, as `may` and as the audit see him. Every function that changes something takes one
/// and asks `may`.
struct Caller {
  Principal principal;
  store::Actor actor;  ///< "U…", "cli:ada", "file:NAME"
};

/// Has a group changed in Slack by the one process that may write groups. The kinds and their JSON are those
/// of engine/jobs/job_runner.hpp; the result is the answer, of which "ok" is true.
using GroupRequest = std::function<net::Task<Result<json::Document>>(std::string kind, std::string payload)>;

/// What the rules work with. All of it outlives the tasks that it is given to.
struct Context {
  net::Loop& loop;
  store::AsyncStore store;
  net::HttpClient& http;
  slack::Groups& groups;
  slack::Users& people;
  slack::Channels& channels;
  slack::RateLimiter& limiter;
  const config::Config& config;
  GroupRequest group_request;
  /// Whether some process holds the writer's lock: it polls the systems and renews tokens.
  std::function<Result<bool>()> daemon_runs;
  /// Why Slack cannot be asked at all (no token), if so.
  std::optional<Error> no_slack{};
  /// Told of work on several rotations: the one that is begun, and how many there are. May be empty.
  std::function<void(std::size_t number, std::size_t of)> progress{};
  /// Why the store takes no writes now, if it does not: the daemon knows, others try. Asked where what stands
  /// there is older than it should be.
  std::function<Result<void>()> check_store{};
  /// Told that a request was left for the engine, where that is in this process. May be empty.
  std::function<void()> asked{};

  [[nodiscard]] Permissions permissions() const { return config.permissions(); }
};

/// `may` for whoever asks.
Result<void> allowed(const Context& context, const Caller& caller, Action action, const Object& object);

/// Leaves a request for the process that holds the writer's lock and waits for its answer: how the command
/// line and the app have groups written (engine/jobs/job_runner.hpp). Errors: those of the request;
/// `unreachable` if that process ends meanwhile; `timeout`. What was not begun by then is not begun any more.
/// `asked` is told once the request stands in the store; it may be empty.
net::Task<Result<json::Document>> ask_writer(net::Loop& loop, store::AsyncStore store,
                                             std::function<Result<bool>()> daemon_runs, std::string kind,
                                             std::string payload, seconds patience,
                                             std::function<void()> asked = {});
/// How long a change of a group may take: Slack lets 20 a minute through.
inline constexpr seconds kGroupPatience{90};

/// Reads an answer of a request: its document, or the error that it carries.
Result<json::Document> read_answer(const std::string& answer);

/// Group requests of a context in the daemon: left in the store, and carried out by the engine of this
/// process in the order of its other work. `asked` is told of each; it may be empty.
GroupRequest group_requests_of_daemon(net::Loop& loop, store::AsyncStore store,
                                      std::function<void()> asked = {});

}  // namespace watchbill::control
