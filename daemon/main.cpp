#include <fmt/core.h>

#include <cxxopts.hpp>

#include "app/app.hpp"
#include "config/keys.hpp"
#include "daemon/daemon.hpp"

namespace {

constexpr const char* kAbout =
    "Keeps Slack user groups equal to who is on call.\n"
    "\n"
    "Examples:\n"
    "  watchbilld --config /etc/watchbill/watchbill.yaml\n"
    "  watchbilld --check-config        tells whether the configuration is right, and where it is not\n"
    "  watchbilld --once                one pass: exits 0 when every rotation is in sync\n"
    "\n"
    "SIGHUP reads the configuration again; SIGTERM ends when what is in flight has ended.\n";

watchbill::daemon::SlackApp make_slack_app(const watchbill::daemon::AppPorts& ports) {
  auto& slack = ports.slack;
  auto& engine = ports.engine;
  auto app = std::make_shared<watchbill::app::App>(watchbill::app::AppPorts{
      ports.loop, ports.store, ports.http, slack, slack, slack, slack, slack, ports.gate, ports.config,
      [&engine](auto rotation) { return engine.forecast(rotation); },
      [&engine] { engine.notice_changes(); }});
  app->start();
  return {app, [app](watchbill::net::ServerRequest request) { return app->page(std::move(request)); }};
}

}  // namespace

int main(int argc, char** argv) {
  cxxopts::Options options("watchbilld", kAbout);
  auto add = options.add_options();
  add("config", "configuration file (default: /etc/watchbill/watchbill.yaml)", cxxopts::value<std::string>(),
      "FILE");
  add("store", "database file, instead of the configuration's", cxxopts::value<std::string>(), "FILE");
  add("once", "make one pass, drain the outbox and exit");
  add("check-config", "check the configuration and exit");
  add("version", "print the version and exit");
  add("h,help", "print this help and exit");
  try {
    const auto given = options.parse(argc, argv);
    if (given.count("help")) {
      fmt::print("{}", options.help());
      return 0;
    }
    if (given.count("version")) {
      fmt::print("watchbilld {} (schema {})\n", WATCHBILL_VERSION, watchbill::store::schema_version());
      return 0;
    }
    if (!given.unmatched().empty()) {
      fmt::print(stderr, "watchbilld: unexpected argument \"{}\": see watchbilld --help\n",
                 given.unmatched().front());
      return 2;
    }
    watchbill::daemon::DaemonOptions run;
    if (given.count("config")) run.sources.file = given["config"].as<std::string>();
    if (given.count("store")) run.sources.flags["store"] = given["store"].as<std::string>();
    run.once = given.count("once") > 0;
    run.make_app = make_slack_app;
    if (given.count("check-config")) {
      const auto config = watchbill::config::load(run.sources);
      if (config)
        fmt::print("the configuration is right\n");
      else
        fmt::print(stderr, "{}\n", config.error().message);
      return config ? 0 : 1;
    }
    return watchbill::daemon::run(run);
  } catch (const cxxopts::exceptions::exception& error) {
    fmt::print(stderr, "watchbilld: {}: see watchbilld --help\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "watchbilld: a broken invariant: {}\n", error.what());
    return 1;
  }
}
