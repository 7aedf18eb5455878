#include "daemon/metrics.hpp"

#include <map>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;
using namespace watchbill::daemon;

namespace {

/// Figures in which every series has something to show.
std::string full_page() {
  const Instant now{seconds{1'795'338'000}};
  engine::EngineFigures figures;
  figures.rotations.push_back({"payments", "in_sync", 0s});
  figures.connections.push_back({"pd", "pagerduty", now - 10s, 60s, 12, 2, 1s, now + 24h});
  figures.last_pass = now - 5s;
  AppFigures app;
  app.state = {"socket", "up", now - 1h, ""};
  app.deliveries.by_kind[static_cast<std::size_t>(slack::DeliveryKind::command)] = 7;
  app.deliveries.duplicates = 3;
  app.deliveries.slowest_ack = 1500ms;
  slack::WebClient::Counts counts;
  counts[{"usergroups.list", "ok"}] = 5;
  return metrics_text(figures, app, counts, {}, now);
}

/// Name and meaning of each series, by the page's own words.
std::map<std::string, std::string> told_by(const std::string& page) {
  constexpr std::string_view kHelp = "# HELP ";
  std::map<std::string, std::string> told;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kHelp)) continue;
    const auto space = line.find(' ', kHelp.size());
    told[line.substr(kHelp.size(), space - kHelp.size())] = line.substr(space + 1);
  }
  return told;
}

/// The same by the document's tables: | `name{labels}` | type | meaning |
std::map<std::string, std::string> documented() {
  std::istringstream file(test::project_text("docs/metrics.md"));
  std::map<std::string, std::string> told;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `watchbill_")) continue;
    const auto meaning = line.rfind(" | ") + 3;
    told[line.substr(3, line.find_first_of("{`", 3) - 3)] = line.substr(meaning, line.rfind(" |") - meaning);
  }
  return told;
}

}  // namespace

TEST_CASE("docs/metrics.md lists every metric there is with its meaning, and no other") {
  CHECK(documented() == told_by(full_page()));
}

TEST_CASE("how Slack reaches the app is in the metrics") {
  const auto page = full_page();
  const auto has = [&page](const std::string& line) {
    return page.find("\n" + line + "\n") != std::string::npos;
  };
  CHECK(has(R"(watchbill_slack_app_up{mode="socket"} 1)"));
  CHECK(has(R"(watchbill_slack_deliveries_total{kind="command"} 7)"));
  CHECK(has(R"(watchbill_slack_deliveries_dropped_total{reason="duplicate"} 3)"));
  CHECK(has("watchbill_slack_slowest_ack_seconds 1.5"));
}
