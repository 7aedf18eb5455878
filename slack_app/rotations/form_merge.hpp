#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "slack_app/rotations/rotation_form.hpp"

/// Two people edit the same rotation: what each of them changed, field by field. Pure.
namespace watchbill::slack_app {

/// A fingerprint of each field of a form: kept in the form while it is open, so that what was changed
/// meanwhile can be told from what was typed. The order of people, schedules and channels does not count.
std::map<std::string, std::string> fingerprints(const RotationForm& form);

struct MergedForm {
  /// What was typed, and for fields that were not touched what stands there now.
  RotationForm form{};
  std::vector<std::string> taken{};     ///< fields that show the others' change now
  std::vector<std::string> clashing{};  ///< fields that both changed; they keep what was typed
};
/// `began`: the fingerprints of what the form showed when it was opened. A field that is missing there counts
/// as typed.
MergedForm merged(const std::map<std::string, std::string>& began, const RotationForm& typed,
                  const RotationForm& now);

/// "Slack user group": the field as the form calls it; empty if it has no such field.
std::string_view label_of(std::string_view field);
/// What the field holds, mrkdwn: "<#C1> and <#C2>", "nothing".
std::string shown_value(const RotationForm& form, std::string_view field);
/// True if the field stands in the form's section "More".
bool is_in_more(std::string_view field);

}  // namespace watchbill::slack_app
