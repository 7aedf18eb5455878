#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace watchbill {

/// "Ada", "Ada and Bob", "Ada, Bob and Cy", "Ada, Bob and 7 more": at most `at_most` of them are named.
std::string phrase(const std::vector<std::string>& parts, std::size_t at_most = 15);
/// "Ada", "Ada or Bob", "Ada, Bob or Cy"
std::string choice_phrase(const std::vector<std::string>& parts);

/// A message and what to do about it; as it is if it says that itself: with a command in backticks, or behind
/// a colon.
std::string with_fix(std::string message, std::string_view fix);

}  // namespace watchbill
