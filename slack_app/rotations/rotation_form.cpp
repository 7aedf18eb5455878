#include "slack_app/rotations/rotation_form.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::string_view kNewGroup = "new:";
constexpr std::size_t kMaxValue = 150;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The value of a field, whatever its round; one that does not exist if it is not shown.
json::View value_of(const json::View& values, std::string_view field) {
  for (const auto& block : values.items()) {
    if (field_of(std::string(block.key())) == field) return block[kTyped];
  }
  return {};
}

template <class T>
std::vector<T> ids_of(const json::View& list) {
  std::vector<T> out;
  for (const auto& one : list.items()) {
    if (const auto id = one.text(); id && std::find(out.begin(), out.end(), T(*id)) == out.end())
      out.push_back(T(*id));
  }
  return out;
}

std::string option_text(const json::View& option) {
  return option["text"]["text"].string_or("");
}

void take_group(const json::View& values, RotationForm& form) {
  const auto group = value_of(values, kFieldGroup);
  if (group.exists()) {
    const auto chosen = group["selected_option"];
    form.group = group_choice(chosen["value"].string_or(""), option_text(chosen));
  }
  const auto handle = value_of(values, kFieldHandle);
  if (handle.exists() && form.group && form.group->create) {
    auto typed = std::string(trimmed(handle["value"].string_or("")));
    if (typed.starts_with('@')) typed.erase(0, 1);
    form.group->handle = typed;
  }
}

void take_schedules(const json::View& values, RotationForm& form) {
  const auto shown = value_of(values, kFieldSchedules);
  if (!shown.exists()) return;
  form.schedules.clear();
  for (const auto& chosen : shown["selected_options"].items()) {
    auto ref = parse_schedule_ref(chosen["value"].string_or(""));
    if (ref) form.schedules.push_back({*ref, option_text(chosen)});
  }
}

}  // namespace

RotationForm form_of(const Rotation& rotation, const std::vector<ScheduleChoice>& names) {
  RotationForm form;
  form.name = rotation.name;
  if (!rotation.group.empty()) form.group = GroupField{false, rotation.group, rotation.handle};
  for (const auto& schedule : rotation.schedules) {
    const auto known = std::find_if(names.begin(), names.end(),
                                    [&](const ScheduleChoice& choice) { return choice.ref == schedule.ref; });
    form.schedules.push_back(
        {schedule.ref, known == names.end() || known->name.empty() ? schedule.ref.id : known->name});
  }
  form.channels = rotation.channels;
  form.permanent_members = rotation.permanent_members;
  form.empty = rotation.empty;
  form.fallback_members = rotation.fallback_members;
  form.announce = rotation.announce.enabled;
  form.mention = rotation.announce.mention;
  form.own_text = rotation.announce.text_template.value_or("");
  return form;
}

Rotation rotation_of(const RotationForm& form, Rotation base) {
  base.name = form.name;
  if (form.group) {
    base.group = form.group->id;
    base.handle = form.group->handle;
  } else {
    base.group = {};
    base.handle.clear();
  }
  std::vector<RotationSchedule> schedules;
  for (const auto& chosen : form.schedules) {
    const auto known = std::find_if(base.schedules.begin(), base.schedules.end(),
                                    [&](const RotationSchedule& s) { return s.ref == chosen.ref; });
    schedules.push_back(known == base.schedules.end() ? RotationSchedule{chosen.ref} : *known);
  }
  base.schedules = std::move(schedules);
  base.channels = form.channels;
  base.permanent_members = form.permanent_members;
  base.empty = form.empty;
  base.fallback_members = form.fallback_members;
  base.announce.enabled = form.announce;
  base.announce.mention = form.mention;
  base.announce.text_template = form.own_text.empty() ? std::nullopt : std::optional(form.own_text);
  return base;
}

std::string metadata_of(const FormState& state) {
  json::Writer w;
  w.begin_object();
  if (state.rotation) w.field("rotation", state.rotation->value);
  w.field("version", state.version).field("more", state.more).field("choose", state.choose_group);
  w.field("round", state.round).field("edited", format_rfc3339_ms(state.edited));
  w.key("fields").begin_object();
  for (const auto& [field, fingerprint] : state.fields) w.field(field, fingerprint);
  w.end_object().end_object();
  return w.take();
}

std::optional<FormState> form_state(const std::string& metadata) {
  const auto document = json::parse(metadata);
  if (!document || !document->root().is_object()) return std::nullopt;
  const auto root = document->root();
  FormState state;
  if (root["rotation"].exists()) state.rotation = RotationId{root["rotation"].integer_or(0)};
  state.version = root["version"].string_or("");
  state.more = root["more"].boolean_or(false);
  state.choose_group = root["choose"].boolean_or(true);
  state.round = static_cast<int>(std::clamp<std::int64_t>(root["round"].integer_or(0), 0, 1'000'000));
  if (const auto edited = parse_rfc3339(root["edited"].string_or(""))) state.edited = *edited;
  for (const auto& field : root["fields"].items())
    state.fields[std::string(field.key())] = field.string_or("");
  return state;
}

std::string field_id(const std::string& field, int round) {
  return fmt::format("{}~{}", field, round);
}

std::string field_of(const std::string& block_id) {
  return block_id.substr(0, block_id.find('~'));
}

RotationForm typed_form(json::View values, RotationForm form) {
  if (const auto name = value_of(values, kFieldName); name.exists())
    form.name = std::string(trimmed(name["value"].string_or("")));
  take_group(values, form);
  take_schedules(values, form);
  if (const auto shown = value_of(values, kFieldChannels); shown.exists())
    form.channels = ids_of<ChannelId>(shown["selected_conversations"]);
  if (const auto shown = value_of(values, kFieldMembers); shown.exists())
    form.permanent_members = ids_of<UserId>(shown["selected_users"]);
  if (const auto shown = value_of(values, kFieldEmpty); shown.exists()) {
    if (const auto chosen = parse_empty(shown["selected_option"]["value"].string_or("")); chosen)
      form.empty = *chosen;
  }
  if (const auto shown = value_of(values, kFieldFallback); shown.exists())
    form.fallback_members = ids_of<UserId>(shown["selected_users"]);
  if (const auto shown = value_of(values, kFieldAnnounce); shown.exists())
    form.announce = shown["selected_options"].size() > 0;
  if (const auto shown = value_of(values, kFieldMention); shown.exists()) {
    if (const auto chosen = parse_mention(shown["selected_option"]["value"].string_or("")); chosen)
      form.mention = *chosen;
  }
  if (const auto shown = value_of(values, kFieldText); shown.exists())
    form.own_text = std::string(trimmed(shown["value"].string_or("")));
  return form;
}

std::string group_value(const GroupField& group) {
  return group.create ? std::string(kNewGroup) + group.handle : group.id.value;
}

std::optional<GroupField> group_choice(const std::string& value, const std::string& text) {
  if (value.empty()) return std::nullopt;
  if (value.starts_with(kNewGroup)) return GroupField{true, {}, value.substr(kNewGroup.size())};
  // The text is ours: "@handle", and perhaps more.
  auto handle = text.substr(0, text.find(' '));
  if (handle.starts_with('@')) handle.erase(0, 1);
  return GroupField{false, GroupId(value), handle};
}

Option group_option(const GroupField& group) {
  if (!group.create) return option("@" + group.handle, group_value(group));
  return option(group.handle.empty() ? "Create a new group" : "Create a new group @" + group.handle,
                group_value(group));
}

std::optional<Option> schedule_option(const ScheduleChoice& schedule) {
  const auto value = to_string(schedule.ref);
  if (value.size() > kMaxValue) return std::nullopt;
  return option(schedule.name.empty() ? schedule.ref.id : schedule.name, value);
}

}  // namespace watchbill::slack_app
