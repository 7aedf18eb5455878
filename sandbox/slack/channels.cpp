// Slack: conversations.*

#include <algorithm>
#include <charconv>

#include "sandbox/slack/call.hpp"

namespace watchbill::sandbox {
namespace {

std::string type_of(const Channel& channel) {
  if (channel.direct) return "im";
  return channel.is_private ? "private_channel" : "public_channel";
}

/// "channels:read", "groups:history", ...
std::string scope_for(const std::string& type, const std::string& right) {
  if (type == "public_channel") return "channels:" + right;
  if (type == "private_channel") return "groups:" + right;
  return type + ":" + right;
}

void write_channel(json::Writer& w, const SlackCall& call, const Channel& channel) {
  const bool member = channel.members.count(call.token->user) != 0;
  w.begin_object().field("id", channel.id);
  if (!channel.direct) w.field("name", channel.name);
  w.field("is_channel", !channel.is_private && !channel.direct).field("is_group", channel.is_private);
  w.field("is_im", channel.direct).field("is_private", channel.is_private || channel.direct);
  w.field("is_archived", channel.archived).field("is_member", member);
  w.key("topic").begin_object().field("value", "").end_object();
  w.field("num_members", channel.members.size()).end_object();
}

Answer channel_answer(SlackCall& call, const Channel& channel, bool already_in = false) {
  return slack_ok([&](json::Writer& w) {
    w.key("channel");
    write_channel(w, call, channel);
    if (!already_in) return;
    w.field("warning", "already_in_channel").key("response_metadata").begin_object();
    w.key("warnings").begin_array().value("already_in_channel").end_array().end_object();
  });
}

/// "1772358000.001200" or "1772358000" as microseconds.
std::optional<std::int64_t> read_ts(const std::string& text) {
  const auto dot = text.find('.');
  const auto whole = whole_number(std::string_view(text).substr(0, dot));
  if (!whole) return std::nullopt;
  std::int64_t micros = static_cast<std::int64_t>(*whole) * 1'000'000;
  if (dot == std::string::npos) return micros;
  auto fraction = text.substr(dot + 1);
  if (fraction.empty() || fraction.size() > 6) return std::nullopt;
  fraction.resize(6, '0');
  const auto part = whole_number(fraction);
  if (!part) return std::nullopt;
  return micros + static_cast<std::int64_t>(*part);
}

/// The caller's arguments of conversations.history.
struct Span {
  std::int64_t oldest = 0;
  std::int64_t latest = INT64_MAX;
  bool inclusive = false;
  [[nodiscard]] bool contains(std::int64_t ts) const {
    return inclusive ? oldest <= ts && ts <= latest : oldest < ts && ts < latest;
  }
};

std::optional<std::string> read_span(const SlackCall& call, Span& span) {
  span.inclusive = call.flag("inclusive");
  if (call.has("oldest")) {
    const auto oldest = read_ts(call.arg("oldest"));
    if (!oldest) return "invalid_ts_oldest";
    span.oldest = *oldest;
  }
  if (call.has("latest")) {
    const auto latest = read_ts(call.arg("latest"));
    if (!latest) return "invalid_ts_latest";
    span.latest = *latest;
  }
  return std::nullopt;
}

void write_message(json::Writer& w, const Message& message, bool all_metadata) {
  w.begin_object().field("type", "message").field("ts", message.ts).field("user", message.user);
  if (!message.bot_id.empty()) w.field("bot_id", message.bot_id).field("app_id", "A0SANDBOX");
  if (!message.thread_ts.empty()) w.field("thread_ts", message.thread_ts);
  w.field("text", message.text);
  if (!message.blocks.empty()) w.key("blocks").raw(message.blocks);
  if (!message.metadata_type.empty()) {
    w.key("metadata").begin_object().field("event_type", message.metadata_type);
    if (all_metadata) w.key("event_payload").raw(message.metadata_payload);
    w.end_object();
  }
  w.end_object();
}

}  // namespace

Channel* visible_channel(SlackCall& call, const std::string& id) {
  auto* channel = call.world().channels.find(id);
  if (!channel) return nullptr;
  const bool member = channel->members.count(call.token->user) != 0;
  return (channel->is_private || channel->direct) && !member ? nullptr : channel;
}

Channel& direct_channel(SlackCall& call, const std::string& user) {
  auto& channel = call.world().channels.make("D" + call.token->user.substr(1) + user.substr(1));
  channel.direct = true;
  channel.members = {call.token->user, user};
  return channel;
}

Answer conversations_list(SlackCall& call) {
  auto types = split_list(call.arg("types"));
  if (types.empty()) types = {"public_channel"};
  for (const auto& type : types) {
    if (type != "public_channel" && type != "private_channel" && type != "im" && type != "mpim") {
      return slack_fail("invalid_types");
    }
    if (!call.scope(scope_for(type, "read"))) return slack_needs(call, scope_for(type, "read"));
  }
  const auto& channels = call.world().channels;
  Answer refusal;
  const auto page = slack_page(call, channels.size(), 100, 999, refusal);
  if (!page) return refusal;
  return slack_ok([&](json::Writer& w) {
    w.key("channels").begin_array();
    // Filters apply after the page is cut: a page may be short, or empty, without being the last.
    for (auto i = page->from; i < page->to; ++i) {
      const auto& channel = channels[i];
      if (std::find(types.begin(), types.end(), type_of(channel)) == types.end()) continue;
      if (channel.archived && call.flag("exclude_archived")) continue;
      if (visible_channel(call, channel.id)) write_channel(w, call, channel);
    }
    w.end_array();
    write_next_cursor(w, page->next_cursor);
  });
}

Answer conversations_info(SlackCall& call) {
  if (!call.has("channel")) return slack_missing("channel");
  const auto* channel = visible_channel(call, call.arg("channel"));
  if (!channel) return slack_fail("channel_not_found");
  const auto scope = scope_for(type_of(*channel), "read");
  if (!call.scope(scope)) return slack_needs(call, scope);
  return channel_answer(call, *channel);
}

Answer conversations_join(SlackCall& call) {
  const std::string scope = call.token->kind == "bot" ? "channels:join" : "channels:write";
  if (!call.scope(scope)) return slack_needs(call, scope);
  if (!call.has("channel")) return slack_missing("channel");
  auto* channel = call.world().channels.find(call.arg("channel"));
  if (!channel) return slack_fail("channel_not_found");
  if (channel->is_private || channel->direct) return slack_fail("method_not_supported_for_channel_type");
  if (channel->archived) return slack_fail("is_archived");
  const bool fresh = channel->members.insert(call.token->user).second;
  return channel_answer(call, *channel, !fresh);
}

Answer conversations_open(SlackCall& call) {
  auto users = split_list(call.arg("users"));
  const std::string scope = users.size() > 1 ? "mpim:write" : "im:write";
  if (!call.scope(scope)) return slack_needs(call, scope);
  if (call.has("channel")) {
    const auto* channel = visible_channel(call, call.arg("channel"));
    if (!channel || !channel->direct) return slack_fail("channel_not_found");
    return channel_answer(call, *channel);
  }
  if (users.empty()) return slack_fail("users_list_not_supplied");
  if (users.size() > 8) return slack_fail("too_many_users");
  // Conversations of several people are not part of this sandbox.
  if (users.size() > 1) return slack_fail("method_not_supported_for_channel_type");
  const auto* user = call.world().users.find(users.front());
  if (!user) return slack_fail("user_not_found");
  if (user->deleted) return slack_fail("user_disabled");
  if (user->id == call.token->user) return slack_fail("not_enough_users");
  return channel_answer(call, direct_channel(call, user->id));
}

Answer conversations_history(SlackCall& call) {
  if (!call.has("channel")) return slack_missing("channel");
  const auto* channel = visible_channel(call, call.arg("channel"));
  if (!channel) return slack_fail("channel_not_found");
  const auto scope = scope_for(type_of(*channel), "history");
  if (!call.scope(scope)) return slack_needs(call, scope);
  if (channel->members.count(call.token->user) == 0) return slack_fail("not_in_channel");
  Span span;
  if (const auto error = read_span(call, span)) return slack_fail(*error);
  std::vector<const Message*> found;
  for (const auto& message : channel->messages) {
    // Answers in threads are not in a channel's history.
    if (!message.thread_ts.empty() && !message.broadcast) continue;
    if (span.contains(*read_ts(message.ts))) found.push_back(&message);
  }
  std::reverse(found.begin(), found.end());  // newest first
  Answer refusal;
  const auto page = slack_page(call, found.size(), 100, 999, refusal);
  if (!page) return refusal;
  return slack_ok([&](json::Writer& w) {
    w.key("messages").begin_array();
    for (auto i = page->from; i < page->to; ++i)
      write_message(w, *found[i], call.flag("include_all_metadata"));
    w.end_array().field("has_more", !page->next_cursor.empty());
    write_next_cursor(w, page->next_cursor);
  });
}

}  // namespace watchbill::sandbox
