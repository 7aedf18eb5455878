#include "cli/commands/rotation_options.hpp"

#include <algorithm>

namespace watchbill::cli {

namespace {

/// The new list, without empty values; `--no-X` and a single empty value clear it.
template <class T>
void put_list(const Invocation& in, const std::string& option, std::vector<T>& list) {
  if (in.has("no-" + option)) list.clear();
  if (!in.has(option)) return;
  list.clear();
  for (auto& value : in.values(option)) {
    if (!value.empty()) list.emplace_back(std::move(value));
  }
}

template <class Value, class Parse>
Result<void> put_word(const Invocation& in, const std::string& option, Value& into, Parse parse) {
  const auto text = in.value(option);
  if (!text) return {};
  auto value = parse(*text);
  if (!value) return value.error().in("--{}", option);
  into = *value;
  return {};
}

Result<void> put_group(const Invocation& in, Rotation& rotation) {
  const auto text = in.value("group");
  if (!text) return {};
  rotation.group = GroupId{};
  rotation.handle.clear();
  if (text->starts_with('@')) {
    rotation.handle = text->substr(1);
  } else if (text->starts_with('S') && text->size() > 1) {
    rotation.group = GroupId(*text);
  } else {
    return fail(ErrorKind::invalid, "--group \"{0}\": write @{0}, or the group's id (S…)", *text);
  }
  return {};
}

/// The one of `schedules` that is written so: by its id, or by a name that only one of them has. Null: none.
RotationSchedule* find_written(std::vector<RotationSchedule>& schedules, const ScheduleRef& written,
                               const ScheduleNames& names) {
  std::vector<RotationSchedule*> named;
  for (auto& schedule : schedules) {
    if (schedule.ref == written) return &schedule;
    const auto known = names.find(to_string(schedule.ref));
    const bool of_connection = written.connection.empty() || written.connection == schedule.ref.connection;
    if (of_connection && known != names.end() && fold_name(known->second) == fold_name(written.id))
      named.push_back(&schedule);
  }
  return named.size() == 1 ? named.front() : nullptr;
}

Result<RotationSchedule*> find_schedule(Rotation& rotation, const std::string& option,
                                        const std::string& text, const ScheduleNames& names) {
  auto written = written_schedule(text);
  if (!written) return written.error().in("--{}", option);
  if (auto* found = find_written(rotation.schedules, *written, names)) return found;
  return fail(ErrorKind::invalid, "--{}: {} is not one of the rotation's schedules", option, text);
}

Result<void> put_schedules(const Invocation& in, Rotation& rotation, const ScheduleNames& names) {
  if (in.has("schedule")) {
    auto before = std::move(rotation.schedules);
    rotation.schedules.clear();
    for (const auto& text : in.values("schedule")) {
      auto ref = written_schedule(text);
      if (!ref) return ref.error().in("--schedule");
      const auto* known = find_written(before, *ref, names);
      rotation.schedules.push_back(known ? *known : RotationSchedule{*ref});
    }
  }
  for (const auto& text : in.values("label")) {
    const auto equals = text.rfind('=');
    if (equals == std::string::npos)
      return fail(ErrorKind::invalid, "--label \"{}\": write CONN/ID=TEXT", text);
    auto schedule = find_schedule(rotation, "label", text.substr(0, equals), names);
    if (!schedule) return schedule.error();
    (*schedule)->label = text.substr(equals + 1);
  }
  for (const bool required : {true, false}) {
    const std::string option = required ? "required" : "not-required";
    for (const auto& text : in.values(option)) {
      auto schedule = find_schedule(rotation, option, text, names);
      if (!schedule) return schedule.error();
      (*schedule)->required = required;
    }
  }
  return {};
}

Result<void> put_announce(const Invocation& in, const RotationFiles& files, Announce& announce) {
  if (in.has("no-announce")) announce.enabled = false;
  if (in.has("announce")) announce.enabled = true;
  if (in.has("no-template")) announce.text_template.reset();
  if (files.announcement_template) announce.text_template = files.announcement_template;
  if (auto put = put_word(in, "mention", announce.mention, parse_mention); !put) return put;
  return put_word(in, "max-age", announce.max_age, parse_duration);
}

Result<void> put_empty(const Invocation& in, Rotation& rotation) {
  if (auto put = put_word(in, "empty", rotation.empty, parse_empty); !put) return put;
  const auto alert = in.value("empty-alert");
  if (!alert) return {};
  if (*alert != "yes" && *alert != "no" && *alert != "default")
    return fail(ErrorKind::invalid, "--empty-alert \"{}\": use yes, no or default", *alert);
  rotation.empty_alert = *alert == "default" ? std::nullopt : std::optional(*alert == "yes");
  return {};
}

}  // namespace

std::vector<OptionSpec> rotation_options(bool edit) {
  std::vector<OptionSpec> specs{
      {"group", "@HANDLE|ID", "the Slack user group to keep"},
      {"create-group", "",
       "create the group if there is none of that handle; a disabled one is enabled by its first write"},
      {"adopt", "",
       edit ? "go on although the group loses members whom no handoff takes out; those of a group that is "
              "taken "
              "over are kept for `rotation delete --restore`"
            : "take over a group although it has other members than who is on call; they are kept for "
              "`rotation delete --restore`"},
      {"schedule", "CONN/ID|NAME",
       "whose on-call people are the members (see `schedule list`); NAME if only one has it", true},
      {"label", "CONN/ID|NAME=TEXT", "what announcements call the schedule", true},
      {"required", "CONN/ID|NAME", "nobody on call in this schedule is a problem, whoever is in the others",
       true},
      {"channel", "#NAME|ID", "where handoffs are announced", true},
      {"mode", "keep|observe", "keep writes the group (default); observe only records what it would do"},
      {"membership", "exact|merge",
       "exact makes the group equal (default); merge leaves those alone whom Watchbill did not add"},
      {"drift", "repair|report", "what to do when somebody else changes the group (default repair)"},
      {"member", "ID|E-MAIL", "a person who is always in the group", true},
      {"empty", "keep|fallback|disable",
       "when nobody is on call: keep the last people (default), put in the "
       "fallback members, or disable the group"},
      {"fallback", "ID|E-MAIL", "a fallback member", true},
      {"empty-alert", "yes|no|default", "whether nobody on call is worth an alert (default: only with keep)"},
      {"template-file", "FILE", "text of announcements (docs/templates.md); '-' reads standard input"},
      {"no-announce", "", "announce nothing"},
      {"mention", "incoming|all|none", "who is notified by announcements (default incoming)"},
      {"max-age", "DURATION", "an announcement that is later than this is not sent (default 6h)"},
      {"owner", "ID|E-MAIL|@GROUP", "who may edit the rotation in Slack: a user or a user group", true},
      {"alert-channel", "#NAME|ID", "where this rotation's problems are told, besides the common one"},
      {"no-verify", "", "do not ask the scheduling systems whether the schedules exist"},
  };
  if (!edit) {
    specs.push_back({"quiet", "", "do not announce who is on call at the start"});
    return specs;
  }
  const std::vector<OptionSpec> more{{"name", "NAME", "rename the rotation"},
                                     {"not-required", "CONN/ID|NAME", "take `--required` back", true},
                                     {"announce", "", "announce again, after --no-announce"},
                                     {"no-channel", "", "no channels"},
                                     {"no-member", "", "no permanent members"},
                                     {"no-fallback", "", "no fallback members"},
                                     {"no-owner", "", "no owners"},
                                     {"no-template", "", "the default text of announcements"},
                                     {"no-alert-channel", "", "no alert channel of its own"}};
  specs.insert(specs.end(), more.begin(), more.end());
  return specs;
}

Result<RotationFiles> read_rotation_files(Session& session, const Invocation& in) {
  RotationFiles files;
  if (const auto path = in.value("template-file")) {
    auto text = session.read_file(*path, "--template-file");
    if (!text) return text.error();
    while (!text->empty() && text->back() == '\n') text->pop_back();
    files.announcement_template = *std::move(text);
  }
  return files;
}

Result<void> apply_options(const Invocation& in, const RotationFiles& files, Rotation& rotation,
                           const ScheduleNames& names) {
  if (const auto name = in.value("name")) rotation.name = *name;
  if (auto put = put_group(in, rotation); !put) return put;
  if (auto put = put_schedules(in, rotation, names); !put) return put;
  if (auto put = put_word(in, "mode", rotation.mode, parse_mode); !put) return put;
  if (auto put = put_word(in, "membership", rotation.membership, parse_membership); !put) return put;
  if (auto put = put_word(in, "drift", rotation.drift, parse_drift); !put) return put;
  if (auto put = put_empty(in, rotation); !put) return put;
  if (auto put = put_announce(in, files, rotation.announce); !put) return put;
  put_list(in, "channel", rotation.channels);
  put_list(in, "member", rotation.permanent_members);
  put_list(in, "fallback", rotation.fallback_members);
  put_list(in, "owner", rotation.owners);
  if (in.has("no-alert-channel") || in.value("alert-channel") == "") rotation.alert_channel.reset();
  if (const auto channel = in.value("alert-channel"); channel && !channel->empty())
    rotation.alert_channel = ChannelId(*channel);
  return {};
}

}  // namespace watchbill::cli
