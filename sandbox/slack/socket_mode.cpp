#include "sandbox/slack/socket_mode.hpp"

#include <algorithm>

#include "net/http.hpp"
#include "sandbox/world.hpp"

namespace watchbill::sandbox {
namespace {

constexpr seconds kTicketLife = 30s;
constexpr seconds kPingEvery = 10s;
constexpr seconds kDeadAfter = 30s;
/// How long a connection lives, as hello says, and with &debug_reconnects=true.
constexpr seconds kLife = 5h;
constexpr seconds kDebugLife = 360s;
constexpr seconds kWarning = 10s;
constexpr int kGoingAway = 1001;

std::string ticket_of(const std::string& target) {
  const auto mark = target.find('?');
  if (mark == std::string::npos || !target.starts_with("/link/")) return {};
  for (const auto& [name, value] : net::decode_form(target.substr(mark + 1))) {
    if (name == "ticket") return value;
  }
  return {};
}

}  // namespace

Result<void> SocketMode::listen(const std::string& address) {
  WebSocketEvents events;
  events.admit = [this](const std::string& target) { return admit(target); };
  events.opened = [this](std::uint64_t id, const std::string& target) { opened(id, target); };
  events.received = [this](std::uint64_t id, const std::string& text) { received(id, text); };
  events.gone = [this](std::uint64_t id) { gone(id); };
  auto server = WebSocketServer::listen(loop_, address, std::move(events));
  if (!server) return server.error();
  server_ = std::move(*server);
  keep_alive();
  return {};
}

std::string SocketMode::new_url(const std::string& app_id) {
  app_id_ = app_id;
  const auto now = loop_.now();
  std::erase_if(tickets_, [&](const auto& ticket) { return ticket.second <= now; });
  const auto ticket = uuid_of(fmt::format("ticket {}", next_ticket_++));
  tickets_[ticket] = now + kTicketLife;
  return fmt::format("{}/link/?ticket={}&app_id={}", server_->url(), ticket, app_id);
}

int SocketMode::admit(const std::string& target) {
  const auto ticket = tickets_.find(ticket_of(target));
  if (ticket == tickets_.end() || ticket->second <= loop_.now()) return 401;
  tickets_.erase(ticket);
  return enabled ? 101 : 403;
}

void SocketMode::opened(std::uint64_t id, const std::string& target) {
  auto& connection = connections_[id];
  connection.id = id;
  connection.opened = loop_.now();
  if (connections_.size() > kMaxConnections) {
    say_disconnect(id, "too_many_websockets");
    close(id);
    return;
  }
  say_hello(id);
  const bool debug = target.find("debug_reconnects=true") != std::string::npos;
  connection.ending =
      net::Timer{loop_, loop_.start_timer((debug ? kDebugLife : kLife) - kWarning,
                                          [this, id] { disconnect(id, "warning", kWarning); })};
  listener_.changed();
}

void SocketMode::say_hello(std::uint64_t id) {
  json::Writer w;
  w.begin_object().field("type", "hello").key("connection_info").begin_object().field("app_id", app_id_);
  w.end_object().field("num_connections", connections_.size()).key("debug_info").begin_object();
  w.field("host", "applink-sandbox").field("started", format_minutes(loop_.now())).field("build_number", 54);
  w.field("approximate_connection_time", static_cast<std::int64_t>(seconds(kLife).count())).end_object();
  w.end_object();
  server_->send(id, w.take());
}

void SocketMode::say_disconnect(std::uint64_t id, std::string_view reason) {
  json::Writer w;
  w.begin_object().field("type", "disconnect").field("reason", reason).key("debug_info").begin_object();
  w.field("host", "applink-sandbox").end_object().end_object();
  server_->send(id, w.take());
}

bool SocketMode::up() const {
  for (const auto& [id, connection] : connections_) {
    if (!connection.closing) return true;
  }
  return false;
}

std::optional<std::uint64_t> SocketMode::send(std::string_view frame) {
  // Round and round; those that were told to go only if there is nobody else.
  for (const bool leaving : {false, true}) {
    const auto usable = [&](const auto& one) { return !one.second.closing && one.second.leaving == leaving; };
    auto next = std::find_if(connections_.upper_bound(last_used_), connections_.end(), usable);
    if (next == connections_.end()) next = std::find_if(connections_.begin(), connections_.end(), usable);
    if (next == connections_.end()) continue;
    last_used_ = next->first;
    ++next->second.sent;
    server_->send(last_used_, frame);
    return last_used_;
  }
  return std::nullopt;
}

void SocketMode::received(std::uint64_t id, const std::string& text) {
  const auto document = json::parse(text);
  if (!document || !document->root().is_object())
    return listener_.strange(id, "a frame that is no JSON object");
  const auto root = document->root();
  const auto envelope = root["envelope_id"].text();
  if (!envelope) return listener_.strange(id, "an acknowledgement without envelope_id");
  for (const auto member : root.items()) {
    if (member.key() != "envelope_id" && member.key() != "payload") {
      listener_.strange(id, fmt::format("an acknowledgement with the field {}", member.key()));
    }
  }
  ++connections_[id].acked;
  const auto payload = root["payload"];
  const bool empty = !payload.exists() || payload.is_null() || (payload.is_object() && payload.size() == 0);
  listener_.acked({id, *envelope, empty ? std::string{} : payload.dump()});
}

void SocketMode::gone(std::uint64_t id) {
  connections_.erase(id);
  listener_.changed();
}

void SocketMode::disconnect(std::uint64_t id, std::string_view reason, milliseconds patience) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  say_disconnect(id, reason);
  found->second.leaving = true;
  found->second.ending = net::Timer{loop_, loop_.start_timer(patience, [this, id] { close(id); })};
  listener_.changed();
}

void SocketMode::close(std::uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.closing = true;
  server_->close(id, kGoingAway);
  listener_.changed();
}

void SocketMode::drop(std::uint64_t id, bool reset) {
  server_->drop(id, reset);
}

void SocketMode::silence(std::uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.silent = true;
  server_->silence(id);
}

void SocketMode::ping(std::uint64_t id) {
  server_->ping(id, "Ping from applink-sandbox");
}

void SocketMode::keep_alive() {
  for (const auto& [id, connection] : connections_) {
    ping(id);
    if (!connection.closing && loop_.steady_now() - server_->last_heard(id) > kDeadAfter) drop(id, false);
  }
  beat_ = net::Timer{loop_, loop_.start_timer(kPingEvery, [this] { keep_alive(); })};
}

}  // namespace watchbill::sandbox
