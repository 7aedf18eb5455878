#include "cli/terminal/credential.hpp"

#include <algorithm>
#include <array>

namespace watchbill::cli {

namespace {

constexpr std::string_view kRemoved = "…";
constexpr std::size_t kShortestKey = 16;
/// Errors cut long values, so a beginning of this length counts as the whole.
constexpr std::size_t kBeginning = 12;
constexpr std::size_t kLongWord = 20;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool lower_case(char c) {
  return c >= 'a' && c <= 'z';
}
bool upper_case(char c) {
  return c >= 'A' && c <= 'Z';
}
bool hexadecimal(char c) {
  return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// RFC 9562, section 4.
bool is_uuid(std::string_view text) {
  constexpr std::size_t length = 36;
  if (text.size() != length) return false;
  for (std::size_t i = 0; i < length; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !hexadecimal(text[i])) return false;
  }
  return true;
}

bool begins_like_token(std::string_view text) {
  static constexpr std::array<std::string_view, 8> beginnings{"xoxb-", "xoxp-", "xoxa-", "xoxe",
                                                              "xapp-", "u+",    "eyJ",   "pdus+"};
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.starts_with(beginning); });
}

/// The argument's own text, without "--option=".
std::string_view value_of(std::string_view arg) {
  const auto equals = arg.starts_with("--") ? arg.find('=') : std::string_view::npos;
  return equals == std::string_view::npos ? arg : arg.substr(equals + 1);
}

/// Replaces each run of `text` that is as `value` for at least its beginning.
bool cut_out(std::string& text, std::string_view value) {
  const auto beginning = value.substr(0, kBeginning);
  bool found = false;
  for (auto at = text.find(beginning); at != std::string::npos; at = text.find(beginning, at)) {
    std::size_t length = beginning.size();
    while (length < value.size() && at + length < text.size() && text[at + length] == value[length]) ++length;
    text.replace(at, length, kRemoved);
    at += kRemoved.size();
    found = true;
  }
  return found;
}

}  // namespace

bool looks_like_credential(std::string_view text) {
  if (text.size() < kShortestKey || text.find_first_of(" :@\\") != std::string_view::npos) return false;
  if (begins_like_token(text) || is_uuid(text)) return true;
  if (text.starts_with('-') || text.starts_with('/') || text.starts_with('.') || text.starts_with('~'))
    return false;
  // CONNECTION/ID
  const auto slash = text.find('/');
  const auto connection = text.substr(0, slash == std::string_view::npos ? 0 : slash);
  if (!connection.empty() && std::all_of(connection.begin(), connection.end(),
                                         [](char c) { return lower_case(c) || digit(c) || c == '-'; }))
    return false;
  const bool digits = std::any_of(text.begin(), text.end(), digit);
  const bool lower = std::any_of(text.begin(), text.end(), lower_case);
  const bool upper = std::any_of(text.begin(), text.end(), upper_case);
  if (!digits) return false;
  // A word of one case with dashes, dots or slashes is a name or a file.
  const bool name = (lower != upper) && text.find_first_of("-._/") != std::string_view::npos;
  return !name && ((lower && upper) || text.size() >= kLongWord);
}

Error without_credentials(Error error, const std::vector<std::string>& args) {
  bool any = false;
  for (const auto& arg : args) {
    const auto value = value_of(arg);
    if (looks_like_credential(value) && cut_out(error.message, value)) any = true;
  }
  if (any)
    error.message +=
        fmt::format(" ({} stands for what looks like a credential: it is not repeated)", kRemoved);
  return error;
}

}  // namespace watchbill::cli
