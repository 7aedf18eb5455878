#include "net/web_socket_handshake.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::net;

namespace {

// RFC 6455, section 1.3.
const std::string kKey = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

ErrorKind refusal(const std::string& head) {
  const auto result = check_upgrade(head, kKey);
  REQUIRE_FALSE(result);
  return result.error().kind;
}

}  // namespace

TEST_CASE("the server's proof is computed as in the RFC's example") {
  CHECK(web_socket_accept(kKey) == kAccept);
  // Longer than one block of the hash.
  CHECK(web_socket_accept(std::string(100, 'x')) == "DJTE+uYDnPxiT+W6VvIG/iPUxv8=");
}

TEST_CASE("an upgrade is accepted however its headers are written") {
  CHECK(
      check_upgrade("HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n"
                    "CONNECTION: keep-alive ,  Upgrade\r\nsec-websocket-accept:  " +
                        kAccept + " \r\nX-Other: a:b\r\n\r\n",
                    kKey));
}

TEST_CASE("an upgrade that lacks its proof is refused") {
  const std::string good = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const auto accept = "Sec-WebSocket-Accept: " + kAccept + "\r\n";
  CHECK(check_upgrade(good + accept, kKey));
  CHECK(refusal(good) == ErrorKind::unreadable);
  CHECK(refusal(good + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n") == ErrorKind::unreadable);
  CHECK(refusal("HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" + accept) == ErrorKind::unreadable);
  CHECK(refusal("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n" + accept) == ErrorKind::unreadable);
  CHECK(refusal(good + accept + "Sec-WebSocket-Extensions: permessage-deflate\r\n") == ErrorKind::unreadable);
  CHECK(refusal(good + accept + "Sec-WebSocket-Protocol: chat\r\n") == ErrorKind::unreadable);
  CHECK(refusal("HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + accept) ==
        ErrorKind::unreadable);
  CHECK(refusal("") == ErrorKind::unreadable);
  CHECK(refusal("HTTP/1.1 1x1 y\r\n") == ErrorKind::unreadable);
}

TEST_CASE("any other answer says by its status what to do") {
  CHECK(refusal("HTTP/1.1 401 Unauthorized\r\n") == ErrorKind::unauthorized);
  CHECK(refusal("HTTP/1.1 403 Forbidden\r\n") == ErrorKind::forbidden);
  CHECK(refusal("HTTP/1.1 404 Not Found\r\n") == ErrorKind::not_found);
  CHECK(refusal("HTTP/1.1 503 Busy\r\n") == ErrorKind::server);
  CHECK(refusal("HTTP/1.1 200 OK\r\n") == ErrorKind::unreadable);
  const auto busy = check_upgrade("HTTP/1.1 429 Slow Down\r\nRetry-After: 17\r\n", kKey);
  REQUIRE_FALSE(busy);
  CHECK(busy.error().kind == ErrorKind::rate_limited);
  CHECK(busy.error().retry_after == 17s);
}

TEST_CASE("the request names the host as the URL does, and asks for nothing more") {
  const auto url = parse_web_socket_url("wss://wss-primary.slack.com/link/?ticket=t&app_id=A1").value();
  CHECK(upgrade_request(url, kKey, "watchbill") ==
        "GET /link/?ticket=t&app_id=A1 HTTP/1.1\r\nHost: wss-primary.slack.com\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\nUser-Agent: watchbill\r\n\r\n");
  const auto local = parse_web_socket_url("ws://127.0.0.1:4000/link").value();
  CHECK(upgrade_request(local, kKey, "w").find("\r\nHost: 127.0.0.1:4000\r\n") != std::string::npos);
}

TEST_CASE("plain ws is for loopback addresses only") {
  CHECK_FALSE(parse_web_socket_url("ws://wss-primary.slack.com/link"));
  CHECK_FALSE(parse_web_socket_url("https://wss-primary.slack.com/link"));
  CHECK_FALSE(parse_web_socket_url("wss://user@slack.com/"));
  CHECK(parse_web_socket_url("ws://[::1]:80/"));
}
