#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sandbox/page/page.hpp"

/// The page in one piece: a tab asks once and has all it needs to draw. Two dozen files would cost it more
/// time than everything that is in them.
namespace watchbill::sandbox {

/// Makes one script of the ES module `main` ("/main.js") and all that it imports, each in a scope of its own.
/// Refuses what it cannot keep the meaning of: imports over several lines or by another name, `export let`, a
/// default export, modules that import each other in a circle.
Result<std::string> bundle_modules(const std::vector<PageAsset>& files, std::string_view main);

struct PageDocument {
  std::string html;
  std::string policy;  ///< the Content-Security-Policy that lets in exactly the scripts and styles of `html`
};
/// "/index.html" with the styles and scripts in it that it names, each on a line of its own.
Result<PageDocument> make_document(const std::vector<PageAsset>& files);
/// That of the embedded files.
const PageDocument& page_document();

}  // namespace watchbill::sandbox
