#include "cli/manual/reference.hpp"

#include <algorithm>
#include <sstream>

#include "cli/commands/commands.hpp"
#include "config/daemon_options.hpp"
#include "config/keys.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

/// As a reader sees it: without the escapes of roff.
std::string plain(std::string text) {
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string, std::string>>{{"\\fB", ""},
                                                                                           {"\\fR", ""},
                                                                                           {"\\fI", ""},
                                                                                           {"\\-", "-"},
                                                                                           {"\\(aq", "'"},
                                                                                           {"\\(dq", "\""},
                                                                                           {"\\&", ""},
                                                                                           {"\\(ti", "~"},
                                                                                           {"\\(ha", "^"},
                                                                                           {"\\[u2026]", "…"},
                                                                                           {"\\e", "\\"}}) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  return text;
}

std::string without_ticks(std::string text) {
  std::erase(text, '`');
  return text;
}

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const ManualInfo kInfo{"1.2.3", "2026-11-22"};

}  // namespace

TEST_CASE("docs/cli.md says what --help says: if not, run ./dev docs") {
  const auto text = test::project_text("docs/cli.md");
  const auto renewed = renewed_reference(text, all_commands(nullptr));
  REQUIRE(renewed);
  CHECK(*renewed == text);
}

TEST_CASE("a command that docs/cli.md does not know, and one that is gone, are told") {
  const auto commands = all_commands(nullptr);
  auto text = test::project_text("docs/cli.md");
  const std::string name = "<!-- from --help: watchbill status -->";
  const auto at = text.find(name);
  REQUIRE(at != std::string::npos);
  text.replace(at, name.size(), "<!-- from --help: watchbill gone -->");
  CHECK(mentions(renewed_reference(text, commands).error().message, "watchbill gone"));
  text.erase(at, text.find("<!-- end -->", at) + 12 - at);
  CHECK(mentions(renewed_reference(text, commands).error().message, "watchbill status"));
}

TEST_CASE("the manual has a page for every group of commands, with all that --help says") {
  const auto pages = manual(all_commands(nullptr), kInfo);
  for (const auto& command : all_commands(nullptr)) {
    const auto group = command.path.substr(0, command.path.find(' '));
    INFO(command.path);
    const auto found = pages.find("watchbill-" + group + ".1");
    REQUIRE(found != pages.end());
    const auto page = plain(found->second);
    CHECK(mentions(page, "watchbill " + command.path));
    CHECK(mentions(page, without_ticks(command.summary)));
    CHECK(mentions(page, without_ticks(command.text)));
    for (const auto& argument : command.arguments) CHECK(mentions(page, without_ticks(argument.help)));
    for (const auto& option : command.options) {
      INFO(option.name);
      CHECK(mentions(page, "--" + option.name));
      CHECK(mentions(page, without_ticks(option.help)));
    }
    for (const auto& example : command.examples) CHECK(mentions(page, "watchbill " + example));
    CHECK(mentions(plain(pages.at("watchbill.1")), "watchbill " + command.path));
  }
}

TEST_CASE("the manual knows every option of watchbilld and every key of the configuration") {
  const auto pages = manual(all_commands(nullptr), kInfo);
  const auto daemon = plain(pages.at("watchbilld.8"));
  for (const auto& option : config::kDaemonOptions) {
    CHECK(mentions(daemon, fmt::format("--{}", option.name)));
    CHECK(mentions(daemon, option.help));
  }
  const auto configuration = plain(pages.at("watchbill.yaml.5"));
  for (const auto& key : config::keys()) {
    INFO(key.path);
    CHECK(mentions(configuration, key.path));
    CHECK(mentions(configuration, without_ticks(std::string(key.meaning))));
  }
}

TEST_CASE("no line of a page is taken for a request that is none") {
  for (const auto& [name, page] : manual(all_commands(nullptr), kInfo)) {
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      INFO(name << ": " << line);
      if (line.starts_with("."))
        CHECK(mentions(" TH SH SS TP PP B BR RI I nf fi RS RE br ",
                       " " + line.substr(1, line.find(' ') - 1) + " "));
      CHECK_FALSE(line.starts_with("'"));
      CHECK(
          std::all_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    }
  }
}
