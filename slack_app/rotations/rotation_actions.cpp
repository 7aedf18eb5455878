#include "slack_app/rotations/rotation_actions.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "control/rotation_json.hpp"
#include "control/save.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/rotation_editor.hpp"
#include "slack_app/rotations/rotation_form.hpp"

namespace watchbill::slack_app {

namespace {

constexpr seconds kSyncPatience{60};
constexpr std::size_t kHistoryShown = 25;
constexpr const char* kDeleted = "The rotation is deleted.";
constexpr const char* kResumed = "The rotation is resumed.";
constexpr const char* kPaused = "The rotation is paused.";

/// Mentions of those who are in `some` and not in `others`.
std::vector<std::string> only_in(const std::vector<UserId>& some, const std::vector<UserId>& others) {
  std::vector<std::string> out;
  for (const auto& user : some) {
    if (std::find(others.begin(), others.end(), user) == others.end()) out.push_back(slack_mention(user));
  }
  return out;
}

/// What a pass came to for this rotation.
std::string sync_words(const Rotation& rotation, bool complete) {
  if (!complete)
    return "The pass is not complete yet: a system or Slack is slow. It goes on, and the home tab shows how "
           "each group stands.";
  const std::string asked = "Done: every system and Slack were asked, and ";
  if (rotation.paused) return asked + "this group stays as it is, because its rotation is paused.";
  if (rotation.mode == Mode::observe)
    return asked + "nothing is written to this group, because its rotation only observes.";
  return asked + "what differed is being written. The home tab shows how each group stands.";
}

std::string delete_failed(const Error& error) {
  return notice_modal("Not deleted", error_text(error));
}

}  // namespace

net::Task<void> RotationActions::sync(UserId user, std::string trigger, RotationId rotation) {
  co_await screen_.open(std::move(trigger), "Sync now", sync_view(std::move(user), rotation));
}

net::Task<std::string> RotationActions::sync_view(UserId user, RotationId id) {
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return notice_modal("Sync now", error_text(caller.error()));
  auto asked = control::request_sync(screen_.context(), *caller, id, kSyncPatience);
  auto done = co_await std::move(asked);
  screen_.changed();
  if (!done) co_return notice_modal("Sync now", error_text(done.error()));
  auto rotation = co_await control::read_rotation(screen_.context(), *caller, id);
  if (!rotation) co_return notice_modal("Sync now", error_text(rotation.error()));
  co_return notice_modal("Sync now", sync_words(*rotation, *done));
}

net::Task<void> RotationActions::pause(UserId user, std::string trigger, RotationId rotation, bool paused) {
  auto work = std::make_unique<DeferredAnswer<std::string>>(
      screen_.loop(), set_paused(std::move(user), rotation, paused, ""));
  const bool ready = co_await work->ready_within(kOpenWithin);
  std::string view;
  if (ready) {
    view = co_await work->result();
    if (view.empty()) co_return;
  } else {
    view = loading_modal(paused ? "Pause rotation" : "Resume rotation");
  }
  auto permit = co_await screen_.context().limiter.acquire(slack::Method::views_open, slack::Priority::edit);
  auto opened = co_await screen_.views().open_view(std::move(permit), std::move(trigger), std::move(view));
  if (!opened) note_failure("telling what became of it", opened.error());
  if (opened && !ready) co_await finish(opened->id, std::move(work), paused ? kPaused : kResumed);
}

net::Task<std::string> RotationActions::set_paused(UserId user, RotationId id, bool paused,
                                                   std::string agreed) {
  const auto refused = [&](const Error& error) {
    return notice_modal(paused ? "Not paused" : "Not resumed", error_text(error));
  };
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return refused(caller.error());
  auto rotation = co_await control::read_rotation(context, *caller, id);
  if (rotation && rotation->paused && !paused && agreed.empty()) {
    auto groups = co_await screen_.choices().groups(kGroupsAge);
    if (!groups) co_return refused(groups.error());
    control::Workspace workspace(context);
    workspace.know(*std::move(groups));
    auto wanted = co_await control::validate_resume(workspace, *caller, id);
    if (!wanted) co_return refused(wanted.error());
    agreed = control::version_of(*wanted->before);
    if (wanted->adoption) {
      auto model = adoption_model(*wanted);
      model.resumes = id;
      model.version = agreed;
      co_return adoption_modal(model);
    }
  }
  auto done = co_await control::set_paused(context, *caller, id, paused, std::move(agreed));
  if (!done) co_return refused(done.error());
  screen_.changed();
  co_return std::string();
}

net::Task<std::string> RotationActions::submit_resume(Interaction interaction) {
  const auto document = json::parse(interaction.metadata);
  const auto id = document ? document->root()["rotation"].integer_or(0) : 0;
  auto version = document ? document->root()["version"].string_or("") : std::string();
  auto work = std::make_unique<DeferredAnswer<std::string>>(
      screen_.loop(), set_paused(interaction.user, RotationId{id}, false, std::move(version)));
  if (co_await work->ready_within(kAnswerWithin)) {
    auto view = co_await work->result();
    co_return view.empty() ? answer_clear() : answer_update(view);
  }
  screen_.spawn(finish(interaction.view, std::move(work), kResumed));
  co_return answer_update(loading_modal("Resume rotation"));
}

net::Task<void> RotationActions::open_history(UserId user, std::string trigger, RotationId rotation) {
  co_await screen_.open(std::move(trigger), "History", history_view(std::move(user), rotation));
}

net::Task<std::string> RotationActions::history_view(UserId user, RotationId id) {
  const auto refuse = [](const Error& error) { return notice_modal("History", error_text(error)); };
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return refuse(caller.error());
  auto rotation = co_await control::read_rotation(context, *caller, id);
  if (!rotation) co_return refuse(rotation.error());
  if (auto ok = control::allowed(context, *caller, Action::view, {&*rotation, {}}); !ok)
    co_return refuse(ok.error());
  const auto read = [name = rotation->name](store::Store& store) {
    return history_of(store, name, kHistoryShown);
  };
  auto model = co_await context.store.run(read);
  if (!model) co_return refuse(model.error());
  co_return history_modal(*model);
}

net::Task<void> RotationActions::open_delete(UserId user, std::string trigger, RotationId rotation) {
  co_await screen_.open(std::move(trigger), "Delete rotation", delete_view(std::move(user), rotation));
}

net::Task<std::string> RotationActions::delete_view(UserId user, RotationId id) {
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return delete_failed(caller.error());
  auto rotation = co_await control::read_rotation(context, *caller, id);
  if (!rotation) co_return delete_failed(rotation.error());
  if (auto ok = control::allowed(context, *caller, Action::remove, {&*rotation, {}}); !ok)
    co_return delete_failed(ok.error());
  DeleteModel model{id, rotation->name, group_text(rotation->group, rotation->handle)};
  const auto read = [shown = *rotation](store::Store& store) { return control::former_of(store, shown); };
  if (auto former = co_await context.store.run(read)) {
    model.former = only_in(former->members, {});
    model.former_disabled = former->disabled;
    model.former_at = former->at;
  }
  co_return delete_modal(model);
}

net::Task<std::string> RotationActions::submit_delete(Interaction interaction) {
  const auto document = json::parse(interaction.metadata);
  const auto id = document ? document->root()["rotation"].integer_or(0) : 0;
  const auto chosen = interaction.values[kFieldRestore][kTyped]["selected_option"]["value"].string_or("");
  auto work = std::make_unique<DeferredAnswer<std::string>>(
      screen_.loop(), remove(interaction.user, RotationId{id}, chosen == "restore"));
  if (co_await work->ready_within(kAnswerWithin)) {
    auto view = co_await work->result();
    co_return view.empty() ? answer_clear() : answer_update(view);
  }
  screen_.spawn(finish(interaction.view, std::move(work), kDeleted));
  co_return answer_update(loading_modal("Delete rotation"));
}

net::Task<void> RotationActions::finish(std::string view, std::unique_ptr<DeferredAnswer<std::string>> work,
                                        std::string done) {
  auto told = co_await work->result();
  if (told.empty()) told = notice_modal("Done", done);
  co_await screen_.update(std::move(view), std::move(told), {});
}

net::Task<std::string> RotationActions::remove(UserId user, RotationId id, bool restore) {
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return delete_failed(caller.error());
  auto deleted = co_await control::delete_rotation(screen_.context(), *caller, id, restore);
  screen_.changed();
  co_return deleted ? std::string() : delete_failed(deleted.error());
}

}  // namespace watchbill::slack_app
