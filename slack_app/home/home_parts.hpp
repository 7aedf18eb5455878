#pragma once

#include "slack_app/home/home.hpp"

/// The sections of the home tab.
namespace watchbill::slack_app {

Blocks attention_blocks(const HomeModel& model);
Blocks system_blocks(const HomeModel& model);
/// Heading, search and buttons, without the rotations themselves.
Blocks rotation_heading(const HomeModel& model);
Blocks rotation_blocks(const RotationLine& rotation, bool guest);
Blocks page_blocks(const HomeModel& model);
Blocks shift_blocks(const HomeModel& model);

/// "in sync", "stale since … because …": mrkdwn.
std::string state_words(const RotationLine& rotation);

}  // namespace watchbill::slack_app
