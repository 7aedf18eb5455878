#include "slack_app/rotations/form_merge.hpp"

#include <algorithm>
#include <array>

#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kNamedThings = 10;
constexpr std::size_t kShownText = 300;

template <class T>
std::string sorted_ids(const std::vector<T>& ids) {
  auto all = texts(ids);
  std::sort(all.begin(), all.end());
  std::string out;
  for (const auto& id : all) out += id + "\n";
  return out;
}

std::string schedule_ids(const RotationForm& form) {
  std::vector<ScheduleRef> refs;
  for (const auto& schedule : form.schedules) refs.push_back(schedule.ref);
  std::sort(refs.begin(), refs.end());
  std::string out;
  for (const auto& ref : refs) out += to_string(ref) + "\n";
  return out;
}

std::string listed(const std::vector<std::string>& things) {
  return things.empty() ? "nothing" : phrase(things, kNamedThings);
}

std::string group_shown(const RotationForm& form) {
  if (!form.group) return "nothing";
  return group_text(form.group->id, "@" + form.group->handle);
}

std::string schedules_shown(const RotationForm& form) {
  std::vector<std::string> names;
  for (const auto& schedule : form.schedules)
    names.push_back(slack_name(schedule.name.empty() ? to_string(schedule.ref) : schedule.name, 80));
  return listed(names);
}

std::string people_shown(const std::vector<UserId>& users) {
  std::vector<std::string> people;
  people.reserve(users.size());
  for (const auto& user : users) people.push_back(slack_mention(user));
  return people.empty() ? "nobody" : phrase(people, kNamedThings);
}

std::string channels_shown(const RotationForm& form) {
  std::vector<std::string> names;
  for (const auto& channel : form.channels)
    names.push_back(fmt::format("<#{}>", escape_slack(channel.value)));
  return listed(names);
}

/// A field of the form: its name, its label, what it holds, and how it is taken over from another form.
struct FormField {
  const char* name;
  const char* label;
  bool more;
  std::string (*value)(const RotationForm&);
  std::string (*shown)(const RotationForm&);
  void (*take)(RotationForm& to, const RotationForm& from);
};

const std::array<FormField, 10>& form_fields() {
  using Form = RotationForm;
  static const std::array<FormField, 10> fields{{
      {kFieldName, "Name", false, [](const Form& f) { return f.name; },
       [](const Form& f) { return "*" + slack_name(f.name, 80) + "*"; },
       [](Form& to, const Form& from) { to.name = from.name; }},
      {kFieldGroup, "Slack user group", false,
       [](const Form& f) { return f.group ? group_value(*f.group) : std::string(); }, group_shown,
       [](Form& to, const Form& from) { to.group = from.group; }},
      {kFieldSchedules, "Schedules", false, schedule_ids, schedules_shown,
       [](Form& to, const Form& from) { to.schedules = from.schedules; }},
      {kFieldChannels, "Announce handoffs in", false, [](const Form& f) { return sorted_ids(f.channels); },
       channels_shown, [](Form& to, const Form& from) { to.channels = from.channels; }},
      {kFieldMembers, "Always in the group", true,
       [](const Form& f) { return sorted_ids(f.permanent_members); },
       [](const Form& f) { return people_shown(f.permanent_members); },
       [](Form& to, const Form& from) { to.permanent_members = from.permanent_members; }},
      {kFieldEmpty, "While nobody is on call", true,
       [](const Form& f) { return std::string(name_of(f.empty)); },
       [](const Form& f) { return std::string(words_of(f.empty)); },
       [](Form& to, const Form& from) { to.empty = from.empty; }},
      {kFieldFallback, "The others", true, [](const Form& f) { return sorted_ids(f.fallback_members); },
       [](const Form& f) { return people_shown(f.fallback_members); },
       [](Form& to, const Form& from) { to.fallback_members = from.fallback_members; }},
      {kFieldAnnounce, "Announcements", true,
       [](const Form& f) { return std::string(f.announce ? "on" : "off"); },
       [](const Form& f) { return std::string(f.announce ? "on" : "off"); },
       [](Form& to, const Form& from) { to.announce = from.announce; }},
      {kFieldMention, "Who is notified", true, [](const Form& f) { return std::string(name_of(f.mention)); },
       [](const Form& f) { return std::string(words_of(f.mention)); },
       [](Form& to, const Form& from) { to.mention = from.mention; }},
      {kFieldText, "Own text", true, [](const Form& f) { return f.own_text; },
       [](const Form& f) {
         return f.own_text.empty() ? "the usual text" : code_text(f.own_text, kShownText);
       },
       [](Form& to, const Form& from) { to.own_text = from.own_text; }},
  }};
  return fields;
}

const FormField* find_field(std::string_view name) {
  const auto& fields = form_fields();
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const FormField& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

/// FNV-1a, 32 bits: it tells changes of one field apart, and has to be short.
std::string fingerprint(const std::string& value) {
  std::uint32_t hash = 0x811c9dc5;
  for (const char c : value) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  return fmt::format("{:08x}", hash);
}

}  // namespace

std::map<std::string, std::string> fingerprints(const RotationForm& form) {
  std::map<std::string, std::string> all;
  for (const auto& field : form_fields()) all[field.name] = fingerprint(field.value(form));
  return all;
}

MergedForm merged(const std::map<std::string, std::string>& began, const RotationForm& typed,
                  const RotationForm& now) {
  MergedForm result{typed};
  for (const auto& field : form_fields()) {
    const auto mine = field.value(typed);
    const auto theirs = field.value(now);
    if (mine == theirs) {
      field.take(result.form, now);
      continue;
    }
    const auto before = began.find(field.name);
    const bool known = before != began.end();
    if (known && fingerprint(theirs) == before->second) continue;
    if (known && fingerprint(mine) == before->second) {
      field.take(result.form, now);
      result.taken.emplace_back(field.name);
    } else {
      result.clashing.emplace_back(field.name);
    }
  }
  return result;
}

std::string_view label_of(std::string_view field) {
  const auto* found = find_field(field);
  return found ? std::string_view(found->label) : std::string_view();
}

std::string shown_value(const RotationForm& form, std::string_view field) {
  const auto* found = find_field(field);
  return found ? found->shown(form) : std::string();
}

bool is_in_more(std::string_view field) {
  const auto* found = find_field(field);
  return found && found->more;
}

}  // namespace watchbill::slack_app
