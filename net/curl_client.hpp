#pragma once

#include <memory>
#include <string>

#include "net/event_loop.hpp"
#include "net/http.hpp"

namespace watchbill::net {

struct CurlOptions {
  /// "http://proxy:3128"; empty for none. Never used for loopback addresses.
  std::string proxy{};
  /// PEM file that replaces the system's certificates; empty for the system's.
  std::string ca_file{};
  std::string user_agent = "watchbill";
};

/// `HttpClient` on libcurl's multi interface. Connections are reused; at most 32 to one host.
class CurlClient final : public HttpClient {
 public:
  CurlClient(EventLoop& loop, CurlOptions options);
  ~CurlClient() override;
  Task<Result<HttpResponse>> send(HttpRequest request) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::net
