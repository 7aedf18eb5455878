#include "slack/transport/incoming.hpp"

#include "net/http.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

constexpr auto* kForm = "application/x-www-form-urlencoded";
constexpr auto* kJson = "application/json";

Envelope envelope(const std::string& frame) {
  auto decoded = decode_envelope(frame);
  REQUIRE(decoded);
  return std::move(*decoded);
}

std::string field(const Incoming& incoming, std::string_view name) {
  REQUIRE(incoming.delivery);
  return incoming.delivery->payload.root()[name].string_or("");
}

HttpBody body(const char* content_type, const std::string& text) {
  auto decoded = decode_http_body(content_type, text);
  REQUIRE(decoded);
  return std::move(*decoded);
}

const std::string kEvent =
    R"({"type":"event_callback","event_id":"Ev1","team_id":"T1","event":{"type":"app_home_opened","user":"U1"}})";

std::string in_envelope(const std::string& type, const std::string& payload) {
  return R"({"envelope_id":"e-1","type":")" + type + R"(","accepts_response_payload":true,"payload":)" +
         payload + "}";
}

}  // namespace

TEST_CASE("an event arrives whole, and is known by its id on both transports") {
  const auto socket = envelope(in_envelope("events_api", kEvent));
  CHECK(socket.kind == Envelope::Kind::delivery);
  CHECK(socket.id == "e-1");
  CHECK(socket.incoming.delivery->kind == DeliveryKind::event);
  CHECK(socket.incoming.delivery->payload.root()["event"]["user"].string_or("") == "U1");
  CHECK(socket.incoming.what == "app_home_opened");
  const auto http = body("application/json; charset=utf-8", kEvent);
  CHECK(http.incoming.delivery->kind == DeliveryKind::event);
  CHECK(http.incoming.key == socket.incoming.key);
  CHECK_FALSE(http.incoming.key.empty());
}

TEST_CASE("an inner event that comes without its frame gets one") {
  const auto bare = envelope(in_envelope("events_api", R"({"type":"app_home_opened","user":"U1"})"));
  CHECK(field(bare.incoming, "type") == "event_callback");
  CHECK(bare.incoming.delivery->payload.root()["event"]["user"].string_or("") == "U1");
  CHECK(bare.incoming.key == "envelope:e-1");
}

TEST_CASE("what is about the app itself is only to be acknowledged") {
  const auto limited = R"({"type":"app_rate_limited","team_id":"T1","minute_rate_limited":1772358000})";
  CHECK_FALSE(body(kJson, limited).incoming.delivery);
  CHECK_FALSE(envelope(in_envelope("events_api", limited)).incoming.delivery);
}

TEST_CASE("interactions are told apart by their type") {
  const auto kind = [](const std::string& type) {
    const auto payload = R"({"type":")" + type + R"(","trigger_id":"1.2.a"})";
    const auto socket = envelope(in_envelope("interactive", payload));
    const auto http = body(kForm, "payload=" + net::percent_encode(payload));
    REQUIRE(socket.incoming.delivery);
    CHECK(http.incoming.delivery->kind == socket.incoming.delivery->kind);
    CHECK(http.incoming.key == "trigger:1.2.a");
    CHECK(http.incoming.key == socket.incoming.key);
    return socket.incoming.delivery->kind;
  };
  CHECK(kind("block_actions") == DeliveryKind::actions);
  CHECK(kind("view_submission") == DeliveryKind::submission);
  CHECK(kind("view_closed") == DeliveryKind::closed);
  CHECK(kind("block_suggestion") == DeliveryKind::suggestion);
  CHECK(kind("shortcut") == DeliveryKind::shortcut);
  const auto other = envelope(in_envelope("interactive", R"({"type":"message_action"})"));
  CHECK_FALSE(other.incoming.delivery);
  CHECK(other.id == "e-1");
}

TEST_CASE("a command is an object of strings on both transports") {
  const auto http = body(kForm,
                         "command=%2Foncall&text=who+is+%C3%A9%26c&user_id=U1&is_enterprise_install=false&"
                         "trigger_id=6.5.4");
  CHECK(http.incoming.delivery->kind == DeliveryKind::command);
  CHECK(field(http.incoming, "command") == "/oncall");
  CHECK(field(http.incoming, "text") == "who is \xC3\xA9&c");
  CHECK(field(http.incoming, "is_enterprise_install") == "false");
  const auto socket =
      envelope(in_envelope("slash_commands", R"({"command":"/oncall","text":"x","trigger_id":"6.5.4"})"));
  CHECK(socket.incoming.delivery->kind == DeliveryKind::command);
  CHECK(socket.incoming.key == http.incoming.key);
}

TEST_CASE("a challenge is taken out of its request") {
  const auto asked = body(kJson, R"({"token":"x","challenge":"3eZbrw1a","type":"url_verification"})");
  CHECK(asked.challenge == "3eZbrw1a");
  CHECK_FALSE(asked.incoming.delivery);
}

TEST_CASE("a check of the certificate is seen, whatever else it holds") {
  CHECK(is_ssl_check(kForm, "ssl_check=1&token=x"));
  CHECK(is_ssl_check(kForm, "token=x&payload=%7B%7D&ssl_check=1"));
  CHECK_FALSE(is_ssl_check(kForm, "ssl_check=10"));
  CHECK_FALSE(is_ssl_check(kForm, "command=%2Foncall&text=ssl_check=1"));
  CHECK_FALSE(is_ssl_check(kJson, "ssl_check=1"));
}

TEST_CASE("what Slack does not send is not read") {
  CHECK_FALSE(decode_http_body(kJson, "{"));
  CHECK_FALSE(decode_http_body(kJson, "[]"));
  CHECK_FALSE(decode_http_body(kJson, R"({"type":7})"));
  CHECK_FALSE(decode_http_body(kJson, R"({"type":"url_verification"})"));
  CHECK_FALSE(decode_http_body(kForm, ""));
  CHECK_FALSE(decode_http_body(kForm, "payload=%7B"));
  CHECK_FALSE(decode_http_body(kForm, "payload=[]"));
  CHECK_FALSE(decode_http_body(kForm, "text=x"));
  CHECK_FALSE(decode_http_body("", kEvent));
  CHECK_FALSE(decode_http_body("application/jsonx", kEvent));
  CHECK_FALSE(decode_http_body("text/plain", kEvent));
  CHECK_FALSE(decode_envelope(""));
  CHECK_FALSE(decode_envelope("hello"));
  CHECK_FALSE(decode_envelope("[1]"));
  CHECK_FALSE(decode_envelope(R"({"envelope_id":"e-1"})"));
}

TEST_CASE("what has no id of its own is known by its envelope, but for searches") {
  CHECK(envelope(in_envelope("interactive", R"({"type":"view_closed"})")).incoming.key == "envelope:e-1");
  CHECK(envelope(in_envelope("interactive", R"({"type":"block_suggestion"})")).incoming.key.empty());
}

TEST_CASE("hello, disconnect and envelopes of unknown kinds") {
  CHECK(envelope(R"({"type":"hello","num_connections":1})").kind == Envelope::Kind::hello);
  const auto bye = envelope(R"({"type":"disconnect","reason":"warning","debug_info":{"host":"x"}})");
  CHECK(bye.kind == Envelope::Kind::disconnect);
  CHECK(bye.reason == "warning");
  const auto fresh = envelope(in_envelope("something_new", "{}"));
  CHECK(fresh.id == "e-1");
  CHECK_FALSE(fresh.incoming.delivery);
  // Broken, but to be acknowledged all the same.
  CHECK(envelope(in_envelope("interactive", "7")).id == "e-1");
  CHECK(envelope(in_envelope("interactive", "{}")).id == "e-1");
  const auto again = envelope(
      R"({"envelope_id":"e-2","type":"events_api","retry_attempt":2,"retry_reason":"timeout","payload":)" +
      kEvent + "}");
  CHECK(again.retry == 2);
  CHECK_FALSE(again.incoming.answerable);
}

TEST_CASE("an acknowledgement carries an answer only if there is one") {
  CHECK(acknowledgement("e-1", "") == R"({"envelope_id":"e-1"})");
  CHECK(acknowledgement("e-1", R"({"options":[]})") == R"({"envelope_id":"e-1","payload":{"options":[]}})");
}
