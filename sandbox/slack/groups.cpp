// Slack: usergroups.*. Where the pages are silent, the reading that is hardest on a client is taken:
// an `invalid_users` of nothing but deactivated people empties the group, a disabled group refuses members.

#include <algorithm>
#include <regex>

#include "base/text.hpp"
#include "sandbox/slack/call.hpp"

namespace watchbill::sandbox {
namespace {

/// The members and `disabled_at` that the group had at `then`.
std::pair<const std::vector<std::string>*, std::int64_t> group_at(const Group& group, Instant then) {
  for (const auto& past : group.past) {
    if (past.until > then) return {&past.users, past.disabled_at};
  }
  return {&group.users, group.disabled_at};
}

std::optional<std::size_t> told_count(const Group& group, bool count) {
  return count ? std::optional(group.users.size()) : std::nullopt;
}

void write_list(json::Writer& w, const World& world, bool users, bool count, bool disabled, Instant then) {
  const auto shown =
      static_cast<std::size_t>(static_cast<double>(world.groups.size()) * world.slack.list_share);
  std::size_t index = 0;
  w.key("usergroups").begin_array();
  for (const auto& group : world.groups) {
    if (index++ >= shown) break;
    const auto [members, disabled_at] = group_at(group, then);
    if (disabled_at != 0 && !disabled) continue;
    if (then == kNever) {
      auto& text = group.written[users * 2 + count];
      if (text.empty()) {
        json::Writer one;
        write_group(one, world, group, users, told_count(group, count));
        text = one.take();
      }
      w.raw(text);
      continue;
    }
    Group old = group;
    old.users = *members;
    old.disabled_at = disabled_at;
    write_group(w, world, old, users, told_count(old, count));
  }
  w.end_array();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// Handles are unique among channels, people and user groups, disabled ones too.
bool handle_taken(const World& world, const std::string& handle, const Group* except) {
  const auto group = [&](const Group& g) { return &g != except && g.handle == handle; };
  const auto named = [&](const auto& it) { return it.name == handle; };
  return std::any_of(world.groups.begin(), world.groups.end(), group) ||
         std::any_of(world.channels.begin(), world.channels.end(), named) ||
         std::any_of(world.users.begin(), world.users.end(), named);
}

/// Why this handle cannot be had, or nothing. No page states the legal characters or a length: this is the
/// safe subset of characters.
std::optional<std::string> handle_refusal(const World& world, const std::string& handle,
                                          const Group* except) {
  static const std::regex legal("[a-z0-9][a-z0-9_-]*");
  if (!std::regex_match(handle, legal)) return "bad_handle";
  for (const char* word : {"here", "channel", "everyone", "admins", "owners"}) {
    if (handle == word) return "forbidden_handle";
  }
  if (handle_taken(world, handle, except)) return "handle_already_exists";
  return std::nullopt;
}

std::optional<std::string> name_refusal(const World& world, const std::string& name, const Group* except) {
  if (name.empty()) return "missing_subteam_name";
  if (utf8_length(name) > 255) return "name_too_long";
  for (const auto& group : world.groups) {
    if (&group != except && lower(group.name) == lower(name)) return "name_already_exists";
  }
  return std::nullopt;
}

std::optional<std::string> details_refusal(SlackCall& call, std::vector<std::string>& channels) {
  if (utf8_length(call.arg("description")) > 140) return "description_too_long";
  channels = split_list(call.arg("channels"));
  for (const auto& id : channels) {
    if (!call.world().channels.find(id)) return "invalid_channel_provided";
  }
  return std::nullopt;
}

Answer group_answer(SlackCall& call, const Group& group) {
  return slack_ok([&](json::Writer& w) {
    w.key("usergroup");
    write_group(w, call.world(), group, true, told_count(group, call.flag("include_count")));
  });
}

Answer set_enabled(SlackCall& call, bool enabled) {
  if (!call.has("usergroup")) return slack_missing("usergroup");
  auto* group = call.world().groups.find(call.arg("usergroup"));
  if (auto refusal = group_write_refusal(call, group)) return *refusal;
  const bool already = enabled == (group->disabled_at == 0);
  if (already && call.world().slack.says_already)
    return slack_fail(enabled ? "already_enabled" : "already_disabled");
  if (!already) {
    group_changes(*group, call.context.now, call.token->user);
    group->disabled_at = enabled ? 0 : unix_seconds(call.context.now);
  }
  return group_answer(call, *group);
}

/// "U1,U2", or the same as JSON in a text: older SDKs sent that.
std::vector<std::string> listed_users(const std::string& text) {
  if (!text.starts_with("[")) return split_list(text);
  const auto list = json::parse(text);
  if (!list) return split_list(text);
  std::vector<std::string> ids;
  for (const auto id : list->root().items()) ids.push_back(id.string_or(""));
  return ids;
}

/// Slack's code for this list of members, and who of them can be members at all.
struct Judged {
  std::string error;
  std::vector<std::string> good;
  bool only_deactivated = false;
};

Judged judge_members(const World& world, const std::vector<std::string>& ids) {
  Judged out;
  std::size_t deactivated = 0;
  for (const auto& id : ids) {
    const auto* user = world.users.find(id);
    if (std::find(out.good.begin(), out.good.end(), id) != out.good.end()) continue;
    if (user && user->deleted) ++deactivated;
    std::string error;
    if (!user || user->deleted) {
      error = "invalid_users";
    } else if (user->single_channel_guest) {
      error = "single_channel_guests_cannot_be_added";
    } else if (user->bot || user->multi_channel_guest) {
      error = "invalid_user";
    } else if (user->stranger) {
      error = "failed_for_some_users";
    } else {
      out.good.push_back(id);
    }
    if (out.error.empty() || out.error == "failed_for_some_users") {
      if (!error.empty()) out.error = error;
    }
  }
  out.only_deactivated = deactivated == ids.size();
  return out;
}

/// What a write makes of these members, other than it was asked for.
std::vector<std::string> taken(const SlackSettings& settings, std::vector<std::string> members) {
  const auto among = [](const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::erase_if(members, [&](const std::string& id) { return among(settings.left_out, id); });
  for (auto& id : members) {
    if (among(settings.other_ids, id)) id.front() = 'W';
  }
  return members;
}

/// Slack puts the members of a group into its default channels.
void join_default_channels(World& world, const Group& group) {
  for (const auto& id : group.default_channels) {
    if (auto* channel = world.channels.find(id))
      channel->members.insert(group.users.begin(), group.users.end());
  }
}

}  // namespace

void write_group(json::Writer& w, const World& world, const Group& group, bool users,
                 std::optional<std::size_t> count) {
  w.begin_object().field("id", group.id).field("team_id", world.slack.team_id).field("is_usergroup", true);
  w.field("is_subteam", true).field("name", group.name).field("description", group.description);
  w.field("handle", group.handle).field("is_external", group.external).field("date_create", group.created);
  w.field("date_update", group.updated).field("date_delete", group.disabled_at).key("auto_type");
  if (group.auto_type.empty()) {
    w.null();
  } else {
    w.value(group.auto_type);
  }
  w.field("auto_provision", false).field("enterprise_subteam_id", "").field("created_by", group.created_by);
  w.field("updated_by", group.updated_by).key("deleted_by").null();
  w.field("is_idp_group", group.idp).field("is_membership_locked", group.membership_locked);
  w.field("is_editing_restricted", group.editing_restricted);
  w.key("prefs").begin_object().field("channels", group.default_channels).key("groups").begin_array();
  w.end_array().end_object();
  if (users) w.field("users", group.users);
  if (count) w.field("user_count", *count);
  w.field("channel_count", group.default_channels.size()).end_object();
}

std::optional<Answer> group_write_refusal(SlackCall& call, const Group* group) {
  const auto& settings = call.world().slack;
  if (!settings.paid) return slack_fail("paid_teams_only");
  const auto* user = call.world().users.find(call.token->user);
  const bool admin = call.token->kind == "user" && (user->admin || user->owner);
  if (settings.admins_only && !admin) return slack_fail("permission_denied");
  if (call.method == "usergroups.create") return std::nullopt;
  if (!group) return slack_fail("no_such_subteam");
  if (!group->auto_type.empty() || group->idp || group->membership_locked || group->editing_restricted ||
      group->external) {
    return slack_fail("permission_denied");
  }
  return std::nullopt;
}

Answer usergroups_list(SlackCall& call) {
  auto& world = call.world();
  if (!world.slack.paid) return slack_fail("plan_upgrade_required");
  const bool users = call.flag("include_users");
  const bool count = call.flag("include_count");
  const bool disabled = call.flag("include_disabled");
  const bool stale = world.slack.stale > milliseconds(0);
  const auto then = stale ? call.context.now - world.slack.stale : kNever;
  return slack_ok([&](json::Writer& w) { write_list(w, world, users, count, disabled, then); });
}

Answer usergroups_users_list(SlackCall& call) {
  const auto* group = call.world().groups.find(call.arg("usergroup"));
  if (!call.has("usergroup")) return slack_missing("usergroup");
  if (!group || (group->disabled_at != 0 && !call.flag("include_disabled")))
    return slack_fail("no_such_subteam");
  return slack_ok([&](json::Writer& w) { w.field("users", group->users); });
}

Answer usergroups_create(SlackCall& call) {
  auto& world = call.world();
  if (auto refusal = group_write_refusal(call, nullptr)) return *refusal;
  const auto name = call.arg("name");
  auto handle = call.arg("handle");
  std::vector<std::string> channels;
  if (const auto error = name_refusal(world, name, nullptr)) return slack_fail(*error);
  if (handle.empty()) {
    handle = lower(name);
    std::replace(handle.begin(), handle.end(), ' ', '-');
  }
  if (const auto error = handle_refusal(world, handle, nullptr)) return slack_fail(*error);
  if (const auto error = details_refusal(call, channels)) return slack_fail(*error);
  auto& group = world.groups.make(fmt::format("S0NEW{}", world.next_number++));
  group.name = name;
  group.handle = handle;
  group.description = call.arg("description");
  group.default_channels = std::move(channels);
  group.created = group.updated = unix_seconds(call.context.now);
  group.created_by = group.updated_by = call.token->user;
  return group_answer(call, group);
}

Answer usergroups_update(SlackCall& call) {
  auto& world = call.world();
  if (!call.has("usergroup")) return slack_missing("usergroup");
  auto* group = world.groups.find(call.arg("usergroup"));
  if (auto refusal = group_write_refusal(call, group)) return *refusal;
  std::vector<std::string> channels;
  std::optional<std::string> error = details_refusal(call, channels);
  if (!error && call.has("name")) error = name_refusal(world, call.arg("name"), group);
  if (!error && call.has("handle")) error = handle_refusal(world, call.arg("handle"), group);
  if (error) return slack_fail(*error);
  group_changes(*group, call.context.now, call.token->user);
  if (call.has("name")) group->name = call.arg("name");
  if (call.has("handle")) group->handle = call.arg("handle");
  if (call.has("description")) group->description = call.arg("description");
  if (call.has("channels")) group->default_channels = std::move(channels);
  return group_answer(call, *group);
}

Answer usergroups_enable(SlackCall& call) {
  return set_enabled(call, true);
}

Answer usergroups_disable(SlackCall& call) {
  return set_enabled(call, false);
}

Answer usergroups_users_update(SlackCall& call) {
  auto& world = call.world();
  if (!call.has("usergroup")) return slack_missing("usergroup");
  auto* group = world.groups.find(call.arg("usergroup"));
  if (auto refusal = group_write_refusal(call, group)) return *refusal;
  const auto ids = listed_users(call.arg("users"));
  if (ids.empty()) return slack_fail("no_users_provided");
  if (group->disabled_at != 0 && world.slack.refuse_disabled) return slack_fail(world.slack.disabled_error);

  auto judged = judge_members(world, ids);
  const auto limit = world.slack.max_group_members;
  if (limit != 0 && judged.good.size() > limit) return slack_fail("subteam_max_users_exceeded");
  const bool partly = judged.error == "failed_for_some_users" && !judged.good.empty();
  if (judged.error.empty() || partly || judged.only_deactivated) {
    group_changes(*group, call.context.now, call.token->user);
    group->users = taken(world.slack, std::move(judged.good));
    join_default_channels(world, *group);
  }
  if (!judged.error.empty()) return slack_fail(judged.error);
  return group_answer(call, *group);
}

}  // namespace watchbill::sandbox
