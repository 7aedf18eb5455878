#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/oncall/rotation.hpp"

/// Files of rotations, as `export` writes and `apply` reads them (docs/cli.md, "A rotation").
namespace watchbill::cli {

/// A rotation as somebody wrote it: names of groups, channels and people still have to be looked up.
struct WrittenRotation {
  /// `group` or `handle` is set; channels may be "#name", people e-mail addresses.
  Rotation rotation;
  /// The keys that were written: what else there is keeps its default.
  std::set<std::string> keys{};
  std::string place{};  ///< "rotations.yaml:12:5"
};

/// Reads `{version: 1, rotations: […]}` in YAML or JSON. `name` is the file's name for errors, which are
/// `invalid` and list all that is wrong, one line each: "rotations.yaml:12:5: channels: …".
Result<std::vector<WrittenRotation>> read_rotations(std::string_view text, const std::string& name);

/// A file that `read_rotations` reads back as the same rotations, without what is default. Who manages them
/// is left out.
std::string rotations_yaml(const std::vector<Rotation>& rotations);

}  // namespace watchbill::cli
