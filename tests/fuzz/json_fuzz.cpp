#include <cstdlib>

#include "base/json.hpp"

// libFuzzer target: any bytes are parsed, every value of what is accepted is read in every way, and what is
// written again must be read as the same.

namespace {

using watchbill::json::View;

void visit(View view) {
  (void)view.string();
  (void)view.integer();
  (void)view.number();
  (void)view.boolean();
  (void)view.text();
  (void)view.array();
  (void)view.object();
  (void)view["id"]["name"].string_or("");
  for (auto child : view.items()) visit(child);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)watchbill::json::pretty(text);
  const auto document = watchbill::json::parse(text);
  if (!document.ok()) return 0;
  // Each wrong read looks for its path from the root: quadratic, so only small texts are read in full.
  if (size < 2000) visit(document->root());
  const auto written = document->root().dump();
  const auto again = watchbill::json::parse(written);
  if (!again.ok() || again->root().dump() != written) std::abort();
  const auto shown = watchbill::json::parse(watchbill::json::pretty(written));
  if (!shown.ok() || shown->root().dump() != written) std::abort();
  return 0;
}
