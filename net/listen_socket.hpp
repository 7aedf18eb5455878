#pragma once

#include <string>

#include "base/result.hpp"

namespace watchbill::net {

/// Opens a listening TCP socket (non-blocking, close-on-exec) on "127.0.0.1:9469", "localhost:0" or
/// "[::1]:0"; the caller owns it. Errors: `invalid` (no loopback address), `conflict` (taken), `forbidden`,
/// `internal`.
Result<int> listen_on_loopback(const std::string& address);

/// "http://127.0.0.1:41234", with the port that the system chose.
std::string url_of_listener(int fd);

}  // namespace watchbill::net
