#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/event_loop.hpp"
#include "net/http.hpp"

namespace watchbill::net {

struct ServerRequest {
  std::string method;
  std::string path;      ///< decoded, without the query
  std::string raw_path;  ///< as it was sent, without the query (ids may contain encoded slashes)
  Fields query;
  Headers headers;
  std::string body;
  std::string peer;  ///< address of the client

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
};

/// A body that is sent piece by piece for as long as both sides like (server-sent events). What is sent
/// before the answer has begun waits for it.
class BodyStream {
 public:
  BodyStream();
  ~BodyStream();
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  /// Ignored when the client has gone.
  void send(std::string_view piece);
  /// Ends the connection's answer.
  void end();
  /// False once the client has gone or `end` was called.
  [[nodiscard]] bool open() const;
  /// Bytes that the client has not taken yet.
  [[nodiscard]] std::size_t waiting() const;

 private:
  friend class HttpConnection;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ServerResponse {
  int status = 200;
  Headers headers{};
  /// Not sent with 204, 304 and to HEAD.
  std::string body{};
  /// For servers that imitate broken ones: announce the whole body, send this many bytes of it, then reset
  /// the connection (TCP RST).
  std::optional<std::size_t> reset_after{};
  /// Instead of `body`: has no deadline.
  std::shared_ptr<BodyStream> stream{};
};

/// What a request may bring, decided by its first line and headers.
struct RequestLimits {
  /// Bytes of body. A longer one is refused (413). 0: none is read; the handler gets the request without it,
  /// and the connection then ends.
  std::size_t max_body = 0;
  /// Served even when all places but the kept ones are taken.
  bool kept = false;
};

struct ServerOptions {
  /// Asked once the headers of a request are there (its body is not); without it every request may bring
  /// `max_body`.
  std::function<RequestLimits(const ServerRequest& request)> limits{};
  std::size_t max_body = std::size_t{1} << 20U;
  /// Bytes of all bodies that are being read or handled. When that is used up, whoever is furthest behind
  /// `min_rate` gives up its body; if nobody is, the newest. Both are told 503.
  std::size_t max_bodies = std::size_t{32} << 20U;
  std::size_t max_headers = std::size_t{16} << 10U;
  /// A client whose headers are not there in this time is dropped; a body may take as much longer as it takes
  /// at `min_rate`, in bytes a second.
  milliseconds head_deadline{5s};
  std::size_t min_rate = std::size_t{8} << 10U;
  /// Bounds a whole request, a handler, an answer, and the time between two requests.
  milliseconds deadline{30s};
  /// Places for clients: at most a quarter of RLIMIT_NOFILE. When all are taken the slowest client that has
  /// not finished its request, or not taken its answer, has to go.
  std::size_t max_connections = 512;
  /// Beyond them: for `RequestLimits::kept` while all others are with their handlers; who asks for something
  /// else there is told 503.
  std::size_t kept_places = 16;
};

/// HTTP/1.1 listener for loopback addresses, with a strict parser of its own (decisions/0021). Each request
/// is a task; when its client goes away the task is cancelled. It stops accepting while file descriptors run
/// out. Unknown methods: 501; a handler that throws: 500. `Date`, `Content-Length` (unless the handler gives
/// one) and what a HEAD needs are added. A handler must not destroy its own server.
class HttpServer {
 public:
  using Handler = std::function<Task<ServerResponse>(ServerRequest)>;

  /// `address` is "127.0.0.1:9469" or "[::1]:0"; port 0 takes a free one.
  /// Errors: `invalid` (no loopback address), `conflict` (taken), `forbidden`, `internal`.
  static Result<std::unique_ptr<HttpServer>> listen(EventLoop& loop, const std::string& address,
                                                    Handler handler, ServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:41234"
  [[nodiscard]] std::string url() const;
  /// Stops accepting; requests under way may end, and their connections then close.
  void stop_accepting();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::net
