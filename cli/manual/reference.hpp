#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal/command.hpp"

/// The table of commands as pages to read: docs/cli.md and the manual. Pure.
namespace watchbill::cli {

/// docs/cli.md with the parts renewed that come from the table: what stands between
/// `<!-- from --help: watchbill COMMAND -->` and `<!-- end -->`. `not_found` if a command has no such part,
/// or a part is about no command.
Result<std::string> renewed_reference(std::string_view document, const std::vector<Command>& commands);

/// When and of what the pages are, for their heads and feet.
struct ManualInfo {
  std::string version;
  std::string date;  ///< "2026-11-22"
};

/// The pages of the manual by file name: "watchbill.1", one for each first word ("watchbill-rotation.1"),
/// "watchbilld.8" and "watchbill.yaml.5".
std::map<std::string, std::string> manual(const std::vector<Command>& commands, const ManualInfo& info);

}  // namespace watchbill::cli
