#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "sandbox/sandbox.hpp"

namespace watchbill::cli {

/// The real watchbilld beside this program, run against the sandbox with a store, a configuration and keys of
/// its own in a temporary folder, which goes with it.
class SandboxDaemon final : public sandbox::OwnDaemon {
 public:
  /// Errors: `not_found` without a watchbilld beside this program, `storage`.
  static Result<std::unique_ptr<SandboxDaemon>> make(net::EventLoop& loop, sandbox::Sandbox& servers);
  ~SandboxDaemon() override;

  /// Makes connections and rotations by `watchbill`, then starts the daemon. What fails is told on
  /// `complain`.
  net::Task<void> prepare(std::function<void(const std::string&)> complain);

  std::string status() override;
  Result<void> steer(const std::string& action, const std::string& mode) override;
  net::Task<Result<void>> apply(std::string yaml) override;

 private:
  struct Child {
    bool ended = false;
    int status = 0;
  };
  SandboxDaemon(net::EventLoop& loop, sandbox::Sandbox& servers, std::string folder, std::string programs);
  Result<void> write_files();
  void write_config();
  /// The id of the channel for alerts, or "null".
  [[nodiscard]] std::string alert_channel() const;
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  Result<pid_t> spawn(std::vector<std::string> command, const std::string& log);
  void reap();
  /// Runs `watchbill` with these words and waits for it.
  net::Task<Result<void>> watchbill(std::vector<std::string> words);
  Result<void> start();
  void look();

  net::EventLoop& loop_;
  sandbox::Sandbox& servers_;
  std::string folder_;
  std::string programs_;
  std::string listen_;
  std::string mode_ = "socket";
  json::Document ready_;
  sandbox::SystemSetup systems_;
  std::map<pid_t, Child> children_;
  net::Signal ended_;
  pid_t daemon_ = 0;
  Instant since_{};
  int starts_ = 0;
  std::string overview_ = "null";
  net::Timer looking_;
};

}  // namespace watchbill::cli
