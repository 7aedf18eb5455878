#pragma once

#include "core/result.hpp"

namespace watchbill::engine {

/// A write that Slack refused will be refused again until somebody changes something there.
bool only_a_person_can_mend(const Error& error);
/// Slack refuses this list for one of its members: another list may pass.
bool about_members(const Error& error);

}  // namespace watchbill::engine
