#include "sandbox/page/document.hpp"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>

#include "base/base64.hpp"
#include "sandbox/page/assets.hpp"

namespace watchbill::sandbox {
namespace {

const PageAsset* file_named(const std::vector<PageAsset>& files, std::string_view path) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const PageAsset& one) { return one.path == path; });
  return found == files.end() ? nullptr : &*found;
}

/// The next line of `rest` with its end.
std::string_view take_line(std::string_view& rest) {
  const auto line = rest.substr(0, rest.find('\n') + 1);
  const auto taken = line.empty() ? rest : line;
  rest.remove_prefix(taken.size());
  return taken;
}

/// What stands between the first `before` and the next `after`.
std::optional<std::string_view> text_between(std::string_view text, std::string_view before,
                                             std::string_view after) {
  const auto from = text.find(before);
  if (from == std::string_view::npos) return std::nullopt;
  text.remove_prefix(from + before.size());
  const auto to = text.find(after);
  if (to == std::string_view::npos) return std::nullopt;
  return text.substr(0, to);
}

/// "/window_list.js" -> "window_list_js"
std::string scope_of(std::string_view path) {
  std::string name(path.substr(1));
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

class ModuleBundle {
 public:
  explicit ModuleBundle(const std::vector<PageAsset>& files) : files_(files) {}

  Result<void> add(std::string_view path) {
    if (done_.count(path) != 0) return {};
    if (!open_.insert(path).second) return fail(ErrorKind::invalid, "{} imports itself in a circle", path);
    const auto* file = file_named(files_, path);
    if (!file) return fail(ErrorKind::not_found, "there is no {}", path);
    std::string body;
    std::string exported;
    auto rest = file->content;
    while (!rest.empty()) {
      const auto line = take_line(rest);
      auto kept = line.starts_with("import ")   ? take_import(line)
                  : line.starts_with("export ") ? take_export(line, exported)
                                                : Result<std::string>(std::string(line));
      if (!kept) return kept.error().in("{}", path);
      body += *kept;
    }
    text += fmt::format("const {} = (() => {{\n{}return {{{}}};\n}})();\n", scope_of(path), body, exported);
    done_.insert(path);
    return {};
  }

  std::string text = "\"use strict\";\n";

 private:
  /// `import { a, b } from "./x.js";`: what it names goes before it.
  Result<std::string> take_import(std::string_view line) {
    const auto names = text_between(line, "import {", "}");
    const auto from = text_between(line, " from \".", "\";\n");
    if (!names || !from || names->find(" as ") != std::string_view::npos) {
      return fail(ErrorKind::invalid, "not an import of names from one file: {}", line);
    }
    if (auto added = add(*from); !added) return added.error();
    return fmt::format("const {{{}}} = {};\n", *names, scope_of(*from));
  }

  /// `export function f`, `export const c`, `export class C`, `export { a, b };`
  static Result<std::string> take_export(std::string_view line, std::string& exported) {
    const auto add_names = [&](std::string_view names) {
      exported += fmt::format("{}{}", exported.empty() ? "" : ", ", names);
    };
    if (line.starts_with("export {")) {
      add_names(text_between(line, "{", "}").value_or(""));
      return std::string();
    }
    const auto declaration = line.substr(std::string_view("export ").size());
    for (const std::string_view kind : {"function ", "async function ", "const ", "class "}) {
      if (!declaration.starts_with(kind)) continue;
      const auto name = declaration.substr(kind.size());
      add_names(name.substr(0, name.find_first_of(" (")));
      return std::string(declaration);
    }
    return fail(ErrorKind::invalid, "not an export of a function, a constant or a class: {}", line);
  }

  const std::vector<PageAsset>& files_;
  std::set<std::string_view> open_;
  std::set<std::string_view> done_;
};

std::string source_hash(std::string_view text) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return fmt::format(" 'sha256-{}'", base64({reinterpret_cast<const char*>(hash), sizeof hash}));
}

std::string inlined(std::string_view tag, std::string_view text, std::string& hashes) {
  hashes += source_hash(text);
  return fmt::format("<{0}>{1}</{0}>\n", tag, text);
}

}  // namespace

Result<std::string> bundle_modules(const std::vector<PageAsset>& files, std::string_view main) {
  ModuleBundle bundle(files);
  if (auto added = bundle.add(main); !added) return added.error();
  return std::move(bundle.text);
}

Result<PageDocument> make_document(const std::vector<PageAsset>& files) {
  const auto* index = file_named(files, "/index.html");
  if (!index) return fail(ErrorKind::not_found, "there is no /index.html");
  PageDocument document;
  std::string scripts;
  std::string styles;
  auto rest = index->content;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    if (const auto module = text_between(line, "<script type=\"module\" src=\"", "\"")) {
      auto bundle = bundle_modules(files, fmt::format("/{}", *module));
      if (!bundle) return bundle.error();
      document.html += inlined("script", *bundle, scripts);
    } else if (const auto script = text_between(line, "<script src=\"", "\"")) {
      const auto* file = file_named(files, fmt::format("/{}", *script));
      if (!file) return fail(ErrorKind::not_found, "there is no /{}", *script);
      document.html += inlined("script", file->content, scripts);
    } else if (const auto style = text_between(line, "<link rel=\"stylesheet\" href=\"", "\"")) {
      const auto* file = file_named(files, fmt::format("/{}", *style));
      if (!file) return fail(ErrorKind::not_found, "there is no /{}", *style);
      document.html += inlined("style", file->content, styles);
    } else {
      document.html += line;
    }
  }
  document.policy = fmt::format(
      "default-src 'none'; script-src{}; style-src{}; img-src 'self'; connect-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'",
      scripts, styles);
  return document;
}

const PageDocument& page_document() {
  static const PageDocument document = [] {
    auto made = make_document(embedded_page_assets());
    if (!made) throw std::logic_error("the embedded page: " + made.error().message);
    return std::move(*made);
  }();
  return document;
}

}  // namespace watchbill::sandbox
