#include <fmt/core.h>

#include <cxxopts.hpp>

#include "base/build.hpp"
#include "config/daemon_options.hpp"
#include "config/keys.hpp"
#include "daemon/daemon.hpp"
#include "slack_app/app.hpp"

namespace {

std::string about() {
  std::string text = fmt::format("{}\n\nExamples:\n", watchbill::config::kDaemonSummary);
  for (const auto& [command, meaning] : watchbill::config::kDaemonExamples)
    text += meaning.empty() ? fmt::format("  {}\n", command) : fmt::format("  {:<32} {}\n", command, meaning);
  return text + fmt::format("\n{}\n", watchbill::config::kDaemonSignals);
}

cxxopts::Options command_line() {
  cxxopts::Options options("watchbilld", about());
  auto add = options.add_options();
  for (const auto& option : watchbill::config::kDaemonOptions) {
    auto name = option.letter ? fmt::format("{},{}", option.letter, option.name) : std::string(option.name);
    if (option.value.empty())
      add(name, std::string(option.help));
    else
      add(name, std::string(option.help), cxxopts::value<std::string>(), std::string(option.value));
  }
  return options;
}

watchbill::daemon::SlackApp make_slack_app(const watchbill::daemon::GatewayPorts& ports) {
  auto& slack = ports.slack;
  auto& engine = ports.engine;
  auto app = std::make_shared<watchbill::slack_app::App>(watchbill::slack_app::AppPorts{
      ports.loop, ports.store, ports.http, slack, slack, slack, slack, slack, ports.limiter, ports.config,
      [&engine](auto rotation) { return engine.forecast(rotation); }, [&engine] { engine.notice_changes(); },
      [&engine](const watchbill::slack::ChangeEvent& news) { engine.hear(news); },
      [&engine] { return engine.check_store(); }});
  app->start();
  return {app, [app](watchbill::net::ServerRequest request) { return app->page(std::move(request)); },
          watchbill::slack_app::App::posts()};
}

}  // namespace

int main(int argc, char** argv) {
  auto options = command_line();
  try {
    const auto given = options.parse(argc, argv);
    if (given.count("help")) {
      fmt::print("{}", options.help());
      return 0;
    }
    if (given.count("version")) {
      fmt::print("watchbilld {} (commit {}, schema {})\n", WATCHBILL_VERSION, watchbill::build_commit(),
                 watchbill::store::schema_version());
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
