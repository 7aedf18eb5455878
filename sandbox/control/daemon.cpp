// Control actions on the daemon that belongs to the sandbox, and on the pace of its world.

#include <algorithm>
#include <cmath>

#include "sandbox/schedules.hpp"
#include "sandbox/slack/acting.hpp"

namespace watchbill::sandbox {
namespace {

constexpr const char* kStormSchedule = "PSTORM";
/// From the answer to the boundary: the daemon has to know it ahead, and people have to find the button.
constexpr seconds kStormAhead = 8s;

std::string storm_handle(std::size_t number) {
  return fmt::format("storm-{:02}", number);
}

/// Two people who take turns in the storm.
std::vector<std::string> storm_people(const World& world) {
  std::vector<std::string> keys;
  for (const auto& person : world.roster(System::pagerduty).people) {
    const auto user = world.user_of_key.find(person.key);
    const bool usable = !person.deleted && !person.email.empty() && user != world.user_of_key.end() &&
                        world.users.find(user->second)->assignable();
    if (usable) keys.push_back(person.key);
    if (keys.size() == 2) break;
  }
  return keys;
}

/// Who is on call in the storm's schedule now, or nobody.
std::string storm_now(const World& world, Instant now) {
  const auto* schedule = world.roster(System::pagerduty).schedules.find(kStormSchedule);
  const auto people = schedule ? on_call_at(world, *schedule, now) : std::vector<std::string>{};
  return people.empty() ? std::string{} : people.front();
}

void plan_storm(World& world, const std::string& before, const std::string& after, Instant now, Instant at) {
  auto& schedule = world.roster(System::pagerduty).schedules.make(kStormSchedule);
  schedule.system = System::pagerduty;
  schedule.name = "Storm";
  Part part;
  part.id = "ROTATIONSTORM";
  part.name = "Storm";
  part.fixed = {{{before}, now - 1h, at, "rotation"}};
  if (at != kNever) part.fixed.push_back({{after}, at, kNever, "rotation"});
  schedule.parts = {std::move(part)};
  ++world.plans;
}

/// Makes the groups that are missing; the rotations for them, as `apply` reads them, or nothing.
std::string missing_storm_groups(World& world, std::size_t count, const std::string& member, Instant now) {
  std::string rotations;
  for (std::size_t number = 1; number <= count; ++number) {
    const auto handle = storm_handle(number);
    const auto id = "S0" + id_text(handle);
    const bool there = world.groups.find(id) != nullptr;
    auto& group = world.groups.make(id);
    if (!there) {
      group.handle = handle;
      group.name = fmt::format("Storm {:02}", number);
      group.created = group.updated = unix_seconds(now);
      group.created_by = group.updated_by = "U0ADMIN";
      group.users = {member};
    }
    rotations += fmt::format(
        "  - name: storm {0:02}\n    group: {{id: {1}, handle: {2}}}\n    schedules: [pagerduty/{3}]\n",
        number, id, handle, kStormSchedule);
  }
  return "version: 1\nrotations:\n" + rotations;
}

/// The same people, in turns of another length; `share` of the turn under way has passed.
void change_length(Rule& rule, milliseconds length, double share, Instant now) {
  const auto turns = static_cast<std::int64_t>(rule.turns.size());
  const auto passed = (now - rule.start).count();
  const auto turn = passed / rule.length.count() - (passed % rule.length.count() < 0 ? 1 : 0);
  const auto current = ((turn % turns) + turns) % turns;
  const bool endless = !rule.last;
  rule.length = length;
  rule.start = now - current * length -
               milliseconds(static_cast<std::int64_t>(static_cast<double>(length.count()) * share));
  rule.first.reset();
  if (endless) return;
  constexpr std::int64_t kTurnsKept = 400;
  rule.first = current - kTurnsKept / 4;
  rule.last = current + kTurnsKept;
}

}  // namespace

Result<void> do_daemon(Desk& desk, Reader& in, json::Writer& out) {
  const auto action = in.required("action");
  std::string mode;
  in.text("mode", mode);
  if (auto done = in.done(); !done) return done;
  if (!desk.daemon) return fail(ErrorKind::not_found, "this sandbox has no daemon of its own");
  if (auto steered = desk.daemon->steer(action, mode); !steered) return steered;
  out.key("daemon").raw(desk.daemon->status());
  return {};
}

Result<void> do_speed(Desk& desk, Reader& in, json::Writer&) {
  double seconds = 0;
  if (!in.real("shift_seconds", seconds) || seconds < 1) {
    in.wrong(fail(ErrorKind::invalid, "\"shift_seconds\" is missing, or below 1"));
  }
  if (auto done = in.done(); !done) return done;
  const milliseconds length(std::llround(seconds * 1000));
  const auto now = desk.now();
  std::size_t index = 0;
  for (auto& [system, roster] : desk.world.rosters) {
    for (auto& schedule : roster.schedules) {
      // Spread out, so that they do not all hand off at once.
      const double share = static_cast<double>(index++ % 3) / 3;
      for (auto& part : schedule.parts) {
        if (part.rule) change_length(*part.rule, length, share, now);
      }
    }
  }
  return {};
}

Result<void> do_clock(Desk& desk, Reader& in, json::Writer& out) {
  auto& clock = desk.clock;
  bool real = false;
  bool freeze = clock.speed() <= 0;
  double speed = clock.speed();
  double step = 0;
  auto target = clock.now();
  in.flag("real", real);
  in.flag("freeze", freeze);
  const bool asks_speed = in.real("speed", speed);
  in.moment("set", target);
  if (in.real("step_seconds", step)) target += milliseconds(std::llround(step * 1000));
  const bool moves = in.has("set") || in.has("step_seconds");
  const bool runs = asks_speed || in.has("freeze");
  if (auto done = in.done(); !done) return done;
  constexpr double kFastest = 1e6;
  if (speed < 0 || speed > kFastest) return fail(ErrorKind::invalid, "speed is from 0 to {}", kFastest);
  if (target == kNever) return fail(ErrorKind::invalid, "\"set\" is a moment");
  if (target < clock.now()) clock.set(target);
  if (moves) desk.agenda.advance_to(target);
  if (real) clock.reset();
  if (runs) clock.run(freeze && !asks_speed ? 0 : asks_speed ? speed : 1);
  desk.agenda.look_again();
  ++desk.clock_touched;
  out.field("now", format_rfc3339_ms(clock.now())).field("speed", clock.speed());
  return {};
}

net::Task<Result<void>> do_storm(Desk& desk, Reader& in, json::Writer& out) {
  std::size_t count = 40;
  in.number("groups", count);
  if (auto done = in.done(); !done) co_return done.error();
  constexpr std::size_t kMost = 500;
  if (count == 0 || count > kMost) co_return fail(ErrorKind::invalid, "groups is from 1 to {}", kMost);
  const auto people = storm_people(desk.world);
  if (people.size() < 2)
    co_return fail(ErrorKind::invalid, "a storm needs two people who are in Slack and PagerDuty");
  const auto holder = storm_now(desk.world, desk.now());
  const std::string before = holder.empty() ? people[0] : holder;
  const std::string after = before == people[0] ? people[1] : people[0];
  const std::string member = desk.world.user_of_key.at(before);
  const std::string next = desk.world.user_of_key.at(after);
  plan_storm(desk.world, before, after, desk.now(), kNever);
  const auto rotations = missing_storm_groups(desk.world, count, member, desk.now());
  desk.changed.notify();
  if (desk.daemon) {
    if (auto applied = co_await desk.daemon->apply(rotations); !applied) co_return applied.error();
  }
  const auto at = std::chrono::ceil<seconds>(desk.now() + kStormAhead);
  plan_storm(desk.world, before, after, desk.now(), at);
  out.field("at", format_rfc3339_ms(at)).key("groups").begin_array();
  for (std::size_t number = 1; number <= count; ++number) {
    out.begin_object().field("group", "S0" + id_text(storm_handle(number)));
    out.field("after", std::vector<std::string>{next}).end_object();
  }
  out.end_array();
  co_return Result<void>{};
}

}  // namespace watchbill::sandbox
