#pragma once

#include <string>

#include "base/json.hpp"
#include "cli/session.hpp"
#include "control/overview.hpp"

namespace watchbill::cli {

/// All that the store tells (control/overview.hpp).
Result<control::Overview> read_overview(Session& session);
/// Names of Slack users that the store knows; none if it cannot be read.
std::map<UserId, std::string> known_names(Session& session);

/// The object of `status --format json` for one rotation, without its braces.
void write_view_fields(json::Writer& writer, const control::RotationView& view);
std::string overview_json(const control::Overview& overview);

}  // namespace watchbill::cli
