#pragma once

#include <string>

#include "slack_app/actions.hpp"
#include "slack_app/screen_context.hpp"

namespace watchbill::slack_app {

/// What people do to a rotation besides editing it: syncing, pausing, looking at its history, deleting it.
class RotationActions {
 public:
  explicit RotationActions(ScreenContext& screen) : screen_(screen) {}

  /// A pass now; a modal says what came of it.
  net::Task<void> sync(UserId user, std::string trigger, RotationId rotation);
  /// Silent when it works: the home tab shows it. Asks first if the group loses members whom no handoff takes
  /// out when it is resumed.
  net::Task<void> pause(UserId user, std::string trigger, RotationId rotation, bool paused);
  /// The answer to that question's yes.
  net::Task<std::string> submit_resume(Interaction interaction);
  net::Task<void> open_history(UserId user, std::string trigger, RotationId rotation);
  net::Task<void> open_delete(UserId user, std::string trigger, RotationId rotation);
  /// The answer to the submission of the delete modal.
  net::Task<std::string> submit_delete(Interaction interaction);

 private:
  net::Task<std::string> sync_view(UserId user, RotationId rotation);
  net::Task<std::string> history_view(UserId user, RotationId rotation);
  /// What came of it: a view, empty if it just worked. `agreed`: the version of the rotation with which
  /// somebody agreed to what the group loses; empty if nobody did.
  net::Task<std::string> set_paused(UserId user, RotationId rotation, bool paused, std::string agreed);
  net::Task<std::string> delete_view(UserId user, RotationId rotation);
  /// What came of deleting it: a view, empty if it just worked.
  net::Task<std::string> remove(UserId user, RotationId rotation, bool restore);
  net::Task<void> finish(std::string view, std::unique_ptr<DeferredAnswer<std::string>> work,
                         std::string done);

  ScreenContext& screen_;
};

}  // namespace watchbill::slack_app
