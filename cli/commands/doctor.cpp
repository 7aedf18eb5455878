// watchbill doctor

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "cli/commands/checks.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/fixes.hpp"
#include "cli/commands/overview.hpp"
#include "control/connections.hpp"
#include "store/files.hpp"
#include "store/names.hpp"

namespace watchbill::cli {

void ok(Checks& checks, std::string name, std::string detail) {
  checks.add({std::move(name), "ok", std::move(detail)});
}
void warned(Checks& checks, std::string name, std::string detail, std::string fix) {
  checks.add({std::move(name), "warn", std::move(detail), std::move(fix)});
}
void failed(Checks& checks, std::string name, std::string detail, std::string fix) {
  checks.add({std::move(name), "fail", std::move(detail), std::move(fix)});
}

void check_clock(Checks& checks, const std::string& system, std::optional<seconds> skew) {
  constexpr auto shown = 2s;
  constexpr auto bad = 30s;
  if (!skew) return;
  const auto size = *skew < 0s ? -*skew : *skew;
  const auto text = fmt::format("differs from this host's by {} s", skew->count());
  const std::string fix = "set this host's clock (NTP)";
  if (size > bad) return failed(checks, "clock of " + system, text, fix);
  if (size > shown) return warned(checks, "clock of " + system, text, fix);
  ok(checks, "clock of " + system, "agrees with this host's");
}

namespace {

void check_connection(Session& session, Connection connection, Checks& checks) {
  const auto name = connection.name;
  const auto kind = connection.kind;
  if (const auto notice = providers::end_notice(name, kind, session.now())) {
    warned(checks, "connection " + name, *notice,
           fmt::format("watchbill connection migrate {} NEW --dry-run", name));
  }
  session.doing("asking connection " + name);
  const auto refuse = [&](const Error& why) {
    failed(checks, "connection " + name, why.message,
           connection_fix(why, name, providers::credential_options(kind)));
  };
  auto context = session.context();
  if (!context) return refuse(context.error());
  auto open = control::open_stored(**context, std::move(connection));
  if (!open) return refuse(open.error());
  auto verified = session.run((*open)->provider->verify());
  if (verified) {
    ok(checks, "connection " + name, *verified);
  } else {
    refuse(verified.error());
  }
  check_clock(checks, "connection " + name, (*open)->provider->health().clock_skew);
}

void check_people(const control::Overview& overview, Checks& checks) {
  std::size_t missing = 0;
  for (const auto& view : overview.rotations) {
    for (const auto& person : view.on_call) {
      if (person.member && !person.member_pending) continue;
      ++missing;
      if (person.member_pending) {
        warned(checks, fmt::format("person {}", person.responder.name),
               fmt::format("on call in \"{}\", and Slack has not said yet who that is", view.rotation.name),
               "it is asked again by itself; what Slack answers stands in `watchbill status`");
        continue;
      }
      const auto handle =
          person.responder.email.value_or(person.responder.connection + "/" + person.responder.id);
      warned(checks, fmt::format("person {}", person.responder.name),
             fmt::format("on call in \"{}\", and nobody in Slack matches", view.rotation.name),
             fmt::format("watchbill people map {} U…", handle));
    }
  }
  if (missing == 0) ok(checks, "people", "everybody on call is found in Slack");
}

/// A write is tried, and the room that is left for more.
void check_store_room(Session& session, const std::string& path, Checks& checks) {
  constexpr std::uintmax_t little = 100'000'000;
  auto context = session.context();
  if (!context) return failed(checks, "store", context.error().message, store_fix(context.error(), path));
  if (auto works = (*context)->check_store(); !works)
    return failed(checks, "store", "it cannot be written: " + works.error().message,
                  store_fix(works.error(), path));
  std::error_code unknown;
  const auto space = std::filesystem::space(store::folder_of(path), unknown);
  if (unknown) return ok(checks, "store", "it can be written");
  const auto text = fmt::format("it can be written, and {} MB are free", space.available / 1'000'000);
  if (space.available < little)
    return warned(checks, "store", text, fmt::format("make room on the disk of {}", path));
  ok(checks, "store", text);
}

const Rotation* rotation_of(const control::Overview& overview, const Problem& problem) {
  const auto found =
      std::find_if(overview.rotations.begin(), overview.rotations.end(),
                   [&](const control::RotationView& view) { return view.rotation.id == problem.rotation; });
  return found == overview.rotations.end() ? nullptr : &found->rotation;
}

/// The options that give the connection of a problem new credentials.
std::string credentials_for(const control::Overview& overview, const Problem& problem) {
  const auto& key = problem.key;
  for (const auto& connection : overview.connections) {
    const bool named = problem.connection == connection.name ||
                       key.find(fmt::format(":forbidden:{}/", connection.name)) != std::string::npos;
    if (named) return providers::credential_options(connection.kind);
  }
  return providers::credential_options({});
}

void check_daemon(const control::Overview& overview, const std::vector<store::OpenProblem>& problems,
                  Checks& checks) {
  const auto pass = overview.last_pass ? "last complete pass " + format_rfc3339(*overview.last_pass)
                                       : std::string("no complete pass yet");
  if (overview.daemon_running) {
    ok(checks, "daemon", "running, " + pass);
  } else {
    warned(checks, "daemon", "not running, " + pass, "systemctl start watchbilld");
  }
  for (const auto& view : overview.rotations) {
    if (!view.deletion) continue;
    warned(checks, fmt::format("rotation {}", view.rotation.name),
           control::say_deleting(*view.deletion, view.rotation),
           fmt::format("watchbill rotation resume \"{}\" --adopt", view.rotation.name));
  }
  for (const auto& open : problems) {
    // That a system ends stands with its connection.
    if (open.ended_at || open.problem.key.find(":ends-") != std::string::npos) continue;
    failed(
        checks, "problem", fmt::format("{} (since {})", open.problem.text, format_rfc3339(open.since)),
        fix_of(open.problem, rotation_of(overview, open.problem), credentials_for(overview, open.problem)));
  }
}

void check_all(Session& session, bool fast, Checks& checks) {
  auto config = session.config();
  if (!config) {
    return failed(
        checks, "configuration", config.error().message,
        fmt::format("correct {}; `watchbilld --check-config` tells when it is right", session.config_path()));
  }
  ok(checks, "configuration", "correct");
  check_libraries(session, checks);
  const auto refuse = [&](const Error& why) {
    failed(checks, "store", why.message, store_fix(why, (*config)->store));
  };
  auto store = session.store();
  if (!store) {
    std::vector<Rotation> none;
    refuse(store.error());
    return check_slack(session, **config, none, fast, checks);
  }
  ok(checks, "store", fmt::format("{}, readable by its owner alone", (*config)->store));
  check_store_room(session, (*config)->store, checks);
  auto overview = read_overview(session);
  auto connections = (*store)->connections().list();
  auto problems = (*store)->problems().list();
  if (!overview) return refuse(overview.error());
  if (!connections) return refuse(connections.error());
  if (!problems) return refuse(problems.error());
  for (auto& open : *problems) open.problem.text = store::with_names(**store, open.problem.text);
  check_daemon(*overview, *problems, checks);
  std::vector<Rotation> rotations;
  rotations.reserve(overview->rotations.size());
  for (const auto& view : overview->rotations) rotations.push_back(view.rotation);
  check_slack(session, **config, rotations, fast, checks);
  for (auto& connection : *connections) check_connection(session, std::move(connection), checks);
  check_people(*overview, checks);
  if (!fast) check_roles(session, rotations, checks);
}

void print_json(Session& session, const Checks& checks, bool good) {
  json::Writer w;
  w.begin_object().field("ok", good).key("checks").begin_array();
  for (const auto& [name, state, detail, fix] : checks.all()) {
    w.begin_object().field("check", name).field("state", state).field("detail", detail);
    w.field("fix", fix.empty() ? std::optional<std::string>() : fix).end_object();
  }
  w.end_array().end_object();
  session.print_json(w.take());
}

void print(Io& io, const Check& check) {
  io.out << printable(fmt::format("{:<4}  {}: {}\n", check.state, check.name, check.detail));
  if (!check.fix.empty()) io.out << printable(fmt::format("      fix: {}\n", check.fix));
  io.out.flush();
}

Result<int> doctor(Session& session, const Invocation& in) {
  Checks checks([&session](const Check& check) {
    if (!session.json()) print(session.io(), check);
  });
  check_all(session, in.has("fast"), checks);
  const bool good = std::none_of(checks.all().begin(), checks.all().end(),
                                 [](const Check& check) { return check.state == "fail"; });
  if (session.json()) print_json(session, checks, good);
  return good ? kDone : kFailed;
}

}  // namespace

std::vector<Command> doctor_commands() {
  return {
      {"doctor",
       "Check tokens, scopes, groups, channels, connections and clocks, with fixes",
       "Really asks Slack and the scheduling systems. Nothing is changed: the right to edit user groups is "
       "tried by giving a group the name that it has, and the store by a write that says nothing. Each line "
       "is ok, warn or fail, and is printed when it is known. Exits 1 if anything failed.",
       {},
       {{"fast", "",
         "without what takes many calls to Slack where there are many rotations: their channels, and the "
         "people "
         "behind tokens, editors, owners and fallbacks"}},
       {"doctor", "doctor --fast", "doctor --format json"},
       doctor}};
}

}  // namespace watchbill::cli
