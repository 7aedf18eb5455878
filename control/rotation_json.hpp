#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/oncall/rotation.hpp"

/// Rotations as JSON: the one shape that output, files and comparisons share (docs/cli.md, "A rotation").
namespace watchbill::control {

/// All fields, defaults too.
void write_rotation(json::Writer& writer, const Rotation& rotation);
std::string rotation_json(const Rotation& rotation);
/// `{version: 1, rotations: […]}`, with all fields.
std::string rotations_json(const std::vector<Rotation>& rotations);

/// A duration that `parse_duration` reads back exactly.
std::string exact_duration(milliseconds duration);

/// What differs, for people: "channels: C1 -> C1, C2".
struct FieldChange {
  std::string field;
  std::string before;
  std::string after;
};
std::vector<FieldChange> compare(const Rotation& before, const Rotation& after);

/// Changes with whatever people may change of the rotation: kept in a form while it is open, so that saving
/// it can tell whether somebody else changed the rotation meanwhile. 16 hexadecimal digits.
std::string version_of(const Rotation& rotation);

}  // namespace watchbill::control
