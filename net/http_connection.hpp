#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "net/http_server.hpp"
#include "net/libevent.hpp"
#include "net/request_reader.hpp"

struct bufferevent;

namespace watchbill::net {

class HttpConnection;
using HttpConnections = std::list<std::unique_ptr<HttpConnection>>;

/// What a connection asks of its server.
class HttpConnectionHost {
 public:
  virtual ~HttpConnectionHost() = default;
  /// What `request`, whose body has not been read, may bring; nothing if there is no place for it. Other
  /// connections may end by it.
  virtual std::optional<RequestLimits> admit(HttpConnection& asking, const ServerRequest& request) = 0;
  /// The bytes of bodies that `asking` holds went from `before` to `after`. False if that is too much for all
  /// of them together. Other connections may give up theirs by it.
  virtual bool hold(HttpConnection& asking, std::size_t before, std::size_t after) = 0;
  virtual Task<ServerResponse> handle(ServerRequest request) = 0;
  /// No further requests are taken.
  [[nodiscard]] virtual bool stopping() const = 0;
  /// Destroys it.
  virtual void gone(HttpConnection& connection) = 0;
};

/// One client of an `HttpServer`: reads a request, has it handled, sends the answer, and begins anew.
class HttpConnection {
 public:
  /// Takes over `fd`. The host outlives it.
  HttpConnection(EventLoop& loop, HttpConnectionHost& host, const ServerOptions& options, int fd,
                 std::string peer);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  /// How readily its place is given to another client: the greatest goes first.
  enum class Rank {
    open,   ///< has just begun, or is between two requests
    slow,   ///< has not finished its request, or not taken its answer
    ended,  ///< has been sent its last answer
  };
  struct Spare {
    Rank rank;
    milliseconds behind;  ///< a client that keeps the least rate
    friend auto operator<=>(const Spare&, const Spare&) = default;
  };
  /// Nothing while a request is with its handler, and for a stream.
  [[nodiscard]] std::optional<Spare> spare() const;
  /// How far it is behind the least rate; nothing unless it has been reading a body for some time.
  [[nodiscard]] std::optional<milliseconds> body_behind() const;
  /// Gives up the body that it reads: 503.
  void give_up_body();

  /// Where the server keeps it.
  HttpConnections::iterator place{};

 private:
  friend class BodyStream;
  enum class Phase {
    idle,       ///< between two requests
    head,       ///< reads the first line and the headers
    body,       ///< reads the body
    handling,   ///< the handler has it
    answering,  ///< sends the answer
    streaming,  ///< sends piece by piece, as the handler likes
    ending,     ///< has sent the last answer; what still comes is dropped
  };

  // Called by libevent. None throws: an exception (no memory) must end the process rather than cross C.
  static void readable(bufferevent* stream, void* self) noexcept;
  static void written(bufferevent* stream, void* self) noexcept;
  static void ended(bufferevent* stream, short what, void* self) noexcept;

  void enter(Phase phase);
  void read();
  /// One step of reading; false when there is nothing to do before more comes.
  bool step();
  bool read_piece();
  bool decide();
  void complete();
  static Task<void> handle(HttpConnection& self, ServerRequest request);
  void refuse(int status);
  void answer();
  void send_head(const ServerResponse& response, std::optional<std::size_t> length);
  void begin_stream(ServerResponse response);
  void send_piece(std::string_view piece);
  [[nodiscard]] std::size_t unsent() const;
  void end_stream();
  void answered();
  void next_request();
  void reset();
  void watch_time();
  [[nodiscard]] SteadyInstant give_up_at() const;
  [[nodiscard]] milliseconds at_least_rate(std::size_t bytes) const;
  [[nodiscard]] milliseconds behind() const;
  [[nodiscard]] bool is_fresh() const;
  [[nodiscard]] evbuffer* input() const;
  [[nodiscard]] evbuffer* output() const;
  void write(std::string_view bytes);
  [[nodiscard]] bool hold(std::size_t bytes);

  EventLoop& loop_;
  HttpConnectionHost& host_;
  const ServerOptions& options_;
  std::string peer_;
  Phase phase_ = Phase::head;
  SteadyInstant since_;        ///< in this phase; a body's began with its head
  std::size_t announced_ = 0;  ///< bytes of the answer that is being sent; 0 before it is
  std::size_t held_ = 0;       ///< bytes of the body, read or with the handler
  RequestReader reader_;
  ServerRequest request_{};
  ServerResponse response_{};
  std::shared_ptr<BodyStream> stream_{};
  bool close_after_ = false;  ///< the answer
  bool reset_after_ = false;
  bool head_only_ = false;  ///< HEAD: the answer has no body
  bool http_1_0_ = false;
  bool half_closed_ = false;  ///< the client sends nothing more
  struct FreeStream {
    void operator()(bufferevent* stream) const;
  };
  std::unique_ptr<bufferevent, FreeStream> socket_;
  Timer time_{};
  Timer answer_{};
  /// Last, so that the task goes first.
  TaskScope handling_{};
};

/// State of a `BodyStream`.
struct BodyStream::Impl {
  std::string early;  ///< sent before the answer began
  HttpConnection* connection = nullptr;
  bool begun = false;
  bool ended = false;
};

}  // namespace watchbill::net
