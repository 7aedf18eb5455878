#include "cli/terminal/table.hpp"

#include <sstream>

#include "tests/support/catch.hpp"

using namespace watchbill::cli;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("columns line up, also with accents, wide and combining characters") {
  Table table({"NAME", "X"});
  table.add({"Zoë", "1"});
  table.add({"田中", "2"});
  table.add({"e\u0301", "3"});
  CHECK(table.render(0) == "NAME  X\nZoë   1\n田中  2\ne\u0301     3\n");
}

TEST_CASE("no line of a table is wider than the terminal, and short columns stay whole") {
  Table table({"STATE", "ROTATION", "PROBLEM"});
  table.add({"in_sync", "payments", std::string(300, 'x')});
  table.add({"error", "日本語の名前がとても長いローテーション", "short"});
  for (const std::size_t width : {40, 60, 80, 200}) {
    const auto lines = lines_of(table.render(width));
    REQUIRE(lines.size() == 3);
    for (const auto& line : lines) CHECK(display_width(line) <= width);
    CHECK(lines[1].starts_with("in_sync  payments"));
    CHECK(lines[1].ends_with("\u2026"));
  }
  // Even where nothing sensible fits.
  for (const auto& line : lines_of(table.render(5))) CHECK(display_width(line) <= 5);
}

TEST_CASE("nothing is cut where there is no terminal") {
  Table table({"A"});
  table.add({std::string(500, 'y')});
  CHECK(lines_of(table.render(0))[1] == std::string(500, 'y'));
}

TEST_CASE("cells cannot break lines or steer the terminal") {
  Table table({"A", "B"});
  table.add({"one\ntwo", "\x1b[31mred"});
  CHECK(table.render(0) == "A        B\none two  ?[31mred\n");
}

TEST_CASE("cutting never splits a character") {
  CHECK(fit("abc", 3) == "abc");
  CHECK(fit("abcd", 3) == "ab\u2026");
  CHECK(fit("田中さん", 4) == "田\u2026");
  CHECK(fit("", 0).empty());
  CHECK(fit("\xff\xfe", 1) == "\u2026");
}
