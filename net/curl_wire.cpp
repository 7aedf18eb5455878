#include "net/curl_wire.hpp"

namespace watchbill::net {

CurlWire::CurlWire(EventLoop& loop, const CurlOptions& options, const Url& url, Callbacks callbacks)
    : loop_(loop),
      callbacks_(std::move(callbacks)),
      multi_(loop, [this](CURL*, CURLcode code) { connected(code); }) {
  easy_.reset(curl_easy_init());
  if (!easy_) throw std::bad_alloc();
  curl::describe_connection(easy_.get(), url, options);
  curl::set(easy_.get(), CURLOPT_CONNECT_ONLY, 1L);
  curl::set(easy_.get(), CURLOPT_ERRORBUFFER, error_text_);
  multi_.add(easy_.get());
}

CurlWire::~CurlWire() {
  event_.reset();
  multi_.remove(easy_.get());
}

Error CurlWire::lost(CURLcode code) const {
  return fail(ErrorKind::unreachable, "{}", *error_text_ ? error_text_ : curl_easy_strerror(code));
}

void CurlWire::connected(CURLcode code) {
  if (code == CURLE_OK) curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket_);
  const bool good = code == CURLE_OK && socket_ != CURL_SOCKET_BAD;
  // In a turn of its own: whoever is told may give this up, from within which we are called.
  wake_ = Timer{loop_, loop_.start_timer(0ms, [this, result = good ? Result<void>{} : lost(code)] {
                  callbacks_.on_connected(result);
                })};
}

Result<std::size_t> CurlWire::read(char* into, std::size_t size) {
  std::size_t got = 0;
  const auto code = curl_easy_recv(easy_.get(), into, size, &got);
  if (code == CURLE_AGAIN) return std::size_t{0};
  if (code != CURLE_OK) return lost(code);
  if (got == 0) return fail(ErrorKind::unreachable, "the other side closed the connection");
  return got;
}

Result<std::size_t> CurlWire::write(std::string_view bytes) {
  std::size_t sent = 0;
  const auto code = curl_easy_send(easy_.get(), bytes.data(), bytes.size(), &sent);
  if (code == CURLE_AGAIN) return std::size_t{0};
  if (code != CURLE_OK) return lost(code);
  return sent;
}

void CurlWire::watch(bool reading, bool writing) {
  const auto wanted = static_cast<short>((reading ? EV_READ : 0) | (writing ? EV_WRITE : 0));
  if (wanted == watched_) return;
  watched_ = wanted;
  event_.reset();
  if (wanted == 0) return;
  const auto ready = [](evutil_socket_t, short, void* self) noexcept {
    static_cast<CurlWire*>(self)->callbacks_.on_ready();
  };
  event_.reset(event_new(loop_.base(), socket_, static_cast<short>(wanted | EV_PERSIST), ready, this));
  if (!event_ || event_add(event_.get(), nullptr) != 0) throw std::bad_alloc();
}

}  // namespace watchbill::net
