#include "tests/support/project.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

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
