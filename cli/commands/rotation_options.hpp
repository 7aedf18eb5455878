#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "core/oncall/rotation.hpp"

namespace watchbill::cli {

/// What `rotation create` and `rotation edit` have in common. `edit`: with those that change the name and
/// take things away.
std::vector<OptionSpec> rotation_options(bool edit);

/// Files that the options name, read before the store is opened.
struct RotationFiles {
  std::optional<std::string> announcement_template{};
};
Result<RotationFiles> read_rotation_files(Session& session, const Invocation& in);

/// What schedules are called, by reference ("pd/P1"), as far as that is known here (seen_schedules.hpp).
using ScheduleNames = std::map<std::string, std::string>;

/// Puts the options into the rotation. Channels may then be "#name", people e-mail addresses, schedules names
/// (`written_schedule`), and a group that was given has either an id or a handle. Errors name the option.
Result<void> apply_options(const Invocation& in, const RotationFiles& files, Rotation& rotation,
                           const ScheduleNames& names);

}  // namespace watchbill::cli
