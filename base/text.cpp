#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <utility>

namespace watchbill {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

/// Length of the well-formed UTF-8 sequence at `text[at]`; 0 if there is none (Unicode 15, table 3-7).
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(at + 1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(at + 1, low, high) && follows(at + 2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(at + 1, low, high) && follows(at + 2) && follows(at + 3) ? 4 : 0;
  }
  return 0;
}

/// The same, where a broken byte is a character of its own.
std::size_t step_at(std::string_view text, std::size_t at) {
  const auto length = sequence_at(text, at);
  return length == 0 ? 1 : length;
}

void append_escaped(std::string& out, std::string_view character) {
  if (character == "&") {
    out += "&amp;";
  } else if (character == "<") {
    out += "&lt;";
  } else if (character == ">") {
    out += "&gt;";
  } else {
    out += character;
  }
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// What stands in for a character that Slack would take for formatting; empty for all others.
std::string_view twin_at(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '*':
      return "\xE2\x88\x97";  // U+2217 ASTERISK OPERATOR
    case '~':
      return "\xE2\x88\xBC";  // U+223C TILDE OPERATOR
    case '`':
      return "\xCB\x8B";  // U+02CB MODIFIER LETTER GRAVE ACCENT
    case '_': {
      // Within a word Slack leaves it alone, and so names like `team_a` stay as they are.
      const bool within = at > 0 && at + 1 < text.size() && is_word(text[at - 1]) && is_word(text[at + 1]);
      return within ? "" : "\xCB\x8D";  // U+02CD MODIFIER LETTER LOW MACRON
    }
    default:
      return "";
  }
}

/// Length in bytes of what must stay in one piece at `text[at]`: a token, an entity or a character.
std::size_t unit_at(std::string_view text, std::size_t at) {
  constexpr std::size_t longest_entity = 5;
  if (text[at] == '<') {
    const auto end = text.find_first_of("<>\n", at + 1);
    if (end != std::string_view::npos && text[end] == '>') return end + 1 - at;
  }
  if (text[at] == '&') {
    const auto end = text.substr(at, longest_entity).find(';');
    if (end != std::string_view::npos) return end + 1;
  }
  return step_at(text, at);
}

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += step_at(text, at)) ++count;
  return count;
}

bool is_utf8(std::string_view text) {
  // Most text is ASCII: eight bytes at a time.
  constexpr std::uint64_t kNotAscii = 0x8080808080808080;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t block = 0;
    if (at + sizeof block <= text.size()) {
      std::memcpy(&block, text.data() + at, sizeof block);
      if ((block & kNotAscii) == 0) {
        at += sizeof block;
        continue;
      }
    }
    const auto length = sequence_at(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes) {
  std::size_t at = 0;
  while (at < text.size() && at + step_at(text, at) <= bytes) at += step_at(text, at);
  return text.substr(0, at);
}

bool has_control(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (layout_control_at(text, at) > 0) return true;
  }
  return false;
}

std::size_t layout_control_at(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20 || byte == 0x7F) return 1;
  if (byte != 0xC2 && byte != 0xD8 && byte != 0xE2) return 0;
  const auto length = sequence_at(text, at);
  const auto character = text.substr(at, length);
  if (length == 2) return character == "\xD8\x9C" || (byte == 0xC2 && character[1] < '\xA0') ? length : 0;
  if (length != 3 || (character[1] != '\x80' && character[1] != '\x81')) return 0;
  const auto last = static_cast<unsigned char>(character[2]);
  const bool direction = character[1] == '\x80'
                             ? last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE)
                             : last >= 0xA6 && last <= 0xA9;
  return direction ? length : 0;
}

std::string one_line(std::string_view text) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  const bool as_it_is = !text.empty() && std::all_of(text.begin(), text.end(), plain) &&
                        text.front() != ' ' && text.back() != ' ';
  if (as_it_is) return std::string(text);  // almost every name
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto control = layout_control_at(text, at);
    const auto length = sequence_at(text, at);
    if (control > 0)
      out += ' ';
    else
      out += length == 0 ? kReplacement : text.substr(at, length);
    at += std::max<std::size_t>({control, length, 1});
  }
  const auto first = out.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(' ') - first + 1);
}

std::string escape_slack(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto length = sequence_at(text, at);
    append_escaped(out, length == 0 ? kReplacement : text.substr(at, length));
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::string slack_name(std::string_view text, std::size_t max_characters) {
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const auto length = sequence_at(text, at);
    const auto character = length == 0 ? kReplacement : text.substr(at, length);
    const auto next = at + (length == 0 ? 1 : length);
    if (count + 1 == max_characters && next < text.size()) return out + std::string(kEllipsis);
    if (layout_control_at(text, at) > 0) {
      out += ' ';
    } else if (const auto twin = twin_at(text, at); !twin.empty()) {
      out += twin;
    } else {
      append_escaped(out, character);
    }
    at = next;
  }
  return out;
}

std::string cut_mrkdwn(std::string_view text, std::size_t max_characters) {
  std::size_t count = 0;
  std::size_t fits = 0;  // where the last unit that leaves room for the ellipsis ends
  for (std::size_t at = 0; at < text.size();) {
    const auto unit = unit_at(text, at);
    count += utf8_length(text.substr(at, unit));
    at += unit;
    if (count > max_characters) return std::string(text.substr(0, fits)) + std::string(kEllipsis);
    if (count + 1 <= max_characters) fits = at;
  }
  return std::string(text);
}

std::string_view closest(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr std::size_t longest = 64;
  if (word.empty() || word.size() > longest) return {};
  auto best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  for (const auto candidate : known) {
    const auto far = distance(word, candidate);
    if (far < best) {
      best = far;
      found = candidate;
    }
  }
  return found;
}

}  // namespace watchbill
