#include "daemon/role_watch.hpp"

#include "manage/roles.hpp"

namespace watchbill::daemon {

namespace {

/// Handoffs go first after a start.
constexpr auto kFirstLook = 1min;
constexpr auto kEvery = 24h;
/// A role that was mended, or a rotation that was edited, is seen within this time.
constexpr auto kAgain = 1h;

}  // namespace

net::Task<void> RoleWatch::run() {
  co_await net::sleep_for(desk_.loop, kFirstLook);
  while (true) {
    co_await look();
    // Once something is wrong, its mending is looked for more often than the next loss.
    co_await net::sleep_for(desk_.loop, problems_.empty() ? milliseconds(kEvery) : milliseconds(kAgain));
  }
}

net::Task<void> RoleWatch::look() {
  std::optional<UserId> token_user;
  if (has_user_token_) {
    auto permit = co_await desk_.gate.acquire(slack::Method::auth_test, slack::Priority::background);
    auto identity = co_await client_.user_auth_test(std::move(permit));
    if (identity) token_user = identity->user_id;
  }
  problems_ = co_await manage::lost_roles(desk_, token_user, slack::Priority::background);
}

}  // namespace watchbill::daemon
