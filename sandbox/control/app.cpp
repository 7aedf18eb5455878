// Control actions on the app's surfaces that need no answer of the app: looking, and getting a trigger.

#include "sandbox/slack/acting.hpp"
#include "sandbox/slack/surface.hpp"

namespace watchbill::sandbox {
void write_shown_view(json::Writer& out, const World& world, const SlackView& view) {
  out.begin_object().key("view");
  write_slack_view(out, world, view);
  out.key("errors").begin_object();
  for (const auto& [block, text] : view.errors) out.field(block, text);
  out.end_object().key("trouble");
  if (view.trouble.empty()) {
    out.null();
  } else {
    out.value(view.trouble);
  }
  out.field("loading", view.loading).end_object();
}

Result<void> do_trigger(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (auto done = in.done(); !done) return done;
  if (!user) return user.error();
  out.field("trigger_id", issue_trigger(desk.world, *user, desk.loop.now()));
  return {};
}

Result<void> do_home(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (auto done = in.done(); !done) return done;
  if (!user) return user.error();
  const auto home = desk.world.app.homes.find(*user);
  out.key("home");
  if (home == desk.world.app.homes.end()) {
    out.null();
  } else {
    write_shown_view(out, desk.world, desk.world.app.views.at(home->second));
  }
  return {};
}

Result<void> do_modals(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (auto done = in.done(); !done) return done;
  if (!user) return user.error();
  write_modals(out, desk.world, *user);
  return {};
}

Result<void> do_ephemerals(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  std::string channel;
  in.text("channel", channel);
  if (auto done = in.done(); !done) return done;
  if (!user) return user.error();
  const auto* only = channel.empty() ? nullptr : channel_named(desk.world, channel);
  if (!channel.empty() && !only) return fail(ErrorKind::not_found, "no channel \"{}\"", channel);
  out.key("messages").begin_array();
  for (const auto& message : desk.world.app.ephemerals) {
    if (message.user != *user || (only && message.channel != only->id)) continue;
    write_ephemeral(out, message);
  }
  out.end_array();
  return {};
}

void write_ephemeral(json::Writer& out, const SlackEphemeral& message) {
  out.begin_object().field("ts", message.ts).field("channel", message.channel).field("text", message.text);
  out.key("blocks").raw(message.blocks.empty() ? "null" : message.blocks).end_object();
}

Result<void> do_app(Desk& desk, Reader& in, json::Writer&) {
  auto settings = desk.world.app.settings;
  in.text("id", settings.id);
  in.flag("home_enabled", settings.home_enabled);
  in.texts("commands", settings.commands);
  in.texts("events", settings.events);
  if (auto done = in.done(); !done) return done;
  for (const auto& command : settings.commands) {
    if (!command.starts_with('/') || command.size() < 2) {
      return fail(ErrorKind::invalid, "\"{}\" is no command: they begin with /", command);
    }
  }
  desk.world.app.settings = std::move(settings);
  return {};
}

}  // namespace watchbill::sandbox
