// Deleting a rotation and giving its group back; asking for a pass.

#include <algorithm>

#include "control/save.hpp"
#include "engine/jobs/job_runner.hpp"

namespace watchbill::control {

namespace {

/// Beside the time in which Slack is asked: for the call that was begun at its end.
constexpr seconds kLastCall{60};

/// Puts the group back while the rotation is noted as being deleted, so that nobody repairs it meanwhile.
net::Task<Result<void>> restore_group(Context& context, const Deletion& deletion, const Rotation& rotation,
                                      const FormerGroup& former) {
  if (auto begun = context.store.direct().rotations().begin_deletion(deletion); !begun) co_return begun;
  json::Writer w;
  w.begin_object().field("rotation", rotation.id.value).field("group", rotation.group.value);
  w.field("members", texts(former.members)).field("disabled", former.disabled).end_object();
  auto answer = co_await context.group_request(engine::kRestoreGroupRequest, w.take());
  if (answer) co_return Result<void>{};
  co_return answer.error().in("rotation \"{}\" was not deleted: @{} could not be put back", rotation.name,
                              rotation.handle);
}

/// Nobody took the deletion back while the group was put back, and it did not take too long.
Result<void> still_deleting(const Context& context, const Deletion& deletion, const Rotation& rotation) {
  auto noted = context.store.direct().rotations().deletions();
  if (!noted) return noted.error();
  const bool there = std::find(noted->begin(), noted->end(), deletion) != noted->end();
  if (there && context.loop.now() < deletion.until) return {};
  return fail(
      ErrorKind::conflict,
      "rotation \"{}\" was not deleted: that was taken back while its group was put back, or took too "
      "long. The rotation is kept again: `watchbill rotation show` says how it stands",
      rotation.name);
}

Result<void> remove_rotation(const Context& context, const Caller& caller, const Rotation& rotation,
                             const std::optional<Deletion>& deletion) {
  return context.store.direct().transaction([&]() -> Result<void> {
    // Somebody may have been faster.
    if (auto there = rotation_of(context, caller, rotation.id); !there) return there.error();
    if (deletion) {
      if (auto going_on = still_deleting(context, *deletion, rotation); !going_on) return going_on;
    }
    return context.store.direct().rotations().remove(rotation.id, caller.actor);
  });
}

}  // namespace

net::Task<Result<Rotation>> delete_rotation(Context& context, Caller caller, RotationId id, bool restore) {
  auto rotation = rotation_of(context, caller, id);
  if (!rotation) co_return rotation.error();
  if (auto ok = allowed(context, caller, Action::remove, {&*rotation, {}}); !ok) co_return ok.error();
  std::optional<Deletion> deletion;
  Result<void> done;
  if (restore) {
    auto former = former_of(context.store.direct(), *rotation);
    if (!former) co_return former.error();
    const auto now = context.loop.now();
    deletion = Deletion{id, caller.actor, now, now + kGroupPatience + kLastCall};
    done = co_await restore_group(context, *deletion, *rotation, *former);
  }
  if (done) done = remove_rotation(context, caller, *rotation, deletion);
  if (done) co_return rotation;
  // If that cannot be noted, it ends by itself when its time is over.
  if (deletion) (void)context.store.direct().rotations().end_deletion(*deletion);
  co_return done.error();
}

net::Task<Result<bool>> request_sync(Context& context, Caller caller, std::optional<RotationId> rotation,
                                     seconds patience) {
  if (rotation) {
    auto found = rotation_of(context, caller, *rotation);
    if (!found) co_return found.error();
    if (auto ok = allowed(context, caller, Action::sync, {&*found, {}}); !ok) co_return ok.error();
  } else if (auto ok = allowed(context, caller, Action::sync, {}); !ok) {
    co_return ok.error();
  }
  auto answer = co_await ask_writer(context.loop, context.store, context.daemon_runs, engine::kSyncRequest,
                                    "{}", patience, context.asked);
  if (answer) co_return true;
  if (answer.error().kind == ErrorKind::timeout) co_return false;
  co_return answer.error();
}

}  // namespace watchbill::control
