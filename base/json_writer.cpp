#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/json.hpp"

namespace watchbill::json {

namespace {

/// Length of the well-formed UTF-8 sequence (RFC 3629) that `text` begins with; 0 if it is broken.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4U];
      out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
  out += '"';
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      out += kReplacement;
    } else if (length == 1 && (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20)) {
      append_escaped(out, c);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

template <class Number>
void append_number(std::string& out, Number number) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

[[noreturn]] void misuse(const char* what) {
  throw std::logic_error(std::string("json::Writer: ") + what);
}

}  // namespace

struct Writer::Impl {
  struct Level {
    bool object = false;
    bool has_key = false;
    bool empty = true;
  };
  std::string out;
  std::vector<Level> levels;
  bool complete = false;

  /// Checks that a value may stand here, and separates it from the one before.
  std::string& next_value() {
    if (levels.empty()) {
      if (complete) misuse("a second value at the top");
      complete = true;
      return out;
    }
    auto& level = levels.back();
    if (level.object) {
      if (!level.has_key) misuse("a value without its key");
      level.has_key = false;
    } else {
      if (!level.empty) out += ',';
      level.empty = false;
    }
    return out;
  }

  void begin(bool object) {
    next_value() += object ? '{' : '[';
    levels.push_back({.object = object});
  }

  void end(bool object) {
    if (levels.empty() || levels.back().object != object) misuse("an end without its begin");
    if (levels.back().has_key) misuse("a key without its value");
    levels.pop_back();
    out += object ? '}' : ']';
  }
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;

Writer& Writer::begin_object() {
  impl_->begin(true);
  return *this;
}
Writer& Writer::end_object() {
  impl_->end(true);
  return *this;
}
Writer& Writer::begin_array() {
  impl_->begin(false);
  return *this;
}
Writer& Writer::end_array() {
  impl_->end(false);
  return *this;
}

Writer& Writer::key(std::string_view name) {
  if (impl_->levels.empty() || !impl_->levels.back().object) misuse("a key outside an object");
  auto& level = impl_->levels.back();
  if (level.has_key) misuse("two keys in a row");
  if (!level.empty) impl_->out += ',';
  level.empty = false;
  level.has_key = true;
  append_quoted(impl_->out, name);
  impl_->out += ':';
  return *this;
}

Writer& Writer::value(std::string_view text) {
  append_quoted(impl_->next_value(), text);
  return *this;
}
Writer& Writer::value(std::int64_t number) {
  append_number(impl_->next_value(), number);
  return *this;
}
Writer& Writer::value(double number) {
  if (!std::isfinite(number)) return null();
  append_number(impl_->next_value(), number);
  return *this;
}
Writer& Writer::value(bool flag) {
  impl_->next_value() += flag ? "true" : "false";
  return *this;
}
Writer& Writer::null() {
  impl_->next_value() += "null";
  return *this;
}
Writer& Writer::raw(std::string_view json) {
  impl_->next_value() += json;
  return *this;
}
Writer& Writer::value(const std::vector<std::string>& texts) {
  begin_array();
  for (const auto& text : texts) value(text);
  return end_array();
}

std::string Writer::take() {
  if (!impl_->levels.empty() || !impl_->complete) misuse("taken before its end");
  impl_->complete = false;
  return std::exchange(impl_->out, {});
}

std::string pretty(std::string_view json) {
  constexpr std::size_t kMaxIndent = 64;  // keeps hostile nesting from growing the text by its square
  constexpr std::string_view kSpace = " \t\r\n";
  std::string out;
  std::size_t depth = 0;
  const auto line_break = [&] { out.append("\n").append(2 * std::min(depth, kMaxIndent), ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (kSpace.find(c) != std::string_view::npos) continue;
    if (c == '"') {
      std::size_t end = i + 1;
      while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
      out += json.substr(i, end - i + 1);
      i = end;
    } else if (c == '{' || c == '[') {
      out += c;
      const auto next = std::min(json.find_first_not_of(kSpace, i + 1), json.size());
      if (next < json.size() && (json[next] == '}' || json[next] == ']')) {
        out += json[next];
        i = next;
      } else {
        ++depth;
        line_break();
      }
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
      line_break();
      out += c;
    } else if (c == ',') {
      out += c;
      line_break();
    } else {
      out += c;
      if (c == ':') out += ' ';
    }
  }
  return out;
}

}  // namespace watchbill::json
