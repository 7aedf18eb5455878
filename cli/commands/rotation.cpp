// watchbill rotation create|edit|list|show

#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/overview.hpp"
#include "cli/commands/rotation_options.hpp"
#include "cli/commands/seen_schedules.hpp"
#include "cli/commands/validate.hpp"
#include "cli/terminal/table.hpp"
#include "control/duty.hpp"
#include "control/rotation_json.hpp"
#include "control/save.hpp"
#include "store/names.hpp"

namespace watchbill::cli {

namespace {

void tell(Session& session, const Rotation& rotation, std::string_view what) {
  if (session.json()) {
    session.print_json(control::rotation_json(rotation));
  } else {
    session.io().out << printable(
        fmt::format("rotation \"{}\" {}: @{} ({})\n", rotation.name, what, rotation.handle, rotation.group));
  }
}

Result<int> create(Session& session, const Invocation& in) {
  auto files = read_rotation_files(session, in);
  if (!files) return files.error();
  std::vector<control::RotationDraft> all(1);
  auto& wanted = all.front();
  wanted.rotation.name = in.argument("NAME");
  if (auto put = apply_options(in, *files, wanted.rotation, {}); !put) return put.error();
  if (!in.has("group"))
    return fail(ErrorKind::invalid, "rotation create: --group is missing: which Slack user group is it for?");
  if (!in.has("schedule")) {
    return fail(ErrorKind::invalid,
                "rotation create: --schedule is missing; `watchbill schedule list` shows what there is");
  }
  auto context = session.context();
  if (!context) return context.error();
  control::Workspace workspace(**context);
  auto found = session.run(control::resolve_group(workspace, wanted, in.has("create-group")));
  if (!found) return found.error();
  if (auto valid = validate_here(session, workspace, all, {!in.has("no-verify")}); !valid)
    return valid.error();
  if (auto agreed = agree_to_adopt(session, in, workspace, wanted); !agreed) return agreed.error();
  auto saved = session.run(control::save(**context, session.caller(), wanted, in.has("quiet")));
  if (!saved) return saved.error();
  tell(session, wanted.rotation, "created");
  auto running = session.daemon();
  if (running && !*running && !session.json()) {
    session.io().out << "No daemon is running: `watchbill sync` makes one pass now, `systemctl start "
                        "watchbilld` keeps the group from now on.\n";
  }
  return kDone;
}

Result<int> edit(Session& session, const Invocation& in) {
  auto files = read_rotation_files(session, in);
  if (!files) return files.error();
  auto context = session.context();
  if (!context) return context.error();
  auto stored = control::rotation_named(**session.store(), in.argument("ROTATION"));
  if (!stored) return stored.error();
  // Before anybody is asked.
  auto ok = control::allowed(**context, session.caller(), Action::edit, {&*stored, {}});
  if (!ok) return ok.error();
  std::vector<control::RotationDraft> all(1);
  auto& wanted = all.front();
  wanted.before = *stored;
  wanted.rotation = *stored;
  const auto names = seen_schedules(**session.store());
  if (auto put = apply_options(in, *files, wanted.rotation, names); !put) return put.error();
  control::Workspace workspace(**context);
  if (in.has("group")) {
    auto found = session.run(control::resolve_group(workspace, wanted, in.has("create-group")));
    if (!found) return found.error();
  }
  if (auto valid = validate_here(session, workspace, all, {!in.has("no-verify")}); !valid)
    return valid.error();
  const auto changes = control::compare(*stored, wanted.rotation);
  if (changes.empty() && !wanted.create_group) {
    tell(session, *stored, "unchanged");
    return kDone;
  }
  if (auto agreed = agree_to_adopt(session, in, workspace, wanted); !agreed) return agreed.error();
  if (auto saved = session.run(control::save(**context, session.caller(), wanted, false)); !saved)
    return saved.error();
  tell(session, wanted.rotation, "changed");
  if (!session.json()) {
    for (const auto& [field, before, after] : control::compare(*stored, wanted.rotation))
      session.io().out << printable(fmt::format("  {}: {} -> {}\n", field, before, after));
  }
  return kDone;
}

std::string schedules_of(const Rotation& rotation) {
  std::string out;
  for (const auto& schedule : rotation.schedules) out += (out.empty() ? "" : ", ") + to_string(schedule.ref);
  return out;
}

Result<int> list_rotations(Session& session, const Invocation& /*in*/) {
  auto store = session.store();
  if (!store) return store.error();
  auto rotations = (*store)->rotations().list();
  if (!rotations) return rotations.error();
  if (session.json()) {
    json::Writer w;
    w.begin_array();
    for (const auto& rotation : *rotations) control::write_rotation(w, rotation);
    w.end_array();
    session.print_json(w.take());
    return kDone;
  }
  Table table({"ROTATION", "GROUP", "MODE", "SCHEDULES", "MANAGED BY"});
  for (const auto& rotation : *rotations) {
    table.add({rotation.name, "@" + rotation.handle,
               rotation.paused ? "paused" : std::string(name_of(rotation.mode)), schedules_of(rotation),
               rotation.managed_by});
  }
  session.io().out << table.render(session.io().width);
  return kDone;
}

struct ShownAnnouncement {
  std::string at;
  ChannelId channel;
  std::string state;
  std::string error;
};

std::vector<ShownAnnouncement> announcements(store::Store& store, const Rotation& rotation) {
  constexpr std::size_t shown = 10;
  std::vector<ShownAnnouncement> out;
  auto rows = store.outbox().of_rotation(rotation.id, shown);
  if (!rows) return out;
  for (const auto& row : *rows) {
    out.push_back({format_rfc3339(row.facts.at), row.channel, std::string(name_of(row.state)), row.error});
  }
  return out;
}

std::string show_json(const control::RotationView& view, const std::vector<ShownAnnouncement>& sent) {
  json::Writer w;
  auto fields = control::rotation_json(view.rotation);
  json::Writer status;
  status.begin_object();
  write_view_fields(status, view);
  status.end_object();
  w.begin_array();
  for (const auto& [at, channel, state, error] : sent) {
    w.begin_object().field("at", at).field("channel", channel.value).field("state", state);
    w.field("error", error.empty() ? std::optional<std::string>() : error).end_object();
  }
  w.end_array();
  fields.pop_back();  // its closing brace
  return fields + R"(,"status":)" + status.take() + R"(,"announcements":)" + w.take() + "}";
}

void show_table(Session& session, store::Store& store, const control::RotationView& view,
                const std::vector<ShownAnnouncement>& sent) {
  auto& out = session.io().out;
  const auto names = known_names(session);
  const auto line = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out << printable(fmt::format("{:<18} {}\n", name, value));
  };
  const auto label = [&store](const ChannelId& channel) { return store::channel_label(store, channel); };
  const auto& r = view.rotation;
  line("rotation", r.name);
  line("group", fmt::format("@{} ({})", r.handle, r.group));
  line("state", view.state);
  for (const auto& problem : view.problems) line("problem", problem);
  for (const auto& person : view.on_call) {
    line(
        "on call",
        fmt::format("{} ({}){}{}{}", person.responder.name, person.schedule,
                    person.until && *person.until != kNever ? ", until " + format_rfc3339(*person.until) : "",
                    slack_remark(person), person.last_known ? " (last known)" : ""));
  }
  for (const auto& ref : without_people(view.on_call, view.unknown))
    line("on call", fmt::format("not known ({})", ref));
  line("in the group", control::names_of(names, view.members));
  for (const auto& person : view.next)
    line("next", fmt::format("{} from {}", person.name, format_rfc3339(person.from)));
  for (const auto& schedule : r.schedules) {
    line("schedule", fmt::format("{}{}{}", schedule.ref, schedule.label.empty() ? "" : ": " + schedule.label,
                                 schedule.required ? " (required)" : ""));
  }
  line("mode",
       fmt::format("{}, membership {}, drift {}", name_of(r.mode), name_of(r.membership), name_of(r.drift)));
  for (const auto& channel : r.channels) line("channel", label(channel));
  line("always members", control::names_of(names, r.permanent_members));
  line("nobody on call",
       fmt::format("{}{}", name_of(r.empty), r.alerts_when_empty() ? ", with an alert" : ""));
  line("fallback members", control::names_of(names, r.fallback_members));
  line("announcements", fmt::format("{}, mention {}, at most {} late{}", r.announce.enabled ? "on" : "off",
                                    name_of(r.announce.mention), format_duration(r.announce.max_age),
                                    r.announce.text_template ? ", own template" : ""));
  if (r.announce.text_template) line("template", *r.announce.text_template);
  for (const auto& owner : r.owners) line("owner", control::name_or_id(names, UserId(owner)));
  if (r.alert_channel) line("alert channel", label(*r.alert_channel));
  line("managed by", r.managed_by);
  for (const auto& [at, channel, state, error] : sent)
    line("announced",
         fmt::format("{} in {}: {}{}", at, label(channel), state, error.empty() ? "" : " (" + error + ")"));
}

Result<int> show(Session& session, const Invocation& in) {
  auto store = session.store();
  if (!store) return store.error();
  auto rotation = control::rotation_named(**store, in.argument("ROTATION"));
  if (!rotation) return rotation.error();
  auto overview = read_overview(session);
  if (!overview) return overview.error();
  for (const auto& view : overview->rotations) {
    if (view.rotation.id != rotation->id) continue;
    const auto sent = announcements(**store, *rotation);
    if (session.json()) {
      session.print_json(show_json(view, sent));
    } else {
      show_table(session, **store, view, sent);
    }
    return kDone;
  }
  return fail(ErrorKind::not_found, "rotation \"{}\" was deleted just now", rotation->name);
}

}  // namespace

std::vector<Command> rotation_commands() {
  const ArgumentSpec rotation{"ROTATION", "name of the rotation, or @handle of its group"};
  return {
      {"rotation create",
       "Keep a Slack user group equal to who is on call",
       "Everything is checked before anything is written: the group, the schedules, channels and people. A "
       "group "
       "belongs to one rotation. If the group exists and has other members than who is on call, what would "
       "happen to it is shown, and --adopt is needed; the members it has are kept for `rotation delete "
       "--restore`.",
       {{"NAME", "free text of 1 to 80 characters, unique regardless of case"}},
       rotation_options(false),
       {"rotation create payments --group @payments-oncall --schedule pd/PSCHED1 --channel '#payments'",
        "rotation create platform --group @platform-oncall --create-group --schedule og/77f1 --member "
        "lead@example.com",
        "rotation create database --group S0DATABASE --adopt --schedule xm/DB --empty fallback --fallback "
        "U0LEAD"},
       create},
      {"rotation list",
       "List the rotations",
       "Sorted by name. `status` shows how they are doing.",
       {},
       {},
       {"rotation list", "rotation list --format json"},
       list_rotations},
      {"rotation show",
       "Show all of one rotation",
       "Its settings, its state, who is on call and who is next, and what became of its latest "
       "announcements.",
       {rotation},
       {},
       {"rotation show payments"},
       show},
      {"rotation edit",
       "Change a rotation",
       "Takes the options of `rotation create`: what is given replaces what was, lists as a whole; the rest "
       "stays. `--channel ''` or `--no-channel` clears the channels, and so for the other lists. Another "
       "--group moves the rotation there; the old group stays as it is. Where the group would lose members "
       "whom "
       "no handoff takes out (--group, --mode keep, --membership exact, --drift repair, the schedules of a "
       "paused "
       "rotation), that is shown first, and --adopt is needed. A rotation that a file manages is "
       "changed in that file.",
       {rotation},
       rotation_options(true),
       {"rotation edit payments --name billing",
        "rotation edit payments --channel '#payments' --channel '#ops'",
        "rotation edit payments --no-template --mention none"},
       edit},
  };
}

}  // namespace watchbill::cli
