#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <thread>

#include "net/listen_socket.hpp"
#include "net/web_socket.hpp"
#include "net/web_socket_handshake.hpp"

// libFuzzer target: any bytes are what Slack's side sends on a WebSocket after a good handshake: frames. Over
// a real connection, since libcurl reads them. However broken they are, each message keeps the limit, and the
// end comes with its reason.

namespace {

using namespace watchbill;
using namespace watchbill::net;

constexpr std::size_t kMaxMessage = 4000;

/// Shakes hands with each client, sends it `bytes` and closes its side.
class Server {
 public:
  Server() : fd_(listen_on_loopback("127.0.0.1:0").value()), url_("ws" + url_of_listener(fd_).substr(4)) {
    std::thread([this] { serve(); }).detach();
  }
  [[nodiscard]] const std::string& url() const { return url_; }
  void set(std::string_view bytes) {
    const std::lock_guard lock(lock_);
    bytes_ = bytes;
  }

 private:
  void serve() {
    for (;;) {
      fd_set ready;
      FD_ZERO(&ready);
      FD_SET(fd_, &ready);
      if (::select(fd_ + 1, &ready, nullptr, nullptr, nullptr) < 0) std::abort();
      const int client = ::accept(fd_, nullptr, nullptr);
      if (client < 0) continue;
      talk(client);
      ::close(client);
    }
  }
  void talk(int client) {
    constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
    std::string request;
    char piece[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto got = ::recv(client, piece, sizeof piece, 0);
      if (got <= 0) return;
      request.append(piece, static_cast<std::size_t>(got));
    }
    const auto at = request.find(kKey) + kKey.size();
    std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: " +
        web_socket_accept(request.substr(at, request.find('\r', at) - at)) + "\r\n\r\n";
    {
      const std::lock_guard lock(lock_);
      answer += bytes_;
    }
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
    while (::recv(client, piece, sizeof piece, 0) > 0) {
    }
  }

  int fd_;
  std::string url_;
  std::mutex lock_;
  std::string bytes_;
};

Task<void> listen_to_the_end(EventLoop& loop, std::string url) {
  WebSocketOptions options;
  options.max_message = kMaxMessage;
  CurlWebSocketClient client(loop, {}, options);
  auto socket = co_await client.connect(std::move(url));
  if (!socket) co_return;
  for (;;) {
    const auto message = co_await (*socket)->receive();
    if (!message && message.error().message.empty()) std::abort();
    if (!message) co_return;
    if (message->size() > kMaxMessage) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 20'000) return 0;
  // They live as long as the process: the server's thread does not end.
  static auto& loop = *new EventLoop;
  static auto& server = *new Server;
  server.set({reinterpret_cast<const char*>(data), size});
  loop.run_until_done(listen_to_the_end(loop, server.url()));
  return 0;
}
