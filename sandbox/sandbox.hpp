#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/event_loop.hpp"
#include "sandbox/own_daemon.hpp"

/// A Slack workspace and four scheduling systems as loopback HTTP servers with memory, for tests, for the
/// demo and for trying Watchbill by hand. An independent reading of the vendors' pages: nothing of
/// `providers/` or `slack/` is used here.
namespace watchbill::sandbox {

struct Options {
  /// Address of the control server ("127.0.0.1:0" takes a free port); the others take free ports of the same
  /// host.
  std::string listen = "127.0.0.1:0";
  /// YAML text, see sandbox/control/control.hpp; empty for the built-in demo world.
  std::string scenario{};
  /// Serves the web page at the control server's address, too.
  bool page = false;
  /// Told what went wrong with an action that the scenario had planned for later.
  std::function<void(const std::string&)> complain{};
};

/// The running servers. They stop when this is destroyed. One thread: the loop's.
class Sandbox {
 public:
  /// Errors: `invalid` (the scenario, with where and why), `unreachable` (the address cannot be bound).
  static Result<std::unique_ptr<Sandbox>> start(net::EventLoop& loop, const Options& options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// "http://127.0.0.1:4123/api/"
  [[nodiscard]] std::string slack_api() const;
  /// The others have no path: "http://127.0.0.1:4124".
  [[nodiscard]] std::string pagerduty() const;
  /// Where PagerDuty's `/oauth/token` lives.
  [[nodiscard]] std::string identity() const;
  [[nodiscard]] std::string opsgenie() const;
  /// Both of its APIs and its site.
  [[nodiscard]] std::string jsm() const;
  [[nodiscard]] std::string xmatters() const;
  [[nodiscard]] std::string control() const;

  /// One line of JSON: the addresses, `tokens` of Slack and `keys` of the scheduling systems.
  [[nodiscard]] std::string ready_line() const;
  /// Exactly what POST /_control does, in process: JSON in, JSON out. The vocabulary is in
  /// sandbox/control/control.hpp. Errors: `invalid` or `not_found` with what is wrong; `conflict` if it is
  /// there already.
  Result<std::string> control(std::string_view action_json);
  /// The same for all actions, also those that wait for the app ("act", "submit", "command", ...).
  net::Task<Result<std::string>> act(std::string action_json);

  /// For a daemon whose secrets lie in this folder.
  [[nodiscard]] SystemSetup system_setup(const std::string& folder) const;
  /// The daemon that the page shows; it outlives the sandbox.
  void attach(OwnDaemon& daemon);
  /// Something of the daemon may have changed.
  void notice();
  /// The scenario's `rotations`, as `watchbill rotation create` takes them: name, then options
  /// ("--group", "@payments-oncall", ...).
  [[nodiscard]] std::vector<std::vector<std::string>> rotations() const;

 private:
  struct Impl;
  explicit Sandbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::sandbox
