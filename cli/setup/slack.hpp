#pragma once

#include <memory>
#include <string>

#include "cli/session.hpp"
#include "slack/api/web_client.hpp"

namespace watchbill::cli {

/// Asks Slack with tokens that are not kept yet. Errors are for the person: wrong kind of token, Slack's
/// refusal.
class SlackTrial {
 public:
  SlackTrial(Session& session, const config::Slack& slack) : session_(session), slack_(slack) {}
  /// "workspace acme as watchbill"; a good token is used for what follows.
  Result<std::string> try_bot(const Secret& token);
  Result<std::string> try_app(const Secret& token);
  /// By "#name" or id.
  Result<slack::Channel> channel(const std::string& wanted);

 private:
  Result<slack::WebClient*> client(const Secret& bot, const Secret& app);

  Session& session_;
  const config::Slack& slack_;
  Secret bot_;
  std::unique_ptr<slack::RateLimiter> limiter_;
  std::unique_ptr<slack::WebClient> web_;
};

}  // namespace watchbill::cli
