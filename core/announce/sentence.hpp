#pragma once

#include <string>
#include <string_view>

namespace watchbill {

/// A sentence that may mention people and groups, as mrkdwn: mentions, entities and commands in backticks
/// stay what they are, every other sign that Slack would act on is made harmless, and "2026-11-22 11:26 UTC"
/// becomes the reader's own time. With `notify_nobody` mentions are made harmless, too: for channels, where
/// they would notify.
std::string foreign_text(std::string_view text, bool notify_nobody = false);

}  // namespace watchbill
