// Slack: chat.postMessage

#include <regex>

#include "sandbox/faults.hpp"
#include "sandbox/slack_call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMaxBlocks = 50;
constexpr std::size_t kMaxText = 40'000;
constexpr std::size_t kMaxBlockText = 3'000;
constexpr std::size_t kMaxHeaderText = 150;
constexpr std::size_t kMaxMetadata = 4'096;

/// docs.slack.dev/reference/block-kit/composition-objects/text-object
bool good_text(json::View text, bool plain_only, std::size_t longest) {
  const auto type = text["type"].string_or("");
  if (type != "plain_text" && (plain_only || type != "mrkdwn")) return false;
  const auto content = text["text"].text();
  return content && content->size() <= longest;
}

bool good_block(json::View block) {
  const auto type = block["type"].string_or("");
  if (type == "divider") return true;
  if (type == "header") return good_text(block["text"], true, kMaxHeaderText);
  if (type == "section") {
    if (block["text"].exists() && !good_text(block["text"], false, kMaxBlockText)) return false;
    const auto fields = block["fields"];
    for (const auto field : fields.items()) {
      if (!good_text(field, false, 2000)) return false;
    }
    return block["text"].exists() || (fields.size() > 0 && fields.size() <= 10);
  }
  if (type == "context") {
    const auto elements = block["elements"];
    for (const auto element : elements.items()) {
      if (element["type"].string_or("") != "image" && !good_text(element, false, kMaxBlockText)) return false;
    }
    return elements.size() > 0 && elements.size() <= 10;
  }
  if (type == "actions") return block["elements"].size() > 0 && block["elements"].size() <= 25;
  return type == "rich_text" || type == "image";
}

std::optional<std::string> blocks_refusal(const std::string& blocks) {
  const auto document = json::parse(blocks);
  if (!document || !document->root().is_array()) return "invalid_blocks_format";
  if (document->root().size() > kMaxBlocks) return "invalid_blocks";
  for (const auto block : document->root().items()) {
    if (!good_block(block)) return "invalid_blocks";
  }
  return std::nullopt;
}

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
  message.text = call.arg("text").substr(0, kMaxText);
  message.blocks = call.arg("blocks");
  if (message.text.empty() && (message.blocks.empty() || message.blocks == "[]"))
    return slack_fail("no_text");
  if (!message.blocks.empty()) {
    if (const auto error = blocks_refusal(message.blocks)) return slack_fail(*error);
  }
  if (call.has("metadata")) {
    if (const auto error = read_metadata(call.arg("metadata"), message)) return slack_fail(*error);
  }
  message.user = call.token->user;
  if (call.token->kind == "bot") message.bot_id = call.world().slack.bot_id;
  message.ts = next_message_ts(*channel, call.context.now);
  channel->messages.push_back(message);
  return slack_ok([&](json::Writer& w) {
    w.field("channel", channel->id).field("ts", message.ts).key("message").begin_object();
    w.field("type", "message")
        .field("ts", message.ts)
        .field("user", message.user)
        .field("text", message.text);
    if (!message.bot_id.empty()) w.field("bot_id", message.bot_id);
    if (!message.metadata_type.empty()) {
      w.key("metadata").begin_object().field("event_type", message.metadata_type).end_object();
    }
    w.end_object();
  });
}

}  // namespace watchbill::sandbox
