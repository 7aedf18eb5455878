#include "cli/setup/slack.hpp"

namespace watchbill::cli {

namespace {

net::Task<Result<slack::Identity>> ask_identity(slack::RateLimiter& limiter, slack::WebClient& web) {
  auto permit = co_await limiter.acquire(slack::Method::auth_test, slack::Priority::edit);
  co_return co_await web.auth_test(std::move(permit));
}

net::Task<Result<std::string>> ask_connection(slack::RateLimiter& limiter, slack::WebClient& web) {
  auto permit = co_await limiter.acquire(slack::Method::apps_connections_open, slack::Priority::edit);
  co_return co_await web.open_connection(std::move(permit));
}

net::Task<Result<slack::Channel>> find_channel(slack::RateLimiter& limiter, slack::WebClient& web,
                                               std::string wanted) {
  const auto name = wanted.substr(wanted.starts_with('#') ? 1 : 0);
  std::string cursor;
  do {
    auto permit = co_await limiter.acquire(slack::Method::conversations_list, slack::Priority::edit);
    auto page = co_await web.list_channels(std::move(permit), cursor);
    if (!page) co_return page.error();
    for (auto& channel : page->channels) {
      if (channel.name == name || channel.id.value == wanted) co_return std::move(channel);
    }
    cursor = page->next_cursor;
  } while (!cursor.empty());
  co_return fail(ErrorKind::not_found,
                 "Slack shows no channel {}: check the name; if it is private, invite the bot into it first",
                 wanted);
}

}  // namespace

Result<slack::WebClient*> SlackTrial::client(const Secret& bot, const Secret& app) {
  auto http = session_.http();
  if (!http) return http.error();
  web_.reset();
  limiter_ = std::make_unique<slack::RateLimiter>(session_.loop(), slack_.rate_scale);
  slack::WebClientOptions options;
  options.api_url = slack_.api_url;
  options.bot_token = bot;
  options.app_token = app;
  web_ = std::make_unique<slack::WebClient>(**http, *limiter_, std::move(options));
  return web_.get();
}

Result<std::string> SlackTrial::try_bot(const Secret& token) {
  if (auto good = config::check_secret_text(token.reveal(), config::SecretKind::bot_token); !good)
    return Error{ErrorKind::invalid, "this " + good.error().message};
  auto web = client(token, {});
  if (!web) return web.error();
  auto identity = session_.run(ask_identity(*limiter_, **web));
  if (!identity) return identity.error();
  bot_ = token;
  return fmt::format("workspace {} as {}", identity->team, identity->user);
}

Result<std::string> SlackTrial::try_app(const Secret& token) {
  if (auto good = config::check_secret_text(token.reveal(), config::SecretKind::app_token); !good)
    return Error{ErrorKind::invalid, "this " + good.error().message};
  auto web = client(bot_, token);
  if (!web) return web.error();
  auto address = session_.run(ask_connection(*limiter_, **web));
  if (!address) return address.error();
  return std::string("Slack lets the app connect");
}

Result<slack::Channel> SlackTrial::channel(const std::string& wanted) {
  auto web = client(bot_, {});
  if (!web) return web.error();
  return session_.run(find_channel(*limiter_, **web, wanted));
}

}  // namespace watchbill::cli
