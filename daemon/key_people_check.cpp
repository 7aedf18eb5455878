#include "daemon/key_people_check.hpp"

#include <string_view>

namespace watchbill::daemon {

namespace {

/// Handoffs go first after a start.
constexpr auto kFirstLook = 1min;
constexpr auto kEvery = 24h;
/// A role that was mended, or a rotation that was edited, is seen within this time.
constexpr auto kAgain = 1h;

}  // namespace

net::Task<void> KeyPeopleCheck::run() {
  co_await net::sleep_for(context_.loop, kFirstLook);
  while (true) {
    co_await look();
    // Once something is wrong, or not known, that is looked at more often than the next loss.
    const bool well = looked_ && !token_unread_ && lost_.problems.empty() && lost_.unread.empty();
    co_await net::sleep_for(context_.loop, well ? milliseconds(kEvery) : milliseconds(kAgain));
  }
}

net::Task<void> KeyPeopleCheck::look() {
  std::optional<UserId> token_user;
  if (has_user_token_) {
    auto permit = co_await context_.limiter.acquire(slack::Method::auth_test, slack::Priority::background);
    auto identity = co_await client_.user_auth_test(std::move(permit));
    token_unread_ = !identity;
    if (identity) token_user = identity->user_id;
  }
  auto lost = co_await control::lost_roles(context_, token_user, slack::Priority::background);
  if (!lost.asked) co_return;
  lost_ = std::move(lost);
  looked_ = true;
}

bool KeyPeopleCheck::unsure(const Problem& problem) const {
  const std::string_view key = problem.key;
  if (!key.starts_with("role:")) return false;
  if (!looked_ || (token_unread_ && key.starts_with("role:user_token:"))) return true;
  return lost_.unread.contains(UserId(std::string(key.substr(key.rfind(':') + 1))));
}

}  // namespace watchbill::daemon
