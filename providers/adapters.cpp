#include "providers/adapters.hpp"

#include <algorithm>
#include <array>

#include "base/phrase.hpp"

namespace watchbill::providers {

std::span<const Adapter> adapters() {
  static const std::array<Adapter, 3> list{pagerduty_adapter(), opsgenie_adapter(), xmatters_adapter()};
  return list;
}

Result<const Adapter*> find_adapter(std::string_view kind) {
  std::string known;
  for (const auto& adapter : adapters()) {
    if (adapter.kind == kind) return &adapter;
    known += (known.empty() ? "" : ", ") + std::string(adapter.kind);
  }
  return fail(ErrorKind::invalid, "\"{}\" is no kind of scheduling system; there are {}", kind, known);
}

const CredentialWay* find_way(const Adapter& adapter, std::string_view name) {
  if (adapter.ways.size() == 1) return &adapter.ways.front();
  const auto found = std::find_if(adapter.ways.begin(), adapter.ways.end(),
                                  [&](const CredentialWay& way) { return way.name == name; });
  return found == adapter.ways.end() ? nullptr : &*found;
}

std::string title_of(const std::string& kind) {
  const auto adapter = find_adapter(kind);
  return adapter ? std::string((*adapter)->title) : kind;
}

std::string kinds_to_choose_from() {
  std::vector<std::string> kinds;
  for (const auto& adapter : adapters()) kinds.emplace_back(adapter.kind);
  return choice_phrase(kinds);
}

std::string titles_with_sign_in() {
  std::vector<std::string> titles;
  for (const auto& adapter : adapters()) {
    if (adapter.sign_in) titles.emplace_back(adapter.title);
  }
  return choice_phrase(titles);
}

}  // namespace watchbill::providers
