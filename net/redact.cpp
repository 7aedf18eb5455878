#include "net/redact.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base64.hpp"
#include "net/html.hpp"

namespace watchbill::net {

namespace {

constexpr std::size_t kShortest = 6;
constexpr std::string_view kRemoved = "…";

std::string lower(std::string text) {
  for (auto& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Hexadecimal digits of the escapes alone ("%2F" as "%2f").
std::string with_lower_escapes(std::string text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '%') text.replace(i + 1, 2, lower(text.substr(i + 1, 2)));
  }
  return text;
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
  }
  return out;
}

std::string upper(std::string text) {
  for (auto& c : text) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

/// Those characters of the base64 of something longer that depend on `text` alone, if it stands after a
/// multiple of three bytes and `offset` more.
std::string base64_inside(std::string_view text, std::size_t offset) {
  const auto encoded = base64(std::string(offset, '\0') + std::string(text));
  const std::size_t begin = (offset * 8 + 5) / 6;
  const std::size_t end = (offset + text.size()) * 8 / 6;
  return encoded.substr(begin, end - begin);
}

/// The alphabet for URLs (RFC 4648, section 5).
std::string url_alphabet(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

/// Four hexadecimal digits of a printable ASCII character that may stand in a JSON string as it is.
std::optional<char> plain_character(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    const auto found = std::string_view("0123456789abcdef").find(lower(std::string(1, c)));
    if (found == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(found);
  }
  const bool plain = value >= 0x20 && value < 0x7f && value != '"' && value != '\\';
  return plain ? std::optional(static_cast<char>(value)) : std::nullopt;
}

/// The same JSON, in which printable ASCII is not escaped.
std::string without_needless_escapes(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\' || i + 1 == json.size()) {
      out += json[i];
      continue;
    }
    const char kind = json[++i];
    const bool unicode = kind == 'u' && i + 4 < json.size();
    const auto plain = unicode ? plain_character(std::string_view(json).substr(i + 1, 4)) : std::nullopt;
    if (plain) {
      out += *plain;
      i += 4;
    } else if (kind == '/') {
      out += kind;
    } else {
      out += '\\';
      out += kind;
    }
  }
  return out;
}

}  // namespace

void Redactor::add(const Secret& secret) {
  const auto& text = secret.reveal();
  if (text.size() < kShortest) return;
  const auto percent = percent_encode(text);
  const auto hex = hexadecimal(text);
  std::vector<std::string> shapes{text, percent,   with_lower_escapes(percent), html_text(text),
                                  hex,  upper(hex)};
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const auto inside = base64_inside(text, offset);
    shapes.push_back(inside);
    shapes.push_back(url_alphabet(inside));
    shapes.push_back(percent_encode(inside));
  }
  for (auto& shape : shapes) {
    Secret kept(std::move(shape));
    if (std::find(shapes_.begin(), shapes_.end(), kept) == shapes_.end()) shapes_.push_back(std::move(kept));
  }
  // A shape that holds another goes first, or its ends would stay.
  std::stable_sort(shapes_.begin(), shapes_.end(),
                   [](const Secret& a, const Secret& b) { return a.reveal().size() > b.reveal().size(); });
}

void Redactor::add_authorization(const Secret& value) {
  const auto& text = value.reveal();
  const auto scheme = text.find(' ');
  std::string_view credential = std::string_view(text).substr(scheme == std::string::npos ? 0 : scheme + 1);
  constexpr std::string_view parameter = "token=";
  if (credential.starts_with(parameter)) credential.remove_prefix(parameter.size());
  add(Secret(std::string(credential)));
}

void Redactor::add_form(std::string_view body) {
  static constexpr std::array<std::string_view, 8> credentials{
      "code",         "code_verifier", "client_secret", "refresh_token",
      "access_token", "token",         "password",      "assertion"};
  for (auto& [name, value] : decode_form(body)) {
    if (std::find(credentials.begin(), credentials.end(), name) != credentials.end())
      add(Secret(std::move(value)));
  }
}

void Redactor::redact(std::string& text) const {
  for (const auto& shape : shapes_) {
    const auto& needle = shape.reveal();
    std::size_t from = 0;
    while (from + needle.size() <= text.size()) {
      // A list of thousands of people is searched for each shape: memmem skips, string::find does not.
      const auto* found = static_cast<const char*>(
          memmem(text.data() + from, text.size() - from, needle.data(), needle.size()));
      if (found == nullptr) break;
      const auto at = static_cast<std::size_t>(found - text.data());
      text.replace(at, needle.size(), kRemoved);
      from = at + kRemoved.size();
    }
  }
}

void Redactor::redact(Error& error) const {
  redact(error.message);
  redact(error.code);
}

void Redactor::redact(HttpResponse& response) const {
  if (shapes_.empty()) return;
  for (auto& [name, value] : response.headers) redact(value);
  const auto& body = response.body;
  if (body.find("\\u00") != std::string::npos || body.find("\\/") != std::string::npos)
    response.body = without_needless_escapes(body);
  redact(response.body);
}

}  // namespace watchbill::net
