// Deleting a rotation and giving its group back; asking for a pass.

#include "engine/request_desk.hpp"
#include "manage/save.hpp"

namespace watchbill::manage {

namespace {

std::vector<UserId> members_now(store::Store& store, const GroupId& id) {
  auto groups = store.engine().groups();
  if (!groups) return {};
  for (const auto& group : *groups) {
    if (group.id == id) return group.members;
  }
  return {};
}

Change restoring(Desk& desk, const Caller& caller, const Rotation& rotation, const FormerGroup& former) {
  Change change;
  change.at = desk.loop.now();
  change.rotation = rotation.id;
  change.rotation_name = rotation.name;
  change.group = rotation.group;
  change.cause = Cause::restore;
  change.before = members_now(desk.store, rotation.group);
  change.after = former.members;
  change.disabled = former.disabled;
  change.by = caller.actor;
  return change;
}

/// Puts the group back while the rotation is paused, so that nobody repairs it meanwhile.
net::Task<Result<void>> restore_group(Desk& desk, const Caller& caller, const Rotation& rotation,
                                      const FormerGroup& former) {
  auto& store = desk.store;
  auto paused = rotation;
  paused.paused = true;
  if (auto saved = store.rotations().update(paused, caller.actor); !saved) co_return saved;
  auto recorded = store.history().add(restoring(desk, caller, rotation, former));
  if (!recorded) co_return recorded.error();

  json::Writer w;
  w.begin_object().field("group", rotation.group.value).field("members", texts(former.members));
  w.field("disabled", former.disabled).end_object();
  auto answer = co_await desk.group_request(engine::kRestoreGroupRequest, w.take());
  const auto result = answer                        ? "ok"
                      : answer.error().code.empty() ? std::string(name_of(answer.error().kind))
                                                    : answer.error().code;
  if (auto closed = store.history().close(*recorded, result); !closed) co_return closed;
  if (answer) co_return Result<void>{};
  if (auto back = store.rotations().update(rotation, caller.actor); !back) co_return back;
  co_return answer.error().in("rotation \"{}\" was not deleted: @{} could not be put back", rotation.name,
                              rotation.handle);
}

}  // namespace

net::Task<Result<Rotation>> delete_rotation(Desk& desk, Caller caller, RotationId id, bool restore) {
  auto rotation = rotation_of(desk, caller, id);
  if (!rotation) co_return rotation.error();
  if (auto ok = allowed(desk, caller, Action::remove, {&*rotation, {}}); !ok) co_return ok.error();
  if (restore) {
    auto former = former_of(desk.store, *rotation);
    if (!former) co_return former.error();
    if (auto restored = co_await restore_group(desk, caller, *rotation, *former); !restored)
      co_return restored.error();
  }
  if (auto removed = desk.store.rotations().remove(id, caller.actor); !removed) {
    // Somebody was faster while the group was put back.
    if (auto gone = rotation_of(desk, caller, id); !gone) co_return gone.error();
    co_return removed.error();
  }
  co_return rotation;
}

net::Task<Result<bool>> request_sync(Desk& desk, Caller caller, std::optional<RotationId> rotation,
                                     seconds patience) {
  if (rotation) {
    auto found = rotation_of(desk, caller, *rotation);
    if (!found) co_return found.error();
    if (auto ok = allowed(desk, caller, Action::sync, {&*found, {}}); !ok) co_return ok.error();
  } else if (auto ok = allowed(desk, caller, Action::sync, {}); !ok) {
    co_return ok.error();
  }
  auto answer =
      co_await ask_writer(desk.loop, desk.store, desk.daemon_runs, engine::kSyncRequest, "{}", patience);
  if (answer) co_return true;
  if (answer.error().kind == ErrorKind::timeout) co_return false;
  co_return answer.error();
}

}  // namespace watchbill::manage
