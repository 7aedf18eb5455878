// watchbill rotation delete|pause|resume

#include <ostream>

#include "cli/commands.hpp"
#include "cli/overview.hpp"
#include "cli/session.hpp"
#include "engine/request_desk.hpp"

namespace watchbill::cli {

namespace {

struct Found {
  store::Store* store;
  Rotation rotation;
};

Result<Found> find(Session& session, const Invocation& in, Action action) {
  auto store = session.store();
  if (!store) return store.error();
  auto rotation = (*store)->rotations().find(in.argument("ROTATION"));
  if (!rotation) return rotation.error();
  if (auto allowed = session.may_do(action, {&*rotation, {}}); !allowed) return allowed.error();
  return Found{*store, *std::move(rotation)};
}

void tell(Session& session, const Rotation& rotation, std::string_view key, bool value,
          const std::string& text) {
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("name", rotation.name).field(key, value).end_object();
    session.print_json(w.take());
  } else {
    session.io().out << printable(text) << "\n";
  }
}

Result<int> set_paused(Session& session, const Invocation& in, bool paused) {
  auto found = find(session, in, Action::pause);
  if (!found) return found.error();
  auto& rotation = found->rotation;
  const bool changes = rotation.paused != paused;
  rotation.paused = paused;
  if (changes) {
    if (auto saved = found->store->rotations().update(rotation, session.actor()); !saved)
      return saved.error();
  }
  tell(session, rotation, "paused", paused,
       fmt::format("rotation \"{}\" {}{}", rotation.name, changes ? "" : "was already ",
                   paused    ? "paused: its group stays as it is"
                   : changes ? "resumed"
                             : "running"));
  return kDone;
}

Result<int> pause(Session& session, const Invocation& in) {
  return set_paused(session, in, true);
}

Result<int> resume(Session& session, const Invocation& in) {
  return set_paused(session, in, false);
}

Result<FormerGroup> former_of(store::Store& store, const Rotation& rotation) {
  auto records = store.engine().records();
  if (!records) return records.error();
  for (const auto& record : *records) {
    if (record.rotation == rotation.id && record.former) return *record.former;
  }
  return fail(ErrorKind::not_found,
              "rotation \"{}\": nothing is known of @{} from before it was taken over; delete it without "
              "--restore, and set the members in Slack",
              rotation.name, rotation.handle);
}

std::vector<UserId> members_now(store::Store& store, const GroupId& id) {
  auto groups = store.engine().groups();
  if (!groups) return {};
  for (const auto& group : *groups) {
    if (group.id == id) return group.members;
  }
  return {};
}

/// Puts the group back while the rotation is paused, so that nobody repairs it meanwhile.
Result<void> restore(Session& session, Found& found, const FormerGroup& former) {
  auto paused = found.rotation;
  paused.paused = true;
  if (auto saved = found.store->rotations().update(paused, session.actor()); !saved) return saved;

  Change change;
  change.at = session.loop().now();
  change.rotation = found.rotation.id;
  change.rotation_name = found.rotation.name;
  change.group = found.rotation.group;
  change.cause = Cause::restore;
  change.before = members_now(*found.store, found.rotation.group);
  change.after = former.members;
  change.disabled = former.disabled;
  change.by = session.actor();
  auto recorded = found.store->history().add(change);
  if (!recorded) return recorded.error();

  std::vector<std::string> members;
  for (const auto& member : former.members) members.push_back(member.value);
  json::Writer w;
  w.begin_object().field("group", found.rotation.group.value).field("members", members);
  w.field("disabled", former.disabled).end_object();
  auto answer = session.group_request(engine::kRestoreGroupRequest, w.take());
  const auto result = answer                        ? "ok"
                      : answer.error().code.empty() ? std::string(name_of(answer.error().kind))
                                                    : answer.error().code;
  if (auto closed = found.store->history().close(*recorded, result); !closed) return closed;
  if (answer) return {};
  if (auto back = found.store->rotations().update(found.rotation, session.actor()); !back) return back;
  return answer.error().in("rotation \"{}\" was not deleted: @{} could not be put back", found.rotation.name,
                           found.rotation.handle);
}

Result<int> remove(Session& session, const Invocation& in) {
  auto found = find(session, in, Action::remove);
  if (!found) return found.error();
  const auto& rotation = found->rotation;
  std::optional<FormerGroup> former;
  auto question =
      fmt::format("Delete rotation \"{}\"? @{} keeps its members.", rotation.name, rotation.handle);
  if (in.has("restore")) {
    auto known = former_of(*found->store, rotation);
    if (!known) return known.error();
    former = *known;
    const auto members = names_of(known_names(session), former->members);
    question = fmt::format("Delete rotation \"{}\" and put back the members that @{} had on {}: {}{}?",
                           rotation.name, rotation.handle, format_minutes(former->at),
                           members.empty() ? "none" : members, former->disabled ? ", disabled" : "");
  }
  if (auto agreed = session.confirm(question); !agreed) return agreed.error();
  if (former) {
    if (auto restored = restore(session, *found, *former); !restored) return restored.error();
  }
  if (auto removed = found->store->rotations().remove(rotation.id, session.actor()); !removed)
    return removed.error();
  tell(session, rotation, "restored", former.has_value(),
       fmt::format("rotation \"{}\" deleted; @{} {}", rotation.name, rotation.handle,
                   former ? "is as it was before" : "keeps its members"));
  return kDone;
}

}  // namespace

std::vector<Command> rotation_care_commands() {
  const ArgumentSpec rotation{"ROTATION", "name of the rotation"};
  return {
      {"rotation delete",
       "Delete a rotation",
       "Its history stays. The group keeps its members, or gets those back that it had before Watchbill took "
       "it "
       "over. Asks first, unless --yes is given.",
       {rotation},
       {{"restore", "", "put the group's former members back"}},
       {"rotation delete payments", "rotation delete payments --restore --yes"},
       remove},
      {"rotation pause",
       "Leave a rotation's group alone for a while",
       "Nothing is written to the group and nothing is announced until `rotation resume`. Works for "
       "rotations "
       "that a file manages too: an emergency need not wait for a commit.",
       {rotation},
       {},
       {"rotation pause payments"},
       pause},
      {"rotation resume",
       "Keep a paused rotation's group again",
       "The group becomes what it should be by then.",
       {rotation},
       {},
       {"rotation resume payments"},
       resume},
  };
}

}  // namespace watchbill::cli
