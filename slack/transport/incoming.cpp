#include "slack/transport/incoming.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "net/http.hpp"

namespace watchbill::slack {

namespace {

constexpr std::array<std::pair<std::string_view, DeliveryKind>, 5> kInteractions{{
    {"block_actions", DeliveryKind::actions},
    {"view_submission", DeliveryKind::submission},
    {"view_closed", DeliveryKind::closed},
    {"block_suggestion", DeliveryKind::suggestion},
    {"shortcut", DeliveryKind::shortcut},
}};

Error unreadable(std::string_view what) {
  return fail(ErrorKind::unreadable, "{}", what);
}

/// "trigger:…" or nothing.
std::string key_of(std::string_view kind, json::View id) {
  const auto text = id.text();
  return text ? fmt::format("{}:{}", kind, *text) : std::string();
}

Incoming delivered(DeliveryKind kind, json::Document payload, std::string key, std::string what) {
  Incoming out;
  out.delivery.emplace(Delivery{kind, std::move(payload)});
  out.key = std::move(key);
  out.what = std::move(what);
  return out;
}

Incoming only_named(std::string what) {
  Incoming out;
  out.what = std::move(what);
  return out;
}

bool has_type(std::string_view content_type, std::string_view wanted) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const auto type = content_type.substr(0, content_type.find(';'));
  return type.size() >= wanted.size() &&
         std::equal(wanted.begin(), wanted.end(), type.begin(),
                    [lower](char a, char b) { return a == lower(b); }) &&
         type.find_first_not_of(' ', wanted.size()) == std::string_view::npos;
}

bool is_form(std::string_view content_type) {
  return has_type(content_type, "application/x-www-form-urlencoded");
}

const std::string* find_field(const net::Fields& fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

Result<Incoming> decode_command_form(const net::Fields& fields) {
  json::Writer out;
  out.begin_object();
  for (const auto& [name, value] : fields) out.field(name, value);
  auto object = json::parse(out.end_object().take());
  if (!object) return object.error();
  return decode_command(std::move(*object));
}

Result<HttpBody> decode_form_body(std::string_view body) {
  const auto fields = net::decode_form(body);
  HttpBody out;
  if (const auto* payload = find_field(fields, "payload")) {
    auto parsed = json::parse(*payload);
    if (!parsed) return parsed.error();
    auto incoming = decode_interaction(std::move(*parsed));
    if (!incoming) return incoming.error();
    out.incoming = std::move(*incoming);
    return out;
  }
  auto incoming = decode_command_form(fields);
  if (!incoming) return incoming.error();
  out.incoming = std::move(*incoming);
  return out;
}

/// What an envelope carries, by its type.
Result<Incoming> decode_payload(const std::string& type, json::Document payload) {
  if (type == "events_api") return decode_event(std::move(payload));
  if (type == "interactive") return decode_interaction(std::move(payload));
  if (type == "slash_commands") return decode_command(std::move(payload));
  return only_named(type);
}

}  // namespace

bool takes_answer(DeliveryKind kind) {
  return kind == DeliveryKind::submission || kind == DeliveryKind::suggestion ||
         kind == DeliveryKind::command;
}

std::string_view name_of(DeliveryKind kind) {
  switch (kind) {
    case DeliveryKind::event:
      return "event";
    case DeliveryKind::actions:
      return "actions";
    case DeliveryKind::submission:
      return "submission";
    case DeliveryKind::closed:
      return "closed";
    case DeliveryKind::suggestion:
      return "suggestion";
    case DeliveryKind::command:
      return "command";
    case DeliveryKind::shortcut:
      return "shortcut";
  }
  return "unknown";
}

Result<Incoming> decode_event(json::Document body) {
  const auto root = body.root();
  const auto type = root["type"].text();
  if (!type) return unreadable("an event without a type");
  if (const auto event = root["event"]; event.is_object()) {
    const auto what = event["type"].string_or(*type);
    auto key = key_of("event", root["event_id"]);
    return delivered(DeliveryKind::event, std::move(body), std::move(key), what);
  }
  // Told about the app itself, not about an event: nothing to do but to acknowledge.
  if (*type == "event_callback" || *type == "app_rate_limited") return only_named(*type);
  json::Writer frame;
  frame.begin_object().field("type", "event_callback").key("event").raw(root.dump()).end_object();
  auto framed = json::parse(frame.take());
  if (!framed) return framed.error();
  return delivered(DeliveryKind::event, std::move(*framed), {}, *type);
}

Result<Incoming> decode_interaction(json::Document payload) {
  const auto type = payload.root()["type"].text();
  if (!type) return unreadable("an interaction without a type");
  const auto* const known = std::find_if(kInteractions.begin(), kInteractions.end(),
                                         [&](const auto& entry) { return entry.first == *type; });
  if (known == kInteractions.end()) return only_named(*type);
  auto key = key_of("trigger", payload.root()["trigger_id"]);
  return delivered(known->second, std::move(payload), std::move(key), *type);
}

Result<Incoming> decode_command(json::Document fields) {
  if (!fields.root()["command"].text()) return unreadable("a command without a name");
  auto key = key_of("trigger", fields.root()["trigger_id"]);
  return delivered(DeliveryKind::command, std::move(fields), std::move(key), "slash_command");
}

bool is_ssl_check(std::string_view content_type, std::string_view body) {
  constexpr std::string_view kFlag = "ssl_check=1";
  if (!is_form(content_type)) return false;
  for (auto at = body.find(kFlag); at != std::string_view::npos; at = body.find(kFlag, at + 1)) {
    const auto end = at + kFlag.size();
    if ((at == 0 || body[at - 1] == '&') && (end == body.size() || body[end] == '&')) return true;
  }
  return false;
}

Result<HttpBody> decode_http_body(std::string_view content_type, std::string_view body) {
  if (is_form(content_type)) return decode_form_body(body);
  if (!has_type(content_type, "application/json")) return unreadable("neither JSON nor a form");
  auto parsed = json::parse(body);
  if (!parsed) return parsed.error();
  HttpBody out;
  if (parsed->root()["type"].string_or("") == "url_verification") {
    auto challenge = parsed->root()["challenge"].string();
    if (!challenge) return challenge.error();
    out.challenge = std::move(*challenge);
    out.incoming.what = "url_verification";
    return out;
  }
  auto incoming = decode_event(std::move(*parsed));
  if (!incoming) return incoming.error();
  out.incoming = std::move(*incoming);
  return out;
}

Result<Envelope> decode_envelope(std::string_view frame) {
  const auto parsed = json::parse(frame);
  if (!parsed) return parsed.error();
  const auto root = parsed->root();
  const auto type = root["type"].text();
  if (!type) return unreadable("a frame without a type");
  Envelope out;
  out.id = root["envelope_id"].string_or("");
  out.incoming.what = *type;
  if (*type == "hello") {
    out.kind = Envelope::Kind::hello;
    return out;
  }
  if (*type == "disconnect") {
    out.kind = Envelope::Kind::disconnect;
    out.reason = root["reason"].string_or("");
    return out;
  }
  out.retry = static_cast<int>(std::clamp<std::int64_t>(root["retry_attempt"].integer_or(0), 0, 100));
  if (!root["payload"].is_object()) return out;
  auto payload = json::parse(root["payload"].dump());
  if (!payload) return payload.error();
  auto incoming = decode_payload(*type, std::move(*payload));
  if (!incoming) return out;  // acknowledged all the same, or it comes again and again
  out.incoming = std::move(*incoming);
  // A search may come twice: nothing is changed by it, and an empty answer would hide what it finds.
  const bool repeatable = out.incoming.delivery && out.incoming.delivery->kind == DeliveryKind::suggestion;
  if (out.incoming.key.empty() && !repeatable) out.incoming.key = "envelope:" + out.id;
  out.incoming.answerable = root["accepts_response_payload"].boolean_or(false);
  return out;
}

std::string acknowledgement(const std::string& envelope, const std::string& answer) {
  json::Writer out;
  out.begin_object().field("envelope_id", envelope);
  if (!answer.empty()) out.key("payload").raw(answer);
  return out.end_object().take();
}

}  // namespace watchbill::slack
