#pragma once

#include "cli/terminal/command.hpp"

namespace watchbill::cli {

/// `connection migrate`
Command connection_migrate_command();

}  // namespace watchbill::cli
