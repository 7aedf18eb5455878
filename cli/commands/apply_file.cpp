// watchbill apply, watchbill export

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "cli/commands/apply_plan.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/validate.hpp"
#include "control/rotation_json.hpp"

namespace watchbill::cli {

namespace {

/// Who applies: a file is known by where it is; standard input is the person at the command line.
struct Source {
  std::string name;
  std::vector<WrittenRotation> rotations;
  [[nodiscard]] bool piped() const { return name == "-"; }
};

Result<Source> read_source(Session& session, const Invocation& in) {
  const auto path = in.value("file");
  if (!path)
    return fail(ErrorKind::invalid,
                "apply: --file (-f) is missing; '-' reads standard input; see "
                "`watchbill apply --help`");
  auto text = session.read_file(*path, "--file");
  if (!text) return text.error();
  Source source;
  std::error_code failed;
  source.name = *path == "-" ? "-" : std::filesystem::weakly_canonical(*path, failed).string();
  if (failed) source.name = *path;
  auto rotations = read_rotations(*text, *path == "-" ? "standard input" : *path);
  if (!rotations) return rotations.error();
  source.rotations = *std::move(rotations);
  for (auto& one : source.rotations) {
    if (one.keys.contains("managed_by") || source.piped()) continue;
    one.rotation.managed_by = "file:" + source.name;
    one.keys.insert("managed_by");
  }
  return source;
}

control::Caller caller_of(Session& session, const Source& source) {
  if (source.piped()) return session.caller();
  return {RotationFile{source.name}, "file:" + source.name};
}

/// Looks up the groups that are named by a handle, or by an id that no rotation has yet.
Result<void> find_groups(Session& session, control::Workspace& workspace,
                         std::vector<WrittenRotation>& written, const std::vector<Rotation>& stored) {
  for (auto& one : written) {
    auto& r = one.rotation;
    const bool known = std::any_of(stored.begin(), stored.end(),
                                   [&](const Rotation& other) { return other.group == r.group; });
    if (known) continue;
    auto group = session.run(workspace.find_group(r.group, r.handle));
    if (!group) return group.error();
    if (*group != nullptr) {
      r.group = (*group)->id;
      r.handle = (*group)->handle;
    }
  }
  return {};
}

void choose_deleted(const control::Context& context, const control::Caller& caller,
                    const std::vector<Rotation>& stored, const std::vector<control::RotationDraft>& all,
                    ApplyPlan& plan) {
  for (const auto& rotation : stored) {
    const auto same = [&](const control::RotationDraft& wanted) {
      return wanted.before && wanted.before->id == rotation.id;
    };
    if (std::any_of(all.begin(), all.end(), same)) continue;
    const auto ok = control::allowed(context, caller, Action::remove, {&rotation, {}});
    (ok ? plan.batch.deleted : plan.others).push_back(rotation);
  }
}

/// Those that really change go into the batch.
void sort_out(std::vector<control::RotationDraft> all, ApplyPlan& plan) {
  for (auto& wanted : all) {
    if (wanted.before && control::compare(*wanted.before, wanted.rotation).empty()) {
      plan.unchanged.push_back(*wanted.before);
    } else {
      plan.batch.wanted.push_back(std::move(wanted));
    }
  }
}

Result<ApplyPlan> make_plan_of(Session& session, control::Workspace& workspace, const Invocation& in,
                               Source& source, const std::vector<Rotation>& stored) {
  if (auto found = find_groups(session, workspace, source.rotations, stored); !found) return found.error();
  auto matched = match(source.rotations, stored);
  if (!matched) return matched.error();
  ApplyPlan plan;
  const auto caller = caller_of(session, source);
  if (in.has("prune")) choose_deleted(workspace.context(), caller, stored, *matched, plan);
  for (auto& wanted : *matched) {
    if (!wanted.takes_group()) continue;
    auto found = session.run(control::resolve_group(workspace, wanted, in.has("create-group")));
    if (!found) return found.error();
  }
  sort_out(*std::move(matched), plan);
  std::vector<control::RotationDraft> all = std::move(plan.batch.wanted);
  plan.batch.wanted.clear();
  auto valid = validate_for(session, workspace, caller, all, {!in.has("no-verify")});
  if (!valid) return valid.error();
  sort_out(std::move(all), plan);
  const auto created = std::count_if(plan.batch.wanted.begin(), plan.batch.wanted.end(),
                                     [](const control::RotationDraft& wanted) { return !wanted.before; });
  plan.batch.quiet = in.has("quiet") || static_cast<std::size_t>(created) > kAnnouncedAtOnce;
  return plan;
}

Result<void> agree(Session& session, control::Workspace& workspace, const Invocation& in,
                   const ApplyPlan& plan) {
  std::size_t adopted = 0;
  for (const auto& wanted : plan.batch.wanted) {
    if (!wanted.adoption) continue;
    show_adoption(session, workspace, *wanted.adoption);
    ++adopted;
  }
  if (adopted > 0 && !in.has("adopt")) {
    return fail(
        ErrorKind::conflict,
        "{} group{} other members than who is on call, as shown: run it again with --adopt if they may "
        "go. Nothing was changed",
        adopted, adopted == 1 ? " has" : "s have");
  }
  if (adopted == 0 && plan.batch.deleted.empty()) return {};
  return session.confirm(confirm_question(adopted, plan.batch.deleted.size()));
}

void show(Session& session, const ApplyPlan& plan, bool dry_run) {
  if (session.json()) {
    session.print_json(plan_json(plan, dry_run));
  } else {
    session.io().out << printable(plan_text(plan, dry_run));
  }
}

/// What a run that failed leaves: groups are made before anything is stored.
std::string left_by(const control::Batch& batch) {
  std::string made;
  for (const auto& wanted : batch.wanted) {
    if (wanted.create_group && !wanted.rotation.group.empty())
      made += (made.empty() ? "@" : ", @") + wanted.rotation.handle;
  }
  if (made.empty()) return "nothing was changed";
  return fmt::format("no rotation was changed ({} made in Slack, and taken when this is repeated)", made);
}

Result<int> apply(Session& session, const Invocation& in) {
  auto source = read_source(session, in);
  if (!source) return source.error();
  auto context = session.context();
  if (!context) return context.error();
  auto stored = (*session.store())->rotations().list();
  if (!stored) return stored.error();
  control::Workspace workspace(**context);
  auto plan = make_plan_of(session, workspace, in, *source, *stored);
  if (!plan) return plan.error();
  const bool dry_run = in.has("dry-run");
  if (dry_run || !session.json()) show(session, *plan, dry_run);
  if (dry_run) {
    for (const auto& wanted : plan->batch.wanted) {
      if (wanted.adoption) show_adoption(session, workspace, *wanted.adoption);
    }
    return kDone;
  }
  if (auto agreed = agree(session, workspace, in, *plan); !agreed) return agreed.error();
  if (!plan->batch.wanted.empty() || !plan->batch.deleted.empty()) {
    auto written = session.run(control::save_all(**context, caller_of(session, *source), plan->batch));
    if (!written) return written.error().in("{}", left_by(plan->batch));
  }
  if (session.json()) show(session, *plan, false);
  return kDone;
}

Result<int> export_all(Session& session, const Invocation& /*in*/) {
  auto store = session.store();
  if (!store) return store.error();
  auto rotations = (*store)->rotations().list();
  if (!rotations) return rotations.error();
  if (session.json()) {
    session.print_json(control::rotations_json(*rotations));
  } else {
    session.io().out << rotations_yaml(*rotations);
  }
  return kDone;
}

}  // namespace

std::vector<Command> apply_commands() {
  return {
      {"apply",
       "Make the rotations what a file says",
       "The file is YAML (or JSON): `version: 1`, and `rotations:`, a list of rotations as `rotation show "
       "--format json` prints them; what is left out has its default. A rotation is known again by its "
       "group's "
       "id, then by its name, so that a renamed team is a rename. Shows its plan, and changes everything or "
       "nothing. Rotations then belong to the file and are read-only elsewhere, but for pausing; a file that "
       "does not mention `paused` leaves that alone. More than five new rotations start without an "
       "announcement. `watchbill export | watchbill apply -f -` changes nothing.",
       {},
       {{"file", "FILE", "the file; '-' reads standard input", false, 'f'},
        {"dry-run", "", "only show the plan"},
        {"prune", "", "delete rotations that are not in the file, but for those of other files"},
        {"adopt", "",
         "take over groups that have other members than who is on call, and take members out whom no handoff "
         "does"},
        {"create-group", "", "create groups that do not exist"},
        {"quiet", "", "new rotations start without an announcement"},
        {"no-verify", "", "do not ask the scheduling systems whether the schedules exist"}},
       {"apply -f rotations.yaml --dry-run", "apply -f rotations.yaml --prune --yes"},
       apply},
      {"export",
       "Print all rotations as a file for `apply`",
       "Groups, channels and people by id. What is default is left out; --format json prints all fields.",
       {},
       {},
       {"export > rotations.yaml"},
       export_all},
  };
}

}  // namespace watchbill::cli
