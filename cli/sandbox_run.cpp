#include "cli/sandbox_run.hpp"

#include <csignal>
#include <ostream>

#include "cli/session.hpp"
#include "sandbox/sandbox.hpp"

namespace watchbill::cli {

Result<int> run_sandbox(Session& session, const Invocation& in) {
  sandbox::Options options;
  options.listen = in.value_or("listen", options.listen);
  options.page = !in.has("servers-only");
  if (const auto path = in.value("scenario")) {
    auto text = session.read_file(*path, "--scenario");
    if (!text) return text.error();
    options.scenario = *std::move(text);
  }
  auto& loop = session.loop();
  loop.on_signal(SIGINT, [&loop] { loop.stop(); });
  loop.on_signal(SIGTERM, [&loop] { loop.stop(); });
  auto servers = sandbox::Sandbox::start(loop, std::move(options));
  if (!servers) return servers.error().in("sandbox");
  session.io().out << (*servers)->ready_line() << std::endl;
  loop.run();
  return kDone;
}

}  // namespace watchbill::cli
