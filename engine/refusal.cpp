#include "engine/refusal.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace watchbill::engine {

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
  static constexpr std::array<std::string_view, 5> codes{"invalid_users", "invalid_user",
                                                         "failed_for_some_users", "user_not_found",
                                                         "single_channel_guests_cannot_be_added"};
  return std::find(codes.begin(), codes.end(), error.code) != codes.end();
}

}  // namespace watchbill::engine
