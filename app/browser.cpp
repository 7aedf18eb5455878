#include "app/browser.hpp"

#include "core/phrase.hpp"

namespace watchbill::app {

std::string no_browser_text(const config::Config& config) {
  std::vector<std::string> missing;
  if (config.public_url.empty()) missing.emplace_back("`public_url`");
  if (config.pagerduty.oauth_client_id.empty()) missing.emplace_back("`pagerduty.oauth_client_id`");
  if (missing.empty()) return "";
  return fmt::format(
      "PagerDuty cannot be connected in the browser: {} {} not configured. There are two other ways: an app "
      "token "
      "(*Connect PagerDuty*), or on the host `watchbill connection add pagerduty NAME --oauth`.",
      phrase(missing), missing.size() == 1 ? "is" : "are");
}

}  // namespace watchbill::app
