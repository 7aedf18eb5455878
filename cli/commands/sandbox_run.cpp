#include "cli/commands/sandbox_run.hpp"

#include <csignal>
#include <ostream>

#include "cli/commands/sandbox_daemon.hpp"
#include "cli/session.hpp"
#include "sandbox/sandbox.hpp"

namespace watchbill::cli {

Result<int> run_sandbox(Session& session, const Invocation& in) {
  const bool alone = in.has("servers-only");
  sandbox::Options options;
  options.listen = in.value_or("listen", options.listen);
  options.page = !alone;
  if (const auto path = in.value("scenario")) {
    auto text = session.read_file(*path, "--scenario");
    if (!text) return text.error();
    options.scenario = *std::move(text);
  }
  options.complain = [&session](const std::string& what) { warn(session.io(), what); };
  auto& loop = session.loop();
  loop.on_signal(SIGINT, [&loop] { loop.stop(); });
  loop.on_signal(SIGTERM, [&loop] { loop.stop(); });
  auto servers = sandbox::Sandbox::start(loop, options);
  if (!servers) return servers.error().in("sandbox");
  if (alone) {
    session.io().out << (*servers)->ready_line() << std::endl;
    loop.run();
    return kDone;
  }
  auto daemon = SandboxDaemon::make(loop, **servers);
  if (!daemon) return daemon.error().in("sandbox");
  (*servers)->attach(**daemon);
  session.io().out << (*servers)->ready_line() << std::endl;
  net::TaskScope preparing;
  preparing.spawn((*daemon)->prepare([&session](const std::string& what) { warn(session.io(), what); }));
  loop.run();
  return kDone;
}

}  // namespace watchbill::cli
