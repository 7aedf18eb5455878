#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/secret.hpp"
#include "net/http_server.hpp"
#include "slack/dispatcher.hpp"
#include "slack/transport.hpp"

namespace watchbill::slack {

/// Slack's HTTP request URLs: POST to /slack/events, /slack/interactions, /slack/commands or /slack/options.
/// What a request is follows from its body alone, so all four take everything. Requests without Slack's
/// signature get 401, everything else under /slack/ 404, both without a word.
class HttpReceiver {
 public:
  HttpReceiver(net::Loop& loop, Dispatcher& dispatcher, Secret signing_secret);

  net::Task<net::ServerResponse> answer(net::ServerRequest request);

  [[nodiscard]] TransportState state() const;
  /// Requests with and without a good signature, since the start.
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  [[nodiscard]] bool is_slacks(const net::ServerRequest& request);

  net::Loop& loop_;
  Dispatcher& dispatcher_;
  Secret signing_secret_;
  Instant started_;
  std::optional<Instant> first_accepted_;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  bool told_refusal_ = false;
};

/// The largest request that Slack may send: a view of 250 KB and its state, percent-encoded.
inline constexpr std::size_t kMaxSlackRequest = std::size_t{4} << 20U;

}  // namespace watchbill::slack
