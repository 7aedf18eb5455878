#pragma once

#include <string>
#include <vector>

#include "cli/rotation_text.hpp"
#include "cli/settle.hpp"

namespace watchbill::cli {

/// What `apply` will do.
struct ApplyPlan {
  /// New and changed rotations, in the order of the file.
  std::vector<Wanted> wanted;
  std::vector<Rotation> unchanged;
  std::vector<Rotation> deleted;
  /// Not in the file, but another file's: they stay.
  std::vector<Rotation> others;
  bool quiet = false;
};

/// More new rotations than this start without an announcement.
inline constexpr std::size_t kAnnouncedAtOnce = 5;

/// Pairs what was written with what is stored: by the group's id, then by name; and gives each the fields
/// that were not written. Of a rotation whose group is named by its handle the group must have been looked
/// up. Errors: `conflict` for two that are the same.
Result<std::vector<Wanted>> match(const std::vector<WrittenRotation>& written,
                                  const std::vector<Rotation>& stored);

std::string plan_text(const ApplyPlan& plan, bool dry_run);
std::string plan_json(const ApplyPlan& plan, bool dry_run);

/// The order in which changes can be stored one by one: each takes a name that is free by then. Where names
/// are exchanged in a circle, a step with a name in between is put in.
std::vector<Rotation> in_storable_order(const std::vector<Wanted>& wanted,
                                        const std::vector<Rotation>& stored);

}  // namespace watchbill::cli
