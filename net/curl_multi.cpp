#include "net/curl_multi.hpp"

namespace watchbill::net {

CurlMulti::CurlMulti(EventLoop& loop, OnDone on_done) : loop_(loop), on_done_(std::move(on_done)) {
  curl::initialize_once();
  multi_.reset(curl_multi_init());
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlMulti::watch_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &CurlMulti::set_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

void CurlMulti::add(CURL* easy) {
  if (const auto code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK) {
    throw std::runtime_error(std::string("libcurl: ") + curl_multi_strerror(code));
  }
}

int CurlMulti::watch_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
  auto& multi = *static_cast<CurlMulti*>(self);
  if (what == CURL_POLL_REMOVE) {
    multi.sockets_.erase(socket);
    return 0;
  }
  const auto events = static_cast<short>(((what & CURL_POLL_IN) ? EV_READ : 0) |
                                         ((what & CURL_POLL_OUT) ? EV_WRITE : 0) | EV_PERSIST);
  auto& watched = multi.sockets_[socket];
  watched.reset();
  watched.reset(event_new(multi.loop_.base(), socket, events, &CurlMulti::socket_ready, self));
  return watched && event_add(watched.get(), nullptr) == 0 ? 0 : -1;
}

int CurlMulti::set_timer(CURLM*, long after_ms, void* self) noexcept {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.timer_.reset();
  if (after_ms < 0) return 0;
  multi.timer_ = Timer{multi.loop_, multi.loop_.start_timer(milliseconds(after_ms),
                                                            [&multi] { multi.act(CURL_SOCKET_TIMEOUT, 0); })};
  return 0;
}

void CurlMulti::socket_ready(evutil_socket_t socket, short what, void* self) noexcept {
  static_cast<CurlMulti*>(self)->act(
      socket, ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0));
}

void CurlMulti::act(curl_socket_t socket, int what) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, what, &running);
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) on_done_(message->easy_handle, message->data.result);
  }
}

void curl::describe_connection(CURL* easy, const Url& url, const CurlOptions& options) {
  // Written anew from its parts, so that libcurl goes where the check looked.
  set(easy, CURLOPT_URL, (url.origin() + url.path).c_str());
  set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_NOSIGNAL, 1L);
  // Else giving up waits for a name look-up to end.
  set(easy, CURLOPT_QUICK_EXIT, 1L);
  set(easy, CURLOPT_PROTOCOLS_STR, url.scheme.c_str());
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  // What was recorded cannot be read later with the server's key: TLS 1.3 has nothing else, and 1.2 these.
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20");
  if (!options.ca_file.empty()) set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  // An empty proxy also keeps libcurl from looking into the environment.
  set(easy, CURLOPT_PROXY, url.loopback() ? "" : options.proxy.c_str());
  set(easy, CURLOPT_NOPROXY, "");
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

}  // namespace watchbill::net
