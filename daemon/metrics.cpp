#include "daemon/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace watchbill::daemon {

namespace {

using Labels = std::map<std::string, std::string>;

double seconds_of(milliseconds d) {
  return std::chrono::duration<double>(d).count();
}
double unix_of(Instant t) {
  return seconds_of(t.time_since_epoch());
}

/// A registry that lives for one scrape: the figures are the engine's, prometheus-cpp gives them their form.
class Page {
 public:
  void gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {}) {
    prometheus::BuildGauge().Name("watchbill_" + name).Help(help).Register(registry_).Add(labels).Set(value);
  }
  void counter(const std::string& name, const std::string& help, double value, const Labels& labels = {}) {
    prometheus::BuildCounter()
        .Name("watchbill_" + name)
        .Help(help)
        .Register(registry_)
        .Add(labels)
        .Increment(value);
  }
  prometheus::Registry& registry() { return registry_; }
  [[nodiscard]] std::string text() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

void add_rotations(Page& page, const engine::EngineFigures& figures) {
  std::map<std::string, int> states{{"in_sync", 0}, {"pending", 0},   {"stale", 0},
                                    {"error", 0},   {"observing", 0}, {"paused", 0}};
  seconds longest{0};
  std::size_t series = 0;
  for (const auto& rotation : figures.rotations) {
    ++states[rotation.state];
    longest = std::max(longest, rotation.out_of_sync);
    if (++series > kMaxRotationSeries) continue;
    const Labels labels{{"rotation", rotation.name}};
    page.gauge("rotation_in_sync", "1 if the group is what it should be.",
               rotation.state == "in_sync" ? 1 : 0, labels);
    page.gauge("rotation_out_of_sync_seconds", "For how long the group has not been what it should be.",
               seconds_of(rotation.out_of_sync), labels);
  }
  for (const auto& [state, count] : states)
    page.gauge("rotations", "Rotations by state.", count, {{"state", state}});
  page.gauge("longest_out_of_sync_seconds", "The longest time that any group has not been what it should be.",
             seconds_of(longest));
  page.gauge("unmatched_people", "People on call for whom there is no Slack user.",
             static_cast<double>(figures.unmatched));
  page.gauge("open_problems", "Problems that a person should know.",
             static_cast<double>(figures.open_problems));
}

void add_connections(Page& page, const engine::EngineFigures& figures, Instant now) {
  for (const auto& connection : figures.connections) {
    const Labels labels{{"connection", connection.name}, {"kind", connection.kind}};
    if (connection.last_success) {
      page.gauge("connection_last_success_age_seconds",
                 "Since the last good answer of the scheduling system.",
                 seconds_of(now - *connection.last_success), labels);
    }
    page.gauge("connection_interval_seconds", "How often the scheduling system is asked at present.",
               seconds_of(connection.interval), labels);
    auto with = labels;
    with["result"] = "ok";
    page.counter("connection_requests_total", "Requests to scheduling systems.",
                 static_cast<double>(connection.requests - connection.failures), with);
    with["result"] = "error";
    page.counter("connection_requests_total", "Requests to scheduling systems.",
                 static_cast<double>(connection.failures), with);
    if (connection.clock_skew) {
      page.gauge("connection_clock_skew_seconds", "The system's clock minus ours.",
                 seconds_of(*connection.clock_skew), labels);
    }
    // Of a connection that no rotation uses no token is renewed: it ends, and nothing is lost.
    if (connection.token_ends && connection.requests > 0) {
      page.gauge("connection_token_expires_timestamp_seconds",
                 "When the token ends that the connection uses now; it is renewed before.",
                 unix_of(*connection.token_ends), labels);
    }
  }
}

void add_lag(Page& page, const engine::EngineFigures& figures) {
  prometheus::Histogram::BucketBoundaries bounds;
  for (const auto bound : engine::kLagBounds) bounds.push_back(seconds_of(bound));
  auto& histogram = prometheus::BuildHistogram()
                        .Name("watchbill_handoff_lag_seconds")
                        .Help("From a handoff to its group write in Slack.")
                        .Register(page.registry())
                        .Add({}, bounds);
  const std::vector<double> counts(figures.lag_counts.begin(), figures.lag_counts.end());
  histogram.ObserveMultiple(counts, seconds_of(figures.lag_sum));
}

void add_app(Page& page, const AppFigures& app) {
  const auto& deliveries = app.deliveries;
  page.gauge("slack_app_up", "1 if Slack reaches the app home and commands.", app.state.state == "up" ? 1 : 0,
             {{"mode", app.state.mode}});
  page.counter("slack_app_connections_total", "Socket Mode connections that were opened.",
               static_cast<double>(app.connections));
  page.counter("slack_app_connection_failures_total", "Socket Mode connections that failed or ended early.",
               static_cast<double>(app.failures));
  const auto requests = [&page](const char* result, std::uint64_t count) {
    page.counter("slack_app_requests_total", "Slack's HTTP requests, by whether their signature was good.",
                 static_cast<double>(count), {{"result", result}});
  };
  requests("accepted", app.accepted);
  requests("refused", app.refused);
  for (std::size_t i = 0; i < deliveries.by_kind.size(); ++i) {
    page.counter("slack_deliveries_total", "What Slack delivered to the app.",
                 static_cast<double>(deliveries.by_kind[i]),
                 {{"kind", std::string(slack::name_of(static_cast<slack::DeliveryKind>(i)))}});
  }
  const auto dropped = [&page](const char* reason, std::uint64_t count) {
    page.counter("slack_deliveries_dropped_total", "Deliveries that were acknowledged and not handled.",
                 static_cast<double>(count), {{"reason", reason}});
  };
  dropped("duplicate", deliveries.duplicates);
  dropped("unhandled", deliveries.unhandled);
  dropped("overload", deliveries.refused);
  page.counter("slack_deliveries_failed_total", "Deliveries at which the app broke.",
               static_cast<double>(deliveries.failed));
  page.counter("slack_late_acks_total", "Deliveries acknowledged without their answer, which took too long.",
               static_cast<double>(deliveries.late));
  page.gauge("slack_slowest_ack_seconds", "The slowest acknowledgement since the start; Slack waits 3 s.",
             seconds_of(deliveries.slowest_ack));
  page.gauge("slack_deliveries_running", "Deliveries that are being handled.",
             static_cast<double>(app.running));
}

}  // namespace

std::string metrics_text(const engine::EngineFigures& figures, const AppFigures& app,
                         const slack::WebClient::Counts& slack_requests,
                         const slack::RateLimiter::Waits& waits, Instant now) {
  Page page;
  add_rotations(page, figures);
  add_connections(page, figures, now);
  add_lag(page, figures);
  add_app(page, app);
  if (figures.last_pass) {
    page.gauge("last_pass_timestamp_seconds", "When the last complete pass was.",
               unix_of(*figures.last_pass));
  }
  for (const auto& [what, count] : slack_requests) {
    page.counter("slack_requests_total", "Slack Web API calls.", static_cast<double>(count),
                 {{"method", what.first}, {"result", what.second}});
  }
  page.counter("slack_budget_waits_total", "Slack calls that had to wait for the budget.",
               static_cast<double>(waits.count));
  page.counter("slack_budget_wait_seconds_total", "How long they waited in all.", seconds_of(waits.total));
  page.gauge("queued_writes", "Group writes that are queued.", static_cast<double>(figures.queued_writes));
  page.gauge("queue_done_in_seconds", "When the queue will be empty at Slack's rate.",
             figures.writes_done_at ? seconds_of(*figures.writes_done_at - now) : 0);
  page.gauge("outbox_depth", "Announcements decided but not known to be in Slack.",
             static_cast<double>(figures.outbox));
  page.gauge("outbox_oldest_seconds", "Age of the oldest of them.",
             figures.oldest_announcement ? seconds_of(now - *figures.oldest_announcement) : 0);
  page.gauge("store_usable", "1 if the store can be written.", figures.store_usable ? 1 : 0);
  page.gauge("slack_usable", "1 if Slack answered the last list of groups.", figures.slack_usable ? 1 : 0);
  return page.text();
}

}  // namespace watchbill::daemon
