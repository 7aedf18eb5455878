#include <algorithm>

#include "slack/api/call.hpp"
#include "slack/api/decode.hpp"

/// Conversations and messages.
namespace watchbill::slack {

namespace {

constexpr auto* kPageSize = "200";
/// The most that Slack takes ("an integer under 1000"): twenty pages a minute are few in a large workspace.
constexpr auto* kChannelPageSize = "999";

std::string message_json(const OutgoingMessage& message) {
  json::Writer out;
  out.begin_object().field("channel", message.channel.value).field("text", message.text);
  if (!message.blocks.empty()) out.key("blocks").raw(message.blocks);
  out.field("unfurl_links", false).field("unfurl_media", false);
  if (!message.key.empty()) {
    out.key("metadata").begin_object().field("event_type", kMetadataType);
    out.key("event_payload").begin_object().field("key", message.key).end_object();
    out.end_object();
  }
  out.end_object();
  return out.take();
}

}  // namespace

net::Task<Result<Posted>> WebClient::post(Permit permit, OutgoingMessage message) {
  const auto impl = impl_;
  Call call{Method::chat_post_message};
  call.json = message_json(message);
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto posted = decode_posted(answer->body.root());
  if (!posted) co_return unreadable_answer(Method::chat_post_message, posted.error());
  co_return posted;
}

net::Task<Result<HistoryPage>> WebClient::history(Permit permit, ChannelId channel, Instant oldest,
                                                  std::string cursor) {
  const auto impl = impl_;
  Call call{Method::conversations_history};
  // Slack's clock counts: where ours is ahead, what was posted a moment ago would else be too old to be
  // found.
  const auto behind = std::min(impl->skew.value_or(0s), 0s);
  call.form = {{"channel", channel.value},
               {"oldest", slack_ts(oldest + behind)},
               {"inclusive", "true"},
               {"limit", kPageSize},
               {"include_all_metadata", "true"}};
  if (!cursor.empty()) call.form.emplace_back("cursor", cursor);
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto page = decode_history(answer->body.root());
  if (!page) co_return unreadable_answer(Method::conversations_history, page.error());
  co_return page;
}

net::Task<Result<void>> WebClient::join(Permit permit, ChannelId channel) {
  const auto impl = impl_;
  json::Writer body;
  body.begin_object().field("channel", channel.value).end_object();
  Call call{Method::conversations_join};
  call.json = body.take();
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  co_return Result<void>{};
}

net::Task<Result<Channel>> WebClient::channel_info(Permit permit, ChannelId channel) {
  const auto impl = impl_;
  Call call{Method::conversations_info};
  call.form = {{"channel", channel.value}};
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto found = decode_channel(answer->body.root()["channel"]);
  if (!found) co_return unreadable_answer(Method::conversations_info, found.error());
  co_return found;
}

net::Task<Result<ChannelPage>> WebClient::list_channels(Permit permit, std::string cursor) {
  const auto impl = impl_;
  net::Fields form{{"types", "public_channel,private_channel"}, {"limit", kChannelPageSize}};
  if (!cursor.empty()) form.emplace_back("cursor", cursor);
  Call call{Method::conversations_list};
  call.form = impl->with_team(std::move(form));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto page = decode_channel_page(answer->body.root());
  if (!page) co_return unreadable_answer(Method::conversations_list, page.error());
  co_return page;
}

net::Task<Result<ChannelId>> WebClient::open_direct(Permit permit, UserId user) {
  const auto impl = impl_;
  Call call{Method::conversations_open};
  call.form = {{"users", user.value}};
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto id = answer->body.root()["channel"]["id"].string();
  if (!id) co_return unreadable_answer(Method::conversations_open, id.error());
  co_return ChannelId(std::move(*id));
}

}  // namespace watchbill::slack
