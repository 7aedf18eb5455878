#include "cli/commands/debian.hpp"

#include <algorithm>

namespace watchbill::cli {

namespace {

struct Release {
  std::string_view libevent;
  std::string_view fixed;
};
/// The package depends on these: packaging/debian/rules. A host that came from 12 to 13 may list both names.
constexpr Release kDebian13 = {"libevent-core-2.1-7t64", "2.1.13-stable-1~deb13u1"};
constexpr Release kDebian12 = {"libevent-core-2.1-7", "2.1.12-stable-8+deb12u1"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// '~' sorts before the end, letters before everything else.
int order_of(std::string_view text) {
  constexpr int kBehindLetters = 256;
  if (text.empty() || is_digit(text.front())) return 0;
  const char c = text.front();
  if (c == '~') return -1;
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter ? c : c + kBehindLetters;
}

std::string_view take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  const auto digits = text.substr(
      0, static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

/// Below, at or above zero, as `a` is older than, the same as or newer than `b`.
int compare_part(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    while ((!a.empty() && !is_digit(a.front())) || (!b.empty() && !is_digit(b.front()))) {
      if (const int difference = order_of(a) - order_of(b); difference != 0) return difference;
      if (!a.empty()) a.remove_prefix(1);
      if (!b.empty()) b.remove_prefix(1);
    }
    const auto first = take_number(a);
    const auto second = take_number(b);
    if (first.size() != second.size()) return first.size() < second.size() ? -1 : 1;
    if (const int difference = first.compare(second); difference != 0) return difference;
  }
  return 0;
}

/// "2.1.12-stable-8": the revision follows the last '-'.
std::pair<std::string_view, std::string_view> parts_of(std::string_view version) {
  const auto dash = version.rfind('-');
  if (dash == std::string_view::npos) return {version, "0"};
  return {version.substr(0, dash), version.substr(dash + 1)};
}

std::optional<std::string_view> field(std::string_view paragraph, std::string_view name) {
  while (!paragraph.empty()) {
    const auto line = paragraph.substr(0, paragraph.find('\n'));
    paragraph.remove_prefix(std::min(line.size() + 1, paragraph.size()));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": "))
      return line.substr(name.size() + 2);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> installed_version(std::string_view dpkg_status, std::string_view package) {
  constexpr std::string_view kEnd = "\n\n";
  while (!dpkg_status.empty()) {
    const auto paragraph = dpkg_status.substr(0, dpkg_status.find(kEnd));
    dpkg_status.remove_prefix(std::min(paragraph.size() + kEnd.size(), dpkg_status.size()));
    const bool installed = field(paragraph, "Status").value_or("").ends_with(" installed");
    if (!installed || field(paragraph, "Package") != package) continue;
    if (const auto version = field(paragraph, "Version")) return std::string(*version);
  }
  return std::nullopt;
}

std::optional<Libevent> installed_libevent(std::string_view dpkg_status) {
  for (const auto& release : {kDebian13, kDebian12}) {
    if (auto version = installed_version(dpkg_status, release.libevent))
      return Libevent{release.libevent, std::move(*version), release.fixed};
  }
  return std::nullopt;
}

bool is_older(std::string_view a, std::string_view b) {
  const auto [a_upstream, a_revision] = parts_of(a);
  const auto [b_upstream, b_revision] = parts_of(b);
  const int upstream = compare_part(a_upstream, b_upstream);
  return upstream != 0 ? upstream < 0 : compare_part(a_revision, b_revision) < 0;
}

}  // namespace watchbill::cli
