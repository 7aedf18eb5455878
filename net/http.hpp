#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "base/time.hpp"
#include "net/task.hpp"

namespace watchbill::net {

/// Name and value. Names compare regardless of case.
using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

/// The first header of that name, or nothing.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

/// Is it a method or a header's name (RFC 9110, section 5.6.2)?
bool is_token(std::string_view text);

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Headers headers{};
  /// Value of the `Authorization` header; empty for none. Kept apart so that it is never logged.
  Secret authorization{};
  std::string body{};
  /// The body holds credentials (a token request): it is never logged and is wiped after sending.
  bool body_is_secret = false;
  /// From start to the last byte.
  milliseconds deadline{15s};
  /// A longer answer ends as `unreadable`.
  std::size_t max_body = std::size_t{16} << 20U;
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;
  /// From the first byte sent to the last received.
  milliseconds took{0};
  /// Server's clock minus ours, from the `Date` header (whole seconds), if it had one.
  std::optional<seconds> clock_skew;

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

/// Sends requests to other systems. An answer of any status is a success: what it means is the caller's
/// matter. Errors: `unreachable` (nothing was sent), `timeout` (`maybe_done` tells whether the request had
/// left), `unreadable` (too long, malformed), `invalid` (a URL that is not allowed), `cancelled`.
/// Redirects are never followed. https only, except to loopback addresses. Certificates are verified.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Task<Result<HttpResponse>> send(HttpRequest request) = 0;
};

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
std::string percent_encode(std::string_view text);
/// Undoes `percent_encode`; with `plus_is_space` also `+` (form bodies).
std::string percent_decode(std::string_view text, bool plus_is_space = false);

using Fields = std::vector<std::pair<std::string, std::string>>;
/// `a=1&b=2`, encoded: a query string or a form body.
std::string encode_form(const Fields& fields);
/// At most `kMaxFields`; what follows them is ignored.
Fields decode_form(std::string_view text);
inline constexpr std::size_t kMaxFields = 1000;

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string format_http_date(Instant t);

/// The parts of an http(s) URL that we use.
struct Url {
  std::string scheme;  ///< "http" or "https", lower case
  std::string host;    ///< lower case; an IPv6 address keeps its brackets
  int port = 0;        ///< the scheme's default if none was given
  std::string path;    ///< begins with '/', includes the query; "/" if empty

  /// "https://host:port" with a default port left out: what credentials are bound to.
  [[nodiscard]] std::string origin() const;
  /// True for 127.0.0.0/8, [::1] and "localhost".
  [[nodiscard]] bool loopback() const;
};
/// Refuses user parts, fragments, control characters and other schemes.
Result<Url> parse_url(std::string_view text);
/// `parse_url`, and refuses plain http to anything but loopback.
Result<Url> parse_secure_url(std::string_view text);

}  // namespace watchbill::net
