#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/validate.hpp"

/// Storing what people decided about rotations: with rights, audit, and respect for what others changed
/// meanwhile.
namespace watchbill::control {

/// Rotations to be written together.
struct Batch {
  std::vector<RotationDraft> wanted{};  ///< settled
  std::vector<Rotation> deleted{};      ///< their groups keep their members
  bool quiet = false;                   ///< new ones start without an announcement
  /// What else the same transaction writes; it owns what it uses.
  std::function<Result<void>(store::Store&)> also{};
};

/// Makes the groups that are needed and stores all of it in one transaction, or nothing. New rotations get
/// their ids. Errors: `forbidden`; `conflict` if a rotation is not as it was in `before` any more (who
/// changed it and when, from the audit), or was taken or deleted meanwhile. Groups that were made stay, and
/// are taken when it is tried again.
net::Task<Result<void>> save_all(Context& context, Caller caller, Batch& batch);
/// The same for one.
net::Task<Result<void>> save(Context& context, Caller caller, RotationDraft& wanted, bool quiet);

/// The order in which changes can be stored one by one: each takes a name that is free by then. Where names
/// are exchanged in a circle, a step with a name in between is put in.
std::vector<Rotation> in_storable_order(const std::vector<RotationDraft>& wanted,
                                        const std::vector<Rotation>& stored);

/// By id; `not_found` says to the reader who deleted it and when.
Result<Rotation> rotation_of(store::Store& store, const Caller& reader, RotationId id);
/// The same, asked of the context's store.
net::Task<Result<Rotation>> read_rotation(Context& context, Caller reader, RotationId id);

/// Pauses or resumes; false if it was so already. To resume takes back a deletion that is going on. `seen`:
/// the `version_of` the rotation that somebody agreed to; `conflict` if it is another by now. Empty:
/// whichever.
net::Task<Result<bool>> set_paused(Context& context, Caller caller, RotationId id, bool paused,
                                   std::string seen = {});

/// The deletion with `restore` that is going on; nothing if none is, or it was given up.
std::optional<Deletion> deletion_of(store::Store& store, RotationId id, Instant now);

/// What the group was before it was adopted; `not_found` says what to do then. One that had no members counts
/// as disabled: Slack empties no group.
Result<FormerGroup> former_of(store::Store& store, const Rotation& rotation);
/// Deletes the rotation; its history stays. With `restore` the group gets the members back that it had before
/// its adoption, and if that fails nothing is deleted. A process that ends meanwhile leaves the rotation as
/// being deleted; that is shown, and after some 2 minutes the group is kept again. Returns the rotation as it
/// was.
net::Task<Result<Rotation>> delete_rotation(Context& context, Caller caller, RotationId id, bool restore);

/// Has the daemon make a pass now and waits for it (at most `patience`): false if it did not become complete
/// in time. `rotation`: whose owner may ask for it; none: all of Watchbill.
net::Task<Result<bool>> request_sync(Context& context, Caller caller, std::optional<RotationId> rotation,
                                     seconds patience);

}  // namespace watchbill::control
