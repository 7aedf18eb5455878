#include "sandbox/page/document.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::test {
namespace {

using sandbox::PageAsset;

std::string bundle_of(const std::vector<PageAsset>& files) {
  auto made = sandbox::bundle_modules(files, "/main.js");
  return made ? *made : "refused: " + made.error().message;
}

PageAsset module(std::string_view path, std::string_view content) {
  return {path, "text/javascript", content};
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("page document: modules become one script, each once and after what it imports") {
  CHECK(
      bundle_of(
          {module("/main.js", "import { a, B } from \"./x.js\";\nimport { c } from \"./y.js\";\na(B, c);\n"),
           module("/y.js", "import { a } from \"./x.js\";\nexport const c = a;\n"),
           module("/x.js",
                  "export async function a() {}\nconst hidden = 1;\nexport class B {}\nexport { hidden "
                  "};\n")}) ==
      "\"use strict\";\n"
      "const x_js = (() => {\nasync function a() {}\nconst hidden = 1;\nclass B {}\nreturn {a, B,  hidden "
      "};\n})();\n"
      "const y_js = (() => {\nconst { a } = x_js;\nconst c = a;\nreturn {c};\n})();\n"
      "const main_js = (() => {\nconst { a, B } = x_js;\nconst { c } = y_js;\na(B, c);\nreturn {};\n})();\n");
}

TEST_CASE("page document: what would mean something else in one script is refused") {
  CHECK(bundle_of({module("/main.js", "import { a } from \"./x.js\";\n"),
                   module("/x.js", "import { b } from \"./main.js\";\n")}) ==
        "refused: /main.js: /x.js: /main.js imports itself in a circle");
  CHECK(bundle_of({module("/main.js", "import { a } from \"./x.js\";\n")}) ==
        "refused: /main.js: there is no /x.js");
  CHECK(bundle_of({module("/main.js", "import { a as b } from \"./x.js\";\n")})
            .starts_with("refused: /main.js: not an import"));
  CHECK(
      bundle_of({module("/main.js", "export let a = 1;\n")}).starts_with("refused: /main.js: not an export"));
}

TEST_CASE("page document: the page as it is built asks for no other script and no style") {
  const auto& document = sandbox::page_document();
  CHECK(count_of(document.html, "<script>") == 2);
  CHECK(count_of(document.html, "</script>") == 2);
  CHECK(count_of(document.html, "<style>") == 4);
  CHECK(count_of(document.policy, "'sha256-") == 6);
  CHECK(document.html.find("import {") == std::string::npos);
}

TEST_CASE("page document: the policy names what a browser computes") {
  // echo -n 'a {}' | openssl dgst -sha256 -binary | base64
  const auto document = sandbox::make_document(
      {{"/index.html", "text/html", "<link rel=\"stylesheet\" href=\"a.css\">\n<p>hi</p>\n"},
       {"/a.css", "text/css", "a {}"}});
  REQUIRE(document);
  CHECK(document->html == "<style>a {}</style>\n<p>hi</p>\n");
  CHECK(document->policy.find("; style-src 'sha256-mkSHzL7faOU7/U/v8Umg+058R69+vN2A2xmE3Fz1q98=';") !=
        std::string::npos);
}

}  // namespace watchbill::test
