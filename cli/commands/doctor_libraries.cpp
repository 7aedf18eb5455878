// What `doctor` looks at in the library that reads what strangers send.

#include <fstream>
#include <sstream>

#include "cli/commands/checks.hpp"
#include "cli/commands/debian.hpp"

namespace watchbill::cli {

namespace {

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

/// True if the process still has the file of before the library's update. Nothing can be said without the
/// right to look.
bool runs_replaced_library(int pid) {
  std::istringstream maps(text_of(fmt::format("/proc/{}/maps", pid)));
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/libevent_core-") != std::string::npos && line.ends_with(" (deleted)")) return true;
  }
  return false;
}

}  // namespace

void check_libraries(Session& session, Checks& checks) {
  const auto libevent = installed_libevent(text_of("/var/lib/dpkg/status"));
  if (!libevent) return;
  if (is_older(libevent->version, libevent->fixed)) {
    return warned(
        checks, "libevent",
        fmt::format("{} lacks the fixes of Debian's security team ({})", libevent->version, libevent->fixed),
        fmt::format("apt-get update && apt-get install {} && systemctl restart watchbilld",
                    libevent->package));
  }
  const auto pid = session.daemon();
  if (pid && *pid && runs_replaced_library(**pid)) {
    return warned(checks, "libevent",
                  fmt::format("{} is installed, and the daemon still runs the one before", libevent->version),
                  "systemctl restart watchbilld");
  }
  ok(checks, "libevent", fmt::format("{}, with the fixes of Debian's security team", libevent->version));
}

}  // namespace watchbill::cli
