#include "control/workspace.hpp"

#include <algorithm>

#include "control/overview.hpp"
#include "store/names.hpp"

namespace watchbill::control {

namespace {

constexpr int kMostPages = 500;
/// People whom the store does not know are named up to here (users.info: 100 a minute), the others are ids.
constexpr int kMostNamesAsked = 50;
constexpr auto kPriority = slack::Priority::edit;

net::Task<Result<slack::Channel>> read_channel(Context& context, ChannelId id) {
  auto permit = co_await context.limiter.acquire(slack::Method::conversations_info, kPriority);
  co_return co_await context.channels.channel_info(std::move(permit), std::move(id));
}

net::Task<Result<slack::User>> look_up_address(Context& context, std::string email) {
  auto permit = co_await context.limiter.acquire(slack::Method::users_lookup_by_email, kPriority);
  co_return co_await context.people.lookup_by_email(std::move(permit), std::move(email));
}

}  // namespace

net::Task<Result<slack::User>> read_user(Context& context, UserId user, slack::Priority priority) {
  auto permit = co_await context.limiter.acquire(slack::Method::users_info, priority);
  co_return co_await context.people.user_info(std::move(permit), std::move(user));
}

net::Task<Result<std::vector<slack::UserGroup>>> read_groups(Context& context, slack::Priority priority) {
  if (context.no_slack) co_return *context.no_slack;
  auto permit = co_await context.limiter.acquire(slack::Method::usergroups_list, priority);
  auto read = co_await context.groups.list_groups(std::move(permit));
  if (!read) co_return read.error().in("Slack's user groups");
  co_return read;
}

net::Task<Result<std::vector<slack::Channel>>> read_channels(Context& context, slack::Priority priority) {
  if (context.no_slack) co_return *context.no_slack;
  std::vector<slack::Channel> channels;
  std::string cursor;
  for (int page = 0; page < kMostPages; ++page) {
    auto permit = co_await context.limiter.acquire(slack::Method::conversations_list, priority);
    auto read = co_await context.channels.list_channels(std::move(permit), cursor);
    if (!read) co_return read.error().in("Slack's channels");
    std::move(read->channels.begin(), read->channels.end(), std::back_inserter(channels));
    cursor = read->next_cursor;
    if (cursor.empty()) break;
  }
  co_return channels;
}

net::Task<Result<const std::vector<slack::UserGroup>*>> Workspace::groups() {
  if (!groups_) {
    auto read = co_await read_groups(context_, kPriority);
    if (!read) co_return read.error();
    groups_ = *std::move(read);
  }
  co_return &*groups_;
}

net::Task<Result<const slack::UserGroup*>> Workspace::find_group(GroupId id, std::string handle) {
  auto all = co_await groups();
  if (!all) co_return all.error();
  const auto wanted = fold_name(handle);
  for (const auto& group : **all) {
    if (id.empty() ? fold_name(group.handle) == wanted : group.id == id) co_return &group;
  }
  co_return static_cast<const slack::UserGroup*>(nullptr);
}

net::Task<Result<const std::vector<slack::Channel>*>> Workspace::channels() {
  if (!channels_) {
    auto read = co_await read_channels(context_, kPriority);
    if (!read) co_return read.error();
    channels_ = *std::move(read);
  }
  co_return &*channels_;
}

void Workspace::remember(const ChannelId& channel, const std::string& name) {
  // A name that cannot be kept stays an id where it is shown.
  context_.store.post(
      [channel, name](store::Store& store) { return store::remember_channel(store, channel, name); });
}

net::Task<Result<slack::Channel>> Workspace::channel_named(std::string name) {
  auto all = co_await channels();
  if (!all) co_return all.error();
  for (const auto& channel : **all) {
    if (channel.name != name) continue;
    remember(channel.id, channel.name);
    co_return channel;
  }
  co_return fail(ErrorKind::not_found,
                 "channel #{}: Slack shows no such channel; check the name, and if it is private, invite the "
                 "bot into it first (`/invite`)",
                 name);
}

net::Task<Result<slack::Channel>> Workspace::channel_of(ChannelId id) {
  if (const auto known = channels_asked_.find(id); known != channels_asked_.end()) co_return known->second;
  if (context_.no_slack) co_return *context_.no_slack;
  auto read = co_await read_channel(context_, id);
  if (!read && read.error().code == "channel_not_found") {
    co_return fail(
        ErrorKind::not_found,
        "channel {}: Slack knows no such channel, or it is private and the bot is not in it; write "
        "#name or C…, and invite the bot into private channels (`/invite`)",
        id);
  }
  if (!read) co_return read.error().in("channel {}", id);
  remember(id, read->name);
  co_return channels_asked_.insert_or_assign(id, *std::move(read)).first->second;
}

net::Task<Result<slack::Channel>> Workspace::channel(std::string text) {
  // Slack's ids are capitals and digits, its channels' names have no capitals.
  const bool named = text.starts_with('#') || fold_name(text) == text;
  const auto name = text.substr(text.starts_with('#') ? 1 : 0);
  auto asked = named ? channel_named(name) : channel_of(ChannelId(text));
  auto found = co_await std::move(asked);
  if (found && found->archived) {
    co_return fail(ErrorKind::invalid, "channel #{} is archived: unarchive it in Slack, or choose another",
                   found->name);
  }
  co_return found;
}

net::Task<Result<slack::User>> Workspace::person(std::string text) {
  if (const auto known = people_.find(text); known != people_.end()) co_return known->second;
  if (context_.no_slack) co_return *context_.no_slack;
  const bool address = text.find('@') != std::string::npos;
  auto asked = address ? look_up_address(context_, text) : read_user(context_, UserId(text), kPriority);
  auto read = co_await std::move(asked);
  if (!read && read.error().kind == ErrorKind::not_found) {
    co_return fail(ErrorKind::not_found,
                   "person {}: Slack knows no active {}; give a Slack user's id (U…) or "
                   "e-mail address",
                   text, address ? "account of that address" : "user of that id");
  }
  if (!read) co_return read.error().in("person {}", text);
  if (!read->assignable()) {
    const auto why = read->deleted ? "is deactivated" : read->bot ? "is a bot" : "is a guest";
    co_return fail(ErrorKind::invalid, "person {} ({}) {}, and Slack takes no such people into groups", text,
                   read->name, why);
  }
  co_return people_.insert_or_assign(text, *std::move(read)).first->second;
}

net::Task<std::string> Workspace::name_of(UserId user) {
  if (const auto known = people_.find(user.value); known != people_.end())
    co_return fmt::format("{} ({})", known->second.name, user);
  if (!stored_names_) {
    // Without them a few are asked for, and the others stay ids.
    auto known = co_await context_.store.run(known_names);
    if (!stored_names_) stored_names_ = std::move(known);
  }
  if (const auto stored = stored_names_->find(user); stored != stored_names_->end())
    co_return fmt::format("{} ({})", stored->second, user);
  if (context_.no_slack || names_asked_ == kMostNamesAsked) co_return user.value;
  ++names_asked_;
  auto read = co_await read_user(context_, user, kPriority);
  if (!read) co_return user.value;
  auto name = fmt::format("{} ({})", read->name, user);
  if (read->assignable()) people_.insert_or_assign(user.value, *std::move(read));
  co_return name;
}

net::Task<std::string> Workspace::name_of(ChannelId channel) {
  auto read = co_await channel_of(channel);
  co_return read ? fmt::format("#{} ({})", read->name, channel) : channel.value;
}

}  // namespace watchbill::control
