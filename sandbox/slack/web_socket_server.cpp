#include "sandbox/slack/web_socket_server.hpp"

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "net/http.hpp"
#include "net/libevent.hpp"
#include "net/listen_socket.hpp"
#include "net/web_socket_handshake.hpp"
#include "net/wslay.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMaxHead = 8'192;
constexpr std::size_t kMaxMessage = std::size_t{4} << 20U;

struct FreeListener {
  void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
};
struct FreeStream {
  void operator()(bufferevent* stream) const { bufferevent_free(stream); }
};

/// Target and headers of a request's head.
struct UpgradeHead {
  std::string target;
  net::Headers headers;
};

UpgradeHead read_head(std::string_view text) {
  UpgradeHead head;
  auto line_end = text.find("\r\n");
  const auto line = text.substr(0, line_end);
  const auto from = line.find(' ');
  const auto to = line.rfind(' ');
  if (line.starts_with("GET ") && to > from) head.target = line.substr(from + 1, to - from - 1);
  while (line_end != std::string_view::npos) {
    text.remove_prefix(line_end + 2);
    line_end = text.find("\r\n");
    const auto one = text.substr(0, line_end);
    const auto colon = one.find(':');
    if (colon == std::string_view::npos) continue;
    auto value = one.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    head.headers.emplace_back(one.substr(0, colon), value);
  }
  return head;
}

}  // namespace

struct WebSocketServer::Impl {
  struct Peer {
    Impl& server;
    std::uint64_t id;
    std::unique_ptr<bufferevent, FreeStream> stream;
    net::WslayPtr frames{};
    SteadyInstant heard{};
    bool silent = false;
    bool doomed = false;
  };

  Impl(net::EventLoop& on, WebSocketEvents with) : loop(on), events(std::move(with)) {}

  net::EventLoop& loop;
  WebSocketEvents events;
  std::string url;
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, Peer> peers;
  net::Timer sweeping;
  std::unique_ptr<evconnlistener, FreeListener> listener;

  // Called by libevent and wslay.
  static void accepted(evconnlistener*, evutil_socket_t fd, sockaddr*, int, void* self) noexcept;
  static void readable(bufferevent*, void* peer) noexcept;
  static void ended(bufferevent*, short what, void* peer) noexcept;
  static ssize_t take_bytes(wslay_event_context_ptr, std::uint8_t* out, std::size_t size, int, void* peer);
  static ssize_t give_bytes(wslay_event_context_ptr, const std::uint8_t* data, std::size_t size, int,
                            void* peer);
  static void message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message, void* peer);

  void upgrade(Peer& peer);
  void refuse(Peer& peer, int status);
  void flush(Peer& peer);
  /// Takes the peer away in a turn of its own: its own callbacks may be under way.
  void doom(Peer& peer);
  void sweep();
  Peer* find(std::uint64_t id) {
    const auto found = peers.find(id);
    return found == peers.end() || found->second.doomed || found->second.silent ? nullptr : &found->second;
  }
  void queue(Peer& peer, int opcode, std::string_view bytes);
};

void WebSocketServer::Impl::accepted(evconnlistener*, evutil_socket_t fd, sockaddr*, int,
                                     void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  auto* const stream = bufferevent_socket_new(server.loop.base(), fd, BEV_OPT_CLOSE_ON_FREE);
  if (!stream) return;
  const auto id = server.next_id++;
  auto& peer =
      server.peers.try_emplace(id, Peer{server, id, std::unique_ptr<bufferevent, FreeStream>(stream)})
          .first->second;
  peer.heard = server.loop.steady_now();
  bufferevent_setcb(stream, &Impl::readable, nullptr, &Impl::ended, &peer);
  bufferevent_enable(stream, EV_READ | EV_WRITE);
}

void WebSocketServer::Impl::readable(bufferevent*, void* self) noexcept {
  auto& peer = *static_cast<Peer*>(self);
  if (peer.silent || peer.doomed) return;
  peer.heard = peer.server.loop.steady_now();
  if (!peer.frames) return peer.server.upgrade(peer);
  if (wslay_event_recv(peer.frames.get()) != 0) return peer.server.doom(peer);
  peer.server.flush(peer);
}

void WebSocketServer::Impl::ended(bufferevent*, short, void* self) noexcept {
  auto& peer = *static_cast<Peer*>(self);
  peer.server.doom(peer);
}

ssize_t WebSocketServer::Impl::take_bytes(wslay_event_context_ptr frames, std::uint8_t* out, std::size_t size,
                                          int, void* self) {
  auto* const input = bufferevent_get_input(static_cast<Peer*>(self)->stream.get());
  const auto taken = evbuffer_remove(input, out, size);
  if (taken > 0) return taken;
  wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
  return -1;
}

ssize_t WebSocketServer::Impl::give_bytes(wslay_event_context_ptr, const std::uint8_t* data, std::size_t size,
                                          int, void* self) {
  bufferevent_write(static_cast<Peer*>(self)->stream.get(), data, size);
  return static_cast<ssize_t>(size);
}

void WebSocketServer::Impl::message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message,
                                    void* self) {
  auto& peer = *static_cast<Peer*>(self);
  if (message->opcode != WSLAY_TEXT_FRAME) return;
  peer.server.events.received(peer.id,
                              std::string(reinterpret_cast<const char*>(message->msg), message->msg_length));
}

void WebSocketServer::Impl::upgrade(Peer& peer) {
  auto* const input = bufferevent_get_input(peer.stream.get());
  const auto end = evbuffer_search(input, "\r\n\r\n", 4, nullptr);
  if (end.pos < 0) {
    if (evbuffer_get_length(input) > kMaxHead) refuse(peer, 431);
    return;
  }
  std::string text(static_cast<std::size_t>(end.pos) + 4, '\0');
  evbuffer_remove(input, text.data(), text.size());
  const auto head = read_head(text);
  const auto key = net::find_header(head.headers, "Sec-WebSocket-Key");
  const auto version = net::find_header(head.headers, "Sec-WebSocket-Version");
  if (head.target.empty() || !key || !net::find_header(head.headers, "Upgrade")) return refuse(peer, 400);
  if (version.value_or("") != "13") return refuse(peer, 426);
  if (const int status = events.admit(head.target); status != 101) return refuse(peer, status);

  static const wslay_event_callbacks callbacks{&Impl::take_bytes, &Impl::give_bytes, nullptr,       nullptr,
                                               nullptr,           nullptr,           &Impl::message};
  wslay_event_context_ptr frames = nullptr;
  if (wslay_event_context_server_init(&frames, &callbacks, &peer) != 0) throw std::bad_alloc();
  peer.frames.reset(frames);
  wslay_event_config_set_max_recv_msg_length(frames, kMaxMessage);
  const auto answer = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n\r\n",
      net::web_socket_accept(*key));
  bufferevent_write(peer.stream.get(), answer.data(), answer.size());
  events.opened(peer.id, head.target);
}

void WebSocketServer::Impl::refuse(Peer& peer, int status) {
  const auto answer =
      fmt::format("HTTP/1.1 {} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
  bufferevent_write(peer.stream.get(), answer.data(), answer.size());
  // The client closes when it has read that; whoever does not is dropped with the server.
  peer.silent = true;
}

void WebSocketServer::Impl::flush(Peer& peer) {
  if (wslay_event_send(peer.frames.get()) != 0) doom(peer);
}

void WebSocketServer::Impl::queue(Peer& peer, int opcode, std::string_view bytes) {
  const wslay_event_msg message{static_cast<std::uint8_t>(opcode),
                                reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  // After a close frame nothing is sent any more; who sends then has lost the race.
  if (wslay_event_queue_msg(peer.frames.get(), &message) == 0) flush(peer);
}

void WebSocketServer::Impl::doom(Peer& peer) {
  peer.doomed = true;
  sweeping = net::Timer{loop, loop.start_timer(0ms, [this] { sweep(); })};
}

void WebSocketServer::Impl::sweep() {
  for (auto peer = peers.begin(); peer != peers.end();) {
    if (!peer->second.doomed) {
      ++peer;
      continue;
    }
    const auto id = peer->first;
    const bool was_open = peer->second.frames != nullptr;
    peer = peers.erase(peer);
    if (was_open) events.gone(id);
  }
}

Result<std::unique_ptr<WebSocketServer>> WebSocketServer::listen(net::EventLoop& loop,
                                                                 const std::string& address,
                                                                 WebSocketEvents events) {
  const auto fd = net::listen_on_loopback(address);
  if (!fd) return fd.error();
  auto impl = std::make_unique<Impl>(loop, std::move(events));
  impl->url = "ws" + net::url_of_listener(*fd).substr(4);
  impl->listener.reset(
      evconnlistener_new(loop.base(), &Impl::accepted, impl.get(), LEV_OPT_CLOSE_ON_FREE, 0, *fd));
  if (!impl->listener) throw std::runtime_error("WebSocketServer: out of memory");
  return std::unique_ptr<WebSocketServer>(new WebSocketServer(std::move(impl)));
}

WebSocketServer::WebSocketServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocketServer::~WebSocketServer() = default;

const std::string& WebSocketServer::url() const {
  return impl_->url;
}

void WebSocketServer::send(std::uint64_t id, std::string_view text) {
  if (auto* peer = impl_->find(id); peer && peer->frames) impl_->queue(*peer, WSLAY_TEXT_FRAME, text);
}

void WebSocketServer::ping(std::uint64_t id, std::string_view bytes) {
  if (auto* peer = impl_->find(id); peer && peer->frames) impl_->queue(*peer, WSLAY_PING, bytes);
}

void WebSocketServer::close(std::uint64_t id, int code) {
  auto* peer = impl_->find(id);
  if (!peer || !peer->frames) return;
  wslay_event_queue_close(peer->frames.get(), static_cast<std::uint16_t>(code), nullptr, 0);
  impl_->flush(*peer);
}

void WebSocketServer::drop(std::uint64_t id, bool reset) {
  const auto found = impl_->peers.find(id);
  if (found == impl_->peers.end()) return;
  if (reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(bufferevent_getfd(found->second.stream.get()), SOL_SOCKET, SO_LINGER, &at_once,
                 sizeof at_once);
  }
  impl_->doom(found->second);
}

void WebSocketServer::silence(std::uint64_t id) {
  auto* peer = impl_->find(id);
  if (!peer) return;
  peer->silent = true;
  bufferevent_disable(peer->stream.get(), EV_READ);
}

SteadyInstant WebSocketServer::last_heard(std::uint64_t id) const {
  const auto found = impl_->peers.find(id);
  return found == impl_->peers.end() ? SteadyInstant{} : found->second.heard;
}

}  // namespace watchbill::sandbox
