#pragma once

#include "net/redact.hpp"
#include "slack/api/answer.hpp"
#include "slack/api/web_client.hpp"

namespace watchbill::slack {

/// One request to Slack.
struct Call {
  Method method;
  /// Sent as a form, in which a list is one value with commas; used unless `json` is set.
  net::Fields form{};
  /// A JSON object.
  std::string json{};
  /// Where there is no user token, the bot token does it.
  TokenKind token = TokenKind::bot;
  /// How many of the client's deadlines the answer may take.
  int deadlines = 1;
  std::size_t max_body = std::size_t{16} << 20U;
};

struct Answer {
  json::Document body;
  std::vector<std::string> scopes;  ///< of the token, from `x-oauth-scopes`
};

/// What every call of the client shares.
struct WebClient::Impl {
  Impl(net::HttpClient& the_http, RateLimiter& the_limiter, WebClientOptions the_options);

  /// Sends a call with its permit, tells the rate limiter what came of it, and counts it; what Slack does not
  /// take now is sent again (`patience`).
  net::Task<Result<Answer>> send(Permit permit, Call call);
  /// Refuses the group of the editors.
  [[nodiscard]] Result<void> may_write(const GroupId& group) const;
  /// `fields` and the workspace's id, where the method takes it (needed with a token for an organization).
  [[nodiscard]] net::Fields with_team(net::Fields fields) const;

  net::HttpClient& http;
  RateLimiter& limiter;
  WebClientOptions options;
  net::Redactor redactor;  ///< of the three tokens
  Counts counts;
  std::optional<seconds> skew;

 private:
  net::Task<Result<Answer>> send_once(Permit permit, Call call);
  [[nodiscard]] net::HttpRequest request(const Call& call, TokenKind token) const;
  [[nodiscard]] const Secret& token_of(TokenKind kind) const;
  void count(Method method, const std::string& outcome) {
    ++counts[{std::string(method_name(method)), outcome}];
  }
};

/// "a,b,c": how a form carries a list.
template <class Tag>
std::string comma_joined(const std::vector<Id<Tag>>& ids) {
  std::string out;
  for (const auto& id : ids) out += (out.empty() ? "" : ",") + id.value;
  return out;
}

}  // namespace watchbill::slack
