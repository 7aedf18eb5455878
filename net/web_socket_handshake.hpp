#pragma once

#include <string>
#include <string_view>

#include "net/http.hpp"

/// The opening handshake of a WebSocket, from the client's side (RFC 6455, section 4). Pure.
namespace watchbill::net {

/// "wss://…" or "ws://…" as the http(s) URL that the connection is made to; plain ws only to loopback.
Result<Url> parse_web_socket_url(std::string_view text);

/// The request for an upgrade. `key`: 16 random bytes in base64.
std::string upgrade_request(const Url& url, std::string_view key, std::string_view user_agent);

/// What the server must answer to `key`: base64(SHA-1(key + the protocol's GUID)).
std::string web_socket_accept(std::string_view key);

/// Is this answer (status line and header lines, up to the blank one) an upgrade to a WebSocket for `key`,
/// without extensions or protocols that nobody asked for? Errors: what the status says where it is not 101
/// (`rate_limited` with its wait, `server`, `forbidden`, …), `unreadable` for a broken upgrade.
Result<void> check_upgrade(std::string_view head, std::string_view key);

}  // namespace watchbill::net
