#pragma once

#include "cli/terminal/command.hpp"

namespace watchbill::cli {

/// `watchbill sandbox`: runs the servers until SIGINT or SIGTERM.
Result<int> run_sandbox(Session& session, const Invocation& in);

}  // namespace watchbill::cli
