// watchbill sync

#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/overview.hpp"
#include "cli/terminal/table.hpp"
#include "control/duty.hpp"
#include "control/save.hpp"
#include "engine/engine.hpp"

namespace watchbill::cli {

namespace {

constexpr auto kPatience = 60s;
constexpr auto kLook = 1s;
constexpr auto kStopPatience = 10s;
/// The daemon gives a pass 60 s.
constexpr auto kDaemonPatience = 90s;
constexpr auto kOnItsWay = 15s;

/// The secrets of alerts, read before the store is opened.
Result<engine::AlertOptions> alert_options(const config::Config& config) {
  auto webhook = config::find_secret(config.alert_webhook_url);
  if (!webhook) return webhook.error();
  auto heartbeat = config::find_secret(config.heartbeat_url);
  if (!heartbeat) return heartbeat.error();
  engine::AlertOptions options;
  options.channel = config.slack.alert_channel;
  if (*webhook) options.webhook = **webhook;
  if (*heartbeat) options.heartbeat = **heartbeat;
  return options;
}

/// The store keeps one workspace's groups: another one's token would make them all look gone.
net::Task<Result<void>> claim_workspace(SlackAccess& context, store::Store& store) {
  auto permit = co_await context.limiter.acquire(slack::Method::auth_test, slack::Priority::edit);
  auto identity = co_await context.web.auth_test(std::move(permit));
  if (!identity) co_return identity.error().in("Slack");
  co_return store.set_meta("team_id", identity->team_id.value);
}

/// True if nothing is left but what a person must mend: waiting longer changes nothing.
bool only_people_can_help(const engine::EngineFigures& figures, Instant started) {
  if (!figures.last_pass || *figures.last_pass < started || figures.queued_writes > 0 || figures.outbox > 0)
    return false;
  return std::none_of(figures.rotations.begin(), figures.rotations.end(),
                      [](const auto& rotation) { return rotation.state == "pending"; });
}

net::Task<bool> one_pass(engine::Engine& engine, net::Loop& loop) {
  const auto started = loop.now();
  const auto until = loop.steady_now() + kPatience;
  bool complete = false;
  int quiet = 0;
  while (!complete && quiet < 2 && loop.steady_now() < until) {
    complete = co_await engine.wait_in_sync(kLook);
    // Seen twice, so that a write that is just being queued is not missed.
    quiet = only_people_can_help(engine.figures(), started) ? quiet + 1 : 0;
  }
  co_await engine.stop(kStopPatience);
  co_return complete || quiet == 2;
}

/// Does what the daemon would do, in this process.
Result<bool> pass_here(Session& session, const engine::AlertOptions& alerts) {
  auto config = session.config();
  if (!config) return config.error();
  auto context = session.slack();
  if (!context) return context.error();
  auto http = session.http();
  if (!http) return http.error();
  auto path = session.store_path();
  if (!path) return path.error();
  auto store = session.store();
  if (!store) return store.error();
  auto lock = store::WriterLock::take(*path, "watchbill sync");
  if (!lock) return lock.error();
  if (auto claimed = session.run(claim_workspace(**context, **store)); !claimed) return claimed.error();
  auto lease = store::HostLease::begin(**store);
  if (!lease) return lease.error();
  net::InlineExecutor executor;
  engine::EngineOptions options;
  options.poll_interval = (*config)->poll_interval;
  options.history_retention = (*config)->history_retention;
  options.history_probe = (*config)->slack.history_probe;
  options.allowed_hosts = (*config)->allowed_hosts();
  options.alerts = alerts;
  auto& web = (*context)->web;
  // The engine waits by itself, and goes on with something else meanwhile.
  web.set_patience(0s);
  engine::Engine engine(
      {session.loop(), {**store, executor}, **http, web, web, web, (*context)->limiter, *lease},
      std::move(options));
  if (auto started = session.run(engine.start()); !started) return started.error();
  engine.look_anew();
  return session.run(one_pass(engine, session.loop()));
}

net::Task<void> wait_a_moment(net::Loop& loop) {
  co_await net::sleep_for(loop, 100ms);
}

/// A pass of the daemon is complete when everybody was asked; a write or a look-up of a person may still be
/// on its way.
Result<control::Overview> overview_when_quiet(Session& session, const std::string& only, bool complete) {
  const auto until = std::chrono::steady_clock::now() + kOnItsWay;
  while (true) {
    auto overview = read_overview(session);
    if (!overview || !complete || std::chrono::steady_clock::now() >= until) return overview;
    const bool waits = std::any_of(
        overview->rotations.begin(), overview->rotations.end(), [&](const control::RotationView& view) {
          return view.state == "pending" &&
                 (only.empty() || fold_name(view.rotation.name) == fold_name(only));
        });
    if (!waits) return overview;
    session.run(wait_a_moment(session.loop()));
  }
}

bool is_right(const control::RotationView& view) {
  return view.state == "in_sync" || view.state == "paused" || view.state == "observing";
}

Result<int> tell(Session& session, const std::string& only, bool complete) {
  auto overview = overview_when_quiet(session, only, complete);
  if (!overview) return overview.error();
  bool right = complete;
  json::Writer w;
  w.begin_object().key("rotations").begin_array();
  Table table({"STATE", "ROTATION", "GROUP", "PROBLEM"});
  for (const auto& view : overview->rotations) {
    if (!only.empty() && fold_name(view.rotation.name) != fold_name(only)) continue;
    right = right && is_right(view);
    w.begin_object().field("name", view.rotation.name).field("state", view.state);
    w.field("problems", view.problems).end_object();
    table.add({view.state, view.rotation.name, "@" + view.rotation.handle,
               view.problems.empty() ? "" : view.problems.front()});
  }
  w.end_array().field("complete", complete).field("ok", right).end_object();
  if (session.json()) {
    session.print_json(w.take());
  } else {
    session.io().out << table.render(session.io().width);
  }
  if (!complete) {
    session.io().out.flush();
    session.io().err << "watchbill: sync: the pass did not become complete in time: see the problems above, "
                        "and `watchbill doctor`\n";
  }
  return right ? kDone : kFailed;
}

std::string would_do(Session& session, control::Workspace& workspace, const control::PlanPreview& live) {
  if (!live.group) return "Slack has no such group";
  if (!live.plan.decided) return "nothing: the systems gave no usable answer";
  if (!live.plan.target) return "nothing: the members stay";
  if (write_needed(*live.plan.target, *live.group) == WriteNeeded::none) return "nothing: it is right";
  if (live.plan.target->disable) return "disable the group";
  const auto change = control::change_of(*live.plan.target, *live.group);
  std::string out;
  for (const auto& user : change.comes)
    out += (out.empty() ? "+" : " +") + session.run(workspace.name_of(user));
  for (const auto& user : change.goes)
    out += (out.empty() ? "-" : " -") + session.run(workspace.name_of(user));
  if (live.group->disabled) out += " and enable the group";
  return out;
}

void preview(Session& session, control::Workspace& workspace, const std::vector<Rotation>& rotations,
             const std::vector<control::PlanPreview>& plans) {
  json::Writer w;
  w.begin_array();
  Table table({"ROTATION", "GROUP", "WOULD DO", "PROBLEM"});
  for (std::size_t i = 0; i < rotations.size(); ++i) {
    const auto& [plan, group, failures] = plans[i];
    std::vector<std::string> problems = failures;
    for (const auto& problem : plan.problems) problems.push_back(problem.text);
    w.begin_object().field("rotation", rotations[i].name).field("group", rotations[i].group.value);
    w.field("before", group ? texts(group->members) : std::vector<std::string>{}).key("after");
    if (plan.target && !plan.target->disable) {
      w.value(texts(plan.target->members));
    } else {
      w.null();
    }
    w.field("disable", plan.target && plan.target->disable).field("handoff", plan.decided && plan.handoff);
    w.field("note", plan.group_note).field("problems", problems).end_object();
    table.add({rotations[i].name, "@" + rotations[i].handle,
               session.json() ? "" : would_do(session, workspace, plans[i]),
               problems.empty() ? "" : problems.front()});
  }
  w.end_array();
  if (session.json()) {
    session.print_json(w.take());
  } else {
    session.io().out << table.render(session.io().width);
  }
}

Result<int> dry_run(Session& session, const std::string& only) {
  auto context = session.context();
  if (!context) return context.error();
  auto rotations = (*session.store())->rotations().list();
  if (!rotations) return rotations.error();
  if (!only.empty())
    std::erase_if(*rotations, [&](const Rotation& r) { return fold_name(r.name) != fold_name(only); });
  auto known = (*session.store())->engine().records();
  if (!known) return known.error();
  std::vector<RotationRecord> records;
  for (const auto& rotation : *rotations) {
    const auto same = [&](const RotationRecord& record) { return record.rotation == rotation.id; };
    const auto found = std::find_if(known->begin(), known->end(), same);
    records.push_back(found == known->end() ? RotationRecord{rotation.id} : *found);
  }
  control::Workspace workspace(**context);
  auto plans = session.run(control::preview_plans(workspace, *rotations, std::move(records)));
  if (!plans) return plans.error();
  preview(session, workspace, *rotations, *plans);
  return kDone;
}

Result<int> sync(Session& session, const Invocation& in) {
  auto config = session.config();
  if (!config) return config.error();
  auto alerts = alert_options(**config);
  if (!alerts) return alerts.error();
  auto context = session.context();
  if (!context) return context.error();
  auto only = in.argument("ROTATION");
  std::optional<RotationId> which;
  if (!only.empty()) {
    auto rotation = control::rotation_named(**session.store(), only);
    if (!rotation) return rotation.error();
    which = rotation->id;
    only = rotation->name;
  }
  session.doing("asking the systems and Slack");
  if (in.has("dry-run")) return dry_run(session, only);
  auto running = session.daemon();
  if (!running) return running.error();
  auto complete =
      *running ? session.run(control::request_sync(**context, session.caller(), which, kDaemonPatience))
               : pass_here(session, *alerts);
  if (!complete) return complete.error();
  return tell(session, only, *complete);
}

}  // namespace

std::vector<Command> sync_commands() {
  return {
      {"sync",
       "Make one pass now",
       "Asks the daemon for a pass and waits for it. If none runs, makes the pass itself: asks the systems, "
       "writes the groups, sends the announcements, for at most 60 s. Exits 0 when the rotations are right, "
       "else 1.",
       {{"ROTATION", "tell only of this rotation", true}},
       {{"dry-run", "", "ask the systems and Slack, show what would change, and write nothing"}},
       {"sync", "sync payments --dry-run"},
       sync}};
}

}  // namespace watchbill::cli
