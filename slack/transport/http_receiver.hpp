#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/secret.hpp"
#include "net/http_server.hpp"
#include "slack/transport/dispatcher.hpp"
#include "slack/transport/transport.hpp"

namespace watchbill::slack {

/// Slack's HTTP request URLs: POST to /slack/events, /slack/interactions, /slack/commands or /slack/options.
/// What a request is follows from its body alone, so all four take everything. Requests without Slack's
/// signature get 401, everything else under /slack/ 404, both without a word. Nothing of a body is decoded
/// before its signature was checked.
///
/// What `dispatcher` remembers begins with this: a request that was signed before may have been handled by
/// another before us, and gets 503. Slack sends events again, signed anew; a person presses again.
class HttpReceiver {
 public:
  /// Slack's clock minus ours, if it is known.
  using ClockSkew = std::function<std::optional<seconds>()>;

  HttpReceiver(net::Loop& loop, Dispatcher& dispatcher, Secret signing_secret, ClockSkew skew = {});

  /// Is it one of our paths, and POST? Only such a request has a body for us.
  static bool takes(const net::ServerRequest& request);

  net::Task<net::ServerResponse> answer(net::ServerRequest request);

  [[nodiscard]] TransportState state() const;
  /// Requests with and without a good signature, since the start.
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  /// When it was signed; nothing if it was not, or not by Slack.
  std::optional<Instant> signed_by_slack(const net::ServerRequest& request);
  [[nodiscard]] bool may_be_repeated(Instant signed_at) const;

  net::Loop& loop_;
  Dispatcher& dispatcher_;
  Secret signing_secret_;
  ClockSkew skew_;
  Instant started_;
  bool early_told_ = false;
  std::optional<Instant> first_accepted_;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  bool told_refusal_ = false;
};

/// The largest request that is taken: a view of 250 KB and its state, percent-encoded. docs/proxy.md has the
/// same limit.
inline constexpr std::size_t kMaxSlackRequest = std::size_t{1} << 20U;

}  // namespace watchbill::slack
