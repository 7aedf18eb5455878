#include "control/context.hpp"

namespace watchbill::control {

namespace {

constexpr auto kLookEvery = 50ms;
/// An asker who is gone without a word (killed, a lost shell) is waited for no longer than this.
constexpr auto kPromise = 5s;
constexpr auto kRenewEvery = 1s;

ErrorKind kind_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    if (name_of(static_cast<ErrorKind>(i)) == name) return static_cast<ErrorKind>(i);
  }
  return ErrorKind::internal;
}

}  // namespace

Result<void> allowed(const Context& context, const Caller& caller, Action action, const Object& object) {
  return may(caller.principal, action, object, context.permissions());
}

Result<json::Document> read_answer(const std::string& answer) {
  auto document = json::parse(answer);
  if (!document) return document.error().in("the daemon's answer");
  const auto root = document->root();
  if (root["ok"].boolean_or(false)) return document;
  Error error =
      fail(kind_named(root["kind"].string_or("")), "{}", root["error"].string_or("no reason given"));
  error.code = root["code"].string_or("");
  return error;
}

namespace {

net::Task<Result<json::Document>> wait_for_answer(net::Loop& loop, store::AsyncStore store,
                                                  std::function<Result<bool>()> daemon_runs, std::int64_t id,
                                                  seconds patience) {
  const auto until = loop.steady_now() + patience;
  auto renew_at = loop.steady_now() + kRenewEvery;
  while (loop.steady_now() < until) {
    if (loop.steady_now() >= renew_at) {
      // One that cannot be written now is made good by the next, long before the promise ends.
      const auto renew = [id, until_then = loop.now() + kPromise](store::Store& of) {
        return of.requests().renew(id, until_then);
      };
      (void)co_await store.run(renew);
      renew_at = loop.steady_now() + kRenewEvery;
    }
    const auto read = [id](store::Store& of) { return of.requests().answer_of(id); };
    auto answer = co_await store.run(read);
    if (!answer && answer.error().code != "busy") co_return answer.error();
    if (answer && *answer) co_return read_answer(**answer);
    auto running = daemon_runs();
    if (!running) co_return running.error();
    if (!*running) {
      co_return fail(ErrorKind::unreachable,
                     "the daemon stopped before it answered: start it again, and then run this again");
    }
    co_await net::sleep_for(loop, kLookEvery);
  }
  co_return fail(ErrorKind::timeout,
                 "the daemon has not answered within {}: `watchbill status` and its log say what it does",
                 format_duration(patience));
}

}  // namespace

net::Task<Result<json::Document>> ask_writer(net::Loop& loop, store::AsyncStore store,
                                             std::function<Result<bool>()> daemon_runs, std::string kind,
                                             std::string payload, seconds patience,
                                             std::function<void()> asked) {
  const auto leave = [kind, payload, until = loop.now() + kPromise](store::Store& of) {
    return of.requests().ask(kind, payload, until);
  };
  auto id = co_await store.run(leave);
  if (!id) co_return id.error();
  if (asked) asked();
  auto answer = co_await wait_for_answer(loop, store, std::move(daemon_runs), *id, patience);
  // If that cannot be noted, the request ends by itself when its time is over.
  const auto withdraw = [number = *id](store::Store& of) { return of.requests().withdraw(number); };
  if (!answer) (void)co_await store.run(withdraw);
  co_return answer;
}

namespace {

/// A coroutine must not be a lambda with captures: the function object may go while it runs.
struct AskEngine {
  net::Loop& loop;
  store::AsyncStore store;
  std::function<void()> asked;
  net::Task<Result<json::Document>> operator()(std::string kind, std::string payload) const {
    return ask_writer(
        loop, store, [] { return Result<bool>(true); }, std::move(kind), std::move(payload), kGroupPatience,
        asked);
  }
};

}  // namespace

GroupRequest group_requests_of_daemon(net::Loop& loop, store::AsyncStore store, std::function<void()> asked) {
  return AskEngine{loop, store, std::move(asked)};
}

}  // namespace watchbill::control
