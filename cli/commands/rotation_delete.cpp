// watchbill rotation delete|pause|resume

#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/overview.hpp"
#include "cli/commands/validate.hpp"
#include "cli/session.hpp"
#include "control/duty.hpp"
#include "control/rotation_json.hpp"
#include "control/save.hpp"

namespace watchbill::cli {

namespace {

struct FoundRotation {
  control::Context* context;
  Rotation rotation;
};

Result<FoundRotation> find(Session& session, const Invocation& in, Action action) {
  auto context = session.context();
  if (!context) return context.error();
  auto rotation = control::rotation_named(**session.store(), in.argument("ROTATION"));
  if (!rotation) return rotation.error();
  // Before anything is asked of the person.
  if (auto ok = control::allowed(**context, session.caller(), action, {&*rotation, {}}); !ok)
    return ok.error();
  return FoundRotation{*context, *std::move(rotation)};
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

Result<int> set_paused(Session& session, const FoundRotation& found, bool paused, std::string seen) {
  const auto& rotation = found.rotation;
  auto changed = session.run(
      control::set_paused(*found.context, session.caller(), rotation.id, paused, std::move(seen)));
  if (!changed) return changed.error();
  const bool changes = *changed;
  tell(session, rotation, "paused", paused,
       fmt::format("rotation \"{}\" {}{}", rotation.name, changes ? "" : "was already ",
                   paused    ? "paused: its group stays as it is"
                   : changes ? "resumed: its group follows its schedules again"
                             : "running"));
  return kDone;
}

Result<int> pause(Session& session, const Invocation& in) {
  auto found = find(session, in, Action::pause);
  if (!found) return found.error();
  return set_paused(session, *found, true, "");
}

Result<int> resume(Session& session, const Invocation& in) {
  auto found = find(session, in, Action::pause);
  if (!found) return found.error();
  std::string seen;
  if (found->rotation.paused) {
    control::Workspace workspace(*found->context);
    auto wanted = session.run(control::validate_resume(workspace, session.caller(), found->rotation.id));
    if (!wanted) return wanted.error();
    if (auto agreed = agree_to_adopt(session, in, workspace, *wanted); !agreed) return agreed.error();
    seen = control::version_of(*wanted->before);
  }
  return set_paused(session, *found, false, std::move(seen));
}

Result<int> delete_it(Session& session, const Invocation& in) {
  auto found = find(session, in, Action::remove);
  if (!found) return found.error();
  const auto& rotation = found->rotation;
  std::optional<FormerGroup> former;
  auto question =
      fmt::format("Delete rotation \"{}\"? @{} keeps its members.", rotation.name, rotation.handle);
  if (in.has("restore")) {
    auto known = control::former_of(**session.store(), rotation);
    if (!known) return known.error();
    former = *known;
    const auto members = control::names_of(known_names(session), former->members);
    question = fmt::format("Delete rotation \"{}\" and put back the members that @{} had on {}: {}{}?",
                           rotation.name, rotation.handle, format_minutes(former->at),
                           members.empty() ? "none" : members, former->disabled ? ", disabled" : "");
  }
  if (auto agreed = session.confirm(question); !agreed) return agreed.error();
  auto removed = session.run(
      control::delete_rotation(*found->context, session.caller(), rotation.id, former.has_value()));
  if (!removed) return removed.error();
  tell(session, rotation, "restored", former.has_value(),
       fmt::format("rotation \"{}\" deleted; @{} {}", rotation.name, rotation.handle,
                   former ? "is as it was before" : "keeps its members"));
  return kDone;
}

}  // namespace

std::vector<Command> rotation_delete_commands() {
  const ArgumentSpec rotation{"ROTATION", "name of the rotation, or @handle of its group"};
  return {
      {"rotation delete",
       "Delete a rotation",
       "Its history stays. The group keeps its members, or gets those back that it had before Watchbill took "
       "it "
       "over. Asks first, unless --yes is given.",
       {rotation},
       {{"restore", "", "put the group's former members back"}},
       {"rotation delete payments", "rotation delete payments --restore --yes"},
       delete_it},
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
       "The group becomes what it should be by then. If it would lose members whom no handoff takes out "
       "(somebody added them meanwhile, or the schedules were changed), that is shown, and --adopt is "
       "needed. "
       "Ends a `rotation delete --restore` that was interrupted, too.",
       {rotation},
       {{"adopt", "", "resume although the group loses members whom no handoff takes out"}},
       {"rotation resume payments", "rotation resume payments --adopt --yes"},
       resume},
  };
}

}  // namespace watchbill::cli
