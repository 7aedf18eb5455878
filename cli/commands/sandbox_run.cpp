#include "cli/commands/sandbox_run.hpp"

#include <csignal>
#include <filesystem>
#include <ostream>

#include "cli/commands/sandbox_daemon.hpp"
#include "cli/session.hpp"
#include "cli/setup/files.hpp"
#include "sandbox/sandbox.hpp"

namespace watchbill::cli {

namespace {

/// A configuration in `folder` that knows where these servers are, and nothing else: for `watchbill setup`.
Result<void> write_for_setup(const sandbox::Sandbox& servers, const std::string& folder) {
  const auto absolute = std::filesystem::absolute(folder).lexically_normal().string();
  const auto systems = servers.system_setup(absolute);
  const auto ready = json::parse(servers.ready_line());
  if (!ready) return ready.error();
  for (const auto& [name, value] : systems.secrets) {
    if (auto put = put_secret(absolute + "/" + name, Secret(value)); !put) return put;
  }
  return write_configuration(
      absolute + "/watchbill.yaml",
      fmt::format("# The sandbox; `watchbill --config {0}/watchbill.yaml setup` asks for the rest.\n"
                  "store: {0}/data/watchbill.db\nkey_file: {0}/data/key\nlisten: 127.0.0.1:0\npoll_interval: "
                  "2s\nslack:\n"
                  "  api_url: {1}\n{2}",
                  absolute, ready->root()["slack_api"].string_or(""), systems.configuration));
}

}  // namespace

Result<int> run_sandbox(Session& session, const Invocation& in) {
  const auto folder = in.value("for-setup");
  const bool alone = in.has("servers-only") || folder;
  if (folder) {
    if (auto good = check_path(*folder, "--for-setup"); !good) return good.error();
  }
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
  if (folder) {
    if (auto written = write_for_setup(**servers, *folder); !written)
      return written.error().in("--for-setup");
  }
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
