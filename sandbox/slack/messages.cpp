// Slack: chat.*

#include <algorithm>
#include <regex>

#include "base/text.hpp"
#include "sandbox/faults.hpp"
#include "sandbox/slack/call.hpp"
#include "sandbox/slack/surface.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMaxText = 40'000;
constexpr std::size_t kMaxMarkdown = 12'000;
constexpr std::size_t kMaxUpdate = 4'000;
constexpr std::size_t kMaxMetadata = 4'096;

/// Payload values are texts, numbers, booleans, flat objects of these or lists of such objects; never null.
bool good_payload(json::View value, int depth) {
  if (value.is_null() || depth > 3) return false;
  for (const auto child : value.items()) {
    if (!good_payload(child, depth + 1)) return false;
  }
  return true;
}

std::optional<std::string> read_metadata(const std::string& text, Message& message) {
  static const std::regex legal("[A-Za-z0-9_]+");
  if (text.size() > kMaxMetadata) return "metadata_too_large";
  const auto document = json::parse(text);
  if (!document || !document->root().is_object()) return "invalid_metadata_format";
  const auto type = document->root()["event_type"].text();
  const auto payload = document->root()["event_payload"];
  if (!type || !std::regex_match(*type, legal) || !payload.is_object()) return "invalid_metadata_schema";
  if (!good_payload(payload, 0)) return "invalid_metadata_schema";
  message.metadata_type = *type;
  message.metadata_payload = payload.dump();
  return std::nullopt;
}

/// The conversation that `channel` names; a person's id means the direct one with him.
Channel* destination(SlackCall& call, const std::string& id) {
  if (const auto* user = call.world().users.find(id); user && !user->deleted && id != call.token->user) {
    return &direct_channel(call, id);
  }
  return visible_channel(call, id);
}

/// Reads `text` and `blocks`; a refusal if Slack takes them not.
std::optional<Answer> read_content(SlackCall& call, Message& message) {
  const auto text = call.arg("text");
  message.text = utf8_length(text) > kMaxText ? cut_mrkdwn(text, kMaxText) : text;
  message.blocks.clear();
  const auto blocks = call.arg("blocks");
  if (const auto markdown = call.arg("markdown_text"); !markdown.empty()) {
    if (!text.empty() || !blocks.empty()) return slack_fail("markdown_text_conflict");
    if (utf8_length(markdown) > kMaxMarkdown) return slack_fail("msg_too_long");
    message.text = markdown;
  }
  if (blocks.empty() || blocks == "[]") return std::nullopt;
  auto checked = checked_blocks(call.world(), blocks);
  if (!checked.error.empty()) return slack_invalid(checked.complaints, checked.error);
  message.blocks = std::move(checked.blocks);
  return std::nullopt;
}

/// Reads the thread that the message answers in; Slack's code if there is none to answer.
std::optional<std::string> read_thread(const SlackCall& call, const Channel& channel, Message& message) {
  message.thread_ts = call.arg("thread_ts");
  if (message.thread_ts.empty()) return std::nullopt;
  message.broadcast = call.flag("reply_broadcast");
  const auto parent = std::find_if(channel.messages.begin(), channel.messages.end(),
                                   [&](const Message& m) { return m.ts == message.thread_ts; });
  // "the parent's ts, never a reply's"
  if (parent == channel.messages.end() || !parent->thread_ts.empty()) return "cannot_reply_to_message";
  return std::nullopt;
}

/// `changed`: chat.update gives the text at the top, too.
Answer message_answer(const Channel& channel, const Message& message, bool changed) {
  return slack_ok([&](json::Writer& w) {
    w.field("channel", channel.id).field("ts", message.ts);
    if (changed) w.field("text", message.text);
    w.key("message").begin_object().field("type", "message").field("ts", message.ts);
    w.field("user", message.user).field("text", message.text);
    if (!message.bot_id.empty()) w.field("bot_id", message.bot_id);
    if (!message.thread_ts.empty()) w.field("thread_ts", message.thread_ts);
    if (!message.blocks.empty()) w.key("blocks").raw(message.blocks);
    if (!message.metadata_type.empty()) {
      w.key("metadata").begin_object().field("event_type", message.metadata_type).end_object();
    }
    w.end_object();
  });
}

struct OwnMessage {
  Channel* channel = nullptr;
  Message* message = nullptr;
  std::optional<Answer> refusal{};
};

/// The caller's own message that `channel` and `ts` name.
OwnMessage own_message(SlackCall& call, std::string_view not_own) {
  if (!call.has("channel")) return {nullptr, nullptr, slack_missing("channel")};
  if (!call.has("ts")) return {nullptr, nullptr, slack_missing("ts")};
  auto* channel = visible_channel(call, call.arg("channel"));
  if (!channel) return {nullptr, nullptr, slack_fail("channel_not_found")};
  for (auto& message : channel->messages) {
    if (message.ts != call.arg("ts")) continue;
    if (message.user != call.token->user) return {nullptr, nullptr, slack_fail(not_own)};
    return {channel, &message, std::nullopt};
  }
  return {nullptr, nullptr, slack_fail("message_not_found")};
}

}  // namespace

Answer chat_post_message(SlackCall& call) {
  if (!call.has("channel")) return slack_missing("channel");
  auto* channel = destination(call, call.arg("channel"));
  if (!channel) return slack_fail("channel_not_found");
  if (const auto wait =
          call.context.rate.take("slack chat.postMessage " + channel->id, 1, 1s, call.context.now)) {
    return too_many(System::slack, std::chrono::ceil<seconds>(*wait));
  }
  if (channel->archived) return slack_fail("is_archived");
  const bool member = channel->members.count(call.token->user) != 0;
  if (!member && !call.scope("chat:write.public")) return slack_fail("not_in_channel");
  if (call.has("username") && !call.scope("chat:write.customize"))
    return slack_needs(call, "chat:write.customize");

  Message message;
  if (auto refusal = read_content(call, message)) return *refusal;
  if (message.text.empty() && message.blocks.empty()) return slack_fail("no_text");
  if (call.has("metadata")) {
    if (const auto error = read_metadata(call.arg("metadata"), message)) return slack_fail(*error);
  }
  if (const auto error = read_thread(call, *channel, message)) return slack_fail(*error);
  message.user = call.token->user;
  if (call.token->kind == "bot") message.bot_id = call.world().slack.bot_id;
  message.ts = next_message_ts(*channel, call.context.now);
  channel->messages.push_back(message);
  return message_answer(*channel, message, false);
}

Answer chat_update(SlackCall& call) {
  const auto found = own_message(call, "cant_update_message");
  if (found.refusal) return *found.refusal;
  if (utf8_length(call.arg("text")) > kMaxUpdate) return slack_fail("msg_too_long");
  // Text alone drops the blocks (docs.slack.dev/reference/methods/chat.update).
  Message changed = *found.message;
  if (auto refusal = read_content(call, changed)) return *refusal;
  if (changed.text.empty() && changed.blocks.empty()) return slack_fail("no_text");
  if (call.has("metadata")) {
    changed.metadata_type.clear();
    changed.metadata_payload.clear();
    const auto metadata = call.arg("metadata");
    if (metadata != "{}") {
      if (const auto error = read_metadata(metadata, changed)) return slack_fail(*error);
    }
  }
  *found.message = changed;
  ++found.channel->edits;
  return message_answer(*found.channel, changed, true);
}

Answer chat_delete(SlackCall& call) {
  const auto found = own_message(call, "cant_delete_message");
  if (found.refusal) return *found.refusal;
  const auto ts = found.message->ts;
  std::erase_if(found.channel->messages, [&](const Message& m) { return m.ts == ts; });
  ++found.channel->edits;
  return slack_ok([&](json::Writer& w) { w.field("channel", found.channel->id).field("ts", ts); });
}

Answer chat_post_ephemeral(SlackCall& call) {
  if (!call.has("channel")) return slack_missing("channel");
  if (!call.has("user")) return slack_missing("user");
  auto* channel = visible_channel(call, call.arg("channel"));
  if (!channel) return slack_fail("channel_not_found");
  if (channel->archived) return slack_fail("is_archived");
  if (channel->members.count(call.token->user) == 0) return slack_fail("not_in_channel");
  const auto* user = call.world().users.find(call.arg("user"));
  if (!user || user->deleted || channel->members.count(user->id) == 0)
    return slack_fail("user_not_in_channel");
  Message message;
  if (auto refusal = read_content(call, message)) return *refusal;
  if (message.text.empty() && message.blocks.empty()) return slack_fail("no_text");
  const auto ts = next_message_ts(*channel, call.context.now);
  add_ephemeral(call.world(), {channel->id, user->id, ts, message.text, message.blocks});
  return slack_ok([&](json::Writer& w) { w.field("message_ts", ts); });
}

}  // namespace watchbill::sandbox
