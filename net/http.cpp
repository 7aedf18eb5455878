#include "net/http.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace watchbill::net {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool is_ipv4(const std::string& host) {
  std::array<unsigned char, 4> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

/// The address of "[::1]"; nothing if it is none (zones are refused).
std::optional<std::array<unsigned char, 16>> ipv6_of(std::string_view host) {
  if (!host.starts_with('[') || !host.ends_with(']')) return std::nullopt;
  std::array<unsigned char, 16> bytes{};
  const std::string inner(host.substr(1, host.size() - 2));
  if (::inet_pton(AF_INET6, inner.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

/// A name whose last label is a number would be taken for an IPv4 address by some ("127.1", "0x7f.1").
bool looks_numeric(std::string_view host) {
  const auto label = host.substr(host.rfind('.') + 1);
  return !label.empty() && is_digit(label.front());
}

bool is_host(const std::string& host) {
  constexpr std::size_t kLongestName = 253;
  constexpr std::size_t kLongestLabel = 63;
  if (host.starts_with('[')) return ipv6_of(host).has_value();
  if (is_ipv4(host)) return true;
  if (host.empty() || host.size() > kLongestName || looks_numeric(host)) return false;
  std::size_t begin = 0;
  while (begin <= host.size()) {
    const auto end = std::min(host.find('.', begin), host.size());
    const auto label = std::string_view(host).substr(begin, end - begin);
    if (label.empty() || label.size() > kLongestLabel || label.front() == '-' || label.back() == '-')
      return false;
    const auto plain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
    if (!std::all_of(label.begin(), label.end(), plain)) return false;
    begin = end + 1;
  }
  return true;
}

int default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

/// Printable ASCII without what RFC 3986 keeps out of a path and query.
bool is_path_character(char c) {
  return c > ' ' && c < 0x7F && std::string_view("\"<>\\^`{|}#").find(c) == std::string_view::npos;
}

/// URLs stand in messages; their queries may hold what should not.
std::string shown(std::string_view url) {
  constexpr std::size_t kLongest = 100;
  std::string text(url.substr(0, std::min(url.find_first_of("?#"), kLongest)));
  const auto at = text.rfind('@');
  if (at != std::string::npos) text = "..." + text.substr(at);
  for (auto& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

Result<int> parse_port(std::string_view text) {
  int port = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  if (!digits || read.ec != std::errc{} || read.ptr != end || port < 1 || port > 65535) {
    return fail(ErrorKind::invalid, "the port is no number from 1 to 65535");
  }
  return port;
}

/// "host:port", "[::1]:port"
Result<void> parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) {
    return fail(ErrorKind::invalid, "a user name or password has no place in a URL");
  }
  const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
  const auto colon = bracket == std::string_view::npos ? bracket : authority.find(':', bracket);
  url.host = authority.substr(0, colon);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), lower);
  if (!is_host(url.host)) return fail(ErrorKind::invalid, "the host is no host name or address");
  url.port = default_port(url.scheme);
  if (colon == std::string_view::npos) return {};
  const auto port = parse_port(authority.substr(colon + 1));
  if (!port) return port.error();
  url.port = *port;
  return {};
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [header, value] : headers) {
    if (equal_ignoring_case(header, name)) return value;
  }
  return std::nullopt;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && text.find_first_not_of(kToken) == std::string_view::npos;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4U];
      out += kDigits[static_cast<unsigned char>(c) & 15U];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string encode_form(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += percent_encode(name) + '=' + percent_encode(value);
  }
  return out;
}

Fields decode_form(std::string_view text) {
  Fields fields;
  while (!text.empty() && fields.size() < kMaxFields) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    fields.emplace_back(percent_decode(pair.substr(0, equals), true),
                        percent_decode(pair.substr(std::min(equals + 1, pair.size())), true));
  }
  return fields;
}

std::string format_http_date(Instant t) {
  using namespace std::chrono;
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<days>(t);
  const year_month_day date{day};
  const hh_mm_ss time{floor<seconds>(t - day)};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[weekday{day}.c_encoding()],
                     unsigned{date.day()}, kMonths[unsigned{date.month()} - 1], int{date.year()},
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string Url::origin() const {
  std::string out = scheme + "://" + host;
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

bool Url::loopback() const {
  if (host == "localhost") return true;
  if (const auto ipv6 = ipv6_of(host)) {
    return std::all_of(ipv6->begin(), ipv6->end() - 1, [](unsigned char b) { return b == 0; }) &&
           ipv6->back() == 1;
  }
  return is_ipv4(host) && host.starts_with("127.");
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [text](std::string_view why) {
    return fail(ErrorKind::invalid, "{}: {}", shown(text), why);
  };
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("not a URL (it begins with https://)");
  Url url;
  url.scheme = text.substr(0, colon);
  std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(), lower);
  if (url.scheme != "https" && url.scheme != "http") return refuse("only https:// and http:// are known");
  const auto rest = text.substr(colon + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#\\"));
  if (auto parsed = parse_authority(authority, url); !parsed) return refuse(parsed.error().message);
  url.path = rest.substr(authority.size());
  if (url.path.find('#') != std::string::npos) return refuse("a fragment (#) has no place in it");
  if (!std::all_of(url.path.begin(), url.path.end(), is_path_character)) {
    return refuse("it holds a character that must be percent-encoded");
  }
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  return url;
}

Result<Url> parse_secure_url(std::string_view text) {
  auto url = parse_url(text);
  if (url && url->scheme == "http" && !url->loopback()) {
    return fail(ErrorKind::invalid, "{}: plain http is only for loopback addresses; use https", shown(text));
  }
  return url;
}

}  // namespace watchbill::net
