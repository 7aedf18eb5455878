#pragma once

#include <string>
#include <vector>

#include "cli/commands/rotation_text.hpp"
#include "control/save.hpp"

namespace watchbill::cli {

/// What `apply` will do.
struct ApplyPlan {
  /// New and changed rotations, in the order of the file, and those that go.
  control::Batch batch;
  std::vector<Rotation> unchanged;
  /// Not in the file, but another file's: they stay.
  std::vector<Rotation> others;
};

/// More new rotations than this start without an announcement.
inline constexpr std::size_t kAnnouncedAtOnce = 5;

/// Pairs what was written with what is stored: by the group's id, then by name; and gives each the fields
/// that were not written. Of a rotation whose group is named by its handle the group must have been looked
/// up. Errors: `conflict` for two that are the same.
Result<std::vector<control::RotationDraft>> match(const std::vector<WrittenRotation>& written,
                                                  const std::vector<Rotation>& stored);

/// What a person is asked before groups are taken over and rotations deleted; at least one of the two.
std::string confirm_question(std::size_t adopted, std::size_t deleted);

std::string plan_text(const ApplyPlan& plan, bool dry_run);
std::string plan_json(const ApplyPlan& plan, bool dry_run);

}  // namespace watchbill::cli
