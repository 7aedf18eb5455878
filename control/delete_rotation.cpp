// Deleting a rotation and giving its group back; asking for a pass.

#include <algorithm>

#include "control/save.hpp"
#include "engine/jobs/job_runner.hpp"

namespace watchbill::control {

namespace {

/// Beside the time in which Slack is asked: for the call that was begun at its end.
constexpr seconds kLastCall{60};

/// A rotation that is going to be deleted, and what its group goes back to.
struct Begun {
  Rotation rotation;
  FormerGroup former{};
};

/// Who deletes it, and as what that is noted, if its group is put back first.
struct Deleting {
  Caller caller;
  Permissions permissions;
  RotationId id;
  std::optional<Deletion> noted;

  [[nodiscard]] Result<Rotation> find(store::Store& store) const {
    auto rotation = rotation_of(store, caller, id);
    if (!rotation) return rotation;
    if (auto ok = may(caller.principal, Action::remove, {&*rotation, {}}, permissions); !ok)
      return ok.error();
    return rotation;
  }
};

/// Notes a rotation whose group is put back as being deleted, so that nobody repairs the group meanwhile.
Result<Begun> begin_deleting(store::Store& store, const Deleting& deleting) {
  Begun begun;
  auto done = store.transaction([&]() -> Result<void> {
    auto rotation = deleting.find(store);
    if (!rotation) return rotation.error();
    begun.rotation = *std::move(rotation);
    if (!deleting.noted) return {};
    auto former = former_of(store, begun.rotation);
    if (!former) return former.error();
    begun.former = *std::move(former);
    return store.rotations().begin_deletion(*deleting.noted);
  });
  if (!done) return done.error();
  return begun;
}

net::Task<Result<void>> restore_group(Context& context, const Begun& begun) {
  const auto& rotation = begun.rotation;
  json::Writer w;
  w.begin_object().field("rotation", rotation.id.value).field("group", rotation.group.value);
  w.field("members", texts(begun.former.members)).field("disabled", begun.former.disabled).end_object();
  auto answer = co_await context.group_request(engine::kRestoreGroupRequest, w.take());
  if (answer) co_return Result<void>{};
  co_return answer.error().in("rotation \"{}\" was not deleted: @{} could not be put back", rotation.name,
                              rotation.handle);
}

/// Nobody took the deletion back while the group was put back, and it did not take too long.
Result<void> still_deleting(store::Store& store, const Deletion& deletion, const Rotation& rotation,
                            Instant now) {
  auto noted = store.rotations().deletions();
  if (!noted) return noted.error();
  const bool there = std::find(noted->begin(), noted->end(), deletion) != noted->end();
  if (there && now < deletion.until) return {};
  return fail(
      ErrorKind::conflict,
      "rotation \"{}\" was not deleted: that was taken back while its group was put back, or took too "
      "long. The rotation is kept again: `watchbill rotation show` says how it stands",
      rotation.name);
}

Result<void> remove_rotation(store::Store& store, const Deleting& deleting, Instant now) {
  return store.transaction([&]() -> Result<void> {
    // Somebody may have been faster.
    auto there = deleting.find(store);
    if (!there) return there.error();
    if (deleting.noted) {
      if (auto going_on = still_deleting(store, *deleting.noted, *there, now); !going_on) return going_on;
    }
    return store.rotations().remove(deleting.id, deleting.caller.actor);
  });
}

}  // namespace

net::Task<Result<Rotation>> delete_rotation(Context& context, Caller caller, RotationId id, bool restore) {
  Deleting deleting{std::move(caller), context.permissions(), id, {}};
  if (restore) {
    const auto now = context.loop.now();
    deleting.noted = Deletion{id, deleting.caller.actor, now, now + kGroupPatience + kLastCall};
  }
  const auto note = [deleting](store::Store& store) { return begin_deleting(store, deleting); };
  auto begun = co_await context.store.run(note);
  if (!begun) co_return begun.error();
  Result<void> done;
  if (restore) done = co_await restore_group(context, *begun);
  if (done) {
    const auto remove = [deleting, now = context.loop.now()](store::Store& store) {
      return remove_rotation(store, deleting, now);
    };
    done = co_await context.store.run(remove);
  }
  if (done) co_return std::move(begun->rotation);
  // If that cannot be noted, it ends by itself when its time is over.
  const auto end = [noted = deleting.noted](store::Store& store) {
    return noted ? store.rotations().end_deletion(*noted) : Result<void>{};
  };
  (void)co_await context.store.run(end);
  co_return done.error();
}

net::Task<Result<bool>> request_sync(Context& context, Caller caller, std::optional<RotationId> rotation,
                                     seconds patience) {
  if (rotation) {
    auto found = co_await read_rotation(context, caller, *rotation);
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
