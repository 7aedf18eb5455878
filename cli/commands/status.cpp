// watchbill status

#include <algorithm>
#include <ostream>
#include <set>

#include "base/phrase.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/overview.hpp"
#include "cli/terminal/table.hpp"

namespace watchbill::cli {

namespace {

void print_rotations(Session& session, const control::Overview& overview) {
  auto& out = session.io().out;
  if (overview.rotations.empty()) {
    out << "No rotations yet: `watchbill rotation create --help` shows how to make one.\n";
    return;
  }
  const auto names = known_names(session);
  Table table({"STATE", "ROTATION", "GROUP", "ON CALL", "IN THE GROUP", "NEXT CHANGE"});
  for (const auto& view : overview.rotations) {
    table.add({view.state, view.rotation.name, "@" + view.rotation.handle,
               on_call_names(view.on_call, view.unknown),
               control::names_of(names, view.members) + (view.disabled ? " (disabled)" : ""),
               view.next_boundary ? format_rfc3339(*view.next_boundary) : "unknown"});
  }
  out << table.render(session.io().width);
}

void print_connections(Session& session, const control::Overview& overview) {
  if (overview.connections.empty()) return;
  std::set<std::string> used;
  for (const auto& view : overview.rotations) {
    for (const auto& schedule : view.rotation.schedules) used.insert(schedule.ref.connection);
  }
  Table table({"STATE", "CONNECTION", "KIND", "LAST ANSWER", "INTERVAL"});
  for (const auto& [name, kind, status] : overview.connections) {
    table.add({used.contains(name) ? status.state : "unused", name, kind,
               status.last_success ? format_rfc3339(*status.last_success) : "never",
               status.interval > 0s ? format_duration(status.interval) : "unknown"});
  }
  session.io().out << "\n" << table.render(session.io().width);
}

void print_problems(Session& session, const control::Overview& overview) {
  std::string problems;
  if (overview.store_problem) problems += fmt::format("  {}\n", *overview.store_problem);
  if (overview.clock_problem) problems += fmt::format("  {}\n", *overview.clock_problem);
  for (const auto& problem : overview.other_problems) problems += fmt::format("  {}\n", problem);
  for (const auto& view : overview.rotations) {
    for (const auto& problem : view.problems)
      problems += fmt::format("  {}: {}\n", view.rotation.name, problem);
  }
  for (const auto& [name, kind, status] : overview.connections) {
    if (status.problem) {
      const auto fix = fmt::format("give it a new key with `watchbill connection update {}`", name);
      problems +=
          fmt::format("  connection {}: {}\n", name,
                      status.state == "unauthorized" ? with_fix(*status.problem, fix) : *status.problem);
    }
  }
  if (!problems.empty()) session.io().out << "\nProblems:\n" << printable(problems);
}

void print(Session& session, const control::Overview& overview) {
  print_rotations(session, overview);
  print_connections(session, overview);
  print_problems(session, overview);
  auto& out = session.io().out;
  out << "\nDaemon: " << (overview.daemon_running ? "running" : "not running")
      << "; last complete pass: " << (overview.last_pass ? format_rfc3339(*overview.last_pass) : "never")
      << "\n";
  if (const auto& app = overview.slack_app) {
    const std::string way = app->mode == "socket" ? " over Socket Mode" : " over HTTP";
    out << fmt::format("App home in Slack: {}{}{}{}\n", app->state, app->state == "off" ? "" : way,
                       app->since ? " since " + format_rfc3339(*app->since) : "",
                       app->problem ? printable(": " + *app->problem) : "");
  }
  if (overview.queued_writes > 0) {
    out << fmt::format("Group writes queued: {}, done in about {}\n", overview.queued_writes,
                       format_duration(overview.queue_done_in));
  }
  if (overview.outbox_pending > 0) {
    out << fmt::format("Announcements pending: {}, the oldest since {}\n", overview.outbox_pending,
                       format_duration(overview.outbox_oldest));
  }
}

Result<int> status(Session& session, const Invocation& in) {
  auto overview = read_overview(session);
  if (!overview) return overview.error();
  if (session.json()) {
    session.print_json(overview_json(*overview));
  } else {
    print(session, *overview);
  }
  return in.has("check") && control::anything_wrong(*overview) ? kFailed : kDone;
}

}  // namespace

std::vector<Command> status_commands() {
  return {
      {"status",
       "Show every rotation: is its group right, until when, and what is wrong",
       "Reads the store only, so it works while everything else is down. States, first that applies: paused, "
       "observing, error (a person must act), stale (a source does not answer, or the daemon has not made a "
       "pass for three intervals), pending (a write is on its way), in_sync. Problems and their fixes stand "
       "below the table.",
       {},
       {{"check", "",
         "exit 1 if anything is not right: a rotation in error or stale, or any problem; pauses, observing "
         "and "
         "writes on their way are right"}},
       {"status", "status --format json", "status --check >/dev/null || echo look"},
       status}};
}

}  // namespace watchbill::cli
