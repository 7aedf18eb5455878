#include "sandbox/slack/change_events.hpp"

#include <algorithm>

#include "sandbox/slack/call.hpp"

namespace watchbill::sandbox {
namespace {

/// Members of a group in `subteam_updated` are cut at so many
/// (docs.slack.dev/reference/events/subteam_updated).
constexpr std::size_t kMembersTold = 500;

Group::Past as_it_is(const Group& group) {
  return {{}, group.users, group.disabled_at, group.updated_by};
}

/// Those of `some` who are not among `others`.
std::vector<std::string> without(const std::vector<std::string>& some,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> left;
  for (const auto& user : some) {
    if (std::find(others.begin(), others.end(), user) == others.end()) left.push_back(user);
  }
  return left;
}

}  // namespace

AppNews::AppNews(Desk& desk) : desk_(desk) {
  tasks_.spawn(follow(*this));
}

net::Task<void> AppNews::follow(AppNews& self) {
  for (;;) {
    co_await self.desk_.changed.wait();
    self.tell_what_changed();
  }
}

bool AppNews::subscribed(std::string_view type) const {
  const auto& events = desk_.world.app.settings.events;
  return std::find(events.begin(), events.end(), type) != events.end();
}

void AppNews::tell_what_changed() {
  const bool wanted = !desk_.world.app.settings.events.empty();
  if (!wanted || !following_ || epoch_ != desk_.epoch) {
    people_.clear();
    groups_.clear();
    changes_.clear();
    following_ = wanted;
    epoch_ = desk_.epoch;
    if (wanted) take_over();
    return;
  }
  tell_people();
  tell_groups();
}

void AppNews::take_over() {
  for (const auto& user : desk_.world.users) people_.emplace(user.id, user);
  for (const auto& group : desk_.world.groups) {
    groups_.emplace(group.id, as_it_is(group));
    changes_.emplace(group.id, group.changes);
  }
}

template <class Fill>
void AppNews::tell(std::string_view type, Fill fill) {
  if (!subscribed(type)) return;
  json::Writer w;
  w.begin_object().field("type", type);
  fill(w);
  const auto number = desk_.world.next_number++;
  w.field("event_ts", fmt::format("{}.{:06}", unix_seconds(desk_.now()), number % 1000000)).end_object();
  desk_.link.tell(w.take(), fmt::format("Ev{:010X}", number * 0x9e3779b9U));
}

void AppNews::tell_people() {
  const auto& world = desk_.world;
  const auto token = std::find_if(world.tokens.begin(), world.tokens.end(),
                                  [](const SlackToken& one) { return one.kind == "bot"; });
  const bool emails = token != world.tokens.end() && token->scopes.contains("users:read.email");
  for (const auto& user : world.users) {
    const auto [known, joined] = people_.try_emplace(user.id, user);
    if (!joined && known->second == user) continue;
    known->second = user;
    tell(joined ? "team_join" : "user_change", [&](json::Writer& w) {
      w.key("user");
      write_user(w, world, user, emails);
      w.field("cache_ts", unix_seconds(desk_.now()));
    });
  }
}

void AppNews::tell_groups() {
  for (const auto& group : desk_.world.groups) {
    const auto [changes, created] = changes_.try_emplace(group.id, group.changes);
    if (created) {
      tell("subteam_created", [&](json::Writer& w) {
        w.key("subteam");
        write_group(w, desk_.world, group, true, group.users.size());
      });
    } else if (changes->second != group.changes) {
      changes->second = group.changes;
      tell_group(group, groups_.at(group.id));
    }
    groups_.insert_or_assign(group.id, as_it_is(group));
  }
}

void AppNews::tell_group(const Group& group, const Group::Past& before) {
  tell("subteam_updated", [&](json::Writer& w) {
    auto shown = group;
    const auto count = shown.users.size();
    shown.users.resize(std::min(count, kMembersTold));
    w.key("subteam");
    write_group(w, desk_.world, shown, true, count);
  });
  const auto added = without(group.users, before.users);
  const auto removed = without(before.users, group.users);
  if (added.empty() && removed.empty()) return;
  tell("subteam_members_changed", [&](json::Writer& w) {
    w.field("subteam_id", group.id).field("team_id", desk_.world.slack.team_id);
    w.field("date_update", group.updated).field("added_users", added);
    // The page's example has counts as text, the SDKs' types have numbers.
    w.field("added_users_count", std::to_string(added.size())).field("removed_users", removed);
    w.field("removed_users_count", std::to_string(removed.size()));
  });
}

}  // namespace watchbill::sandbox
