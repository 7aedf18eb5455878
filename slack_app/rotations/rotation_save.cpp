// Saving what was typed into a rotation's form.

#include <algorithm>

#include "base/phrase.hpp"
#include "base/text.hpp"
#include "control/overview.hpp"
#include "control/rotation_json.hpp"
#include "control/save.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/form_merge.hpp"
#include "slack_app/rotations/history_words.hpp"
#include "slack_app/rotations/rotation_editor.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kEditsNamed = 5;
constexpr const char* kCopyIt = ". What you typed stands here until you close the form.";

SaveOutcome wrong(const std::string& field, const std::string& text) {
  SaveOutcome outcome;
  outcome.errors.emplace_back(field, text);
  return outcome;
}

/// What the form itself tells.
std::optional<SaveOutcome> refuse_form(const RotationForm& form) {
  if (form.name.empty()) return wrong(kFieldName, "Give the rotation a name.");
  if (!form.group) return wrong(kFieldGroup, "Choose the user group that this rotation keeps.");
  if (form.group->create) {
    if (form.group->handle.empty()) return wrong(kFieldHandle, "Give the new group a handle.");
    if (auto good = check_handle(form.group->handle); !good) return wrong(kFieldHandle, good.error().message);
  }
  if (form.schedules.empty()) return wrong(kFieldSchedules, "Choose at least one schedule.");
  if (form.empty == Empty::fallback && form.fallback_members.empty())
    return wrong(kFieldFallback, "Choose who is in the group while nobody is on call.");
  return std::nullopt;
}

/// An error of the rules, at the field that it is about.
SaveOutcome refused(const control::RotationDraft& wanted, const RotationForm& form,
                    const std::string& bot_name, const Error& error) {
  auto field = wanted.wrong_field;
  if (field == kFieldGroup && form.group && form.group->create) field = kFieldHandle;
  auto text = error.message;
  // Where it happened is on the screen.
  for (const auto& prefix : {control::place_of(wanted) + ": ", field + ": "}) {
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
  }
  if (error.kind == ErrorKind::conflict && field == kFieldName)
    text = "Another rotation has this name. Upper and lower case count as the same.";
  if (error.kind == ErrorKind::not_found && field == kFieldChannels) {
    text =
        "The app cannot see one of these channels. If it is private, invite the app there first: /invite @" +
        bot_name;
  }
  return wrong(field, text);
}

std::string remark_of(const control::RotationDraft& wanted, const std::string& bot_name) {
  std::vector<std::string> channels;
  for (const auto& channel : wanted.uninvited) {
    if (channel.is_private) channels.push_back(fmt::format("<#{}>", channel.id));
  }
  if (channels.empty()) return "";
  return fmt::format("Invite the app, so that it can announce there: `/invite @{}` in {}.", bot_name,
                     phrase(channels));
}

/// Who changed what since the form was opened, one line each.
std::string changes_since(store::Store& store, const FormState& state) {
  store::HistoryFilter filter;
  filter.rotation = state.rotation;
  filter.since = state.edited + 1ms;
  filter.limit = kEditsNamed;
  const auto audit = store.history().audit(filter);
  std::string lines;
  if (!audit) return lines;
  for (const auto& entry : *audit) {
    const auto fields = changed_fields(entry);
    if (entry.action != "rotation.update" || fields.empty()) continue;
    lines += fmt::format("\n\xE2\x80\xA2 {}, {}: {}", actor_text(entry.actor), slack_date(entry.at),
                         phrase(fields));
  }
  return lines;
}

std::string labels(const std::vector<std::string>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const auto& field : fields) names.push_back(fmt::format("*{}*", label_of(field)));
  return phrase(names);
}

/// What became of the two changes in the form.
std::string merge_words(const MergedForm& both) {
  std::string text;
  if (!both.taken.empty()) {
    text += fmt::format("\n{} {} what the other change made of it: you had not touched it.",
                        labels(both.taken), both.taken.size() == 1 ? "shows" : "show");
  }
  if (!both.clashing.empty())
    text += fmt::format("\nBoth of you changed {}: what you typed is kept.", labels(both.clashing));
  return text;
}

}  // namespace

AdoptionModel adoption_model(const control::RotationDraft& wanted) {
  const auto& adoption = *wanted.adoption;
  const auto mentions_of = [](const std::vector<UserId>& users) {
    std::vector<std::string> out;
    out.reserve(users.size());
    for (const auto& user : users) out.push_back(slack_mention(user));
    return out;
  };
  AdoptionModel model;
  model.first = adoption.kind == Takeover::first;
  model.when_resumed = adoption.when_resumed;
  model.rotation = wanted.rotation.name;
  model.group = group_text(adoption.group, adoption.handle);
  model.goes = mentions_of(adoption.change.goes);
  model.comes = mentions_of(adoption.change.comes);
  model.unsure = adoption.unsure;
  if (!adoption.edited_by.empty()) {
    model.last_edited = slack_mention(adoption.edited_by);
    if (adoption.edited_at > Instant{}) model.last_edited += ", " + slack_date(adoption.edited_at);
  }
  for (const auto& channel : adoption.default_channels)
    model.channels.push_back(fmt::format("<#{}>", channel));
  return model;
}

Result<RotationEditor::Stored> RotationEditor::read_stored(store::Store& store, const control::Caller& reader,
                                                           const FormState& state) {
  auto rotation = control::rotation_of(store, reader, *state.rotation);
  if (!rotation) return rotation.error();
  Stored stored{*std::move(rotation), control::schedule_names(store)};
  const auto audit = store.history().audit({stored.rotation.id, std::nullopt, std::nullopt, 1});
  if (audit && !audit->empty()) stored.edited = audit->front().at;
  const bool changed = !state.version.empty() && state.version != control::version_of(stored.rotation);
  if (changed) stored.changes = changes_since(store, state);
  return stored;
}

SaveOutcome RotationEditor::changed_meanwhile(const SaveJob& job, const Stored& stored) {
  const auto& now = stored.rotation;
  const auto theirs = shown_form(stored);
  auto both = merged(job.state.fields, job.form, theirs);
  SaveOutcome outcome;
  if (control::version_of(rotation_of(both.form, now)) == control::version_of(now)) return outcome;
  SaveConflict conflict{job.state};
  conflict.state.version = control::version_of(now);
  conflict.state.fields = fingerprints(theirs);
  conflict.state.edited = stored.edited;
  conflict.notes.emplace_back("", "*Not saved yet: this rotation was changed while you were editing it.*" +
                                      stored.changes + merge_words(both) +
                                      "\nPress *Save* again to save what stands here now.");
  for (const auto& field : both.clashing) {
    conflict.notes.emplace_back(field, fmt::format("It is {} now. Saving makes it what you typed below.",
                                                   shown_value(theirs, field)));
  }
  conflict.form = std::move(both.form);
  outcome.conflict = std::move(conflict);
  return outcome;
}

net::Task<SaveOutcome> RotationEditor::save(SaveJob job) {
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, job.user);
  if (!caller) co_return wrong("", caller.error().message);

  control::RotationDraft wanted;
  if (job.state.rotation) {
    auto stored = co_await stored_of(*caller, job.state);
    if (!stored) co_return wrong("", stored.error().message + kCopyIt);
    if (control::version_of(stored->rotation) != job.state.version) co_return changed_meanwhile(job, *stored);
    wanted.before = stored->rotation;
    wanted.rotation = rotation_of(job.form, std::move(stored->rotation));
  } else {
    wanted.rotation = rotation_of(job.form, control::new_rotation(*caller));
  }
  if (auto ok = control::may_save(context, *caller, wanted); !ok) co_return wrong("", ok.error().message);
  if (auto bad = refuse_form(job.form)) co_return *std::move(bad);

  control::Workspace workspace(context);
  if (wanted.takes_group()) {
    auto groups = co_await screen_.choices().groups(kGroupsAge);
    if (!groups) co_return wrong("", groups.error().message);
    workspace.know(*std::move(groups));
    auto found = co_await control::resolve_group(workspace, wanted, job.form.group->create);
    if (!found) co_return refused(wanted, job.form, screen_.bot_name, found.error());
    if (job.form.group->create && !wanted.create_group && !wanted.enable_group)
      co_return wrong(kFieldHandle, "There is a group of this handle already: choose it in the list above.");
  }
  std::vector<control::RotationDraft> all{wanted};
  auto valid = co_await control::validate(workspace, *caller, all, {});
  wanted = std::move(all.front());
  if (!valid) co_return refused(wanted, job.form, screen_.bot_name, valid.error());
  if (wanted.adoption && !job.adopt) {
    SaveOutcome outcome;
    outcome.adoption = adoption_model(wanted);
    co_return outcome;
  }
  auto saved = co_await control::save(context, *caller, wanted, false);
  if (!saved) {
    if (!wanted.before) co_return refused(wanted, job.form, screen_.bot_name, saved.error());
    // Somebody may have been faster while Slack and the systems were asked.
    const auto now = co_await stored_of(*caller, job.state);
    if (!now) co_return wrong("", now.error().message + kCopyIt);
    if (control::version_of(now->rotation) != job.state.version) co_return changed_meanwhile(job, *now);
    co_return refused(wanted, job.form, screen_.bot_name, saved.error());
  }
  screen_.changed();
  SaveOutcome outcome;
  outcome.remark = remark_of(wanted, screen_.bot_name);
  co_return outcome;
}

std::string announcement_preview(const RotationForm& form, const UserId& reader, const std::string& name,
                                 Instant now) {
  if (!form.own_text.empty()) {
    if (auto good = check_announcement_template(form.own_text); !good)
      return "\xE2\x9A\xA0\xEF\xB8\x8F " + good.error().message;
  }
  const auto schedule =
      form.schedules.empty() ? ScheduleChoice{{"", "1"}, "Primary"} : form.schedules.front();
  const auto duty = [&](const std::string& who, std::optional<UserId> member) {
    OnCallPerson person;
    person.responder = {schedule.ref.connection, who, who, std::nullopt};
    person.schedule = schedule.ref;
    person.schedule_label = schedule.name;
    person.member = std::move(member);
    person.since = now;
    person.until = now + 24h;
    return person;
  };
  AnnouncementFacts facts;
  facts.rotation = form.name.empty() ? "Rotation" : form.name;
  facts.handle = form.group && !form.group->handle.empty() ? form.group->handle : "group";
  facts.at = now;
  facts.before = {duty("Bo Example", UserId("U0"))};
  facts.after = {duty(name, reader)};
  facts.next = {{"Cy Example", std::nullopt, now + 24h}};
  Announce announce;
  announce.mention = form.mention;
  if (!form.own_text.empty()) announce.text_template = form.own_text;
  AnnouncementContext context{now};
  context.name_schedules = form.schedules.size() > 1;
  // Somebody who does not exist cannot be mentioned.
  auto text = render(facts, announce, context).text;
  const std::string nobody = "<@U0>";
  for (auto at = text.find(nobody); at != std::string::npos; at = text.find(nobody, at))
    text.replace(at, nobody.size(), "@Bo Example");
  return form.announce ? text : "_Nothing is announced._";
}

}  // namespace watchbill::slack_app
