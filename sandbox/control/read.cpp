// Control actions that read: the state of the world, who is on call, the request log.

#include <algorithm>

#include "sandbox/control/ops.hpp"
#include "sandbox/schedules.hpp"

namespace watchbill::sandbox {
namespace {

void write_messages(json::Writer& out, const Channel& channel) {
  out.key("messages").begin_array();
  for (const auto& message : channel.messages) write_message(out, message);
  out.end_array();
}

void write_users(json::Writer& out, const World& world) {
  out.key("users").begin_array();
  for (const auto& user : world.users) {
    out.begin_object().field("id", user.id).field("key", user.key).field("handle", user.name);
    out.field("name", user.real_name).field("email", user.email).field("deleted", user.deleted);
    out.field("assignable", user.assignable()).field("admin", user.admin).end_object();
  }
  out.end_array();
}

void write_groups(json::Writer& out, const World& world) {
  out.key("groups").begin_array();
  for (const auto& group : world.groups) {
    std::vector<std::string> keys;
    for (const auto& id : group.users) {
      const auto* user = world.users.find(id);
      keys.push_back(user ? user->key : id);
    }
    std::sort(keys.begin(), keys.end());
    out.begin_object().field("id", group.id).field("handle", group.handle).field("name", group.name);
    out.field("description", group.description).field("users", group.users).field("people", keys);
    out.field("disabled", group.disabled_at != 0).field("default_channels", group.default_channels);
    out.field("updated_by", group.updated_by).field("changes", group.past.size()).end_object();
  }
  out.end_array();
}

void write_channels(json::Writer& out, const World& world) {
  out.key("channels").begin_array();
  for (const auto& channel : world.channels) {
    out.begin_object().field("id", channel.id).field("name", channel.name);
    out.field("private", channel.is_private)
        .field("archived", channel.archived)
        .field("direct", channel.direct);
    out.field("members", std::vector<std::string>(channel.members.begin(), channel.members.end()));
    write_messages(out, channel);
    out.end_object();
  }
  out.end_array();
}

void write_people(json::Writer& out, const World& world) {
  out.key("people").begin_object();
  for (const auto& [system, roster] : world.rosters) {
    out.key(name_of(system)).begin_array();
    for (const auto& person : roster.people) {
      out.begin_object().field("id", person.id).field("key", person.key).field("name", person.name);
      out.field("email", person.email).field("deleted", person.deleted).end_object();
    }
    out.end_array();
  }
  out.end_object();
}

void write_on_call(json::Writer& out, const World& world, const Schedule& schedule, Instant now) {
  const auto people = on_call_at(world, schedule, now);
  std::vector<std::string> emails;
  std::vector<std::string> slack;
  for (const auto& key : people) {
    const auto* responder = world.roster(schedule.system).person(key);
    if (responder && !responder->email.empty()) emails.push_back(responder->email);
    const auto user = world.user_of_key.find(key);
    if (user != world.user_of_key.end()) slack.push_back(user->second);
  }
  out.begin_object().field("system", name_of(schedule.system)).field("id", schedule.id);
  out.field("name", schedule.name).field("people", people).field("emails", emails).field("slack", slack);
  const auto next = next_boundary(world, schedule, now);
  out.key("next_boundary");
  if (next == kNever) {
    out.null();
  } else {
    out.value(format_rfc3339_ms(next));
  }
  out.end_object();
}

void write_schedules(json::Writer& out, const World& world, std::string_view system, const std::string& id,
                     Instant now) {
  out.key("schedules").begin_array();
  for (const auto& [one, roster] : world.rosters) {
    if (!system.empty() && name_of(one) != system) continue;
    for (const auto& schedule : roster.schedules) {
      if (id.empty() || schedule.id == id) write_on_call(out, world, schedule, now);
    }
  }
  out.end_array();
}

bool logged(const LogEntry& entry, std::uint64_t since, const std::string& system, const std::string& match) {
  return entry.seq > since && (system.empty() || name_of(entry.system) == system) &&
         (entry.path.find(match) != std::string::npos);
}

}  // namespace

void write_message(json::Writer& out, const Message& message) {
  out.begin_object().field("ts", message.ts).field("user", message.user).field("text", message.text);
  if (!message.thread_ts.empty()) out.field("thread_ts", message.thread_ts);
  out.key("blocks").raw(message.blocks.empty() ? "null" : message.blocks).key("metadata");
  if (message.metadata_type.empty()) {
    out.null();
  } else {
    out.begin_object().field("event_type", message.metadata_type);
    out.key("event_payload").raw(message.metadata_payload).end_object();
  }
  out.end_object();
}

void write_log_entry(json::Writer& out, const LogEntry& entry) {
  out.begin_object().field("seq", static_cast<std::int64_t>(entry.seq));
  out.field("at", format_rfc3339_ms(entry.at)).field("system", name_of(entry.system));
  out.field("method", entry.method).field("path", entry.path).field("status", entry.status);
  out.field("error", entry.error).field("fault", entry.fault);
  out.field("took_ms", static_cast<std::int64_t>(entry.took.count())).end_object();
}

Result<void> do_state(Desk& desk, Reader& in, json::Writer& out) {
  std::vector<std::string> only;
  in.texts("only", only);
  if (auto done = in.done(); !done) return done;
  const auto wants = [&](std::string_view part) {
    return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
  };
  const auto now = desk.now();
  out.field("now", format_rfc3339_ms(now));
  if (wants("users")) write_users(out, desk.world);
  if (wants("groups")) write_groups(out, desk.world);
  if (wants("channels")) write_channels(out, desk.world);
  if (wants("people")) write_people(out, desk.world);
  if (wants("schedules")) write_schedules(out, desk.world, "", "", now);
  return {};
}

Result<void> do_messages(Desk& desk, Reader& in, json::Writer& out) {
  const auto name = in.required("channel");
  std::string before;
  std::size_t limit = SIZE_MAX;
  in.text("before", before);
  in.number("limit", limit);
  if (auto done = in.done(); !done) return done;
  const auto* channel = channel_named(desk.world, name);
  if (!channel) return fail(ErrorKind::not_found, "no channel \"{}\"", name);
  const auto& all = channel->messages;
  // Sorted by ts, which all have the same length.
  const auto end =
      before.empty() ? all.end()
                     : std::find_if(all.begin(), all.end(), [&](const Message& m) { return m.ts >= before; });
  const auto count = static_cast<std::size_t>(end - all.begin());
  out.field("more", count - std::min(count, limit)).key("messages").begin_array();
  for (auto one = end - static_cast<std::ptrdiff_t>(std::min(count, limit)); one != end; ++one)
    write_message(out, *one);
  out.end_array();
  return {};
}

Result<void> do_on_call(Desk& desk, Reader& in, json::Writer& out) {
  std::string system;
  std::string id;
  in.text("system", system);
  in.text("id", id);
  if (auto done = in.done(); !done) return done;
  if (!id.empty()) {
    const bool known =
        std::any_of(desk.world.rosters.begin(), desk.world.rosters.end(), [&](const auto& one) {
          return (system.empty() || name_of(one.first) == system) && one.second.schedules.find(id);
        });
    if (!known) return fail(ErrorKind::not_found, "no schedule \"{}\"", id);
  }
  out.field("now", format_rfc3339_ms(desk.now()));
  write_schedules(out, desk.world, system, id, desk.now());
  return {};
}

Result<void> do_log(Desk& desk, Reader& in, json::Writer& out) {
  std::uint64_t since = 0;
  std::string system;
  std::string match;
  in.number("since", since);
  in.text("system", system);
  in.text("match", match);
  if (auto done = in.done(); !done) return done;
  const auto& front = desk.front;
  out.field("last", static_cast<std::int64_t>(front.next_seq - 1)).key("entries").begin_array();
  for (const auto& entry : front.log) {
    if (!logged(entry, since, system, match)) continue;
    write_log_entry(out, entry);
  }
  out.end_array().key("counters").begin_array();
  for (const auto& [key, count] : front.counters) {
    const auto& [one, label, status] = key;
    if (!system.empty() && name_of(one) != system) continue;
    out.begin_object().field("system", name_of(one)).field("call", label).field("status", status);
    out.field("count", static_cast<std::int64_t>(count)).end_object();
  }
  out.end_array();
  return {};
}

Result<void> do_reset(Desk& desk, Reader& in, json::Writer&) {
  bool empty = false;
  in.flag("empty", empty);
  if (auto done = in.done(); !done) return done;
  return desk.reset(empty);
}

}  // namespace watchbill::sandbox
