#include <regex>

#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;

namespace {

/// The text of a test program with the pieces of its names put together.
std::string names_in(const std::string& file) {
  static const std::regex kSeam("\"\\s*\\n\\s*\"");
  return std::regex_replace(test::project_text(file), kSeam, "");
}

}  // namespace

TEST_CASE("every test that docs/architecture.md names for a promise exists") {
  const auto document = test::project_text("docs/architecture.md");
  static const std::regex kRow("\\n\\| (.+) \\| `(tests/[a-z_/]+\\.(?:cpp|py))` \\|");
  int rows = 0;
  for (std::sregex_iterator row(document.begin(), document.end(), kRow), end; row != end; ++row, ++rows) {
    const auto names = (*row)[1].str();
    const auto tests = names_in((*row)[2]);
    for (std::size_t from = 0; from < names.size();) {
      const auto to = std::min(names.find("; ", from), names.size());
      const auto name = names.substr(from, to - from);
      INFO((*row)[2].str() << ": " << name);
      CHECK(tests.find(name) != std::string::npos);
      from = to + 2;
    }
  }
  CHECK(rows > 80);
}
