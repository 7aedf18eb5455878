#pragma once

#include <string>

#include "daemon/app_gateway.hpp"
#include "engine/engine.hpp"
#include "slack/api/web_client.hpp"

namespace watchbill::daemon {

/// Rotations with a series of their own; beyond that only the sums are given, so that the number of series
/// stays bounded.
inline constexpr std::size_t kMaxRotationSeries = 2000;

/// The figures in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats).
std::string metrics_text(const engine::EngineFigures& figures, const AppFigures& app,
                         const slack::WebClient::Counts& slack_requests,
                         const slack::RateLimiter::Waits& waits, Instant now);

}  // namespace watchbill::daemon
