#include "providers/adapters.hpp"

#include <array>

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

}  // namespace watchbill::providers
