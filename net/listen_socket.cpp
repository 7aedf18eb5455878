#include "net/listen_socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace watchbill::net {

namespace {

constexpr int kBacklog = 128;

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Result<Address> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto refuse = [&text](const char* why) {
    return fail(ErrorKind::invalid, "address {}: {}", text, why);
  };
  if (colon == std::string::npos) return refuse("it has no port; expected 127.0.0.1:PORT or [::1]:PORT");
  std::string host = text.substr(0, colon);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, port);
  if (read.ec != std::errc{} || read.ptr != end) return refuse("the port is no number from 0 to 65535");
  Address address;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.length = sizeof v6;
    const bool parsed = ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) == 1;
    if (parsed && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) return address;
  } else {
    if (host == "localhost") host = "127.0.0.1";
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.length = sizeof v4;
    const bool parsed = ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1;
    if (parsed && ntohl(v4.sin_addr.s_addr) >> 24U == 127) return address;
  }
  return refuse("only loopback addresses (127.0.0.1, [::1]) can be listened on; put a TLS proxy in front");
}

Result<int> open_socket(const Address& address, const std::string& text) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  // Accepted sockets inherit TCP_NODELAY: without it the end of an answer that takes several segments waits
  // for the other side's delayed acknowledgement, 40 ms.
  if (fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0 &&
      ::listen(fd, kBacklog) == 0) {
    return fd;
  }
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  const auto kind = reason == EADDRINUSE ? ErrorKind::conflict
                    : reason == EACCES   ? ErrorKind::forbidden
                                         : ErrorKind::internal;
  if (reason == EADDRINUSE) return fail(kind, "address {}: another program listens there already", text);
  return fail(kind, "address {}: {}", text, std::strerror(reason));
}

}  // namespace

std::string url_of_listener(int fd) {
  Address address;
  address.length = sizeof address.storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  char host[INET6_ADDRSTRLEN] = {};
  if (address.storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    return fmt::format("http://[{}]:{}", host, ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
  ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
  return fmt::format("http://{}:{}", host, ntohs(v4.sin_port));
}

Result<int> listen_on_loopback(const std::string& address) {
  const auto parsed = parse_address(address);
  if (!parsed) return parsed.error();
  return open_socket(*parsed, address);
}

}  // namespace watchbill::net
