#include "providers/xmatters/host.hpp"

#include <algorithm>

#include "providers/support.hpp"

namespace watchbill::providers::xmatters {

namespace {

constexpr std::string_view kDomain = ".xmatters.com";

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// RFC 1123, section 2.1: letters, digits and inner hyphens, at most 63.
bool is_label(std::string_view label) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), allowed);
}

/// Why `host` (lower case) is no host name; empty if it is one.
std::string fault_of(std::string_view host) {
  if (host.empty()) return "it is empty";
  if (host.size() > 253) return "it is longer than a host name can be";
  if (host.find(':') != std::string_view::npos) {
    return host.front() == '[' ? "it is an IP address" : "it has a port (or is an IP address)";
  }
  std::size_t labels = 0;
  std::string_view last;
  for (std::size_t at = 0; at <= host.size();) {
    const auto end = std::min(host.find('.', at), host.size());
    last = host.substr(at, end - at);
    if (!is_label(last)) return "it is no host name";
    ++labels;
    at = end + 1;
  }
  // No top-level domain is all digits (RFC 1123): what looks like that is an IPv4 address in some spelling.
  const bool hex = last.starts_with("0x");
  if (hex || std::all_of(last.begin(), last.end(), is_digit)) return "it is an IP address";
  if (labels == 1) return fmt::format("it is not complete; is it {}{}?", host, kDomain);
  return "";
}

}  // namespace

Result<std::string> clean_host(std::string_view typed, const std::vector<std::string>& allowed) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::invalid, "--host: \"{}\": {}; write it like acme.xmatters.com",
                typed.substr(0, 80), why);
  };
  std::string host = lower(trim(typed));
  if (const auto scheme = host.find("://"); scheme != std::string::npos) {
    const auto name = host.substr(0, scheme);
    if (name != "https" && name != "http") return refuse("only https is spoken");
    host.erase(0, scheme + 3);
  }
  if (host.find('@') != std::string::npos) return refuse("it has a user part");
  if (const auto path = host.find_first_of("/?#\\"); path != std::string::npos) {
    if (host.substr(path) != "/") return refuse("it has a path");
    host.erase(path);
  }
  if (host.ends_with('.')) host.pop_back();
  if (const auto fault = fault_of(host); !fault.empty()) return refuse(fault);

  const auto is_allowed = [&](const std::string& name) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [&](const std::string& other) { return lower(trim(other)) == name; });
  };
  if (is_allowed(host)) return host;
  if (host.starts_with("www.")) host.erase(0, 4);
  if (is_allowed(host)) return host;
  if (host == kDomain.substr(1)) return refuse("the name of your company's tenant is missing");
  if (!host.ends_with(kDomain)) {
    return refuse(
        "it does not end in .xmatters.com (the configuration can allow more: xmatters.allowed_hosts)");
  }
  return host;
}

}  // namespace watchbill::providers::xmatters
