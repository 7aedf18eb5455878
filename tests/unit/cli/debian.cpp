#include "cli/commands/debian.hpp"

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

TEST_CASE("the package asks for the libevent that doctor asks for") {
  const auto control = watchbill::test::project_text("packaging/debian/control");
  const auto doctor = watchbill::test::project_text("cli/commands/doctor_libraries.cpp");
  CHECK(control.find("libevent-core-2.1-7 (>= 2.1.12-stable-8+deb12u1)") != std::string::npos);
  CHECK(doctor.find("\"2.1.12-stable-8+deb12u1\"") != std::string::npos);
}
