#pragma once

#include <string>
#include <vector>

#include "cli/setup/pasted_secrets.hpp"
#include "cli/setup/questions.hpp"
#include "providers/provider.hpp"

namespace watchbill::cli {

/// Asks for address and credentials of a scheduling system, as its forms do (the way with a key): the options
/// of `connection add`. Keys are pasted, or the path of a file that holds one. Nothing: the person gave no
/// key.
Result<std::vector<std::string>> ask_credentials(Questions& person, const providers::Adapter& adapter,
                                                 PastedSecrets& pasted);

}  // namespace watchbill::cli
