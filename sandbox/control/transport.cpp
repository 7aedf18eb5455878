// Control actions on the way from Slack to the app.

#include <cmath>

#include "sandbox/slack/acting.hpp"

namespace watchbill::sandbox {
namespace {

void write_connection(json::Writer& out, const SocketConnection& connection) {
  out.begin_object().field("id", static_cast<std::int64_t>(connection.id));
  out.field("opened", format_rfc3339_ms(connection.opened)).field("leaving", connection.leaving);
  out.field("closing", connection.closing).field("silent", connection.silent);
  out.field("sent", static_cast<std::int64_t>(connection.sent));
  out.field("acked", static_cast<std::int64_t>(connection.acked)).end_object();
}

/// What "action" may say to one connection.
Result<void> steer(SocketMode& socket, const std::string& action, std::uint64_t id, milliseconds patience) {
  if (action == "warning" || action == "refresh_requested" || action == "link_disabled" ||
      action == "too_many_websockets") {
    socket.disconnect(id, action, patience);
  } else if (action == "close") {
    socket.close(id);
  } else if (action == "drop" || action == "reset") {
    socket.drop(id, action == "reset");
  } else if (action == "silent") {
    socket.silence(id);
  } else if (action == "ping") {
    socket.ping(id);
  } else {
    return fail(ErrorKind::invalid, "unknown action \"{}\"", action);
  }
  return {};
}

}  // namespace

std::string_view name_of(AppTransport mode) {
  return mode == AppTransport::socket ? "socket" : "http";
}

void write_connections(json::Writer& out, SocketMode& socket) {
  out.field("enabled", socket.enabled).key("connections").begin_array();
  for (const auto& [id, connection] : socket.connections()) write_connection(out, connection);
  out.end_array();
}

void write_record(json::Writer& out, const AppRecord& record) {
  out.begin_object()
      .field("seq", static_cast<std::int64_t>(record.seq))
      .field("at", format_rfc3339_ms(record.at));
  out.field("transport", name_of(record.transport)).field("envelope", record.envelope);
  out.field("type", record.type).field("id", record.id);
  out.field("connection", static_cast<std::int64_t>(record.connection)).field("retry", record.retry);
  out.field("status", record.status).key("ack_ms");
  if (record.answered) {
    out.value(static_cast<std::int64_t>(record.answered->count()));
  } else {
    out.null();
  }
  out.field("trouble", record.trouble).end_object();
}

Result<void> do_transport(Desk& desk, Reader& in, json::Writer& out) {
  auto settings = desk.link.settings;
  std::string mode(name_of(settings.mode));
  in.text("mode", mode);
  in.text("url", settings.events_url);
  in.text("actions_url", settings.actions_url);
  in.text("options_url", settings.options_url);
  in.text("commands_url", settings.commands_url);
  in.text("signature", settings.signature);
  double amount = 0;
  if (in.real("skew_seconds", amount)) settings.skew = milliseconds(std::llround(amount * 1000));
  if (in.real("patience_seconds", amount)) settings.patience = milliseconds(std::llround(amount * 1000));
  if (const auto waits = in.at("retry_seconds"); waits.exists()) {
    settings.retry_after.clear();
    for (const auto wait : waits.items()) {
      settings.retry_after.emplace_back(std::llround(wait.number().value_or(0) * 1000));
    }
  }
  if (auto done = in.done(); !done) return done;
  if (mode != "socket" && mode != "http") return fail(ErrorKind::invalid, "mode is \"socket\" or \"http\"");
  if (settings.signature != "good" && settings.signature != "wrong" && settings.signature != "none") {
    return fail(ErrorKind::invalid, "signature is \"good\", \"wrong\" or \"none\"");
  }
  settings.mode = mode == "socket" ? AppTransport::socket : AppTransport::http;
  desk.link.settings = settings;
  out.field("mode", mode).field("url", settings.events_url);
  write_connections(out, desk.link.socket());
  return {};
}

Result<void> do_socket(Desk& desk, Reader& in, json::Writer& out) {
  auto& socket = desk.link.socket();
  std::string action;
  std::uint64_t only = 0;
  double patience = -1;
  in.text("action", action);
  in.number("connection", only);
  in.real("seconds", patience);
  if (auto done = in.done(); !done) return done;
  // Slack warns ten seconds ahead; the other reasons leave no time.
  if (patience < 0) patience = action == "warning" ? 10 : 1;
  if (action == "link_disabled") socket.enabled = false;
  if (action == "enable" || action.empty()) {
    socket.enabled = socket.enabled || action == "enable";
  } else {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : socket.connections()) {
      if (only == 0 || id == only) ids.push_back(id);
    }
    if (only != 0 && ids.empty()) return fail(ErrorKind::not_found, "no connection {}", only);
    for (const auto id : ids) {
      const milliseconds wait(std::llround(patience * 1000));
      if (auto steered = steer(socket, action, id, wait); !steered) return steered;
    }
  }
  write_connections(out, socket);
  return {};
}

Result<void> do_event(Desk& desk, Reader& in, json::Writer& out) {
  auto id = fmt::format("Ev{:010X}", desk.world.next_number++ * 0x9e3779b9U);
  in.text("event_id", id);
  const auto event = in.at("event");
  if (auto done = in.done(); !done) return done;
  if (!event["type"].text()) return fail(ErrorKind::invalid, "\"event\" is an object with a type");
  desk.link.tell(event.dump(), id);
  out.field("event_id", id);
  return {};
}

Result<void> do_deliveries(Desk& desk, Reader& in, json::Writer& out) {
  std::uint64_t since = 0;
  std::string type;
  in.number("since", since);
  in.text("type", type);
  if (auto done = in.done(); !done) return done;
  const auto& link = desk.link;
  out.field("last", static_cast<std::int64_t>(link.next_seq - 1)).key("deliveries").begin_array();
  for (const auto& record : link.records) {
    if (record.seq > since && (type.empty() || record.type == type)) write_record(out, record);
  }
  out.end_array().field("strange", std::vector<std::string>(link.strange.begin(), link.strange.end()));
  return {};
}

}  // namespace watchbill::sandbox
