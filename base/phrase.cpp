#include "base/phrase.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace watchbill {

std::string phrase(const std::vector<std::string>& parts, std::size_t at_most) {
  const auto shown = parts.size() > at_most ? at_most - 1 : parts.size();
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  if (shown < parts.size()) text += fmt::format(" and {} more", parts.size() - shown);
  return text;
}

std::string choice_phrase(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " or " : ", ";
    text += parts[i];
  }
  return text;
}

std::string with_fix(std::string message, std::string_view fix) {
  static constexpr std::array<std::string_view, 4> said{"`watchbill ", ": check ", ": connect ", ": give "};
  const bool has_one = std::any_of(
      said.begin(), said.end(), [&](std::string_view how) { return message.find(how) != std::string::npos; });
  return has_one ? message : fmt::format("{}; {}", message, fix);
}

}  // namespace watchbill
