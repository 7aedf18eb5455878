// Control actions: opening the app home, slash commands, shortcuts, events of one's own, waiting.

#include <algorithm>

#include "sandbox/slack/acting.hpp"
#include "sandbox/slack/call.hpp"

namespace watchbill::sandbox {
namespace {

/// Slack's own words for a command that failed.
std::string command_failure(const std::string& command, const std::string& trouble) {
  const std::string code = trouble == "operation_timeout" ? trouble
                           : trouble == "no_connection"   ? "dispatch_failed"
                           : trouble == "no_request_url"  ? "invalid_url"
                                                          : "http_service_error";
  return fmt::format("{} failed with the error \"{}\"", command, code);
}

bool has_live_scope(const World& world, const std::string& scope) {
  return std::any_of(world.tokens.begin(), world.tokens.end(), [&](const SlackToken& t) {
    return t.kind == "bot" && t.error.empty() && t.scopes.count(scope) != 0;
  });
}

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

/// The mention that "@ada", "#payments" or "@payments-oncall" becomes; empty if nobody is called so.
std::string mention_of(const World& world, char sign, const std::string& name) {
  if (sign == '#') {
    for (const auto& channel : world.channels) {
      if (channel.name != name || channel.direct) continue;
      return channel.is_private ? fmt::format("<#{}>", channel.id)
                                : fmt::format("<#{}|{}>", channel.id, name);
    }
    return {};
  }
  for (const auto& user : world.users) {
    if (user.name == name) return fmt::format("<@{}|{}>", user.id, name);
  }
  for (const auto& group : world.groups) {
    if (group.handle == name) return fmt::format("<!subteam^{}|@{}>", group.id, name);
  }
  return {};
}

/// As `should_escape` of the manifest asks for.
std::string escaped_text(const World& world, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '@' || text[i] == '#') {
      auto end = i + 1;
      while (end < text.size() && word_character(text[end])) ++end;
      const auto mention = mention_of(world, text[i], text.substr(i + 1, end - i - 1));
      if (!mention.empty()) {
        out += mention;
        i = end;
        continue;
      }
    }
    const char c = text[i++];
    if (c == '&') out += "&amp;";
    if (c == '<') out += "&lt;";
    if (c == '>') out += "&gt;";
    if (c != '&' && c != '<' && c != '>') out += c;
  }
  return out;
}

struct Typed {
  std::string user;
  std::string command;
  std::string text;
  const Channel* channel = nullptr;
};

std::string command_payload(Desk& desk, const Typed& typed, const std::string& response_path) {
  const auto& world = desk.world;
  json::Writer w;
  w.begin_object().field("token", "legacy-ignored").field("team_id", world.slack.team_id);
  w.field("team_domain", "northwind-ops").field("channel_id", typed.channel->id);
  w.field("channel_name", typed.channel->direct       ? "directmessage"
                          : typed.channel->is_private ? "privategroup"
                                                      : typed.channel->name);
  w.field("user_id", typed.user).field("user_name", world.users.find(typed.user)->name);
  w.field("command", typed.command).field("text", typed.text).field("api_app_id", world.app.settings.id);
  w.field("is_enterprise_install", "false").field("response_url", desk.slack_url + response_path);
  w.field("trigger_id", issue_trigger(desk.world, typed.user, desk.loop.now())).end_object();
  return w.take();
}

/// Shows what the acknowledgement carries; what is wrong with it, or nothing.
std::string show_answer(Desk& desk, const AppAnswer& answer, const std::string& path) {
  if (answer.body.empty()) return {};
  const auto url = desk.world.app.response_urls.find(path);
  if (url == desk.world.app.response_urls.end()) return {};
  std::string body = answer.body;
  const auto document = json::parse(body);
  // A bare text is a message, too.
  if (!answer.json || !document || !document->root().is_object()) {
    json::Writer w;
    w.begin_object().field("text",
                           document && document->root().is_string() ? document->root().string_or("") : body);
    w.end_object();
    body = w.take();
  }
  const auto message = json::parse(body);
  return message ? post_response(desk.context(), url->second, message->root()) : "invalid_payload";
}

std::size_t ephemerals_since(const World& world, const std::string& user, const std::string& channel,
                             const std::string& since) {
  return static_cast<std::size_t>(std::count_if(
      world.app.ephemerals.begin(), world.app.ephemerals.end(),
      [&](const SlackEphemeral& m) { return m.user == user && m.channel == channel && m.ts > since; }));
}

void write_answers(json::Writer& out, const World& world, const Typed& typed, const std::string& channel,
                   const std::string& since) {
  out.key("messages").begin_array();
  for (const auto& message : world.app.ephemerals) {
    if (message.user == typed.user && message.channel == channel && message.ts > since)
      write_ephemeral(out, message);
  }
  out.end_array();
}

Result<Typed> read_command(Desk& desk, Reader& in) {
  Typed typed;
  auto user = person_of(desk, in);
  if (!user) return user.error();
  typed.user = *user;
  const auto& commands = desk.world.app.settings.commands;
  typed.command = commands.empty() ? "/oncall" : commands.front();
  in.text("command", typed.command);
  in.text("text", typed.text);
  bool escape = false;
  in.flag("escape", escape);
  if (escape) typed.text = escaped_text(desk.world, typed.text);
  const auto name = in.required("channel");
  typed.channel = channel_named(desk.world, name);
  if (!typed.channel) return fail(ErrorKind::not_found, "no channel \"{}\"", name);
  const bool hidden =
      (typed.channel->is_private || typed.channel->direct) && typed.channel->members.count(*user) == 0;
  if (hidden) return fail(ErrorKind::not_found, "{} does not see the channel \"{}\"", *user, name);
  return typed;
}

}  // namespace

net::Task<Result<void>> do_command(Desk& desk, Reader& in, json::Writer& out) {
  auto typed = read_command(desk, in);
  double patience = 3;
  in.real("seconds", patience);
  if (!typed) co_return typed.error();
  if (auto done = in.done(); !done) co_return done.error();
  const auto& commands = desk.world.app.settings.commands;
  const bool known = std::find(commands.begin(), commands.end(), typed->command) != commands.end();
  if (!known || !has_live_scope(desk.world, "commands")) {
    out.field("sent", false).field("shown", fmt::format("{} is not a valid command.", typed->command));
    co_return Result<void>{};
  }
  const std::string channel = typed->channel->id;
  auto& row = *desk.world.channels.find(channel);
  const auto since = next_message_ts(row, desk.now());
  const auto path = issue_response_url(desk.world, typed->user, channel, desk.loop.now());
  AppDelivery delivery{"slash_commands", typed->command, command_payload(desk, *typed, path)};
  const auto answer = co_await desk.link.deliver(std::move(delivery));

  std::string shown = answer.acked ? "" : command_failure(typed->command, answer.trouble);
  if (answer.acked) {
    const auto refused = show_answer(desk, answer, path);
    if (!refused.empty()) shown = fmt::format("{} failed: {}", typed->command, refused);
  }
  desk.changed.notify();
  // The answer may come later, to the response_url.
  const auto until = desk.loop.now() + milliseconds(static_cast<std::int64_t>(patience * 1000));
  while (shown.empty() && ephemerals_since(desk.world, typed->user, channel, since) == 0 &&
         desk.loop.now() < until) {
    co_await desk.changed.wait_until(until);
  }
  write_delivery(out, answer, shown);
  write_answers(out, desk.world, *typed, channel, since);
  co_return Result<void>{};
}

net::Task<Result<void>> do_open_home(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  std::string tab = "home";
  in.text("tab", tab);
  if (auto done = in.done(); !done) co_return done.error();
  const auto& world = desk.world;
  json::Writer w;
  w.begin_object().field("type", "app_home_opened").field("user", *user);
  w.field("channel", "D" + world.slack.bot_user.substr(1) + user->substr(1)).field("tab", tab);
  w.field("event_ts", fmt::format("{}.000100", unix_seconds(desk.loop.now())));
  const auto home = world.app.homes.find(*user);
  if (tab == "home" && home != world.app.homes.end()) {
    w.key("view");
    write_slack_view(w, world, world.app.views.at(home->second));
  }
  w.end_object();
  desk.link.tell(w.take(), fmt::format("Ev{:010X}", desk.world.next_number++ * 0x9e3779b9U));
  out.key("home");
  if (home == world.app.homes.end()) {
    out.null();
  } else {
    write_shown_view(out, world, world.app.views.at(home->second));
  }
  co_return Result<void>{};
}

net::Task<Result<void>> do_shortcut(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  const auto callback = in.required("callback_id");
  if (auto done = in.done(); !done) co_return done.error();
  json::Writer w;
  begin_interaction(w, desk.world, "shortcut", *user);
  w.field("action_ts", fmt::format("{}.000100", unix_seconds(desk.loop.now())))
      .field("callback_id", callback);
  w.field("trigger_id", issue_trigger(desk.world, *user, desk.loop.now())).end_object();
  auto delivery = interaction("shortcut", w.take());
  const auto answer = co_await desk.link.deliver(std::move(delivery));
  write_delivery(out, answer, answer.acked ? "" : answer.trouble);
  co_return Result<void>{};
}

net::Task<Result<void>> do_verify_url(Desk& desk, Reader& in, json::Writer& out) {
  if (auto done = in.done(); !done) co_return done.error();
  const auto trouble = co_await desk.link.verify_url();
  out.field("verified", trouble.empty()).field("trouble", trouble);
  co_return Result<void>{};
}

net::Task<Result<void>> do_wait(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  std::uint64_t since = 0;
  double patience = 3;
  in.number("since", since);
  in.real("seconds", patience);
  if (auto done = in.done(); !done) co_return done.error();
  const auto until = desk.loop.now() + milliseconds(static_cast<std::int64_t>(patience * 1000));
  while (desk.world.app.revisions[*user] <= since && desk.loop.now() < until) {
    co_await desk.changed.wait_until(until);
  }
  out.field("changed", desk.world.app.revisions[*user] > since);
  out.field("revision", static_cast<std::int64_t>(desk.world.app.revisions[*user]));
  co_return Result<void>{};
}

}  // namespace watchbill::sandbox
