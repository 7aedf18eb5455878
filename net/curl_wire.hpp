#pragma once

#include <functional>
#include <string_view>

#include "net/curl_multi.hpp"

namespace watchbill::net {

/// A stream of bytes to a server that libcurl has connected to (proxy, TLS and certificates as in
/// `CurlClient`), for protocols that libcurl does not speak. Only for files of `net/`.
///
/// Rules of libcurl that this rests on (7.88, Debian 12): the easy handle stays in its multi for as long as
/// the connection lives, and the multi is its own: beside other transfers libcurl would take the connection
/// for an idle one and close it.
class CurlWire {
 public:
  struct Callbacks {
    std::function<void(Result<void>)> on_connected;  ///< once
    std::function<void()> on_ready;                  ///< there may be something to read or room to write
  };
  /// Begins to connect; the callbacks come in later turns of the loop.
  CurlWire(EventLoop& loop, const CurlOptions& options, const Url& url, Callbacks callbacks);
  CurlWire(const CurlWire&) = delete;
  CurlWire& operator=(const CurlWire&) = delete;
  /// Drops the connection.
  ~CurlWire();

  /// The bytes that were read; 0 if there are none now. TLS may hold more than the socket shows: read until
  /// there are none. The other side's end is an error (`unreachable`) too.
  Result<std::size_t> read(char* into, std::size_t size);
  /// How many bytes were taken; 0 if there is no room now.
  Result<std::size_t> write(std::string_view bytes);
  /// What `on_ready` is called for.
  void watch(bool reading, bool writing);

 private:
  void connected(CURLcode code);
  [[nodiscard]] Error lost(CURLcode code) const;

  EventLoop& loop_;
  Callbacks callbacks_;
  char error_text_[CURL_ERROR_SIZE] = {};
  curl_socket_t socket_ = CURL_SOCKET_BAD;
  short watched_ = 0;
  curl::EasyPtr easy_;
  CurlMulti multi_;
  EventPtr event_;
  Timer wake_;
};

}  // namespace watchbill::net
