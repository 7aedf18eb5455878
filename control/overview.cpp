#include "control/overview.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "store/names.hpp"

namespace watchbill::control {

namespace {

constexpr int kSilentIntervals = 3;
/// A system that is silent for three intervals is called so. One that answers is written of more often.
constexpr int kUnwrittenIntervals = 4;
constexpr auto kUnwritten = 60s;

std::optional<Instant> moment(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  auto parsed = parse_rfc3339(*text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

seconds since(Instant then, Instant now) {
  return std::max(seconds{0}, std::chrono::duration_cast<seconds>(now - then));
}

Result<void> read_queue(store::Store& store, Instant now, Overview& overview) {
  auto last_pass = store.meta("last_pass");
  auto writes = store.meta("queue_writes");
  auto done_at = store.meta("queue_done_at");
  auto rows = store.outbox().open_rows();
  if (!last_pass) return last_pass.error();
  if (!writes) return writes.error();
  if (!done_at) return done_at.error();
  if (!rows) return rows.error();
  overview.last_pass = moment(*last_pass);
  const auto text = writes->value_or("0");
  std::from_chars(text.data(), text.data() + text.size(), overview.queued_writes);
  if (const auto done = moment(*done_at)) overview.queue_done_in = since(now, *done);
  overview.outbox_pending = rows->size();
  for (const auto& row : *rows)
    overview.outbox_oldest = std::max(overview.outbox_oldest, since(row.facts.at, now));
  return {};
}

/// Problems of which no rotation, connection or line of `status` tells by itself.
bool stands_alone(const std::string& key) {
  if (key.starts_with("connection:")) return key.ends_with(":clock");
  return key.starts_with("role:") || key.starts_with("store:") || key == "slack:clock";
}

/// Of a daemon that does not run nothing is true any more.
Result<void> read_problems(store::Store& store, Overview& overview) {
  auto problems = store.problems().list();
  if (!problems) return problems.error();
  for (auto& open : *problems) {
    if (!overview.daemon_running || open.ended_at) continue;
    if (open.problem.key == "clock:wrong")
      overview.clock_problem = std::move(open.problem.text);
    else if (stands_alone(open.problem.key))
      overview.other_problems.push_back(std::move(open.problem.text));
  }
  return {};
}

/// What the daemon wrote (daemon/app_gateway.hpp); of a daemon that does not run nothing is true any more.
Result<std::optional<SlackAppView>> read_slack_app(store::Store& store, bool daemon_running) {
  const auto written = store.meta("slack_app");
  if (!written) return written.error();
  const auto parsed = json::parse(written->value_or("null"));
  if (!parsed || !parsed->root().is_object()) return std::optional<SlackAppView>{};
  const auto root = parsed->root();
  SlackAppView view{root["mode"].string_or(""), root["state"].string_or(""), moment(root["since"].text()),
                    root["problem"].text()};
  if (!daemon_running && view.state != "off") {
    view.state = "down";
    view.since = std::nullopt;
    view.problem = "watchbilld is not running";
  }
  return std::optional(std::move(view));
}

Result<std::map<std::string, seconds>> read_connections(store::Store& store, Overview& overview) {
  auto connections = store.connections().list();
  auto statuses = store.connections().statuses();
  if (!connections) return connections.error();
  if (!statuses) return statuses.error();
  std::map<std::string, seconds> intervals;
  const std::map<std::string, store::ConnectionStatus> known(statuses->begin(), statuses->end());
  for (const auto& connection : *connections) {
    ConnectionView view{connection.name, connection.kind, {}};
    if (const auto found = known.find(connection.name); found != known.end()) view.status = found->second;
    intervals[view.name] = view.status.interval;
    overview.connections.push_back(std::move(view));
  }
  return intervals;
}

/// A daemon that runs writes each answer of a system. Where the last of one that answers is old the store may
/// have taken nothing since (`Overview::old`). If so, this is when what stands there was so.
std::optional<Instant> written_last(const OverviewInput& input, const std::set<std::string>& used,
                                    Overview& overview) {
  if (!overview.daemon_running) return std::nullopt;
  std::optional<Instant> last = overview.last_pass;
  for (const auto& [name, kind, status] : overview.connections) {
    if (!used.contains(name) || status.state != "ok" || !status.last_success) continue;
    const milliseconds patience = std::max<milliseconds>(kUnwrittenIntervals * status.interval, kUnwritten);
    overview.old = overview.old || input.now - *status.last_success > patience;
    last = std::max(last.value_or(*status.last_success), *status.last_success);
  }
  if (!overview.old || !input.store_error) return std::nullopt;
  overview.store_problem = fmt::format(
      "all this is as of {}: the store cannot be written: {}. Groups are kept right meanwhile; "
      "announcements and edits wait",
      format_minutes(*last), input.store_error->message);
  return last;
}

std::set<std::string> connections_of(const std::vector<Rotation>& rotations) {
  std::set<std::string> used;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) used.insert(schedule.ref.connection);
  }
  return used;
}

/// What a daemon that runs has not heard is told by the daemon itself (engine/sources/engine_silence.cpp).
std::string say_stale(std::optional<Instant> last_pass) {
  const auto when = last_pass ? "since " + format_minutes(*last_pass) : std::string("yet");
  return fmt::format(
      "no complete pass {}: watchbilld is not running; start it (`systemctl start watchbilld`)", when);
}

/// The configuration says so; the engine says the same once Slack has listed its groups
/// (slack/api/groups.cpp).
void tell_editors_group(const std::optional<GroupId>& editors, const Rotation& rotation, RotationView& view) {
  if (rotation.group.empty() || editors != rotation.group) return;
  if (view.state != "paused" && view.state != "observing") view.state = "error";
  const auto says_so = [](const std::string& problem) {
    return problem.find("slack.editors.group") != std::string::npos;
  };
  if (std::any_of(view.problems.begin(), view.problems.end(), says_so)) return;
  view.problems.push_back(
      fmt::format("@{} cannot be kept by Watchbill: it says who may edit in Slack (slack.editors.group); "
                  "choose another group",
                  rotation.handle));
}

std::vector<ScheduleRef> refs_of(const Rotation& rotation) {
  std::vector<ScheduleRef> refs;
  for (const auto& schedule : rotation.schedules) refs.push_back(schedule.ref);
  return refs;
}

}  // namespace

std::string say_deleting(const Deletion& deletion, const Rotation& rotation) {
  const auto resume = fmt::format("`watchbill rotation resume \"{}\" --adopt`", rotation.name);
  // Who paused it meanwhile wants it left alone, however the deletion ended.
  const auto after = rotation.paused
                         ? fmt::format("it is paused, so its group stays as it is until {}", resume)
                         : fmt::format("the group is kept again from {} on, or at once after {}",
                                       format_rfc3339(deletion.until), resume);
  return fmt::format(
      "it is being deleted by {} since {}, and its group put back to what it was. If that was interrupted, "
      "{}; `watchbill rotation delete --restore \"{}\"` deletes it",
      deletion.by, format_rfc3339(deletion.at), after, rotation.name);
}

std::string state_now(const Rotation& rotation, const std::string& written, seconds interval,
                      std::optional<Instant> last_pass, Instant now) {
  if (rotation.paused) return "paused";
  if (rotation.mode == Mode::observe) return "observing";
  if (written == "error" || written == "stale") return written;
  const bool silent = !last_pass || now - *last_pass > kSilentIntervals * interval;
  // A rotation that no engine has seen yet waits for its first pass.
  if (written.empty() || written == "paused" || written == "observing")
    return silent && last_pass ? "stale" : "pending";
  return silent ? "stale" : written;
}

Result<OverviewInput> overview_input(const Context& context) {
  auto running = context.daemon_runs();
  if (!running) return running.error();
  // Slack's groups are listed at most every 5 s (slack/limits/rate_limiter.hpp), so no pass can be complete
  // more often.
  const milliseconds spacing{static_cast<milliseconds::rep>(5000 / context.config.slack.rate_scale)};
  const auto poll = std::chrono::ceil<seconds>(std::max(context.config.poll_interval, spacing));
  return OverviewInput{context.loop.now(), *running, poll, context.config.slack.editors.group, {}};
}

bool look_again(const Context& context, const Overview& overview, OverviewInput& input) {
  if (!overview.old || input.store_error || !context.check_store) return false;
  const auto works = context.check_store();
  if (!works) input.store_error = works.error();
  return !works;
}

net::Task<Result<Overview>> read_overview(Context& context) {
  auto input = overview_input(context);
  if (!input) co_return input.error();
  while (true) {
    const auto read = [given = *input](store::Store& store) { return overview_of(store, given); };
    auto overview = co_await context.store.run(read);
    if (!overview || !look_again(context, *overview, *input)) co_return overview;
  }
}

Result<Overview> overview_of(store::Store& store, const OverviewInput& input) {
  const auto now = input.now;
  Overview overview;
  overview.daemon_running = input.daemon_running;
  if (auto read = read_queue(store, now, overview); !read) return read.error();
  auto intervals = read_connections(store, overview);
  if (!intervals) return intervals.error();
  auto slack_app = read_slack_app(store, input.daemon_running);
  if (!slack_app) return slack_app.error();
  overview.slack_app = std::move(*slack_app);
  if (auto read = read_problems(store, overview); !read) return read.error();

  auto rotations = store.rotations().list();
  auto statuses = store.engine().statuses();
  auto groups = store.engine().groups();
  auto deletions = store.rotations().deletions();
  if (!deletions) return deletions.error();
  if (!rotations) return rotations.error();
  if (!statuses) return statuses.error();
  if (!groups) return groups.error();
  const auto unwritten_since = written_last(input, connections_of(*rotations), overview);
  std::map<RotationId, store::RotationStatus*> status_of;
  for (auto& status : *statuses) status_of[status.rotation] = &status;
  std::map<GroupId, store::GroupSnapshot*> seen_as;
  for (auto& group : *groups) seen_as[group.id] = &group;
  for (auto& rotation : *rotations) {
    RotationView view;
    seconds interval = input.poll;
    for (const auto& schedule : rotation.schedules)
      interval = std::max(interval, (*intervals)[schedule.ref.connection]);
    std::string written;
    if (const auto found = status_of.find(rotation.id); found != status_of.end()) {
      written = found->second->state;
      view.on_call = std::move(found->second->on_call);
      view.next = std::move(found->second->next);
      view.next_boundary = found->second->next_boundary;
      for (const auto& problem : found->second->problems)
        view.problems.push_back(store::with_names(store, problem));
      view.unknown = std::move(found->second->unknown);
    }
    if (const auto found = seen_as.find(rotation.group); found != seen_as.end()) {
      view.members = found->second->members;
      view.disabled = found->second->disabled;
    }
    // A daemon that runs looks at every source each second: what it wrote is so, as far as it could write.
    const auto seen = !overview.daemon_running ? overview.last_pass
                      : unwritten_since        ? unwritten_since
                                               : std::optional(now);
    view.state = state_now(rotation, written, interval, seen, now);
    const bool unwatched = view.state == "stale" && (!overview.daemon_running || unwritten_since);
    if (unwatched && !unwritten_since) view.problems.push_back(say_stale(overview.last_pass));
    tell_editors_group(input.editors_group, rotation, view);
    // Nobody has looked yet, or for long.
    if (written.empty() || unwatched) view.unknown = refs_of(rotation);
    for (const auto& deletion : *deletions) {
      if (deletion.rotation != rotation.id || deletion.until <= now) continue;
      view.state = "paused";
      view.problems.insert(view.problems.begin(), store::with_names(store, say_deleting(deletion, rotation)));
      view.deletion = deletion;
    }
    view.rotation = std::move(rotation);
    overview.rotations.push_back(std::move(view));
  }
  return overview;
}

bool anything_wrong(const Overview& overview) {
  if (!overview.daemon_running || overview.clock_problem || overview.store_problem ||
      !overview.other_problems.empty())
    return true;
  if (overview.slack_app && overview.slack_app->problem && overview.slack_app->state != "off") return true;
  std::set<std::string> used;
  for (const auto& view : overview.rotations) {
    if (view.state == "error" || view.state == "stale" || !view.problems.empty()) return true;
    for (const auto& schedule : view.rotation.schedules) used.insert(schedule.ref.connection);
  }
  return std::any_of(overview.connections.begin(), overview.connections.end(), [&](const auto& view) {
    return used.contains(view.name) && (view.status.state != "ok" || view.status.problem);
  });
}

bool group_differs(const RotationView& view) {
  if (view.members.empty()) return false;
  std::set<UserId> on_call;
  for (const auto& person : view.on_call) {
    if (!person.member) return true;
    on_call.insert(*person.member);
  }
  return view.disabled || on_call != std::set<UserId>(view.members.begin(), view.members.end());
}

std::map<ScheduleRef, std::string> schedule_names(store::Store& store) {
  std::map<ScheduleRef, std::string> names;
  auto states = store.engine().states();
  if (!states) return names;
  for (auto& state : *states) {
    if (!state.name.empty()) names.emplace(state.schedule, std::move(state.name));
  }
  return names;
}

std::map<UserId, std::string> known_names(store::Store& store) {
  std::map<UserId, std::string> names;
  auto users = store.people().users();
  if (!users) return names;
  for (const auto& user : *users) names.emplace(user.id, user.name);
  return names;
}

std::string name_or_id(const std::map<UserId, std::string>& names, const UserId& user) {
  const auto found = names.find(user);
  return found == names.end() || found->second.empty() ? user.value : found->second;
}

std::string names_of(const std::map<UserId, std::string>& names, const std::vector<UserId>& users) {
  constexpr std::size_t shown = 12;
  std::string out;
  for (std::size_t i = 0; i < std::min(users.size(), shown); ++i)
    out += (out.empty() ? "" : ", ") + name_or_id(names, users[i]);
  if (users.size() > shown) out += fmt::format(" and {} more", users.size() - shown);
  return out;
}

}  // namespace watchbill::control
