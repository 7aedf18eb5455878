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
  friend class HttpServer;
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

struct ServerOptions {
  std::size_t max_body = std::size_t{1} << 20U;
  std::size_t max_headers = std::size_t{16} << 10U;
  /// A client that does not finish its request in this time is dropped; so is an answer that takes longer.
  milliseconds deadline{30s};
  /// More clients wait until one has gone: file descriptors are needed elsewhere too.
  std::size_t max_connections = 256;
};

/// HTTP/1.1 listener (libevent's evhttp) for loopback addresses. Each request is a task; when its client goes
/// away the task is cancelled. It stops accepting while file descriptors run out. Unknown methods: 501; a
/// handler that throws: 500. `Date`, `Content-Length` (unless the handler gives one) and what a HEAD needs
/// are added. A handler must not destroy its own server.
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
