#pragma once

#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace watchbill::engine {

/// So many writes in a row must have failed, or Slack must have called done what it did not do, until that is
/// a problem.
inline constexpr int kProblemAfter = 2;
/// Code of our own: Slack answered ok, and the group is not what it was written to be.
inline constexpr const char* kNotDone = "not_done";
/// `difference`: who is missing, and who is there instead, in words.
Error not_done_error(const std::string& difference, bool about_people);

/// How long a write that repeating does not mend waits after its `n`-th try, from 0.
milliseconds refused_wait(std::size_t n);
/// A write that Slack refused will be refused again until somebody changes something there.
bool only_a_person_can_mend(const Error& error);
/// Slack refuses this list for one of its members: another list may pass.
bool about_members(const Error& error);

}  // namespace watchbill::engine
