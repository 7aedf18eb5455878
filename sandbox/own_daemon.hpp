#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/loop.hpp"

namespace watchbill::sandbox {

/// What a daemon is given so that it uses the sandbox's scheduling systems.
struct SystemSetup {
  std::map<std::string, std::string> secrets{};         ///< the files' contents, by name
  std::string configuration{};                          ///< the systems' keys, in YAML
  std::vector<std::vector<std::string>> connections{};  ///< as `watchbill connection add` takes them
};

/// The watchbilld that keeps this sandbox's groups, if there is one: what the page shows of it and does to
/// it. Implemented by the command line.
class OwnDaemon {
 public:
  virtual ~OwnDaemon() = default;
  /// The event `daemon` of sandbox/page/page.hpp.
  virtual std::string status() = 0;
  /// "kill" (SIGKILL), "stop" (SIGTERM), "start"; `mode`: "socket", "http" or empty for the one it had.
  /// Errors: `conflict` if it runs already (or not).
  virtual Result<void> steer(const std::string& action, const std::string& mode) = 0;
  /// `watchbill apply -f` with this text.
  virtual net::Task<Result<void>> apply(std::string yaml) = 0;
};

}  // namespace watchbill::sandbox
