#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/rotation.hpp"
#include "json/json.hpp"

/// Rotations as text: the one shape of JSON output, `export` and `apply` files (docs/cli.md, "A rotation").
namespace watchbill::cli {

/// All fields, defaults too.
void write_rotation(json::Writer& writer, const Rotation& rotation);
std::string rotation_json(const Rotation& rotation);

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
/// The same as JSON, with all fields.
std::string rotations_json(const std::vector<Rotation>& rotations);

/// What differs, for people: "channels: C1 -> C1, C2".
struct FieldChange {
  std::string field;
  std::string before;
  std::string after;
};
std::vector<FieldChange> compare(const Rotation& before, const Rotation& after);

}  // namespace watchbill::cli
