#include "net/http_server.hpp"

#include <arpa/inet.h>
#include <event2/listener.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "net/http_connection.hpp"
#include "net/libevent.hpp"
#include "net/listen_socket.hpp"

namespace watchbill::net {

namespace {

/// How long to stop accepting when no file descriptor or no place is left.
constexpr milliseconds kAcceptPause = 100ms;

struct FreeListener {
  void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
};
using ListenerPtr = std::unique_ptr<evconnlistener, FreeListener>;

std::string address_of(const sockaddr& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (peer.sa_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
  if (peer.sa_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  return bytes && ::inet_ntop(peer.sa_family, bytes, text.data(), text.size()) ? text.data() : "";
}

/// The rest is for the store, for what goes out, and for the kept places.
std::size_t places_of(const ServerOptions& options) {
  constexpr rlim_t kPart = 4;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return options.max_connections;
  }
  return std::clamp<std::size_t>(limit.rlim_cur / kPart, 1, options.max_connections);
}

}  // namespace

class HttpServer::Impl final : public HttpConnectionHost {
 public:
  Impl(EventLoop& loop, Handler handler, ServerOptions options)
      : loop_(loop),
        handler_(std::move(handler)),
        options_(std::move(options)),
        places_(places_of(options_)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override { connections_.clear(); }

  /// Takes over `fd`.
  void start(int fd);
  void stop_accepting();
  [[nodiscard]] const std::string& url() const { return url_; }

  std::optional<RequestLimits> admit(HttpConnection& asking, const ServerRequest& request) override;
  bool hold(HttpConnection& asking, std::size_t before, std::size_t after) override;
  Task<ServerResponse> handle(ServerRequest request) override { return handler_(std::move(request)); }
  [[nodiscard]] bool stopping() const override { return !listener_; }
  void gone(HttpConnection& connection) override;

 private:
  // Called by libevent. None throws: an exception (no memory) must end the process rather than cross C.
  static void accepted(evconnlistener*, evutil_socket_t fd, sockaddr* peer, int, void* self) noexcept;
  static void accept_failed(evconnlistener*, void* self) noexcept;

  /// Ends the connection whose place can be spared most.
  void make_room(const HttpConnection* asking);
  /// Accepts while there are places; else looks again shortly.
  void pace();

  EventLoop& loop_;
  Handler handler_;
  ServerOptions options_;
  std::size_t places_;
  std::string url_;
  ListenerPtr listener_;
  /// Accepting has failed for lack of file descriptors.
  bool starved_ = false;
  bool paused_ = false;  ///< until `resume_`
  Timer resume_;
  std::size_t bodies_ = 0;  ///< bytes of all bodies that are read or handled
  HttpConnections connections_;
};

void HttpServer::Impl::start(int fd) {
  url_ = url_of_listener(fd);
  listener_.reset(evconnlistener_new(loop_.base(), &Impl::accepted, this,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd));
  if (!listener_) {
    ::close(fd);
    throw std::runtime_error("HttpServer: out of memory");
  }
  evconnlistener_set_error_cb(listener_.get(), &Impl::accept_failed);
}

void HttpServer::Impl::stop_accepting() {
  resume_.reset();
  listener_.reset();
}

void HttpServer::Impl::accepted(evconnlistener* /*listener*/, evutil_socket_t fd, sockaddr* peer, int,
                                void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  if (server.connections_.size() >= server.places_) server.make_room(nullptr);
  auto& connections = server.connections_;
  connections.push_back(
      std::make_unique<HttpConnection>(server.loop_, server, server.options_, fd, address_of(*peer)));
  connections.back()->place = std::prev(connections.end());
  server.pace();
}

void HttpServer::Impl::accept_failed(evconnlistener* /*listener*/, void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  // The waiting client keeps the socket readable: trying again at once would take the whole processor.
  server.starved_ = true;
  server.pace();
}

void HttpServer::Impl::pace() {
  if (!listener_) return;
  if (!starved_ && connections_.size() < places_ + options_.kept_places) {
    evconnlistener_enable(listener_.get());
    return;
  }
  evconnlistener_disable(listener_.get());
  if (std::exchange(paused_, true)) return;
  resume_ = Timer{loop_, loop_.start_timer(kAcceptPause, [this] {
                    paused_ = starved_ = false;
                    // Whoever had nothing to spare may have by now.
                    if (connections_.size() >= places_ + options_.kept_places) make_room(nullptr);
                    pace();
                  })};
}

void HttpServer::Impl::make_room(const HttpConnection* asking) {
  std::optional<HttpConnection::Spare> most;
  auto victim = connections_.end();
  for (auto one = connections_.begin(); one != connections_.end(); ++one) {
    const auto spare = one->get() == asking ? std::nullopt : (*one)->spare();
    if (!spare || (most && *spare <= *most)) continue;
    most = spare;
    victim = one;
  }
  if (victim != connections_.end()) connections_.erase(victim);
}

std::optional<RequestLimits> HttpServer::Impl::admit(HttpConnection& asking, const ServerRequest& request) {
  const auto limits = options_.limits ? options_.limits(request) : RequestLimits{options_.max_body};
  if (connections_.size() > places_ && !limits.kept) make_room(&asking);
  return connections_.size() <= places_ || limits.kept ? std::optional(limits) : std::nullopt;
}

bool HttpServer::Impl::hold(HttpConnection& asking, std::size_t before, std::size_t after) {
  bodies_ += after;
  bodies_ -= before;
  while (after > before && bodies_ > options_.max_bodies) {
    HttpConnection* slowest = nullptr;
    for (const auto& one : connections_) {
      const auto behind = one->body_behind();
      if (behind && (!slowest || *behind > *slowest->body_behind())) slowest = one.get();
    }
    if (!slowest || slowest == &asking) return false;
    slowest->give_up_body();
  }
  return true;
}

void HttpServer::Impl::gone(HttpConnection& connection) {
  connections_.erase(connection.place);
  pace();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoop& loop, const std::string& address,
                                                       Handler handler, ServerOptions options) {
  const auto fd = listen_on_loopback(address);
  if (!fd) return fd.error();
  auto impl = std::make_unique<Impl>(loop, std::move(handler), std::move(options));
  impl->start(*fd);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

std::string HttpServer::url() const {
  return impl_->url();
}

void HttpServer::stop_accepting() {
  impl_->stop_accepting();
}

}  // namespace watchbill::net
