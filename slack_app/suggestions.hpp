#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/choices.hpp"
#include "slack_app/rotations/rotation_form.hpp"

/// What the selects with a search offer while somebody types: the JSON that answers a `block_suggestion`.
namespace watchbill::slack_app {

/// Groups to choose: first those that are free, then the others, which say why they are not. A handle that
/// could be made is offered to be made, and whoever types something else may make a group all the same.
/// `editing`: the rotation whose group may be offered as its own.
std::string group_suggestions(const control::GroupSearch& found, std::string_view query,
                              const std::string& editing = {});

/// Schedules to choose, grouped by connection. A group that is cut says so.
std::string schedule_suggestions(const control::ScheduleSearch& found);

}  // namespace watchbill::slack_app
