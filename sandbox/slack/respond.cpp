// Slack: what an app posts to a response_url.
// docs.slack.dev/interactivity/handling-user-interaction

#include "sandbox/slack/call.hpp"
#include "sandbox/slack/surface.hpp"

namespace watchbill::sandbox {
namespace {

constexpr int kMaxPosts = 5;

Answer respond_refusal(std::string_view code) {
  auto answer = slack_fail(code);
  answer.status = 404;
  return answer;
}

void forget_original(World& world, SlackResponseUrl& url) {
  std::erase_if(world.app.ephemerals, [&](const SlackEphemeral& m) {
    return m.ts == url.last_ts && m.user == url.user && m.channel == url.channel;
  });
  url.last_ts.clear();
}

}  // namespace

std::string post_response(Context context, SlackResponseUrl& url, json::View message) {
  auto& world = context.world;
  auto* channel = world.channels.find(url.channel);
  if (!channel) return "channel_not_found";
  const bool remove = message["delete_original"].boolean_or(false);
  if (remove || message["replace_original"].boolean_or(false)) forget_original(world, url);
  if (remove) return {};
  const auto text = message["text"].string_or("");
  CheckedBlocks checked;
  if (message["blocks"].size() > 0) checked = checked_blocks(world, message["blocks"].dump());
  if (!checked.error.empty()) return checked.error;
  if (text.empty() && checked.blocks.empty()) return "no_text";
  const auto ts = next_message_ts(*channel, context.now);
  if (message["response_type"].string_or("ephemeral") == "in_channel") {
    Message posted;
    posted.ts = ts;
    posted.user = world.slack.bot_user;
    posted.bot_id = world.slack.bot_id;
    posted.text = text;
    posted.blocks = checked.blocks;
    channel->messages.push_back(std::move(posted));
  } else {
    add_ephemeral(world, {url.channel, url.user, ts, text, checked.blocks});
    url.last_ts = ts;
  }
  return {};
}

Answer answer_response_url(Context context, const net::ServerRequest& request) {
  auto& url = context.world.app.response_urls.at(request.path);
  if (request.method != "POST") return respond_refusal("invalid_method");
  if (url.expires <= context.wall) return respond_refusal("expired_url");
  if (url.posts >= kMaxPosts) return respond_refusal("used_url");
  const auto document = json::parse(request.body);
  if (!document || !document->root().is_object()) return slack_fail("invalid_payload");
  if (const auto error = post_response(context, url, document->root()); !error.empty())
    return slack_fail(error);
  ++url.posts;
  return {200, {{"Content-Type", "text/plain"}}, "ok", {}};
}

std::string issue_response_url(World& world, const std::string& user, const std::string& channel,
                               Instant wall) {
  std::erase_if(world.app.response_urls, [&](const auto& one) { return one.second.expires + 1min < wall; });
  const auto number = world.next_number++;
  auto path =
      fmt::format("/commands/{}/{}/{:016x}", world.slack.team_id, number, number * 0x9e3779b97f4a7c15U);
  world.app.response_urls[path] = {user, channel, wall + kResponseUrlLife, 0, {}};
  return path;
}

}  // namespace watchbill::sandbox
