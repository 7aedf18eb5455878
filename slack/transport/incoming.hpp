#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "slack/transport/delivery.hpp"

/// Reads what Slack sends to us: bodies of HTTP requests and envelopes of Socket Mode. Pure.
/// (docs.slack.dev/apis/events-api, …/apis/events-api/using-socket-mode, …/interactivity.)
namespace watchbill::slack {

/// What a request or an envelope brought.
struct Incoming {
  /// Nothing for what is only to be acknowledged: kinds that we do not handle.
  std::optional<Delivery> delivery{};
  /// The same for the same delivery sent again; empty where that cannot be told (or does not matter).
  std::string key{};
  /// Slack's name for it: "block_actions". For the log.
  std::string what{};
  /// Whether this acknowledgement may carry an answer, if its kind takes one.
  bool answerable = true;
};

/// May the acknowledgement of this kind carry an answer?
bool takes_answer(DeliveryKind kind);
/// "event", "actions", ...: for metrics.
std::string_view name_of(DeliveryKind kind);
inline constexpr std::size_t kDeliveryKinds = 7;

/// The body of an Events API request. Socket Mode was seen to send the bare inner event: it is put into its
/// frame. `unreadable` if it has no type.
Result<Incoming> decode_event(json::Document body);
/// block_actions, view_submission, ...; other types are only to be acknowledged.
Result<Incoming> decode_interaction(json::Document payload);
/// A slash command's fields as an object of strings.
Result<Incoming> decode_command(json::Document fields);

/// A request to one of our request URLs.
struct HttpBody {
  Incoming incoming{};
  /// Slack asks whether this URL is ours (url_verification): to be sent back; else empty.
  std::string challenge{};
};
/// Tells by content type and fields what it is. `unreadable` for anything that Slack does not send.
Result<HttpBody> decode_http_body(std::string_view content_type, std::string_view body);
/// Slack tries our certificate (ssl_check=1): answered by 200, and nothing else in it counts. Decodes
/// nothing: anybody can send one.
bool is_ssl_check(std::string_view content_type, std::string_view body);

/// One frame of Socket Mode.
struct Envelope {
  enum class Kind { hello, disconnect, delivery };
  Kind kind = Kind::delivery;
  std::string id{};      ///< to be acknowledged, unless empty
  std::string reason{};  ///< of a disconnect: "warning", "refresh_requested", ...
  int retry = 0;         ///< how often it was sent before
  Incoming incoming{};
};
/// `unreadable` for what is no JSON object with a type: to be passed over.
Result<Envelope> decode_envelope(std::string_view frame);
/// The frame that acknowledges an envelope; `answer` is JSON or empty.
std::string acknowledgement(const std::string& envelope, const std::string& answer);

}  // namespace watchbill::slack
