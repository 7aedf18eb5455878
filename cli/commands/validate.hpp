#pragma once

#include <vector>

#include "cli/session.hpp"
#include "cli/terminal/command.hpp"
#include "control/validate.hpp"

namespace watchbill::cli {

/// `control::settle` for whoever sits here, with its warnings printed.
Result<void> validate_here(Session& session, control::Workspace& workspace,
                           std::vector<control::RotationDraft>& wanted, control::ValidateOptions options);
Result<void> validate_for(Session& session, control::Workspace& workspace, const control::Caller& caller,
                          std::vector<control::RotationDraft>& wanted, control::ValidateOptions options);

/// The person agrees to what the change takes out of the group, or the error that comes after the preview.
Result<void> agree_to_adopt(Session& session, const Invocation& in, control::Workspace& workspace,
                            const control::RotationDraft& wanted);

/// Prints to the error stream what a person should know before agreeing: who goes, who comes, who edited the
/// group last, and which channels Slack adds members to.
void show_adoption(Session& session, control::Workspace& workspace, const control::Adoption& adoption);

}  // namespace watchbill::cli
