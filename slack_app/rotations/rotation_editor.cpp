#include "slack_app/rotations/rotation_editor.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "control/overview.hpp"
#include "control/rotation_json.hpp"
#include "control/save.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/form_merge.hpp"
#include "slack_app/systems/random_token.hpp"

namespace watchbill::slack_app {

namespace {

constexpr auto kDraftLife = 1h;
constexpr std::size_t kMostDrafts = 200;
constexpr auto kPreviewEvery = 500ms;

std::string checking_modal(const std::string& title) {
  return modal_view(
      {.callback = "loading", .title = title, .close = "Close"},
      {section(plain("\xE2\x8F\xB3 Checking\xE2\x80\xA6 Slack and the scheduling systems are asked; this "
                     "view tells what came of it."))});
}

const char* form_title(const FormState& state) {
  return state.rotation ? "Edit rotation" : "New rotation";
}

/// True if an error at this field can be shown by Slack's own way: the field is an input of the form.
bool is_shown(const std::string& field, const SaveJob& job) {
  if (field == kFieldHandle) return job.handle_shown;
  if (field == kFieldGroup) return job.state.choose_group;
  return !label_of(field).empty() && (job.state.more || !is_in_more(field));
}

bool any_in_more(const std::vector<std::pair<std::string, std::string>>& notes) {
  return std::any_of(notes.begin(), notes.end(), [](const auto& note) { return is_in_more(note.first); });
}

}  // namespace

net::Task<void> RotationEditor::open_new(UserId user, std::string trigger) {
  co_await screen_.open(std::move(trigger), "New rotation", new_view(std::move(user)));
}

net::Task<void> RotationEditor::open_edit(UserId user, std::string trigger, RotationId rotation) {
  co_await screen_.open(std::move(trigger), "Edit rotation", edit_view(std::move(user), rotation));
}

net::Task<std::string> RotationEditor::new_view(UserId user) {
  auto caller = co_await who_is(screen_, user);
  if (!caller) co_return notice_modal("New rotation", error_text(caller.error()));
  if (auto ok = control::allowed(screen_.context(), *caller, Action::create, {}); !ok)
    co_return notice_modal("New rotation", error_text(ok.error()));
  screen_.choices().warm();
  const auto list = [](store::Store& store) { return store.connections().list(); };
  // Without a schedule to choose the form would be a dead end.
  if (auto systems = co_await screen_.context().store.run(list); systems && systems->empty())
    co_return notice_modal(
        "New rotation",
        "No scheduling system is connected yet, so there is no schedule to choose. Connect "
        "the system that says who is on call first: the home tab says how.");
  co_return rotation_form_view(model_of({}, {}, user, ""));
}

net::Task<std::string> RotationEditor::edit_view(UserId user, RotationId id) {
  const auto refuse = [](const Error& error) { return notice_modal("Edit rotation", error_text(error)); };
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, user);
  if (!caller) co_return refuse(caller.error());
  FormState state{id};
  auto stored = co_await stored_of(*caller, state);
  if (!stored) co_return refuse(stored.error());
  const auto& rotation = stored->rotation;
  if (auto ok = control::allowed(context, *caller, Action::edit, {&rotation, {}}); !ok)
    co_return refuse(ok.error());
  screen_.choices().warm();
  if (auto why = too_large_for_form(rotation); !why.empty()) co_return notice_modal("Edit rotation", why);
  state.version = control::version_of(rotation);
  state.choose_group =
      control::allowed(context, *caller, Action::move_to_another_group, {&rotation, {}}).ok();
  auto form = shown_form(*stored);
  state.fields = fingerprints(form);
  state.edited = stored->edited;
  auto name = co_await screen_.name_of(user);
  co_return rotation_form_view(model_of(state, std::move(form), user, name));
}

RotationFormModel RotationEditor::model_of(const FormState& state, RotationForm form, const UserId& user,
                                           const std::string& user_name) {
  RotationFormModel model;
  model.state = state;
  model.form = std::move(form);
  model.bot_name = screen_.bot_name;
  model.text_too_long =
      fit(model.form.own_text, kMaxTyped) != model.form.own_text && !model.form.own_text.empty();
  if (state.more) {
    model.preview = announcement_preview(model.form, user, user_name, screen_.loop().now());
  }
  return model;
}

net::Task<Result<RotationEditor::Stored>> RotationEditor::stored_of(control::Caller reader, FormState state) {
  const auto read = [reader = std::move(reader), state = std::move(state)](store::Store& store) {
    return read_stored(store, reader, state);
  };
  co_return co_await screen_.context().store.run(read);
}

RotationForm RotationEditor::shown_form(const Stored& stored) {
  std::vector<ScheduleChoice> names;
  for (const auto& schedule : stored.rotation.schedules) {
    const auto named = stored.schedules.find(schedule.ref);
    auto name = named == stored.schedules.end() ? screen_.choices().name_of(schedule.ref)
                                                : std::optional(named->second);
    if (name) names.push_back({schedule.ref, *std::move(name)});
  }
  return form_of(stored.rotation, names);
}

net::Task<Result<RotationForm>> RotationEditor::may_go_on(UserId user, FormState state) {
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return caller.error();
  if (!state.rotation) {
    if (auto ok = control::allowed(context, *caller, Action::create, {}); !ok) co_return ok.error();
    co_return RotationForm{};
  }
  auto stored = co_await stored_of(*caller, std::move(state));
  if (!stored) co_return stored.error();
  if (auto ok = control::allowed(context, *caller, Action::edit, {&stored->rotation, {}}); !ok)
    co_return ok.error();
  co_return shown_form(*stored);
}

net::Task<void> RotationEditor::touched(Interaction interaction, bool more) {
  auto state = form_state(interaction.metadata);
  if (!state) co_return;
  auto base = co_await may_go_on(interaction.user, *state);
  if (!base) {
    auto told = notice_modal(form_title(*state), error_text(base.error()));
    co_await screen_.update(interaction.view, std::move(told), interaction.hash);
    co_return;
  }
  auto form = typed_form(interaction.values, *std::move(base));
  const bool has_handle = interaction.values[field_id(kFieldHandle, state->round)].exists();
  const bool wants_handle = state->choose_group && form.group && form.group->create;
  // Only what changes the form's shape is worth a new one.
  if (!more && has_handle == wants_handle) co_return;
  state->more = state->more || more;
  auto name = co_await screen_.name_of(interaction.user);
  auto view = rotation_form_view(model_of(*state, std::move(form), interaction.user, name));
  co_await screen_.update(interaction.view, std::move(view), interaction.hash);
}

net::Task<void> RotationEditor::preview(Interaction interaction) {
  const auto state = form_state(interaction.metadata);
  if (!state || !state->more) co_return;
  const auto number = ++last_preview_;
  // Saving says why not; a preview of each letter does not.
  auto base = co_await may_go_on(interaction.user, *state);
  if (!base) co_return;
  const auto name = co_await screen_.name_of(interaction.user);
  auto model = model_of(*state, typed_form(interaction.values, *std::move(base)), interaction.user, name);
  if (const auto running = previews_.find(interaction.view); running != previews_.end()) {
    // One that was looked up for longer may be of an earlier change.
    if (number < running->second.number) co_return;
    running->second.model = std::move(model);
    running->second.waiting = true;
    running->second.number = number;
    co_return;
  }
  const auto view = interaction.view;
  previews_[view] = {std::move(model), interaction.hash, true, number};
  while (previews_.at(view).waiting) {
    auto& now = previews_.at(view);
    now.waiting = false;
    auto drawn = rotation_form_view(now.model);
    auto hash = now.hash;
    hash = co_await screen_.update(view, std::move(drawn), std::move(hash));
    if (hash.empty()) break;
    previews_.at(view).hash = std::move(hash);
    co_await net::sleep_for(screen_.loop(), kPreviewEvery);
  }
  previews_.erase(view);
}

net::Task<void> RotationEditor::back(Interaction interaction, std::string draft) {
  const auto found = drafts_.find(draft);
  if (found == drafts_.end() || found->second.user != interaction.user) {
    co_await screen_.update(interaction.view,
                            notice_modal("Too late", "This form was open for too long. Please begin again."),
                            interaction.hash);
    co_return;
  }
  auto kept = found->second;
  if (auto ok = co_await may_go_on(interaction.user, kept.state); !ok) {
    auto told = notice_modal(form_title(kept.state), error_text(ok.error()));
    co_await screen_.update(interaction.view, std::move(told), interaction.hash);
    co_return;
  }
  ++kept.state.round;
  auto name = co_await screen_.name_of(interaction.user);
  auto view = rotation_form_view(model_of(kept.state, std::move(kept.form), interaction.user, name));
  co_await screen_.update(interaction.view, std::move(view), interaction.hash);
}

net::Task<std::string> RotationEditor::submit(Interaction interaction) {
  auto state = form_state(interaction.metadata);
  if (!state)
    co_return answer_update(
        notice_modal("Not saved", "This form is of another version of Watchbill. Please begin again."));
  auto task = submit_form(interaction, *state);
  co_return co_await answer(interaction.view, form_title(*state), std::move(task), true);
}

net::Task<RotationEditor::Submitted> RotationEditor::submit_form(Interaction interaction, FormState state) {
  const auto refused = [](const Error& error) {
    Submitted nothing;
    nothing.refused = notice_modal("Not saved", error_text(error));
    return nothing;
  };
  auto caller = co_await who_is(screen_, interaction.user);
  if (!caller) co_return refused(caller.error());
  // Who may look at nothing is not shown what the form's hidden fields hold.
  if (auto ok = control::allowed(screen_.context(), *caller, Action::view, {}); !ok)
    co_return refused(ok.error());
  RotationForm base;
  if (state.rotation) {
    // Of one that is gone nothing is known; saving says so.
    if (auto stored = co_await stored_of(*caller, state)) base = shown_form(*stored);
  }
  SaveJob job{interaction.user, {}, state, typed_form(interaction.values, std::move(base))};
  job.handle_shown = interaction.values[field_id(kFieldHandle, state.round)].exists();
  co_return co_await submit_job(std::move(job));
}

net::Task<RotationEditor::Submitted> RotationEditor::submit_job(SaveJob job) {
  Submitted submitted{std::move(job)};
  submitted.job.user_name = co_await screen_.name_of(submitted.job.user);
  submitted.outcome = co_await save(submitted.job);
  co_return submitted;
}

net::Task<std::string> RotationEditor::submit_adoption(Interaction interaction) {
  const auto document = json::parse(interaction.metadata);
  const auto id = document ? document->root()["draft"].string_or("") : std::string();
  const auto found = drafts_.find(id);
  if (found == drafts_.end() || found->second.user != interaction.user)
    co_return answer_update(notice_modal("Too late", "This form was open for too long. Please begin again."));
  SaveJob job{interaction.user, {}, found->second.state, found->second.form, true};
  auto title = form_title(job.state);
  auto task = submit_job(std::move(job));
  co_return co_await answer(interaction.view, title, std::move(task), false);
}

net::Task<std::string> RotationEditor::answer(std::string view, std::string title, net::Task<Submitted> task,
                                              bool fields_shown) {
  auto work = std::make_unique<DeferredAnswer<Submitted>>(screen_.loop(), std::move(task));
  if (!co_await work->ready_within(kAnswerWithin)) {
    screen_.spawn(finish(std::move(view), std::move(work)));
    co_return answer_update(checking_modal(title));
  }
  auto submitted = co_await work->result();
  auto& [job, outcome, refused] = submitted;
  if (!refused.empty()) co_return answer_update(refused);
  const bool saved = outcome.errors.empty() && !outcome.adoption && !outcome.conflict;
  if (saved && outcome.remark.empty()) co_return answer_clear();
  const bool at_fields =
      fields_shown && !outcome.errors.empty() &&
      std::all_of(outcome.errors.begin(), outcome.errors.end(),
                  [&form = job](const auto& error) { return is_shown(error.first, form); });
  if (!at_fields) co_return answer_update(view_of(std::move(submitted)));
  for (auto& [field, text] : outcome.errors) field = field_id(field, job.state.round);
  co_return answer_errors(outcome.errors);
}

net::Task<void> RotationEditor::finish(std::string view, std::unique_ptr<DeferredAnswer<Submitted>> work) {
  auto told = view_of(co_await work->result());
  co_await screen_.update(std::move(view), std::move(told), {});
}

std::string RotationEditor::view_of(Submitted submitted) {
  if (!submitted.refused.empty()) return std::move(submitted.refused);
  return outcome_view(submitted.job, std::move(submitted.outcome));
}

std::string RotationEditor::outcome_view(const SaveJob& job, SaveOutcome outcome) {
  if (outcome.adoption) {
    outcome.adoption->draft = keep_draft(job);
    return adoption_modal(*outcome.adoption);
  }
  if (outcome.conflict) {
    auto& conflict = *outcome.conflict;
    ++conflict.state.round;
    conflict.state.more = conflict.state.more || any_in_more(conflict.notes);
    auto model = model_of(conflict.state, std::move(conflict.form), job.user, job.user_name);
    model.errors = std::move(conflict.notes);
    return rotation_form_view(model);
  }
  if (outcome.errors.empty()) {
    auto text = fmt::format("*{}* is saved. The home tab shows how its group is brought up to date.",
                            slack_name(job.form.name, 80));
    if (!outcome.remark.empty()) text += "\n" + outcome.remark;
    return notice_modal("Saved", text);
  }
  auto state = job.state;
  ++state.round;
  state.more = state.more || any_in_more(outcome.errors);
  auto model = model_of(state, job.form, job.user, job.user_name);
  for (const auto& [field, text] : outcome.errors)
    model.errors.emplace_back(field, foreign_text(as_sentence(text)));
  return rotation_form_view(model);
}

std::string RotationEditor::keep_draft(const SaveJob& job) {
  const auto now = screen_.loop().now();
  std::erase_if(drafts_, [&](const auto& item) { return now - item.second.at > kDraftLife; });
  while (drafts_.size() >= kMostDrafts) {
    drafts_.erase(std::min_element(drafts_.begin(), drafts_.end(),
                                   [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
  }
  auto id = random_ticket();
  drafts_[id] = {job.user, job.state, job.form, now};
  return id;
}

std::string too_large_for_form(const Rotation& rotation) {
  bool fits = rotation.schedules.size() <= kMaxOptions;
  for (const auto& schedule : rotation.schedules)
    fits = fits && schedule_option({schedule.ref, "x"}).has_value();
  if (fits) return "";
  return fmt::format(
      "*{}* has more or longer schedules than a form of Slack's can hold. It can be edited on the host, "
      "with `watchbill rotation edit`.",
      slack_name(rotation.name, 80));
}

}  // namespace watchbill::slack_app
