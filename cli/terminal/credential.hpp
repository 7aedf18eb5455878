#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace watchbill::cli {

/// True for what is most likely a key, token or password that was pasted in the place of something else: the
/// beginnings of Slack's tokens (docs.slack.dev/authentication/tokens) and of others, UUIDs, long runs of
/// hexadecimal digits, and long words that mix letters and digits as no name does. Paths, addresses and names
/// such as "payments-eu-2" are none.
[[nodiscard]] bool looks_like_credential(std::string_view text);

/// The error without those of the program's arguments that look like credentials: an error ends up in
/// terminals, logs of CI and tickets. It says that something was left out.
Error without_credentials(Error error, const std::vector<std::string>& args);

}  // namespace watchbill::cli
