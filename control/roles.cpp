#include "control/roles.hpp"

#include <map>

#include "control/workspace.hpp"

namespace watchbill::control {

namespace {

constexpr const char* kTokenAdmin = "token_admin";
constexpr std::string_view kTokenKey = "user_token";

void add_people(const Rotation& rotation, std::vector<Dependence>& all) {
  const auto flag = [&](std::string_view option) {
    return rotation.managed_by.starts_with("file:")
               ? fmt::format("name somebody else in {}", rotation.managed_by.substr(5))
               : fmt::format("name somebody else (`watchbill rotation edit \"{}\" --{} …`)", rotation.name,
                             option);
  };
  for (const auto& user : rotation.fallback_members) {
    all.push_back({user, fmt::format("a fallback member of rotation \"{}\"", rotation.name), flag("fallback"),
                   fmt::format("fallback:{}", rotation.id.value), rotation.id, true});
  }
  for (const auto& owner : rotation.owners) {
    if (owner.starts_with('S')) continue;
    all.push_back({UserId(owner), fmt::format("an owner of rotation \"{}\"", rotation.name), flag("owner"),
                   fmt::format("owner:{}", rotation.id.value), rotation.id});
  }
}

/// Why this person cannot be that; empty if he can.
std::string lost(const slack::User& user, const Dependence& role) {
  if (user.deleted) return "is deactivated in Slack";
  if (user.guest) return "is a guest in Slack";
  if (user.bot && role.in_group) return "is a bot";
  return {};
}

/// The token's owner was an admin, and is none any more.
bool lost_admin(store::Store& store, const slack::User& user) {
  if (user.admin) {
    // Remembered so that the loss can be seen; if that fails, it is remembered tomorrow.
    (void)store.set_meta(kTokenAdmin, user.id.value);
    return false;
  }
  auto was = store.meta(kTokenAdmin);
  return was && *was == user.id.value;
}

}  // namespace

std::vector<Dependence> dependences(const config::Config& config, const std::vector<Rotation>& rotations,
                                    const std::optional<UserId>& token_user) {
  std::vector<Dependence> all;
  if (token_user) {
    all.push_back({*token_user, "the owner of the user token that groups are written with",
                   "put the token of somebody who may edit user groups into slack.user_token_file",
                   std::string(kTokenKey)});
  }
  for (const auto& user : config.slack.editors.users) {
    all.push_back(
        {user, "an editor", "take the person out of slack.editors.users, or name another", "editor"});
  }
  for (const auto& rotation : rotations) add_people(rotation, all);
  return all;
}

net::Task<LostRoles> lost_roles(Context& context, std::optional<UserId> token_user,
                                slack::Priority priority) {
  LostRoles lost_ones;
  const auto list = [](store::Store& store) { return store.rotations().list(); };
  auto rotations = co_await context.store.run(list);
  lost_ones.asked = rotations && !context.no_slack;
  if (!lost_ones.asked) co_return lost_ones;
  const auto roles = dependences(context.config, *rotations, token_user);
  std::map<UserId, std::optional<slack::User>> people;
  for (const auto& role : roles) people.emplace(role.user, std::nullopt);
  for (auto& [id, person] : people) {
    auto read = co_await read_user(context, id, priority);
    if (read) {
      person = *std::move(read);
    } else if (read.error().kind == ErrorKind::not_found) {
      person = slack::User{id, id.value, std::nullopt, true, false, false, false};
    } else {
      lost_ones.unread.insert(id);
    }
  }
  for (const auto& role : roles) {
    const auto& person = people.at(role.user);
    if (!person) continue;
    auto why = lost(*person, role);
    if (why.empty() && role.key == kTokenKey) {
      const auto look = [user = *person](store::Store& store) { return lost_admin(store, user); };
      if (co_await context.store.run(look))
        why = "is no workspace admin any more: Slack may refuse to let this token edit groups";
    }
    if (why.empty()) continue;
    lost_ones.problems.push_back(
        {fmt::format("role:{}:{}", role.key, role.user),
         fmt::format("{} ({}) {}, and is {}: {}", person->name, role.user, why, role.as, role.fix),
         role.rotation});
  }
  co_return lost_ones;
}

}  // namespace watchbill::control
