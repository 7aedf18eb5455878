#include "cli/commands/debian.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill::cli;

TEST_CASE("Debian's versions are ordered as dpkg orders them") {
  CHECK(is_older("2.1.12-stable-8", "2.1.12-stable-8+deb12u1"));
  CHECK_FALSE(is_older("2.1.12-stable-8+deb12u1", "2.1.12-stable-8+deb12u1"));
  CHECK_FALSE(is_older("2.1.12-stable-8+deb12u2", "2.1.12-stable-8+deb12u1"));
  CHECK_FALSE(is_older("2.1.12-stable-10", "2.1.12-stable-8+deb12u1"));
  CHECK(is_older("2.1.9-stable-9", "2.1.12-stable-8"));
  CHECK(is_older("2.2.0~beta-1", "2.2.0-1"));
  CHECK(is_older("1.0", "1.0a"));
  CHECK(is_older("1.09", "1.10"));
  CHECK_FALSE(is_older("1.010", "1.10"));
}

TEST_CASE("the version of an installed package comes from dpkg's list") {
  const std::string status =
      "Package: libevent-core-2.1-7x\nStatus: install ok installed\nVersion: 9\n\n"
      "Package: other\nStatus: deinstall ok config-files\nVersion: 1\n\n"
      "Package: libevent-core-2.1-7\nStatus: install ok installed\nSource: libevent\nVersion: "
      "2.1.12-stable-8\n";
  CHECK(installed_version(status, "libevent-core-2.1-7") == "2.1.12-stable-8");
  CHECK_FALSE(installed_version(status, "other"));
  CHECK_FALSE(installed_version(status, "libevent"));
  CHECK_FALSE(installed_version("", "libevent"));
}

TEST_CASE("doctor knows libevent on Debian 12 and 13, and the package asks for the same there") {
  const auto listed = [](std::string_view package, std::string_view state) {
    return fmt::format("Package: {}\nStatus: {}\nVersion: 2.1.12-stable-8\n\n", package, state);
  };
  const auto twelve = installed_libevent(listed("libevent-core-2.1-7", "install ok installed"));
  const auto thirteen = installed_libevent(listed("libevent-core-2.1-7", "deinstall ok config-files") +
                                           listed("libevent-core-2.1-7t64", "install ok installed"));
  REQUIRE((twelve && thirteen));
  CHECK(twelve->package == "libevent-core-2.1-7");
  CHECK(thirteen->package == "libevent-core-2.1-7t64");
  const auto rules = watchbill::test::project_text("packaging/debian/rules");
  for (const auto& one : {*twelve, *thirteen}) {
    CHECK(one.version == "2.1.12-stable-8");
    CHECK(is_older(one.version, one.fixed));
    const auto relation = fmt::format("= {} (>= {})\n", one.package, one.fixed);
    CHECK_THAT(rules, Catch::Matchers::ContainsSubstring(relation));
  }
  CHECK_FALSE(installed_libevent(listed("libevent", "install ok installed")));
}
