#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/value.hpp"

/// Every key of the configuration: the one place that knows name, type, default and meaning. Reading files,
/// `--help` and docs/configuration.md (by a test) follow it.
namespace watchbill::config {

struct Key {
  std::string_view path;      ///< "slack.api_url"
  std::string_view type;      ///< for people: "duration", "socket or http"
  std::string_view fallback;  ///< the default as it would stand in the file; "null" for none
  std::string_view meaning;
  bool list = false;
  Result<void> (*set)(Config& config, const Value& value);
};

std::span<const Key> keys();
/// Nothing if there is no such key.
const Key* find_key(std::string_view path);
/// "WATCHBILL_SLACK_API_URL"
std::string variable_of(const Key& key);
/// "slack-api-url": as it is given to a command line, without its dashes.
std::string flag_of(const Key& key);
/// All keys with their types, defaults and meanings, for `--help`.
std::string describe_keys();

}  // namespace watchbill::config
