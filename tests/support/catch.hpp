#pragma once

// Every test has Catch2 from here: version 3 where it is installed (Debian 13), else version 2 (Debian 12).
// Tests use the names of version 3; those that version 2 has elsewhere are made here.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#else
#include <catch2/catch.hpp>

namespace Catch {

using Detail::Approx;

namespace Matchers {

inline StdString::ContainsMatcher ContainsSubstring(const std::string& part) {
  return Contains(part);
}

}  // namespace Matchers
}  // namespace Catch
#endif
