#include <cstdlib>

#include "net/http.hpp"
#include "net/web_socket_handshake.hpp"
#include "slack/transport/incoming.hpp"
#include "slack/transport/signature.hpp"

// libFuzzer target: any bytes are what comes in from Slack's side. The first byte picks the door: a frame of
// Socket Mode, a JSON body, a form, a form's payload, the headers of a signature, or a WebSocket's handshake.
// Whatever is accepted must be what the receiver is promised.

namespace {

using namespace watchbill;
using namespace watchbill::slack;

constexpr auto* kForm = "application/x-www-form-urlencoded";

void require(bool true_) {
  if (!true_) std::abort();
}

void check(const Incoming& incoming) {
  require(!incoming.what.empty());
  if (!incoming.delivery) return;
  const auto root = incoming.delivery->payload.root();
  require(root.is_object());
  if (incoming.delivery->kind == DeliveryKind::event) require(root["event"].is_object());
  if (incoming.delivery->kind == DeliveryKind::command) require(root["command"].text().has_value());
}

void check_frame(std::string_view frame) {
  const auto envelope = decode_envelope(frame);
  if (!envelope) return;
  check(envelope->incoming);
  const auto ack = json::parse(acknowledgement(envelope->id, R"({"a":1})"));
  require(ack && ack->root()["envelope_id"].is_string());
}

void check_body(const char* content_type, std::string_view body) {
  (void)is_ssl_check(content_type, body);
  const auto decoded = decode_http_body(content_type, body);
  if (!decoded) return;
  if (decoded->challenge.empty() && decoded->incoming.what != "url_verification") check(decoded->incoming);
}

void check_signed(std::string_view text) {
  const Secret secret("fuzz");
  const auto first = std::min(text.find('\n'), text.size());
  const auto time = text.substr(0, first);
  const auto rest = text.substr(std::min(first + 1, text.size()));
  const auto second = std::min(rest.find('\n'), rest.size());
  const auto body = rest.substr(std::min(second + 1, rest.size()));
  const Instant now{seconds{1772358000}};
  // Nobody guesses a signature; the right one is refused for its time alone.
  require(!check_signature(secret, time, rest.substr(0, second), body, now));
  const auto checked = check_signature(secret, time, sign(secret, time, body), body, now);
  if (checked) require(time.size() >= 10);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      check_frame(text);
      break;
    case 1:
      check_body("application/json", text);
      break;
    case 2:
      check_body(kForm, text);
      break;
    case 3:
      check_body(kForm, "payload=" + net::percent_encode(text));
      break;
    case 4:
      check_signed(text);
      break;
    default:
      (void)net::check_upgrade(text, "dGhlIHNhbXBsZSBub25jZQ==");
  }
  return 0;
}
