#pragma once

#include <vector>

#include "cli/session.hpp"
#include "cli/terminal/command.hpp"
#include "control/validate.hpp"

namespace watchbill::cli {

/// `manage::settle` for whoever sits here, with its warnings printed.
Result<void> settle_here(Session& session, manage::Workspace& workspace, std::vector<manage::Wanted>& wanted,
                         manage::SettleOptions options);
Result<void> settle_for(Session& session, manage::Workspace& workspace, const manage::Caller& caller,
                        std::vector<manage::Wanted>& wanted, manage::SettleOptions options);

/// The person agrees to what the change takes out of the group, or the error that comes after the preview.
Result<void> agree_to_adopt(Session& session, const Invocation& in, manage::Workspace& workspace,
                            const manage::Wanted& wanted);

/// Prints to the error stream what a person should know before agreeing: who goes, who comes, who edited the
/// group last, and which channels Slack adds members to.
void show_adoption(Session& session, manage::Workspace& workspace, const manage::Adoption& adoption);

}  // namespace watchbill::cli
