#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/validate.hpp"
#include "slack_app/actions.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/screen_context.hpp"

namespace watchbill::slack_app {

/// Somebody pressed the form's button: what he wants.
struct SaveJob {
  UserId user;
  std::string user_name{};  ///< what they are called
  FormState state{};
  RotationForm form{};
  bool adopt = false;  ///< he agreed to take the group over
  /// The form has a field for a new group's handle. It comes a moment after the choice to make one: whoever
  /// is faster submits a form without it.
  bool handle_shown = false;
};

/// Somebody else changed the rotation while the form was open.
struct SaveConflict {
  FormState state{};    ///< the form goes on from what is stored now
  RotationForm form{};  ///< what was typed, and the others' changes where nothing was
  /// Who changed what, and what that means for each field: by field (empty: all of it), mrkdwn.
  std::vector<std::pair<std::string, std::string>> notes{};
};

/// What came of it.
struct SaveOutcome {
  /// By field (empty: all of it), as `Error` has them; none if it was saved, or waits for a yes.
  std::vector<std::pair<std::string, std::string>> errors{};
  std::optional<AdoptionModel> adoption{};
  std::optional<SaveConflict> conflict{};
  std::string remark{};  ///< mrkdwn: what should be done yet, though it was saved; may be empty
};

/// The question about what a change does to a group's members.
AdoptionModel adoption_model(const control::RotationDraft& wanted);

/// Makes and edits rotations: the form, the question about an adoption, and saving.
class RotationEditor {
 public:
  explicit RotationEditor(ScreenContext& screen) : screen_(screen) {}

  net::Task<void> open_new(UserId user, std::string trigger);
  net::Task<void> open_edit(UserId user, std::string trigger, RotationId rotation);
  /// "More" was opened, or a field changed that others depend on. `values` are read before the first wait.
  net::Task<void> touched(Interaction interaction, bool more);
  /// The text or who is mentioned changed: the preview follows, not more than twice a second.
  net::Task<void> preview(Interaction interaction);
  net::Task<void> back(Interaction interaction, std::string draft);

  /// Answers to the submission of the form, and of the question about the adoption. What takes longer than
  /// a second goes on, and the view is replaced when it is known.
  net::Task<std::string> submit(Interaction interaction);
  net::Task<std::string> submit_adoption(Interaction interaction);

 private:
  struct Draft {
    UserId user;
    FormState state;
    RotationForm form;
    Instant at;
  };
  /// A form whose preview is being kept up.
  struct Preview {
    RotationFormModel model;
    std::string hash;
    bool waiting = false;      ///< `model` is newer than what is shown
    std::uint64_t number = 0;  ///< of the change that it shows
  };

  /// A stored rotation, and what a form of it shows besides.
  struct Stored {
    Rotation rotation;
    std::map<ScheduleRef, std::string> schedules{};  ///< their names
    Instant edited{};                                ///< last
    std::string changes{};                           ///< since the form was opened, mrkdwn: who changed what
  };
  /// What came of a submission.
  struct Submitted {
    SaveJob job{};
    SaveOutcome outcome{};
    std::string refused{};  ///< the view that says why nothing was done; empty if that is the outcome's
  };

  net::Task<std::string> new_view(UserId user);
  net::Task<std::string> edit_view(UserId user, RotationId rotation);
  /// The form with what was typed, as it is to be shown.
  RotationFormModel model_of(const FormState& state, RotationForm form, const UserId& user,
                             const std::string& user_name);
  static Result<Stored> read_stored(store::Store& store, const control::Caller& reader,
                                    const FormState& state);
  net::Task<Result<Stored>> stored_of(control::Caller reader, FormState state);
  /// A stored rotation as the form shows it.
  RotationForm shown_form(const Stored& stored);
  /// What the fields hold that are not shown, if this person may go on with this form: what a click asks for
  /// is not proof that they were shown it.
  net::Task<Result<RotationForm>> may_go_on(UserId user, FormState state);
  net::Task<SaveOutcome> save(SaveJob job);
  /// The rotation is not as it was when the form was opened. Success if it is what the form wants already.
  SaveOutcome changed_meanwhile(const SaveJob& job, const Stored& now);
  net::Task<Submitted> submit_form(Interaction interaction, FormState state);
  net::Task<Submitted> submit_job(SaveJob job);
  net::Task<std::string> answer(std::string view, std::string title, net::Task<Submitted> task,
                                bool fields_shown);
  net::Task<void> finish(std::string view, std::unique_ptr<DeferredAnswer<Submitted>> work);
  std::string view_of(Submitted submitted);
  /// The view that tells an outcome, where Slack's own ways are gone.
  std::string outcome_view(const SaveJob& job, SaveOutcome outcome);
  std::string keep_draft(const SaveJob& job);

  ScreenContext& screen_;
  std::map<std::string, Draft> drafts_;
  std::map<std::string, Preview> previews_;  ///< by view
  std::uint64_t last_preview_ = 0;
};

/// The announcement as it would look, with the reader going on call; or what is wrong with its text. mrkdwn.
std::string announcement_preview(const RotationForm& form, const UserId& reader, const std::string& name,
                                 Instant now);

/// Why the form cannot hold this rotation; empty if it can.
std::string too_large_for_form(const Rotation& rotation);

}  // namespace watchbill::slack_app
