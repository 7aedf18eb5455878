#include "control/save.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "base/text.hpp"
#include "control/rotation_json.hpp"

namespace watchbill::control {

namespace {

/// "<@U1>", "ada on the host": as the one who reads it knows people.
std::string person_for(const Caller& reader, const store::Actor& actor) {
  const bool in_slack = std::holds_alternative<SlackUser>(reader.principal);
  const bool is_user = actor.find(':') == std::string::npos;
  constexpr std::string_view cli = "cli:";
  if (in_slack && actor.starts_with(cli)) return escape_slack(actor.substr(cli.size())) + " on the host";
  return in_slack && is_user ? fmt::format("<@{}>", escape_slack(actor)) : actor;
}

/// " by cli:ada, 2026-11-22 09:00 UTC"; empty if the audit tells nothing.
std::string last_change(store::Store& store, const Caller& reader, RotationId id) {
  store::HistoryFilter latest;
  latest.rotation = id;
  latest.limit = 1;
  auto audit = store.history().audit(latest);
  if (!audit || audit->empty()) return {};
  const auto& entry = audit->front();
  return fmt::format(" by {}, {}", person_for(reader, entry.actor), format_minutes(entry.at));
}

Error changed_meanwhile(store::Store& store, const Caller& reader, const Rotation& rotation) {
  return fail(ErrorKind::conflict,
              "rotation \"{}\" was changed meanwhile{}: look at it as it is now, and change it again",
              rotation.name, last_change(store, reader, rotation.id));
}

/// Every rotation of the batch is still what the person saw.
Result<void> refuse_changed(store::Store& store, const Caller& caller, const Batch& batch,
                            const std::vector<Rotation>& stored) {
  const auto unchanged = [&](const Rotation& before) -> Result<void> {
    const auto same = [&](const Rotation& other) { return other.id == before.id; };
    const auto now = std::find_if(stored.begin(), stored.end(), same);
    if (now == stored.end()) return rotation_of(store, caller, before.id).error();
    if (version_of(*now) == version_of(before)) return {};
    return changed_meanwhile(store, caller, *now);
  };
  for (const auto& wanted : batch.wanted) {
    if (!wanted.before) continue;
    if (auto good = unchanged(*wanted.before); !good) return good;
  }
  for (const auto& rotation : batch.deleted) {
    if (auto good = unchanged(rotation); !good) return good;
  }
  return {};
}

Result<void> write_batch(store::Store& store, const Caller& caller, Batch& batch) {
  auto stored = store.rotations().list();
  if (!stored) return stored.error();
  if (auto good = refuse_changed(store, caller, batch, *stored); !good) return good;
  for (const auto& rotation : batch.deleted) {
    if (auto removed = store.rotations().remove(rotation.id, caller.actor); !removed) return removed;
    std::erase_if(*stored, [&](const Rotation& other) { return other.id == rotation.id; });
  }
  for (const auto& rotation : in_storable_order(batch.wanted, *stored)) {
    if (auto saved = store.rotations().update(rotation, caller.actor); !saved) return saved;
  }
  for (auto& wanted : batch.wanted) {
    if (wanted.before) {
      if (!wanted.former) continue;
      if (auto put = store.rotations().put_former(wanted.rotation.id, *wanted.former); !put) return put;
      continue;
    }
    auto added = store.rotations().add(wanted.rotation, batch.quiet, wanted.former, caller.actor);
    if (!added) return added.error();
    wanted.rotation.id = *added;
  }
  return batch.also ? batch.also(store) : Result<void>{};
}

}  // namespace

std::vector<Rotation> in_storable_order(const std::vector<RotationDraft>& wanted,
                                        const std::vector<Rotation>& stored) {
  std::map<std::string, RotationId> holders;
  for (const auto& rotation : stored) holders[fold_name(rotation.name)] = rotation.id;
  std::vector<Rotation> left;
  for (const auto& one : wanted) {
    if (one.before) left.push_back(one.rotation);
  }
  const auto free_for = [&](const Rotation& rotation) {
    const auto holder = holders.find(fold_name(rotation.name));
    return holder == holders.end() || holder->second == rotation.id;
  };
  const auto take = [&](const Rotation& rotation) {
    std::erase_if(holders, [&](const auto& item) { return item.second == rotation.id; });
    holders[fold_name(rotation.name)] = rotation.id;
  };
  std::vector<Rotation> order;
  while (!left.empty()) {
    const auto next = std::find_if(left.begin(), left.end(), free_for);
    if (next != left.end()) {
      take(*next);
      order.push_back(std::move(*next));
      left.erase(next);
      continue;
    }
    Rotation between = left.front();
    between.name = fmt::format("renaming-{}", between.id.value);
    take(between);
    order.push_back(std::move(between));
  }
  return order;
}

net::Task<Result<void>> save_all(Context& context, Caller caller, Batch& batch) {
  for (const auto& wanted : batch.wanted) {
    if (auto ok = may_save(context, caller, wanted); !ok) co_return ok;
  }
  for (const auto& rotation : batch.deleted) {
    if (auto ok = allowed(context, caller, Action::remove, {&rotation, {}}); !ok) co_return ok;
  }
  if (auto made = co_await make_groups(context, batch.wanted); !made) co_return made;
  const auto written = std::make_shared<Batch>(batch);
  const auto write = [written, caller](store::Store& store) {
    return store.transaction([&] { return write_batch(store, caller, *written); });
  };
  auto saved = co_await context.store.run(write);
  if (saved) batch = std::move(*written);
  co_return saved;
}

net::Task<Result<void>> save(Context& context, Caller caller, RotationDraft& wanted, bool quiet) {
  Batch batch;
  batch.wanted.push_back(wanted);
  batch.quiet = quiet;
  auto saved = co_await save_all(context, std::move(caller), batch);
  wanted = std::move(batch.wanted.front());
  co_return saved;
}

Result<Rotation> rotation_of(store::Store& store, const Caller& reader, RotationId id) {
  auto all = store.rotations().list();
  if (!all) return all.error();
  for (auto& rotation : *all) {
    if (rotation.id == id) return std::move(rotation);
  }
  store::HistoryFilter latest;
  latest.rotation = id;
  latest.limit = 1;
  auto audit = store.history().audit(latest);
  if (!audit || audit->empty() || audit->front().action != "rotation.delete")
    return fail(ErrorKind::not_found, "the rotation does not exist any more");
  const auto& entry = audit->front();
  return fail(ErrorKind::not_found, "rotation \"{}\" was deleted by {}, {}", entry.object,
              person_for(reader, entry.actor), format_minutes(entry.at));
}

net::Task<Result<Rotation>> read_rotation(Context& context, Caller reader, RotationId id) {
  const auto read = [reader = std::move(reader), id](store::Store& store) {
    return rotation_of(store, reader, id);
  };
  co_return co_await context.store.run(read);
}

namespace {

/// What becomes of a rotation that is to be paused or resumed: whether it was changed.
struct Pausing {
  Caller caller;
  Permissions permissions;
  RotationId id;
  bool paused;
  std::string seen;
  Instant now;

  Result<void> write(store::Store& store, bool& changed) const {
    auto rotation = rotation_of(store, caller, id);
    if (!rotation) return rotation.error();
    if (auto ok = may(caller.principal, Action::pause, {&*rotation, {}}, permissions); !ok) return ok;
    auto deletion = paused ? std::optional<Deletion>{} : deletion_of(store, id, now);
    if (deletion) {
      if (auto ended = store.rotations().end_deletion(*deletion); !ended) return ended;
    }
    changed = deletion || rotation->paused != paused;
    if (rotation->paused == paused) return {};
    if (!seen.empty() && seen != version_of(*rotation)) return changed_meanwhile(store, caller, *rotation);
    rotation->paused = paused;
    return store.rotations().update(*rotation, caller.actor);
  }
  Result<bool> operator()(store::Store& store) const {
    bool changed = false;
    auto saved = store.transaction([&] { return write(store, changed); });
    if (!saved) return saved.error();
    return changed;
  }
};

}  // namespace

net::Task<Result<bool>> set_paused(Context& context, Caller caller, RotationId id, bool paused,
                                   std::string seen) {
  const Pausing pausing{std::move(caller), context.permissions(), id, paused,
                        std::move(seen),   context.loop.now()};
  co_return co_await context.store.run(pausing);
}

std::optional<Deletion> deletion_of(store::Store& store, RotationId id, Instant now) {
  auto deletions = store.rotations().deletions();
  if (!deletions) return std::nullopt;
  for (auto& deletion : *deletions) {
    if (deletion.rotation == id && now < deletion.until) return std::move(deletion);
  }
  return std::nullopt;
}

Result<FormerGroup> former_of(store::Store& store, const Rotation& rotation) {
  auto records = store.engine().records();
  if (!records) return records.error();
  for (const auto& record : *records) {
    if (record.rotation != rotation.id || !record.former) continue;
    auto former = *record.former;
    former.disabled = former.disabled || former.members.empty();
    return former;
  }
  return fail(ErrorKind::not_found,
              "rotation \"{}\": nothing is known of @{} from before it was taken over; delete it without "
              "--restore, and set the members in Slack",
              rotation.name, rotation.handle);
}

}  // namespace watchbill::control
