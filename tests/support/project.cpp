#include "tests/support/project.hpp"

#include <fstream>
#include <sstream>

#include "tests/support/catch.hpp"

namespace watchbill::test {

std::string project_file(const std::string& path) {
  return WATCHBILL_PROJECT "/" + path;
}

std::string project_text(const std::string& path) {
  std::ifstream file(project_file(path));
  INFO(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace watchbill::test
