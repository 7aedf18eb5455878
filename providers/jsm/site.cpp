#include "providers/jsm/site.hpp"

#include <algorithm>
#include <array>

#include "providers/support.hpp"

namespace watchbill::providers::jsm {

namespace {

/// Sites of Jira Cloud; the second is of sites that are older.
constexpr std::array<std::string_view, 2> kDomains{".atlassian.net", ".jira.com"};

/// RFC 1123, section 2.1: letters, digits and inner hyphens.
bool is_label(std::string_view label) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), allowed);
}

}  // namespace

Result<std::string> clean_site(std::string_view typed) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::invalid, "--site: \"{}\": {}; write it like acme.atlassian.net",
                typed.substr(0, 80), why);
  };
  std::string site(trim(typed));
  for (auto& c : site) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (site.starts_with("https://")) site.erase(0, 8);
  // Whoever copies it from the browser copies a path, too.
  site.erase(std::min(site.find_first_of("/?#"), site.size()));
  if (site.empty()) return refuse("it is empty");
  for (const auto domain : kDomains) {
    if (site.ends_with(domain) && is_label(std::string_view(site).substr(0, site.size() - domain.size())))
      return site;
  }
  return refuse("it is no site of Jira Cloud");
}

}  // namespace watchbill::providers::jsm
