#include "slack/transport/address.hpp"

#include <string>

#include "net/http.hpp"

namespace watchbill::slack {

namespace {

constexpr std::string_view kSlackDomain = "slack.com";

bool is_under(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

/// ws and wss are http and https until the upgrade.
std::string as_http(std::string_view address) {
  const bool socket = address.starts_with("ws://") || address.starts_with("wss://");
  return socket ? "http" + std::string(address.substr(2)) : std::string(address);
}

}  // namespace

Result<void> check_address(std::string_view address, std::string_view api_url) {
  const auto url = net::parse_secure_url(as_http(address));
  if (!url) return fail(ErrorKind::invalid, "not an https address");
  const auto api = net::parse_url(api_url);
  if (is_under(url->host, kSlackDomain) && url->scheme == "https") return {};
  if (api && is_under(url->host, api->host)) return {};
  return fail(ErrorKind::invalid, "{} is not an address of Slack's", url->host);
}

}  // namespace watchbill::slack
