#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace watchbill::daemon {

/// What `--once` says when it gives up: the rotations that are not as they should be, and why, one line each
/// (`rotation "payments" is pending: …`); of those that are, none.
std::vector<std::string> not_in_sync_lines(const std::vector<Rotation>& rotations,
                                           const std::vector<store::RotationStatus>& statuses);

}  // namespace watchbill::daemon
