#include "net/http_server.hpp"

#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "net/libevent.hpp"
#include "net/listen_socket.hpp"

namespace watchbill::net {

namespace {

/// How long to stop accepting when no file descriptor is left.
constexpr milliseconds kAcceptPause = 100ms;

const char* method_of(const evhttp_request* request) {
  switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
      return "GET";
    case EVHTTP_REQ_POST:
      return "POST";
    case EVHTTP_REQ_HEAD:
      return "HEAD";
    case EVHTTP_REQ_PUT:
      return "PUT";
    case EVHTTP_REQ_DELETE:
      return "DELETE";
    case EVHTTP_REQ_OPTIONS:
      return "OPTIONS";
    case EVHTTP_REQ_PATCH:
      return "PATCH";
    default:
      return "";
  }
}

Headers headers_of(evhttp_request* request) {
  Headers headers;
  for (auto* h = evhttp_request_get_input_headers(request)->tqh_first; h; h = h->next.tqe_next) {
    headers.emplace_back(h->key, h->value);
  }
  return headers;
}

/// True if evhttp may have taken another end of the body for the right one than a proxy before us: then the
/// next request on the connection would not be what the proxy let through.
bool ambiguous_length(const ServerRequest& request) {
  const auto encoding = request.header("Transfer-Encoding");
  std::size_t lengths = 0;
  for (const auto& header : request.headers) {
    if (find_header({header}, "Content-Length")) ++lengths;
  }
  if (request.method == "HEAD") return encoding || request.header("Content-Length").value_or("0") != "0";
  return lengths > 1 ||
         (encoding && (lengths > 0 || !find_header({{std::string(*encoding), ""}}, "chunked")));
}

ServerRequest read_request(evhttp_request* request) {
  ServerRequest out;
  out.method = method_of(request);
  const auto* const uri = evhttp_request_get_evhttp_uri(request);
  const char* const path = evhttp_uri_get_path(uri);
  const char* const query = evhttp_uri_get_query(uri);
  out.raw_path = path && *path ? path : "/";
  out.path = percent_decode(out.raw_path);
  if (query) out.query = decode_form(query);
  out.headers = headers_of(request);
  auto* const input = evhttp_request_get_input_buffer(request);
  out.body.resize(evbuffer_get_length(input));
  evbuffer_copyout(input, out.body.data(), out.body.size());
  char* peer = nullptr;
  std::uint16_t port = 0;
  evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
  if (peer) out.peer = peer;
  return out;
}

ServerResponse internal_error() {
  return {.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "internal error\n"};
}

}  // namespace

struct BodyStream::Impl {
  std::string early;  ///< sent before the answer began
  evhttp_request* request = nullptr;
  bool begun = false;
  bool ended = false;
};

BodyStream::BodyStream() : impl_(std::make_unique<Impl>()) {}
BodyStream::~BodyStream() = default;

void BodyStream::send(std::string_view piece) {
  if (!open() || piece.empty()) return;
  if (!impl_->begun) {
    impl_->early += piece;
    return;
  }
  const EvbufferPtr chunk(evbuffer_new());
  evbuffer_add(chunk.get(), piece.data(), piece.size());
  evhttp_send_reply_chunk(impl_->request, chunk.get());
}

void BodyStream::end() {
  if (!open()) return;
  impl_->ended = true;
  if (impl_->begun) evhttp_send_reply_end(std::exchange(impl_->request, nullptr));
}

bool BodyStream::open() const {
  return !impl_->ended && (!impl_->begun || impl_->request);
}

std::size_t BodyStream::waiting() const {
  if (!impl_->request) return impl_->early.size();
  auto* const stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(impl_->request));
  return evbuffer_get_length(bufferevent_get_output(stream));
}

std::optional<std::string> ServerRequest::query_value(std::string_view name) const {
  for (const auto& [field, value] : query) {
    if (field == name) return value;
  }
  return std::nullopt;
}

// How evhttp is used here, from its source (libevent 2.1.12, http.c and listener.c):
// - A connection belongs to evhttp until its close callback; every end of a connection goes through that.
// - While a handler works evhttp does not read and would not notice that the client has gone. So reading is
//   enabled without a read callback: what arrives is kept up to the watermark, and an end is reported. If the
//   client goes before the answer, evhttp leaves the request object to us.
// - evhttp's own timeouts begin anew with every byte, so they are not used: a timer covers each whole request
//   and each whole answer.
class HttpServer::Impl {
 public:
  Impl(EventLoop& loop, Handler handler, ServerOptions options)
      : loop_(loop), handler_(std::move(handler)), options_(options) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  /// Takes over `fd`.
  void start(int fd);
  void stop_accepting();
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  struct Connection {
    Impl& server;
    evhttp_connection* peer;
    /// Of the request that is read, or of the answer.
    Timer deadline{};
    /// With the handler, or its answer is being sent.
    evhttp_request* request = nullptr;
    ServerResponse response{};
    /// What is being sent piece by piece.
    std::shared_ptr<BodyStream> stream{};
    Timer answer{};
    /// Last, so that the task goes first.
    TaskScope handling{};

    Connection(Impl& owner, evhttp_connection* client) : server(owner), peer(client) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
      if (stream) stream->impl_->request = nullptr;
    }
  };

  // Called by libevent. None throws: an exception (no memory) must end the process rather than cross C.
  static bufferevent* connecting(event_base* base, void* self) noexcept;
  static void adopt_fresh(int, short, void* self) noexcept;
  static void requested(evhttp_request* request, void* self) noexcept;
  static void sent(evhttp_request* request, void* connection) noexcept;
  static void closed(evhttp_connection* peer, void* self) noexcept;
  static void written_before_reset(bufferevent* stream, void* peer) noexcept;
  static void accept_failed(evconnlistener* listener, void* http) noexcept;

  static Task<void> handle(Connection& connection, ServerRequest request);
  void start_deadline(Connection& connection);
  void answer(Connection& connection);
  void reset_midway(Connection& connection);
  static void begin_stream(Connection& connection);
  /// Pauses or goes on accepting, as the number of connections asks for.
  void pace();
  [[nodiscard]] evconnlistener* listener() const { return evhttp_bound_socket_get_listener(socket_); }

  EventLoop& loop_;
  Handler handler_;
  ServerOptions options_;
  std::string url_;
  evhttp_bound_socket* socket_ = nullptr;
  /// Runs while accepting is paused for lack of file descriptors.
  bool starved_ = false;
  Timer resume_;
  /// Accepted in this turn: evhttp has not told which connections they belong to.
  std::vector<bufferevent*> fresh_;
  std::map<evhttp_connection*, Connection> connections_;
  EventPtr adopt_event_;
  EvhttpPtr http_;
};

namespace {

/// The callback for a failed accept gets evhttp's object, not ours. Servers may live in several threads.
class Registry {
 public:
  void add(const void* http, void* server) {
    const std::lock_guard lock(lock_);
    servers_[http] = server;
  }
  void remove(const void* http) {
    const std::lock_guard lock(lock_);
    servers_.erase(http);
  }
  void* find(const void* http) {
    const std::lock_guard lock(lock_);
    const auto server = servers_.find(http);
    return server == servers_.end() ? nullptr : server->second;
  }

 private:
  std::mutex lock_;
  std::map<const void*, void*> servers_;
};

Registry& registry() {
  static Registry servers;
  return servers;
}

}  // namespace

HttpServer::Impl::~Impl() {
  registry().remove(http_.get());
  socket_ = nullptr;
  http_.reset();  // every connection goes through `closed`
  for (auto* stream : fresh_) bufferevent_decref(stream);
}

void HttpServer::Impl::start(int fd) {
  url_ = url_of_listener(fd);
  http_.reset(evhttp_new(loop_.base()));
  adopt_event_.reset(event_new(loop_.base(), -1, 0, &Impl::adopt_fresh, this));
  if (http_ && adopt_event_) socket_ = evhttp_accept_socket_with_handle(http_.get(), fd);
  if (!socket_) {
    ::close(fd);
    throw std::runtime_error("HttpServer: out of memory");
  }
  auto* const http = http_.get();
  evhttp_set_max_headers_size(http, static_cast<ev_ssize_t>(options_.max_headers));
  evhttp_set_max_body_size(http, static_cast<ev_ssize_t>(options_.max_body));
  evhttp_set_default_content_type(http, nullptr);
  evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                       EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
  // A body that is too long is read (and dropped) to its end, so that the client gets to see the 413.
  evhttp_set_flags(http, EVHTTP_SERVER_LINGERING_CLOSE);
  evhttp_set_bevcb(http, &Impl::connecting, this);
  evhttp_set_gencb(http, &Impl::requested, this);
  registry().add(http, this);
  evconnlistener_set_error_cb(listener(), &Impl::accept_failed);
}

void HttpServer::Impl::stop_accepting() {
  resume_.reset();
  if (socket_) evhttp_del_accept_socket(http_.get(), std::exchange(socket_, nullptr));
}

void HttpServer::Impl::pace() {
  if (!socket_) return;
  if (starved_ || fresh_.size() + connections_.size() >= options_.max_connections) {
    evconnlistener_disable(listener());
  } else {
    evconnlistener_enable(listener());
  }
}

void HttpServer::Impl::accept_failed(evconnlistener* /*listener*/, void* http) noexcept {
  auto* const self = static_cast<Impl*>(registry().find(http));
  if (!self || self->starved_) return;
  // The waiting client keeps the socket readable: trying again at once would take the whole processor.
  self->starved_ = true;
  self->pace();
  self->resume_ = Timer{self->loop_, self->loop_.start_timer(kAcceptPause, [self] {
                          self->starved_ = false;
                          self->pace();
                        })};
}

bufferevent* HttpServer::Impl::connecting(event_base* base, void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  auto* const stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  if (!stream) return nullptr;
  constexpr std::size_t kSlack = 64U << 10U;
  // evhttp collects a body in here before it takes it.
  bufferevent_setwatermark(stream, EV_READ, 0,
                           server.options_.max_body + server.options_.max_headers + kSlack);
  // evhttp names the connection only at its first request, which may never come. Right after this callback
  // it has set itself as the stream's user; so look there still in this turn, before anything can arrive.
  bufferevent_incref(stream);
  server.fresh_.push_back(stream);
  event_active(server.adopt_event_.get(), EV_TIMEOUT, 1);
  server.pace();
  return stream;
}

void HttpServer::Impl::adopt_fresh(int, short, void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  for (auto* stream : std::exchange(server.fresh_, {})) {
    void* user = nullptr;
    bufferevent_getcb(stream, nullptr, nullptr, nullptr, &user);
    bufferevent_decref(stream);
    if (!user) continue;  // gone already
    auto* const peer = static_cast<evhttp_connection*>(user);
    auto& connection = server.connections_.try_emplace(peer, server, peer).first->second;
    evhttp_connection_set_closecb(peer, &Impl::closed, self);
    server.start_deadline(connection);
  }
  server.pace();
}

void HttpServer::Impl::start_deadline(Connection& connection) {
  auto* const peer = connection.peer;
  connection.deadline =
      Timer{loop_, loop_.start_timer(options_.deadline, [peer] { evhttp_connection_free(peer); })};
}

void HttpServer::Impl::closed(evhttp_connection* peer, void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  const auto node = server.connections_.extract(peer);
  server.pace();
  if (node.empty()) return;
  // The client went before its answer: evhttp has left the request to us.
  auto* const request = node.mapped().request;
  if (request && !evhttp_request_get_connection(request)) evhttp_request_free(request);
}

void HttpServer::Impl::requested(evhttp_request* request, void* self) noexcept {
  auto& server = *static_cast<Impl*>(self);
  auto* const peer = evhttp_request_get_connection(request);
  const auto found = server.connections_.find(peer);
  if (found == server.connections_.end()) return evhttp_send_error(request, HTTP_SERVUNAVAIL, nullptr);
  auto input = read_request(request);
  if (ambiguous_length(input)) return evhttp_send_error(request, HTTP_BADREQUEST, nullptr);
  auto& connection = found->second;
  connection.request = request;
  evhttp_request_set_on_complete_cb(request, &Impl::sent, &connection);
  server.start_deadline(connection);
  auto* const stream = evhttp_connection_get_bufferevent(peer);
  bufferevent_data_cb write = nullptr;
  bufferevent_event_cb end = nullptr;
  void* user = nullptr;
  bufferevent_getcb(stream, nullptr, &write, &end, &user);
  bufferevent_setcb(stream, nullptr, write, end, user);
  bufferevent_enable(stream, EV_READ);
  connection.handling.spawn(handle(connection, std::move(input)));
}

Task<void> HttpServer::Impl::handle(Connection& connection, ServerRequest request) {
  ServerResponse response = internal_error();
  try {
    response = co_await connection.server.handler_(std::move(request));
  } catch (...) {
    // What went wrong is not the client's business.
  }
  connection.response = std::move(response);
  // Answered in a turn of its own: evhttp may drop the connection, and with it this task.
  auto& loop = connection.server.loop_;
  auto* const ready = &connection;
  connection.answer = Timer{loop, loop.start_timer(0ms, [ready] { ready->server.answer(*ready); })};
}

void HttpServer::Impl::answer(Connection& connection) {
  auto* const request = connection.request;
  auto response = std::move(connection.response);
  const bool bodiless = response.status == HTTP_NOCONTENT || response.status == HTTP_NOTMODIFIED;
  auto* const headers = evhttp_request_get_output_headers(request);
  // evhttp drops a header that holds a line break.
  for (const auto& [name, value] : response.headers) {
    evhttp_add_header(headers, name.c_str(), value.c_str());
  }
  if (!bodiless && !response.stream && !evhttp_find_header(headers, "Content-Length")) {
    evhttp_add_header(headers, "Content-Length", std::to_string(response.body.size()).c_str());
  }
  if (!socket_) evhttp_add_header(headers, "Connection", "close");
  if (response.reset_after) {
    response.body.resize(std::min(response.body.size(), *response.reset_after));
    connection.response = std::move(response);
    return reset_midway(connection);
  }
  if (response.stream) {
    connection.response = std::move(response);
    return begin_stream(connection);
  }
  const EvbufferPtr body(evbuffer_new());
  if (!bodiless && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
    evbuffer_add(body.get(), response.body.data(), response.body.size());
  }
  evhttp_send_reply(request, response.status, nullptr, body.get());
}

void HttpServer::Impl::begin_stream(Connection& connection) {
  connection.deadline.reset();
  connection.stream = std::move(connection.response.stream);
  evhttp_send_reply_start(connection.request, connection.response.status, nullptr);
  auto& stream = *connection.stream->impl_;
  stream.begun = true;
  stream.request = connection.request;
  const bool ended = std::exchange(stream.ended, false);
  connection.stream->send(std::exchange(stream.early, {}));
  if (ended) connection.stream->end();
}

void HttpServer::Impl::reset_midway(Connection& connection) {
  auto* const stream = evhttp_connection_get_bufferevent(connection.peer);
  evhttp_send_reply_start(connection.request, connection.response.status, nullptr);
  const auto& body = connection.response.body;
  evbuffer_add(bufferevent_get_output(stream), body.data(), body.size());
  bufferevent_event_cb end = nullptr;
  void* user = nullptr;
  bufferevent_getcb(stream, nullptr, nullptr, &end, &user);
  bufferevent_setcb(stream, nullptr, &Impl::written_before_reset, end, user);
}

void HttpServer::Impl::written_before_reset(bufferevent* stream, void* peer) noexcept {
  const int fd = bufferevent_getfd(stream);
  // Linux: disconnects with a RST. A close without lingering would come too late: evhttp shuts down first,
  // and the client would see an orderly end.
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  (void)::connect(fd, &nobody, sizeof nobody);
  evhttp_connection_free(static_cast<evhttp_connection*>(peer));
}

void HttpServer::Impl::sent(evhttp_request* /*request*/, void* connection) noexcept {
  auto& mine = *static_cast<Connection*>(connection);
  mine.request = nullptr;
  mine.stream = nullptr;
  mine.server.start_deadline(mine);
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoop& loop, const std::string& address,
                                                       Handler handler, ServerOptions options) {
  const auto fd = listen_on_loopback(address);
  if (!fd) return fd.error();
  auto impl = std::make_unique<Impl>(loop, std::move(handler), options);
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
