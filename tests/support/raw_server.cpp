#include "tests/support/raw_server.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "net/http.hpp"
#include "net/listen_socket.hpp"

namespace watchbill::test {

RawServer::Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

std::string RawServer::Client::read_request() {
  constexpr std::string_view kLength = "content-length:";
  for (;;) {
    const auto head = buffered_.find("\r\n\r\n");
    if (head != std::string::npos) {
      std::string lower = buffered_.substr(0, head);
      for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const auto length = lower.find(kLength);
      const std::size_t body =
          length == std::string::npos ? 0 : std::stoul(lower.substr(length + kLength.size()));
      const auto whole = head + 4 + body;
      if (buffered_.size() >= whole) {
        auto request = buffered_.substr(0, whole);
        buffered_.erase(0, whole);
        return request;
      }
    }
    if (!read_more()) return {};
  }
}

std::string RawServer::Client::read_bytes(std::size_t count) {
  while (buffered_.size() < count && read_more()) {
  }
  auto bytes = buffered_.substr(0, count);
  buffered_.erase(0, count);
  return bytes;
}

bool RawServer::Client::read_more() {
  char bytes[4096];
  const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
  if (got > 0) buffered_.append(bytes, static_cast<std::size_t>(got));
  return got > 0;
}

void RawServer::Client::send(std::string_view text) const {
  while (!text.empty()) {
    const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawServer::Client::reset() const {
  // Linux: disconnects with a RST at once.
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  ::connect(fd_, &nobody, sizeof nobody);
}

void RawServer::Client::wait_for_end() const {
  char bytes[4096];
  while (::recv(fd_, bytes, sizeof bytes, 0) > 0) {
  }
}

RawServer::RawServer(Script script)
    : script_(std::move(script)), fd_(net::listen_on_loopback("127.0.0.1:0").value()) {
  thread_ = std::thread([this] { serve(); });
}

RawServer::~RawServer() {
  // Wakes the thread, from accept or from what its script waits for.
  ::shutdown(fd_, SHUT_RDWR);
  {
    const std::lock_guard lock(current_lock_);
    ending_ = true;
    if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
  }
  thread_.join();
  ::close(fd_);
}

void RawServer::set_current(int fd) {
  const std::lock_guard lock(current_lock_);
  if (current_ >= 0) ::close(current_);
  current_ = fd;
  if (fd >= 0 && ending_) ::shutdown(fd, SHUT_RDWR);
}

void RawServer::serve() {
  // The listener is non-blocking; its connections are not.
  for (;;) {
    fd_set ready;
    FD_ZERO(&ready);
    FD_SET(fd_, &ready);
    if (::select(fd_ + 1, &ready, nullptr, nullptr, nullptr) < 0) return;
    const int client = ::accept(fd_, nullptr, nullptr);
    if (client < 0) return;
    // A second descriptor, so that the number cannot come to mean another socket meanwhile.
    set_current(::dup(client));
    Client connection(client);
    script_(connection, connections_++);
    set_current(-1);
  }
}

std::string RawServer::url() const {
  return net::url_of_listener(fd_);
}

int connect_to(const std::string& url) {
  const auto parsed = net::parse_url(url).value();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(parsed.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("connect failed");
  }
  return fd;
}

}  // namespace watchbill::test
