#include "slack/api/decode.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace watchbill::slack {

namespace {

std::string next_cursor(json::View answer) {
  return answer["response_metadata"]["next_cursor"].string_or("");
}

/// ASCII letters only: that is how addresses are compared everywhere here.
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// `user_count` is a number in some answers and a string in others.
std::int64_t count_of(json::View count) {
  if (count.is_number()) return count.integer_or(0);
  const auto text = count.string_or("0");
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// docs.slack.dev/reference/objects/usergroup-object; the `is_…` flags are seen in answers but undocumented.
std::optional<std::string> why_unwritable(json::View group) {
  if (const auto kind = group["auto_type"].text()) {
    return fmt::format("Slack itself keeps this group ({})", *kind);
  }
  if (group["is_idp_group"].boolean_or(false)) return "an identity provider manages this group";
  if (group["is_membership_locked"].boolean_or(false)) return "the group's members are locked in Slack";
  if (group["is_editing_restricted"].boolean_or(false)) return "editing of this group is restricted in Slack";
  if (group["is_external"].boolean_or(false)) return "the group belongs to another workspace";
  if (group["users"].is_null() && count_of(group["user_count"]) > 0) return "Slack does not show its members";
  return std::nullopt;
}

template <class T>
Result<std::vector<T>> decode_each(json::View list, Result<T> (*decode)(json::View)) {
  const auto items = list.array();
  if (!items) return items.error();
  std::vector<T> out;
  out.reserve(items->size());
  for (const auto item : *items) {
    auto one = decode(item);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

std::string text_or(json::View value, std::string_view fallback) {
  const auto text = value.text();
  return text ? *text : std::string(fallback);
}

}  // namespace

Result<std::vector<UserId>> decode_members(json::View users) {
  const auto items = users.array();
  if (!items) return items.error();
  std::vector<UserId> out;
  out.reserve(items->size());
  for (const auto item : *items) {
    auto id = item.string();
    if (!id) return id.error();
    out.emplace_back(std::move(*id));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<UserGroup> decode_group(json::View group) {
  auto id = group["id"].string();
  if (!id) return id.error();
  UserGroup out;
  out.id = GroupId(std::move(*id));
  out.handle = group["handle"].string_or("");
  out.name = one_line(group["name"].string_or(""));
  if (const auto date = group["date_delete"]; !date.is_null()) {
    const auto disabled = date.integer();
    if (!disabled) return disabled.error();
    out.disabled = *disabled != 0;
  }
  out.unwritable = why_unwritable(group);
  if (!group["users"].is_null()) {
    auto members = decode_members(group["users"]);
    if (!members) return members.error();
    out.members = std::move(*members);
  }
  for (const auto* kind : {"channels", "groups"}) {
    for (const auto channel : group["prefs"][kind].items()) {
      if (const auto name = channel.text()) out.default_channels.emplace_back(*name);
    }
  }
  out.updated_by = UserId(group["updated_by"].string_or(""));
  if (const auto updated = group["date_update"].number()) {
    // Beyond these no time can be meant: the year 5138.
    out.updated_at = Instant{seconds{static_cast<std::int64_t>(std::clamp(*updated, 0.0, 1e11))}};
  }
  return out;
}

Result<std::vector<UserGroup>> decode_groups(json::View answer) {
  return decode_each(answer["usergroups"], decode_group);
}

Result<User> decode_user(json::View user) {
  auto id = user["id"].string();
  if (!id) return id.error();
  const auto profile = user["profile"];
  User out;
  out.name = one_line(
      text_or(profile["real_name"],
              text_or(user["real_name"], text_or(profile["display_name"], text_or(user["name"], *id)))));
  if (auto email = profile["email"].text()) out.email = lower(std::move(*email));
  out.deleted = user["deleted"].boolean_or(false);
  out.bot = user["is_bot"].boolean_or(false) || *id == "USLACKBOT";  // Slackbot says it is none
  out.guest = user["is_restricted"].boolean_or(false) || user["is_ultra_restricted"].boolean_or(false) ||
              user["is_stranger"].boolean_or(false);
  out.admin = user["is_admin"].boolean_or(false) || user["is_owner"].boolean_or(false);
  out.id = UserId(std::move(*id));
  return out;
}

Result<UserPage> decode_user_page(json::View answer) {
  auto users = decode_each(answer["members"], decode_user);
  if (!users) return users.error();
  UserPage page{std::move(*users), next_cursor(answer)};
  return page;
}

Result<Channel> decode_channel(json::View channel) {
  auto id = channel["id"].string();
  if (!id) return id.error();
  Channel out;
  out.id = ChannelId(std::move(*id));
  out.name = one_line(channel["name"].string_or(""));
  out.is_private = channel["is_private"].boolean_or(false);
  out.archived = channel["is_archived"].boolean_or(false);
  out.member = channel["is_member"].boolean_or(false);
  return out;
}

Result<ChannelPage> decode_channel_page(json::View answer) {
  auto channels = decode_each(answer["channels"], decode_channel);
  if (!channels) return channels.error();
  ChannelPage page{std::move(*channels), next_cursor(answer)};
  return page;
}

Result<Posted> decode_posted(json::View answer) {
  auto channel = answer["channel"].string();
  if (!channel) return channel.error();
  auto ts = answer["ts"].string();
  if (!ts) return ts.error();
  Posted posted{ChannelId(std::move(*channel)), std::move(*ts)};
  return posted;
}

Result<HistoryPage> decode_history(json::View answer) {
  const auto messages = answer["messages"].array();
  if (!messages) return messages.error();
  HistoryPage page;
  for (const auto message : *messages) {
    const auto metadata = message["metadata"];
    if (metadata["event_type"].string_or("") != kMetadataType) continue;
    const auto key = metadata["event_payload"]["key"].text();
    if (key) page.keys.emplace_back(*key, message["ts"].string_or(""));
  }
  page.next_cursor = next_cursor(answer);
  return page;
}

Result<Identity> decode_identity(json::View answer) {
  auto team = answer["team_id"].string();
  if (!team) return team.error();
  auto user = answer["user_id"].string();
  if (!user) return user.error();
  Identity out;
  out.team = answer["team"].string_or("");
  out.team_id = TeamId(std::move(*team));
  out.user = answer["user"].string_or("");
  out.user_id = UserId(std::move(*user));
  out.url = answer["url"].string_or("");
  out.is_bot = answer["bot_id"].text().has_value();
  out.organization = answer["is_enterprise_install"].boolean_or(false);
  return out;
}

std::string slack_ts(Instant t) {
  const auto whole = std::chrono::floor<seconds>(t);
  const auto micros = std::chrono::microseconds{t - whole};
  return fmt::format("{}.{:06}", whole.time_since_epoch().count(), micros.count());
}

}  // namespace watchbill::slack
