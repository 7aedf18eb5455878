#pragma once

#include <string>

namespace watchbill::test {

/// Where a file of this repository is: "docs/cli.md".
std::string project_file(const std::string& path);
/// All of its text. A file that is not there ends the test.
std::string project_text(const std::string& path);

}  // namespace watchbill::test
