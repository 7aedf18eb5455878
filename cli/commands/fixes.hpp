#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "core/history.hpp"
#include "core/oncall/rotation.hpp"

/// What `doctor` names as the fix of what it found: a command to run, or a thing to do. Pure.
namespace watchbill::cli {

/// Of an open problem, by its key (docs/alerts.md lists them). `rotation` is the one that it belongs to, if
/// any; `credentials` are the options that give its connection new ones.
std::string fix_of(const Problem& problem, const Rotation* rotation,
                   std::string_view credentials = "--api-key-file FILE");

/// Of what went wrong between us and Slack.
std::string slack_fix(const Error& error);

/// Of what went wrong between us and the scheduling system of `connection`.
std::string connection_fix(const Error& error, std::string_view connection, std::string_view credentials);

/// Of why the database at `path` cannot be used.
std::string store_fix(const Error& error, std::string_view path);

}  // namespace watchbill::cli
