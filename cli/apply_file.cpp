// watchbill apply, watchbill export

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "cli/apply_plan.hpp"
#include "cli/commands.hpp"

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

Principal principal_of(Session& session, const Source& source) {
  if (source.piped()) return session.principal();
  return RotationFile{source.name};
}

store::Actor actor_of(Session& session, const Source& source) {
  return source.piped() ? session.actor() : "file:" + source.name;
}

/// Looks up the groups that are named by a handle, or by an id that no rotation has yet.
Result<void> find_groups(Workspace& workspace, std::vector<WrittenRotation>& written,
                         const std::vector<Rotation>& stored) {
  for (auto& one : written) {
    auto& r = one.rotation;
    const bool known = std::any_of(stored.begin(), stored.end(),
                                   [&](const Rotation& other) { return other.group == r.group; });
    if (known) continue;
    auto group = workspace.find_group(r.group, r.handle);
    if (!group) return group.error();
    if (*group != nullptr) {
      r.group = (*group)->id;
      r.handle = (*group)->handle;
    }
  }
  return {};
}

Result<void> choose_deleted(Session& session, const Source& source, const std::vector<Rotation>& stored,
                            const std::vector<Wanted>& all, ApplyPlan& plan) {
  auto config = session.config();
  if (!config) return config.error();
  for (const auto& rotation : stored) {
    const auto same = [&](const Wanted& wanted) { return wanted.before && wanted.before->id == rotation.id; };
    if (std::any_of(all.begin(), all.end(), same)) continue;
    const auto allowed =
        may(principal_of(session, source), Action::remove, {&rotation, {}}, (*config)->permissions());
    (allowed ? plan.deleted : plan.others).push_back(rotation);
  }
  return {};
}

Result<ApplyPlan> make_plan_of(Workspace& workspace, const Invocation& in, Source& source,
                               const std::vector<Rotation>& stored) {
  auto& session = workspace.session();
  if (auto found = find_groups(workspace, source.rotations, stored); !found) return found.error();
  auto matched = match(source.rotations, stored);
  if (!matched) return matched.error();
  ApplyPlan plan;
  if (in.has("prune")) {
    if (auto chosen = choose_deleted(session, source, stored, *matched, plan); !chosen) return chosen.error();
  }
  for (auto& wanted : *matched) {
    if (wanted.takes_group()) {
      if (auto found = settle_group(workspace, wanted, in.has("create-group")); !found) return found.error();
    }
    if (wanted.before && compare(*wanted.before, wanted.rotation).empty()) {
      plan.unchanged.push_back(*wanted.before);
    } else {
      plan.wanted.push_back(std::move(wanted));
    }
  }
  const SettleOptions options{in.has("create-group"), !in.has("no-verify"), principal_of(session, source)};
  std::vector<Wanted> all = std::move(plan.wanted);
  if (auto settled = settle(workspace, all, options); !settled) return settled.error();
  for (auto& wanted : all) {
    if (wanted.before && compare(*wanted.before, wanted.rotation).empty()) {
      plan.unchanged.push_back(*wanted.before);
    } else {
      plan.wanted.push_back(std::move(wanted));
    }
  }
  const auto created = std::count_if(plan.wanted.begin(), plan.wanted.end(),
                                     [](const Wanted& wanted) { return !wanted.before; });
  plan.quiet = in.has("quiet") || static_cast<std::size_t>(created) > kAnnouncedAtOnce;
  return plan;
}

Result<void> agree(Session& session, const Invocation& in, const ApplyPlan& plan) {
  std::size_t adopted = 0;
  for (const auto& wanted : plan.wanted) {
    if (!wanted.adoption) continue;
    session.io().out.flush();
    session.io().err << printable(wanted.adoption->preview);
    ++adopted;
  }
  if (adopted > 0 && !in.has("adopt")) {
    return fail(ErrorKind::conflict,
                "{} group{} other members than who is on call, as shown: run it again with --adopt to take "
                "{} over. Nothing was changed",
                adopted, adopted == 1 ? " has" : "s have", adopted == 1 ? "it" : "them");
  }
  if (adopted == 0 && plan.deleted.empty()) return {};
  return session.confirm(fmt::format("Take over {} group{} and delete {} rotation{}?", adopted,
                                     adopted == 1 ? "" : "s", plan.deleted.size(),
                                     plan.deleted.size() == 1 ? "" : "s"));
}

Result<void> write_all(store::Store& store, const ApplyPlan& plan, const std::vector<Rotation>& stored,
                       const store::Actor& actor) {
  return store.transaction([&]() -> Result<void> {
    for (const auto& rotation : plan.deleted) {
      if (auto removed = store.rotations().remove(rotation.id, actor); !removed) return removed;
    }
    std::vector<Rotation> left;
    for (const auto& rotation : stored) {
      const auto same = [&](const Rotation& other) { return other.id == rotation.id; };
      if (std::none_of(plan.deleted.begin(), plan.deleted.end(), same)) left.push_back(rotation);
    }
    for (const auto& rotation : in_storable_order(plan.wanted, left)) {
      if (auto saved = store.rotations().update(rotation, actor); !saved) return saved;
    }
    for (const auto& wanted : plan.wanted) {
      if (wanted.before) continue;
      auto added = store.rotations().add(wanted.rotation, plan.quiet, wanted.former, actor);
      if (!added) return added.error();
    }
    return {};
  });
}

void show(Session& session, const ApplyPlan& plan, bool dry_run) {
  if (session.json()) {
    session.print_json(plan_json(plan, dry_run));
  } else {
    session.io().out << printable(plan_text(plan, dry_run));
  }
}

Result<int> apply(Session& session, const Invocation& in) {
  auto source = read_source(session, in);
  if (!source) return source.error();
  auto store = session.store();
  if (!store) return store.error();
  auto stored = (*store)->rotations().list();
  if (!stored) return stored.error();
  Workspace workspace(session);
  auto plan = make_plan_of(workspace, in, *source, *stored);
  if (!plan) return plan.error();
  const bool dry_run = in.has("dry-run");
  if (dry_run || !session.json()) show(session, *plan, dry_run);
  if (dry_run) {
    for (const auto& wanted : plan->wanted) {
      if (wanted.adoption) session.io().err << printable(wanted.adoption->preview);
    }
    return kDone;
  }
  if (auto agreed = agree(session, in, *plan); !agreed) return agreed.error();
  if (auto made = make_groups(session, plan->wanted); !made) return made.error();
  const bool changes = !plan->wanted.empty() || !plan->deleted.empty();
  if (changes) {
    auto written = write_all(**store, *plan, *stored, actor_of(session, *source));
    if (!written) return written.error().in("nothing was changed");
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
    session.print_json(rotations_json(*rotations));
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
        {"adopt", "", "take over groups that have other members than who is on call"},
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
