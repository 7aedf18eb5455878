#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

/// Files that `watchbill setup` writes.
namespace watchbill::cli {

/// `text` (the configuration, YAML) with `key` ("slack.alert_channel") set to `value`, which needs no quotes.
/// What stands there is replaced, a commented line of that key is used, else a line is added; everything
/// else, comments too, stays as it is.
std::string with_setting(const std::string& text, std::string_view key, std::string_view value);

/// Writes one secret in one line, readable by this user alone (0600), in one step; its folder is made (0700)
/// if it is missing.
Result<void> put_secret(const std::string& path, const Secret& secret);

/// Writes the configuration in one step. A file that is there keeps its owner and mode; a new one can be read
/// by all (0644): it has no secrets.
Result<void> write_configuration(const std::string& path, std::string_view text);

/// Where the secret called `credential` goes for the configuration file `config`: into systemd's credential
/// store for one in /etc/watchbill ("/etc/credstore/watchbill.NAME", or "watchbill.INSTANCE.NAME"), else
/// beside the file.
std::string secret_path(const std::string& config, std::string_view credential);

/// The unit that runs with this configuration: "watchbilld", "watchbilld@INSTANCE"; empty if it is not one of
/// /etc/watchbill.
std::string unit_of(const std::string& config);

}  // namespace watchbill::cli
