#pragma once

#include <string>

#include "config/config.hpp"

namespace watchbill::app {

/// Why PagerDuty cannot be connected in the browser here, and the two other ways, mrkdwn; empty if it can.
std::string no_browser_text(const config::Config& config);

}  // namespace watchbill::app
