#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "core/announce/template.hpp"

// libFuzzer target: any bytes are an announcement's template, and what fills it. The first byte picks the
// limit, the second says where the template ends and the name of the person on call begins. What is accepted
// must be filled in within the limit, and nothing of the name may mention or link.

namespace {

using namespace watchbill;

void require(bool true_) {
  if (!true_) std::abort();
}

TemplateData data_of(const std::string& name) {
  TemplateData data;
  for (const auto& variable : announcement_vocabulary()) {
    if (!variable.list.empty()) continue;
    if (variable.kind == VariableKind::text || variable.kind == VariableKind::flag)
      data.values[std::string(variable.name)] = name;
    if (variable.kind == VariableKind::list)
      data.lists[std::string(variable.name)] = {{{"name", name}}, {{"name", "Ada"}}};
  }
  return data;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t limit = 1 + data[0] * 16U;
  const std::size_t cut = text.size() * data[1] / 255;
  const auto compiled = Template::compile(text.substr(0, cut), announcement_vocabulary());
  if (!compiled) {
    require(is_utf8(compiled.error().message) || !is_utf8(text.substr(0, cut)));
    return 0;
  }
  const auto shown = compiled->render(data_of(std::string(text.substr(cut))), limit);
  require(utf8_length(shown) <= limit);
  // What people are called is never markup: with a template of nothing but names there is none.
  const auto names = Template::compile("{{rotation}}", announcement_vocabulary());
  require(names.ok());
  const auto name = names->render(data_of(std::string(text.substr(cut))), 3500);
  require(name.find('<') == std::string::npos && name.find('>') == std::string::npos);
  return 0;
}
