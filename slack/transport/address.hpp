#pragma once

#include <string_view>

#include "base/result.hpp"

namespace watchbill::slack {

/// May we send to `address`, which came in an answer or a delivery? Only https (or wss), and only under
/// Slack's own domain or that of `api_url`; plain http (ws) only to loopback. The error is `invalid` and does
/// not repeat the address, which is as good as a password. Pure.
Result<void> check_address(std::string_view address, std::string_view api_url);

}  // namespace watchbill::slack
