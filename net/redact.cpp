#include "net/redact.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/base64.hpp"
#include "net/html.hpp"

namespace watchbill::net {

namespace {

constexpr std::size_t kShortest = 6;
constexpr std::string_view kRemoved = "…";
/// So much of a shape gives the rest away: systems cut what they repeat.
constexpr std::size_t kShortestPart = 12;
std::string_view telling_part(std::string_view shape) {
  return shape.substr(0, std::max(kShortestPart, shape.size() - shape.size() / 8));
}

std::size_t common_beginning(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}
/// More of a shape's beginning only fills the table of steps.
constexpr std::size_t kLongestBeginning = 16;
/// Pairs of bytes share places in a table that stays in the processor's nearest cache.
constexpr std::size_t kPairs = std::size_t{1} << 13U;

std::size_t pair_at(std::string_view text, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(text[at])) << 5U ^
         static_cast<unsigned char>(text[at + 1]);
}

/// Where the next character is that begins an escape of any kind; the end if there is none.
std::size_t next_escape(std::string_view text, std::size_t at) {
  // Blocks without one are passed by together: the compiler compares many bytes at once.
  constexpr std::size_t block = 64;
  for (; at + block <= text.size(); at += block) {
    unsigned found = 0;
    for (std::size_t i = 0; i < block; ++i) {
      const char c = text[at + i];
      found |= static_cast<unsigned>(c == '%') | static_cast<unsigned>(c == '&') |
               static_cast<unsigned>(c == '\\');
    }
    if (found != 0) break;
  }
  while (at < text.size() && text[at] != '%' && text[at] != '&' && text[at] != '\\') ++at;
  return at;
}

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

/// A number of printable ASCII, or nothing.
std::optional<char> printable_character(std::string_view digits, int base) {
  unsigned value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  const bool whole = error == std::errc{} && stop == end;
  return whole && value >= 0x20 && value < 0x7f ? std::optional(static_cast<char>(value)) : std::nullopt;
}

/// Four hexadecimal digits of a printable ASCII character that may stand in a JSON string as it is.
std::optional<char> plain_character(std::string_view digits) {
  const auto character = printable_character(digits, 16);
  return character && *character != '"' && *character != '\\' ? character : std::nullopt;
}

/// The same JSON, in which printable ASCII is not escaped.
std::string without_needless_escapes(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto stop = std::min(json.find('\\', i), json.size() - 1);
    out.append(json, i, stop - i);
    i = stop;
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

/// "&#65;" and "&#x41;" at `text[at]`: the character, and where the entity ends.
std::optional<std::pair<char, std::size_t>> entity_at(std::string_view text, std::size_t at) {
  constexpr std::size_t longest = 10;
  static constexpr std::array<std::pair<std::string_view, char>, 5> named{
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  for (const auto& [name, character] : named) {
    if (text.substr(at).starts_with(name)) return std::pair(character, at + name.size());
  }
  if (!text.substr(at).starts_with("&#")) return std::nullopt;
  const auto end = text.substr(at, longest).find(';');
  if (end == std::string_view::npos) return std::nullopt;
  auto digits = text.substr(at + 2, end - 2);
  const bool hex = digits.starts_with('x') || digits.starts_with('X');
  if (hex) digits.remove_prefix(1);
  const auto character = printable_character(digits, hex ? 16 : 10);
  return character ? std::optional(std::pair(*character, at + end + 1)) : std::nullopt;
}

/// An escape that stands for a printable character, and where the text goes on behind it.
struct Escape {
  char character;
  std::size_t end;
};

std::optional<Escape> escape_at(std::string_view text, std::size_t at) {
  const auto rest = text.substr(at);
  const auto number = [rest, at](std::size_t digits_at, std::size_t digits) -> std::optional<Escape> {
    const auto character = printable_character(rest.substr(digits_at, digits), 16);
    return character ? std::optional(Escape{*character, at + digits_at + digits}) : std::nullopt;
  };
  if (rest[0] == '%' && rest.size() > 2) return number(1, 2);
  if (rest.starts_with("\\u") && rest.size() > 5) return number(2, 4);
  if (rest[0] == '\\' && rest.size() > 1 && std::string_view("\"/\\'").find(rest[1]) != std::string::npos)
    return Escape{rest[1], at + 2};
  if (const auto entity = rest[0] == '&' ? entity_at(text, at) : std::nullopt)
    return Escape{entity->first, entity->second};
  return std::nullopt;
}

/// Nothing if there is no escape in it.
std::optional<std::string> decoded_once(const std::string& text) {
  std::string out;
  std::size_t copied = 0;
  for (auto at = next_escape(text, 0); at < text.size(); at = next_escape(text, at)) {
    const auto escape = escape_at(text, at);
    if (!escape) {
      ++at;
      continue;
    }
    out.append(text, copied, at - copied);
    out += escape->character;
    at = copied = escape->end;
  }
  if (copied == 0) return std::nullopt;
  return out.append(text, copied);
}

/// Nothing in it can be decoded: most texts. (`memchr` reads many bytes at once.)
bool is_plain(std::string_view text) {
  return text.find('%') == std::string_view::npos && text.find('&') == std::string_view::npos &&
         text.find('\\') == std::string_view::npos;
}

}  // namespace

std::string decoded(std::string text) {
  constexpr int most = 4;
  for (int round = 0; round < most && !is_plain(text); ++round) {
    auto next = decoded_once(text);
    if (!next) break;
    text = *std::move(next);
  }
  return text;
}

void Redactor::add(const Secret& secret) {
  const auto& text = secret.reveal();
  if (text.size() < kShortest) return;
  const auto percent = percent_encode(text);
  const auto hex = hexadecimal(text);
  std::vector<std::string> shapes{text, percent,   with_lower_escapes(percent), html_text(text),
                                  hex,  upper(hex)};
  for (std::size_t offset = 0; offset < 3; ++offset) {
    for (const auto& inside : {base64_inside(text, offset), base64_inside(percent, offset)}) {
      shapes.push_back(inside);
      shapes.push_back(url_alphabet(inside));
      shapes.push_back(percent_encode(inside));
    }
  }
  for (auto& shape : shapes) {
    Secret kept(std::move(shape));
    if (std::find(shapes_.begin(), shapes_.end(), kept) == shapes_.end()) shapes_.push_back(std::move(kept));
  }
  // A shape that holds another goes first, or its ends would stay.
  std::stable_sort(shapes_.begin(), shapes_.end(),
                   [](const Secret& a, const Secret& b) { return a.reveal().size() > b.reveal().size(); });
  make_steps();
}

/// Wu and Manber, "A fast algorithm for multi-pattern searching" (1994), with pairs of bytes.
void Redactor::make_steps() {
  beginning_ = std::min(telling_part(shapes_.back().reveal()).size(), kLongestBeginning);
  std::string steps(kPairs, static_cast<char>(beginning_ - 1));
  for (const auto& shape : shapes_) {
    for (std::size_t at = 0; at + 2 <= beginning_; ++at) {
      auto& step = steps[pair_at(shape.reveal(), at)];
      step = std::min(step, static_cast<char>(beginning_ - 2 - at));
    }
  }
  steps_ = Secret(std::move(steps));
}

bool Redactor::finds_in(std::string_view text) const {
  if (shapes_.empty()) return false;
  const auto& steps = steps_.reveal();
  for (std::size_t end = beginning_; end <= text.size();) {
    const auto step = static_cast<std::size_t>(steps[pair_at(text, end - 2)]);
    if (step == 0) {
      const auto rest = text.substr(end - beginning_);
      const auto begins = [rest](const Secret& shape) {
        return rest.starts_with(telling_part(shape.reveal()));
      };
      if (std::any_of(shapes_.begin(), shapes_.end(), begins)) return true;
    }
    end += std::max<std::size_t>(step, 1);
  }
  return false;
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

void Redactor::cut_out(std::string& text) const {
  if (!finds_in(text)) return;
  for (const auto& shape : shapes_) {
    const auto needle = telling_part(shape.reveal());
    std::size_t from = 0;
    while (from + needle.size() <= text.size()) {
      const auto* found = static_cast<const char*>(
          memmem(text.data() + from, text.size() - from, needle.data(), needle.size()));
      if (found == nullptr) break;
      const auto at = static_cast<std::size_t>(found - text.data());
      // Another shape may begin alike, and go on further.
      const auto rest = std::string_view(text).substr(at);
      std::size_t length = 0;
      for (const auto& one : shapes_) length = std::max(length, common_beginning(one.reveal(), rest));
      text.replace(at, length, kRemoved);
      from = at + kRemoved.size();
    }
  }
}

bool Redactor::hidden_in(const std::string& text) const {
  if (is_plain(text)) return false;
  auto once = decoded_once(text);
  return once && finds_in(decoded(*std::move(once)));
}

void Redactor::redact(std::string& text) const {
  cut_out(text);
  if (hidden_in(text)) text = kRemoved;
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
