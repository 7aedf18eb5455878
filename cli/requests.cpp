// What only the holder of the writer's lock may do: asked of the daemon, or done here.

#include <thread>

#include "cli/session.hpp"
#include "engine/request_desk.hpp"

namespace watchbill::cli {

namespace {

constexpr auto kLookEvery = 50ms;
constexpr auto kPatience = 90s;

ErrorKind kind_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    if (name_of(static_cast<ErrorKind>(i)) == name) return static_cast<ErrorKind>(i);
  }
  return ErrorKind::internal;
}

/// The answer's document, or the error that it carries.
Result<json::Document> understood(const std::string& answer) {
  auto document = json::parse(answer);
  if (!document) return document.error().in("the daemon's answer");
  const auto root = document->root();
  if (root["ok"].boolean_or(false)) return document;
  Error error =
      fail(kind_named(root["kind"].string_or("")), "{}", root["error"].string_or("no reason given"));
  error.code = root["code"].string_or("");
  return error;
}

}  // namespace

Result<json::Document> Session::ask_daemon(const std::string& kind, const std::string& payload,
                                           seconds patience) {
  auto opened = store();
  if (!opened) return opened.error();
  auto id = (*opened)->requests().ask(kind, payload);
  if (!id) return id.error();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    auto answer = (*opened)->requests().answer_of(*id);
    if (!answer && answer.error().code != "busy") return answer.error();
    if (answer && *answer) return understood(**answer);
    auto running = daemon();
    if (!running) return running.error();
    if (!*running) {
      return fail(ErrorKind::unreachable,
                  "the daemon stopped before it answered: start it again, and it will carry the request out");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return fail(ErrorKind::timeout,
              "the daemon has not answered within {}: `watchbill status` and its log say what it does",
              format_duration(patience));
}

Result<json::Document> Session::group_request(const std::string& kind, const std::string& payload) {
  auto running = daemon();
  if (!running) return running.error();
  if (*running) return ask_daemon(kind, payload, kPatience);
  auto desk = slack();
  if (!desk) return desk.error();
  auto path = store_path();
  if (!path) return path.error();
  auto lock = store::WriterLock::take(*path, "watchbill");
  if (!lock) return lock.error();
  return understood(run(engine::carry_out_group_request((*desk)->web, (*desk)->gate, kind, payload)));
}

}  // namespace watchbill::cli
