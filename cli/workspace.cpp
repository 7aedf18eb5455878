#include "cli/workspace.hpp"

#include <algorithm>
#include <set>

#include "core/text.hpp"

namespace watchbill::cli {

namespace {

constexpr int kMostPages = 500;
constexpr auto kPriority = slack::Priority::edit;

net::Task<Result<std::vector<slack::UserGroup>>> read_groups(SlackDesk& desk) {
  auto permit = co_await desk.gate.acquire(slack::Method::usergroups_list, kPriority);
  co_return co_await desk.web.list_groups(std::move(permit));
}

net::Task<Result<std::vector<slack::Channel>>> read_channels(SlackDesk& desk) {
  std::vector<slack::Channel> channels;
  std::string cursor;
  for (int page = 0; page < kMostPages; ++page) {
    auto permit = co_await desk.gate.acquire(slack::Method::conversations_list, kPriority);
    auto read = co_await desk.web.list_channels(std::move(permit), cursor);
    if (!read) co_return read.error();
    std::move(read->channels.begin(), read->channels.end(), std::back_inserter(channels));
    cursor = read->next_cursor;
    if (cursor.empty()) break;
  }
  co_return channels;
}

net::Task<Result<slack::Channel>> read_channel(SlackDesk& desk, ChannelId id) {
  auto permit = co_await desk.gate.acquire(slack::Method::conversations_info, kPriority);
  co_return co_await desk.web.channel_info(std::move(permit), std::move(id));
}

net::Task<Result<slack::User>> read_user(SlackDesk& desk, UserId id) {
  auto permit = co_await desk.gate.acquire(slack::Method::users_info, kPriority);
  co_return co_await desk.web.user_info(std::move(permit), std::move(id));
}

net::Task<Result<slack::User>> look_up(SlackDesk& desk, std::string email) {
  auto permit = co_await desk.gate.acquire(slack::Method::users_lookup_by_email, kPriority);
  co_return co_await desk.web.lookup_by_email(std::move(permit), std::move(email));
}

std::vector<std::string> existing_ids(const std::vector<providers::ScheduleInfo>& schedules) {
  std::vector<std::string> ids;
  ids.reserve(schedules.size());
  for (const auto& schedule : schedules) ids.push_back(schedule.id);
  return ids;
}

Error no_schedule(const ScheduleRef& ref, const std::vector<std::string>& ids) {
  std::vector<std::string_view> known(ids.begin(), ids.end());
  const auto near = closest(ref.id, known);
  return fail(ErrorKind::not_found,
              "schedule {}: connection {} has no such schedule{}; `watchbill schedule "
              "list --connection {}` shows what there is",
              ref, ref.connection,
              near.empty() ? "" : fmt::format("; did you mean {}/{}?", ref.connection, near), ref.connection);
}

}  // namespace

Result<const std::vector<slack::UserGroup>*> Workspace::groups() {
  if (!groups_) {
    auto desk = session_.slack();
    if (!desk) return desk.error();
    auto read = session_.run(read_groups(**desk));
    if (!read) return read.error().in("Slack's user groups");
    groups_ = *std::move(read);
  }
  return &*groups_;
}

Result<const slack::UserGroup*> Workspace::find_group(const GroupId& id, const std::string& handle) {
  auto all = groups();
  if (!all) return all.error();
  for (const auto& group : **all) {
    if (id.empty() ? group.handle == handle : group.id == id) return &group;
  }
  return static_cast<const slack::UserGroup*>(nullptr);
}

Result<const std::vector<slack::Channel>*> Workspace::channels() {
  if (!channels_) {
    auto desk = session_.slack();
    if (!desk) return desk.error();
    auto read = session_.run(read_channels(**desk));
    if (!read) return read.error().in("Slack's channels");
    channels_ = *std::move(read);
  }
  return &*channels_;
}

Result<slack::Channel> Workspace::channel(const std::string& text) {
  slack::Channel found;
  if (text.starts_with('#')) {
    auto all = channels();
    if (!all) return all.error();
    const auto name = text.substr(1);
    const auto same = [&](const slack::Channel& channel) { return channel.name == name; };
    const auto it = std::find_if((*all)->begin(), (*all)->end(), same);
    if (it == (*all)->end()) {
      return fail(ErrorKind::not_found,
                  "channel {}: Slack shows no such channel; check the name, and if it is private, invite the "
                  "bot into it first (`/invite`)",
                  text);
    }
    found = *it;
  } else {
    auto desk = session_.slack();
    if (!desk) return desk.error();
    auto read = session_.run(read_channel(**desk, ChannelId(text)));
    if (!read && read.error().code == "channel_not_found") {
      return fail(ErrorKind::not_found,
                  "channel {}: Slack knows no such channel, or it is private and the bot is not in it; write "
                  "#name or C…, and invite the bot into private channels (`/invite`)",
                  text);
    }
    if (!read) return read.error().in("channel {}", text);
    found = *std::move(read);
  }
  if (found.archived) {
    return fail(ErrorKind::invalid, "channel #{} is archived: unarchive it in Slack, or choose another",
                found.name);
  }
  return found;
}

Result<slack::User> Workspace::person(const std::string& text) {
  if (const auto known = people_.find(text); known != people_.end()) return known->second;
  auto desk = session_.slack();
  if (!desk) return desk.error();
  const bool address = text.find('@') != std::string::npos;
  auto read = session_.run(address ? look_up(**desk, text) : read_user(**desk, UserId(text)));
  if (!read && read.error().kind == ErrorKind::not_found) {
    return fail(ErrorKind::not_found,
                "person {}: Slack knows no active {}; give a Slack user's id (U…) or "
                "e-mail address",
                text, address ? "account of that address" : "user of that id");
  }
  if (!read) return read.error().in("person {}", text);
  if (!read->assignable()) {
    const auto why = read->deleted ? "is deactivated" : read->bot ? "is a bot" : "is a guest";
    return fail(ErrorKind::invalid, "person {} ({}) {}, and Slack takes no such people into groups", text,
                read->name, why);
  }
  return people_.insert_or_assign(text, *std::move(read)).first->second;
}

std::string Workspace::name_of(const UserId& user) {
  const auto known = people_.find(user.value);
  if (known != people_.end()) return fmt::format("{} ({})", known->second.name, user);
  auto desk = session_.slack();
  if (!desk) return user.value;
  auto read = session_.run(read_user(**desk, user));
  if (!read) return user.value;
  auto name = fmt::format("{} ({})", read->name, user);
  if (read->assignable()) people_.insert_or_assign(user.value, *std::move(read));
  return name;
}

std::string Workspace::name_of(const ChannelId& channel) {
  auto desk = session_.slack();
  if (!desk) return channel.value;
  auto read = session_.run(read_channel(**desk, channel));
  return read ? fmt::format("#{} ({})", read->name, channel) : channel.value;
}

namespace {

Result<void> resolve_people(Workspace& workspace, std::vector<UserId>& people) {
  for (auto& person : people) {
    auto found = workspace.person(person.value);
    if (!found) return found.error();
    person = found->id;
  }
  return {};
}

Result<void> resolve_channel(Workspace& workspace, ChannelId& channel) {
  auto found = workspace.channel(channel.value);
  if (!found) return found.error();
  if (!found->member) {
    warn(workspace.session().io(),
         fmt::format("the bot is not in {} channel #{}: invite it with `/invite` there{}",
                     found->is_private ? "the private" : "the", found->name,
                     found->is_private ? ""
                                       : ", or Slack may refuse announcements, and after a crash they may be "
                                         "repeated"));
  }
  channel = found->id;
  return {};
}

}  // namespace

Result<void> resolve_names(Workspace& workspace, Rotation& rotation) {
  for (auto& channel : rotation.channels) {
    if (auto done = resolve_channel(workspace, channel); !done) return done;
  }
  if (rotation.alert_channel) {
    if (auto done = resolve_channel(workspace, *rotation.alert_channel); !done) return done;
  }
  if (auto done = resolve_people(workspace, rotation.permanent_members); !done) return done;
  if (auto done = resolve_people(workspace, rotation.fallback_members); !done) return done;
  for (auto& owner : rotation.owners) {
    if (owner.find('@') == std::string::npos) continue;
    auto found = workspace.person(owner);
    if (!found) return found.error();
    owner = found->id.value;
  }
  return {};
}

Result<void> check_schedules(Session& session, const std::vector<Rotation>& rotations, bool verify) {
  std::map<std::string, std::set<ScheduleRef>> wanted;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) wanted[schedule.ref.connection].insert(schedule.ref);
  }
  auto store = session.store();
  if (!store) return store.error();
  for (const auto& [name, refs] : wanted) {
    auto connection = (*store)->connections().get(name);
    if (!connection) return connection.error().in("schedule {}", *refs.begin());
    if (!verify) continue;
    auto open = open_provider(session, *std::move(connection), true);
    if (!open) return open.error();
    auto listed = session.run((*open)->provider->list_schedules());
    if (!listed) {
      return listed.error().in("the schedules of connection {} cannot be checked (--no-verify skips that)",
                               name);
    }
    const auto ids = existing_ids(*listed);
    for (const auto& ref : refs) {
      if (std::find(ids.begin(), ids.end(), ref.id) == ids.end()) return no_schedule(ref, ids);
    }
  }
  return {};
}

}  // namespace watchbill::cli
