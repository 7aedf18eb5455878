#pragma once

#include "base/json.hpp"
#include "slack/api/api.hpp"

namespace watchbill::slack {

/// Slack's objects as our structs. Unknown fields are ignored; a missing or mistyped field that we rely on is
/// an `unreadable` error with its path. Pure.
Result<UserGroup> decode_group(json::View group);
Result<std::vector<UserGroup>> decode_groups(json::View answer);
/// The ids in an array, sorted, each once.
Result<std::vector<UserId>> decode_members(json::View users);
Result<User> decode_user(json::View user);
Result<UserPage> decode_user_page(json::View answer);
Result<Channel> decode_channel(json::View channel);
Result<ChannelPage> decode_channel_page(json::View answer);
Result<Posted> decode_posted(json::View answer);
Result<HistoryPage> decode_history(json::View answer);
Result<Identity> decode_identity(json::View answer);

/// Name of the metadata that carries an announcement's key.
inline constexpr std::string_view kMetadataType = "watchbill_announcement";
/// "1772358000.001200": how Slack writes moments in message histories.
std::string slack_ts(Instant t);

}  // namespace watchbill::slack
