#pragma once

#include <functional>
#include <unordered_map>

#include "net/curl_client.hpp"
#include "net/curl_handles.hpp"
#include "net/libevent.hpp"

namespace watchbill::net {

/// libcurl's multi handle on our loop. Only for files of `net/`.
///
/// libcurl calls us from `curl_multi_socket_action` and must not be called back from there: `on_done` runs
/// after it has returned, and may remove handles.
class CurlMulti {
 public:
  using OnDone = std::function<void(CURL*, CURLcode)>;
  CurlMulti(EventLoop& loop, OnDone on_done);
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  void set(CURLMoption option, long value) { curl_multi_setopt(multi_.get(), option, value); }
  void add(CURL* easy);
  void remove(CURL* easy) { curl_multi_remove_handle(multi_.get(), easy); }

 private:
  static int watch_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept;
  static int set_timer(CURLM*, long after_ms, void* self) noexcept;
  static void socket_ready(evutil_socket_t socket, short what, void* self) noexcept;
  void act(curl_socket_t socket, int what);

  EventLoop& loop_;
  OnDone on_done_;
  std::unordered_map<curl_socket_t, EventPtr> sockets_;
  Timer timer_;
  curl::MultiPtr multi_;  ///< last: it takes its sockets back when it goes
};

namespace curl {

/// Where to, and how safely: HTTP/1.1, certificates verified, no redirects, the proxy for all but loopback.
void describe_connection(CURL* easy, const Url& url, const CurlOptions& options);

}  // namespace curl

}  // namespace watchbill::net
