#pragma once

#include <string_view>

namespace watchbill {

/// The commit that this program was built from, "3a57a31c9f02"; "unknown" for sources without a repository.
std::string_view build_commit();

}  // namespace watchbill
