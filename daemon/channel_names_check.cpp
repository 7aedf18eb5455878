#include "daemon/channel_names_check.hpp"

#include <set>

#include "store/names.hpp"

namespace watchbill::daemon {

namespace {

/// Handoffs go first after a start.
constexpr auto kFirstNames = 70s;
constexpr auto kNamesEvery = 24h;

}  // namespace

net::Task<void> ChannelNamesCheck::run() {
  co_await net::sleep_for(context_.loop, kFirstNames);
  while (true) {
    co_await look();
    co_await net::sleep_for(context_.loop, kNamesEvery);
  }
}

net::Task<void> ChannelNamesCheck::look() {
  std::set<ChannelId> used;
  if (const auto& alerts = context_.config.slack.alert_channel) used.insert(*alerts);
  const auto list = [](store::Store& store) { return store.rotations().list(); };
  const auto rotations = co_await context_.store.run(list);
  if (!rotations) co_return;
  for (const auto& rotation : *rotations) {
    used.insert(rotation.channels.begin(), rotation.channels.end());
    if (rotation.alert_channel) used.insert(*rotation.alert_channel);
  }
  for (const auto& channel : used) {
    auto permit =
        co_await context_.limiter.acquire(slack::Method::conversations_info, slack::Priority::background);
    auto info = co_await context_.channels.channel_info(std::move(permit), channel);
    // One that Slack does not show keeps the name that it had.
    if (!info) continue;
    const auto remember = [channel, name = info->name](store::Store& store) {
      return store::remember_channel(store, channel, name);
    };
    (void)co_await context_.store.run(remember);
  }
}

}  // namespace watchbill::daemon
