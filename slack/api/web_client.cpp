#include "slack/api/web_client.hpp"

#include "slack/api/call.hpp"

namespace watchbill::slack {

WebClient::WebClient(net::HttpClient& http, RateLimiter& limiter, WebClientOptions options)
    : impl_(std::make_shared<Impl>(http, limiter, std::move(options))) {}

const WebClient::Counts& WebClient::counts() const {
  return impl_->counts;
}

void WebClient::set_patience(seconds patience) {
  impl_->options.patience = patience;
}

std::optional<seconds> WebClient::clock_skew() const {
  return impl_->skew;
}

}  // namespace watchbill::slack
