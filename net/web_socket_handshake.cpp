#include "net/web_socket_handshake.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>

#include "base/base64.hpp"

namespace watchbill::net {

namespace {

/// Ends every key before it is hashed (RFC 6455, section 1.3).
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

using Sha1State = std::array<std::uint32_t, 5>;

void sha1_block(Sha1State& state, const unsigned char* block) {
  std::array<std::uint32_t, 80> words{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t k = 0; k < 4; ++k) words[i] = words[i] << 8U | block[i * 4 + k];
  }
  for (std::size_t i = 16; i < 80; ++i) {
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t f = 0;
    std::uint32_t k = 0;
    if (i < 20) {
      f = (b & c) | (~b & d);
      k = 0x5A827999;
    } else if (i < 40) {
      f = b ^ c ^ d;
      k = 0x6ED9EBA1;
    } else if (i < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8F1BBCDC;
    } else {
      f = b ^ c ^ d;
      k = 0xCA62C1D6;
    }
    const auto next = std::rotl(a, 5) + f + e + k + words[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

/// FIPS 180-4. Only for the handshake, where it protects nothing: libsodium leaves SHA-1 out on purpose.
std::string sha1(std::string_view text) {
  std::string padded(text);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(bits >> shift & 0xFFU);
  Sha1State state{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (std::size_t i = 0; i < padded.size(); i += 64) {
    sha1_block(state, reinterpret_cast<const unsigned char*>(padded.data()) + i);
  }
  std::string digest;
  for (const auto word : state) {
    for (int shift = 24; shift >= 0; shift -= 8) digest += static_cast<char>(word >> shift & 0xFFU);
  }
  return digest;
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts off the text before `mark` and the mark; all of it if there is no mark.
std::string_view take_until(std::string_view& text, std::string_view mark) {
  const auto part = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(part.size() + mark.size(), text.size()));
  return part;
}

/// Does a list header ("keep-alive, Upgrade") hold `word`?
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (same_word(trimmed(take_until(list, ",")), word)) return true;
  }
  return false;
}

/// 0 if the line is no status line.
int status_of(std::string_view line) {
  if (take_until(line, " ") != "HTTP/1.1") return 0;
  const auto digits = take_until(line, " ");
  int status = 0;
  const auto* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, status);
  return digits.size() == 3 && read.ptr == end && status >= 100 ? status : 0;
}

Error refused(int status, const Headers& headers) {
  const auto kind = status == 429   ? ErrorKind::rate_limited
                    : status == 401 ? ErrorKind::unauthorized
                    : status == 403 ? ErrorKind::forbidden
                    : status == 404 ? ErrorKind::not_found
                    : status >= 500 ? ErrorKind::server
                                    : ErrorKind::unreadable;
  auto error = fail(kind, "the server refused the WebSocket with HTTP {}", status);
  error.code = std::to_string(status);
  const auto wait = find_header(headers, "Retry-After");
  unsigned value = 0;
  if (wait && std::from_chars(wait->data(), wait->data() + wait->size(), value).ec == std::errc{}) {
    error.retry_after = seconds{value};
  }
  return error;
}

}  // namespace

Result<Url> parse_web_socket_url(std::string_view text) {
  const bool socket = text.starts_with("ws://") || text.starts_with("wss://");
  if (!socket) return fail(ErrorKind::invalid, "not a WebSocket's URL (it begins with wss://)");
  return parse_secure_url("http" + std::string(text.substr(2)));
}

std::string upgrade_request(const Url& url, std::string_view key, std::string_view user_agent) {
  const auto origin = url.origin();
  const auto host = std::string_view(origin).substr(url.scheme.size() + 3);
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\nUser-Agent: {}\r\n\r\n",
      url.path, host, key, user_agent);
}

std::string web_socket_accept(std::string_view key) {
  return base64(sha1(std::string(key) + std::string(kGuid)));
}

Result<void> check_upgrade(std::string_view head, std::string_view key) {
  const auto broken = [](std::string_view what) {
    return fail(ErrorKind::unreadable, "not a usable WebSocket handshake: {}", what);
  };
  const int status = status_of(take_until(head, "\r\n"));
  if (status == 0) return broken("no HTTP/1.1 answer");
  Headers headers;
  while (!head.empty()) {
    auto line = take_until(head, "\r\n");
    const auto name = take_until(line, ":");
    headers.emplace_back(name, trimmed(line));
  }
  if (status != 101) return refused(status, headers);
  if (!same_word(find_header(headers, "Upgrade").value_or(""), "websocket"))
    return broken("Upgrade is missing");
  if (!lists(find_header(headers, "Connection").value_or(""), "upgrade"))
    return broken("Connection is missing");
  if (find_header(headers, "Sec-WebSocket-Accept").value_or("") != web_socket_accept(key)) {
    return broken("Sec-WebSocket-Accept does not fit our key");
  }
  if (find_header(headers, "Sec-WebSocket-Extensions") || find_header(headers, "Sec-WebSocket-Protocol")) {
    return broken("an extension or protocol that nobody asked for");
  }
  return {};
}

}  // namespace watchbill::net
