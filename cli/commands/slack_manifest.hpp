#pragma once

#include <string>

#include "config/config.hpp"
#include "slack/api/scopes.hpp"

namespace watchbill::cli {

/// What a manifest depends on.
struct ManifestPlan {
  config::SlackMode mode = config::SlackMode::socket;
  std::string command = "/oncall";
  std::string public_url{};  ///< for `http`; without a '/' at its end
  slack::Features features{};
};

/// The app's manifest, to be pasted into Slack. Valid against Slack's own schema (slackapi/manifest-schema).
/// YAML, with a comment why for each scope.
std::string manifest_yaml(const ManifestPlan& plan);
/// The same as JSON.
std::string manifest_json(const ManifestPlan& plan);

}  // namespace watchbill::cli
