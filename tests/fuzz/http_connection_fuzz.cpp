#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "net/http_connection.hpp"

// libFuzzer target: any bytes, in any pieces, are what a client sends on a connection of the listener's. Over
// a real pair of sockets, since libevent reads them. The first byte says what pieces, and what is left of the
// budget of all bodies. No body is longer than its limit, no more is held than is counted, every request is
// answered, and the connection ends.

namespace {

using namespace watchbill;
using namespace watchbill::net;

constexpr std::size_t kMaxBody = 2000;

void require(bool true_) {
  if (!true_) std::abort();
}

ServerOptions small_limits() {
  ServerOptions options;
  options.max_headers = 4000;
  options.head_deadline = 200ms;
  options.deadline = 200ms;
  return options;
}

class Host final : public HttpConnectionHost {
 public:
  explicit Host(std::size_t budget) : budget_(budget) {}

  std::optional<RequestLimits> admit(HttpConnection& /*asking*/, const ServerRequest& request) override {
    require(request.body.empty() && !request.path.empty());
    if (request.path == "/full") return std::nullopt;
    return RequestLimits{.max_body = request.method == "POST" ? kMaxBody : 0, .kept = false};
  }
  bool hold(HttpConnection& /*asking*/, std::size_t before, std::size_t after) override {
    require(before == held_ && after <= kMaxBody);
    held_ = after;
    return after <= budget_;
  }
  Task<ServerResponse> handle(ServerRequest request) override {
    require(request.body.size() <= kMaxBody && request.body.size() <= held_);
    ServerResponse response;
    response.body = std::move(request.body);
    co_return response;
  }
  [[nodiscard]] bool stopping() const override { return false; }
  void gone(HttpConnection& /*connection*/) override {
    connection.reset();
    ended = true;
  }

  std::unique_ptr<HttpConnection> connection;
  bool ended = false;

 private:
  std::size_t budget_;
  std::size_t held_ = 0;
};

/// Sends `text` in pieces of `piece` bytes, takes what is answered, and waits for the end.
Task<void> talk(EventLoop& loop, Host& host, int client, std::string text, std::size_t piece) {
  char answer[4096];
  const auto take = [&] {
    while (::recv(client, answer, sizeof answer, MSG_DONTWAIT) > 0) {
    }
  };
  for (std::size_t at = 0; at < text.size() && !host.ended; at += piece) {
    ::send(client, text.data() + at, std::min(piece, text.size() - at), MSG_NOSIGNAL | MSG_DONTWAIT);
    co_await sleep_for(loop, 0ms);
    take();
  }
  ::shutdown(client, SHUT_WR);
  // The limits of time end what the bytes do not.
  for (int waited = 0; !host.ended; ++waited) {
    require(waited < 5000);
    co_await sleep_for(loop, 1ms);
    take();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8000) return 0;
  static auto& loop = *new EventLoop;
  static const auto options = small_limits();
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Host host(data[0] % 2 == 0 ? kMaxBody : 50);
  host.connection = std::make_unique<HttpConnection>(loop, host, options, ends[0], "192.0.2.1");
  const std::size_t piece = std::size_t{1} << (data[0] / 2 % 13);
  const std::size_t least = size / 64 + 1;
  loop.run_until_done(
      talk(loop, host, ends[1], {reinterpret_cast<const char*>(data) + 1, size - 1}, std::max(piece, least)));
  ::close(ends[1]);
  return 0;
}
