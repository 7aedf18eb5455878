#include "engine/targets/refusal.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace watchbill::engine {

namespace {

/// The last one for ever.
constexpr std::array<milliseconds, 4> kRefusedWaits{1min, 5min, 15min, 60min};

}  // namespace

Error not_done_error(const std::string& difference, bool about_people) {
  auto error = fail(ErrorKind::conflict, "Slack answered ok and did not do it: {} [{}]{}",
                    difference.empty() ? "the group is another" : difference, kNotDone,
                    about_people ? ": if Slack shows the same people under other ids, map them to those with "
                                   "`watchbill people map`; else see whether they can be members of a group"
                                 : "");
  error.code = kNotDone;
  return error;
}

milliseconds refused_wait(std::size_t n) {
  return kRefusedWaits.at(std::min(n, kRefusedWaits.size() - 1));
}

bool only_a_person_can_mend(const Error& error) {
  switch (error.kind) {
    case ErrorKind::forbidden:
    case ErrorKind::unauthorized:
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::conflict:
      return true;
    default:
      return false;
  }
}

bool about_members(const Error& error) {
  static constexpr std::array<std::string_view, 6> codes{"invalid_users",
                                                         "invalid_user",
                                                         "failed_for_some_users",
                                                         "user_not_found",
                                                         "single_channel_guests_cannot_be_added",
                                                         kNotDone};
  return std::find(codes.begin(), codes.end(), error.code) != codes.end();
}

}  // namespace watchbill::engine
