// The page's events about the workspace: what is there, and what differs from what was told.

#include "sandbox/page/rows.hpp"

#include <algorithm>
#include <set>

#include "sandbox/control/ops.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMessagesAtFirst = 200;

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string kind_of(const SlackUser& user) {
  if (user.bot) return "bot";
  if (user.stranger) return "stranger";
  if (user.multi_channel_guest || user.single_channel_guest) return "guest";
  return user.owner ? "owner" : user.admin ? "admin" : "member";
}

Rows user_rows(const World& world) {
  Rows rows;
  for (const auto& user : world.users) {
    json::Writer w;
    w.begin_object().field("id", user.id).field("key", user.key).field("handle", user.name);
    w.field("name", user.real_name).field("email", user.email).field("deleted", user.deleted);
    w.field("kind", kind_of(user)).field("assignable", user.assignable()).end_object();
    rows.emplace_back(user.id, w.take());
  }
  return rows;
}

Rows group_rows(const World& world) {
  Rows rows;
  for (const auto& group : world.groups) {
    const bool editable = group.auto_type.empty() && !group.idp && !group.membership_locked &&
                          !group.editing_restricted && !group.external;
    json::Writer w;
    w.begin_object().field("id", group.id).field("handle", group.handle).field("name", group.name);
    w.field("description", group.description).field("users", group.users);
    w.field("disabled", group.disabled_at != 0).field("editable", editable);
    w.field("updated_by", group.updated_by)
        .field("changes", static_cast<std::int64_t>(group.changes))
        .end_object();
    rows.emplace_back(group.id, w.take());
  }
  return rows;
}

Rows channel_rows(const World& world) {
  Rows rows;
  for (const auto& channel : world.channels) {
    json::Writer w;
    w.begin_object().field("id", channel.id).field("name", channel.name);
    w.field("private", channel.is_private)
        .field("archived", channel.archived)
        .field("direct", channel.direct);
    w.field("members", std::vector<std::string>(channel.members.begin(), channel.members.end()));
    w.field("count", channel.messages.size()).end_object();
    rows.emplace_back(channel.id, w.take());
  }
  return rows;
}

std::string hello(const Desk& desk) {
  const auto& world = desk.world;
  json::Writer w;
  w.begin_object()
      .key("team")
      .begin_object()
      .field("id", world.slack.team_id)
      .field("name", world.slack.team);
  w.end_object().field("bot", world.slack.bot_user).key("app").begin_object();
  w.field("id", world.app.settings.id).field("commands", world.app.settings.commands);
  w.field("home_enabled", world.app.settings.home_enabled).end_object().key("addresses").begin_object();
  for (const auto& [name, address] : desk.addresses) w.field(name, address);
  w.end_object().field("daemon", desk.daemon != nullptr).end_object();
  return w.take();
}

std::string responders(const World& world) {
  json::Writer w;
  w.begin_object().key("systems").begin_object();
  for (const auto& [system, roster] : world.rosters) {
    w.key(name_of(system)).begin_array();
    for (const auto& person : roster.people) {
      w.begin_object().field("id", person.id).field("key", person.key).field("name", person.name);
      w.field("email", person.email).field("deleted", person.deleted).end_object();
    }
    w.end_array();
  }
  w.end_object().end_object();
  return w.take();
}

std::string transport(const Desk& desk) {
  auto& link = desk.link;
  json::Writer w;
  w.begin_object().field("mode", name_of(link.settings.mode)).field("url", link.settings.events_url);
  write_connections(w, link.socket());
  w.end_object();
  return w.take();
}

std::string faults(const Desk& desk) {
  const auto& front = desk.front;
  json::Writer w;
  w.begin_object().key("faults").begin_array();
  for (const auto& fault : front.faults) {
    if (fault.times != 0 && fault.until > desk.now()) write_fault(w, fault);
  }
  w.end_array().key("rate").begin_object().field("off", front.rate.off).field("scale", front.rate.scale);
  w.end_object().key("lag").begin_object();
  for (const auto& [system, roster] : desk.world.rosters) {
    w.field(name_of(system), static_cast<std::int64_t>(roster.lag.count()));
  }
  w.end_object().end_object();
  return w.take();
}

void tell_channel(const Channel& channel, PageState::Heard& heard, bool fresh, std::string& out) {
  const bool replace = !fresh && heard.edits != channel.edits;
  const auto count = channel.messages.size();
  if (!fresh && !replace && heard.count == count) return;
  auto from = replace || fresh ? std::size_t{0} : heard.count;
  from = std::max(from, count - std::min(count, kMessagesAtFirst));
  heard = {count, channel.edits};
  json::Writer w;
  w.begin_object().field("channel", channel.id).field("replace", replace || fresh).field("more", from);
  w.key("messages").begin_array();
  for (auto i = from; i < count; ++i) write_message(w, channel.messages[i]);
  w.end_array().end_object();
  add_event(out, "messages", w.take());
}

void tell_ephemerals(Desk& desk, PageState& state, std::string& out) {
  const auto& all = desk.world.app.ephemerals;
  const std::string last = all.empty() ? "" : all.back().ts;
  if (!state.fresh && state.ephemerals == all.size() && state.last_ephemeral == last) return;
  // Removed ones shift the rest: then all come again.
  const bool replace = state.fresh || all.size() < state.ephemerals ||
                       (state.ephemerals > 0 && all[state.ephemerals - 1].ts != state.last_ephemeral);
  json::Writer w;
  w.begin_object().field("replace", replace).key("messages").begin_array();
  for (auto i = replace ? std::size_t{0} : state.ephemerals; i < all.size(); ++i) {
    w.begin_object().field("user", all[i].user).field("ts", all[i].ts).field("channel", all[i].channel);
    w.field("text", all[i].text)
        .key("blocks")
        .raw(all[i].blocks.empty() ? "null" : all[i].blocks)
        .end_object();
  }
  w.end_array().end_object();
  add_event(out, "ephemerals", w.take());
  state.ephemerals = all.size();
  state.last_ephemeral = last;
}

}  // namespace

void add_event(std::string& out, std::string_view name, std::string_view json) {
  out.append("event: ").append(name).append("\ndata: ").append(json).append("\n\n");
}

void PageRows::tell(std::string& out, std::string_view name,
                    const std::vector<std::pair<std::string, std::string>>& rows, const std::string& extra) {
  std::string changed;
  std::set<std::string_view> there;
  for (const auto& [id, json] : rows) {
    there.insert(id);
    auto& known = known_[id];
    if (known == json) continue;
    known = json;
    changed.append(changed.empty() ? "" : ",").append(json);
  }
  std::string gone;
  for (auto one = known_.begin(); one != known_.end();) {
    if (there.count(one->first) != 0) {
      ++one;
      continue;
    }
    gone += (gone.empty() ? "\"" : ",\"") + one->first + "\"";
    one = known_.erase(one);
  }
  if (told_ && changed.empty() && gone.empty() && extra == extra_) return;
  std::string text = fmt::format(R"({{"reset":{},"{}":[{}])", !told_, name, changed);
  if (!gone.empty()) text += fmt::format(R"(,"gone":[{}])", gone);
  add_event(out, name, text + extra + "}");
  told_ = true;
  extra_ = extra;
}

void PageText::tell(std::string& out, std::string_view name, std::string json) {
  if (json == known_) return;
  add_event(out, name, json);
  known_ = std::move(json);
}

std::string time_event(const Desk& desk) {
  json::Writer w;
  w.begin_object()
      .field("now", format_rfc3339_ms(desk.now()))
      .field("speed", desk.clock.speed())
      .end_object();
  std::string out;
  add_event(out, "time", w.take());
  return out;
}

void tell_workspace(Desk& desk, PageState& state, std::string& out) {
  const auto& world = desk.world;
  state.hello.tell(out, "hello", hello(desk));
  state.users.tell(out, "users", user_rows(world));
  state.groups.tell(out, "groups", group_rows(world));
  state.channels.tell(out, "channels", channel_rows(world));
  state.faults.tell(out, "faults", faults(desk));
  if (desk.daemon) state.daemon.tell(out, "daemon", desk.daemon->status());
}

void tell_messages(Desk& desk, PageState& state, std::string& out) {
  for (const auto& channel : desk.world.channels) {
    const bool fresh = state.messages.count(channel.id) == 0;
    tell_channel(channel, state.messages[channel.id], fresh, out);
  }
  tell_ephemerals(desk, state, out);
}

void tell_surfaces(Desk& desk, PageState& state, std::string& out) {
  const auto& app = desk.world.app;
  for (const auto& [person, revision] : app.revisions) {
    auto& told = state.surfaces[person];
    if (told == revision) continue;
    told = revision;
    json::Writer w;
    w.begin_object()
        .field("person", person)
        .field("revision", static_cast<std::int64_t>(revision))
        .key("home");
    if (const auto home = app.homes.find(person); home != app.homes.end()) {
      write_shown_view(w, desk.world, app.views.at(home->second));
    } else {
      w.null();
    }
    write_modals(w, desk.world, person);
    w.end_object();
    add_event(out, "surface", w.take());
  }
}

void tell_first(Desk& desk, PageState& state, std::string& out) {
  if (desk.clock_touched != state.clock) {
    out += time_event(desk);
    state.clock = desk.clock_touched;
  }
  tell_workspace(desk, state, out);
  tell_messages(desk, state, out);
  tell_surfaces(desk, state, out);
  tell_schedules(desk, state, out);
  tell_handoffs(desk, state, out);
}

void tell_rest(Desk& desk, PageState& state, std::string& out) {
  state.people.tell(out, "people", responders(desk.world));
  state.transport.tell(out, "transport", transport(desk));
  tell_logs(desk, state, out);
  state.fresh = false;
}

}  // namespace watchbill::sandbox
