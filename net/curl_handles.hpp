#pragma once

#include <curl/curl.h>

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

// libcurl's handles for C++. Only for files of `net/`.

namespace watchbill::net::curl {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using EasyPtr = std::unique_ptr<CURL, FreeEasy>;
using MultiPtr = std::unique_ptr<CURLM, FreeMulti>;

/// Sets an option; a refusal is a mistake of ours and throws. Numbers must be `long` (or `curl_off_t`, as the
/// option says): libcurl reads them from variable arguments.
template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (const auto code = curl_easy_setopt(easy, option, value); code != CURLE_OK) {
    throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
  }
}

/// Overwrites memory that held a credential.
inline void wipe(char* text, std::size_t size) {
  volatile char* bytes = text;
  for (std::size_t i = 0; i < size; ++i) bytes[i] = 0;
}

/// Header lines; overwritten when they go, since one may hold a credential.
class HeaderLines {
 public:
  HeaderLines() = default;
  HeaderLines(const HeaderLines&) = delete;
  HeaderLines& operator=(const HeaderLines&) = delete;
  ~HeaderLines() {
    for (auto* line = first_; line; line = line->next) wipe(line->data, std::strlen(line->data));
    curl_slist_free_all(first_);
  }
  void add(const std::string& line) {
    auto* const longer = curl_slist_append(first_, line.c_str());
    if (!longer) throw std::bad_alloc();
    first_ = longer;
  }
  [[nodiscard]] curl_slist* get() const { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

/// libcurl's global state, from the first use to the end of the process.
inline void initialize_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
}

}  // namespace watchbill::net::curl
