// Large worlds with names that can be computed, for measurements.

#include <cmath>

#include "sandbox/control/ops.hpp"

namespace watchbill::sandbox {
namespace {

struct Bulk {
  std::size_t groups = 0;
  std::size_t people = 0;
  std::size_t channels = 0;
  std::size_t per_schedule = 3;
  milliseconds shift{1h};
  Instant boundary{};
};

std::string person_key(std::size_t index) {
  return fmt::format("u{:04}", index);
}

void add_people(World& world, const Bulk& bulk) {
  for (std::size_t i = 0; i < bulk.people; ++i) {
    const auto key = person_key(i);
    const auto email = key + "@example.com";
    auto& user = world.users.make(fmt::format("U{:05}", i));
    user.key = user.name = key;
    user.real_name = fmt::format("Person {}", i);
    user.email = email;
    world.user_of_key[key] = user.id;
    for (auto& [system, roster] : world.rosters) {
      auto id = uuid_of(fmt::format("{} person {}", name_of(system), key));
      if (system == System::pagerduty) id = fmt::format("PU{:05}", i);
      if (system == System::jsm) id = "712020:" + id;
      auto& responder = roster.people.make(id);
      responder.key = responder.login = key;
      responder.name = user.real_name;
      responder.email = email;
      roster.id_of_key[key] = id;
    }
  }
}

void add_groups(World& world, const Bulk& bulk, Instant now) {
  for (std::size_t i = 0; i < bulk.groups; ++i) {
    auto& group = world.groups.make(fmt::format("S{:05}", i));
    group.handle = fmt::format("g{:04}", i);
    group.name = fmt::format("Group {}", i);
    group.created = group.updated = unix_seconds(now);
    group.created_by = group.updated_by = "U0ADMIN";
    group.written.clear();
    if (bulk.people > 0) group.users = {fmt::format("U{:05}", i % bulk.people)};
  }
}

void add_channels(World& world, const Bulk& bulk) {
  for (std::size_t i = 0; i < bulk.channels; ++i) {
    auto& channel = world.channels.make(fmt::format("C{:05}", i));
    channel.name = fmt::format("c{:04}", i);
    channel.members = {world.slack.bot_user};
  }
}

/// Every schedule hands off at `boundary`, from one person of its own to the next.
void add_schedules(World& world, System system, std::size_t count, const Bulk& bulk, Instant now) {
  static const std::map<System, const char*> letters{
      {System::pagerduty, "P"}, {System::opsgenie, "O"}, {System::jsm, "J"}, {System::xmatters, "X"}};
  const auto* letter = letters.at(system);
  for (std::size_t i = 0; i < count; ++i) {
    auto& schedule = world.roster(system).schedules.make(fmt::format("{}{:04}", letter, i));
    schedule.system = system;
    schedule.name = fmt::format("Schedule {}{:04}", letter, i);
    Part part;
    part.id = fmt::format("{}{:04}R", letter, i);
    part.name = "Rotation 1";
    Rule rule;
    rule.length = bulk.shift;
    rule.start = bulk.boundary;
    for (std::size_t k = 0; k < bulk.per_schedule; ++k) {
      rule.turns.push_back({person_key((i * bulk.per_schedule + k) % bulk.people)});
    }
    if (bulk.shift < milliseconds(1h)) {
      const auto current = (now - rule.start) / rule.length;
      rule.first = current - 100;
      rule.last = std::max<std::int64_t>(current, 0) + 400;
    }
    part.rule = std::move(rule);
    schedule.parts = {std::move(part)};
  }
}

}  // namespace

Result<void> do_bulk(Desk& desk, Reader& in, json::Writer&) {
  Bulk bulk;
  const auto now = desk.now();
  bulk.boundary = now;
  in.number("groups", bulk.groups);
  in.number("people", bulk.people);
  in.number("channels", bulk.channels);
  in.number("people_per_schedule", bulk.per_schedule);
  in.moment("boundary_at", bulk.boundary);
  double length = 3600;
  in.real("shift_seconds", length);
  bulk.shift = milliseconds(std::llround(length * 1000));
  const auto schedules = in.at("schedules");
  if (auto done = in.done(); !done) return done;
  if (bulk.shift <= milliseconds(0)) return fail(ErrorKind::invalid, "shift_seconds is above 0");
  if (schedules.size() > 0 && (bulk.people == 0 || bulk.per_schedule == 0)) {
    return fail(ErrorKind::invalid, "schedules need people");
  }
  for (const auto count : schedules.items()) {
    const auto system = system_named(count.key());
    if (!system || desk.world.rosters.count(*system) == 0 || count.integer_or(-1) < 0) {
      return fail(ErrorKind::invalid, "schedules: \"{}\" is not a scheduling system with a number",
                  count.key());
    }
  }
  add_people(desk.world, bulk);
  add_groups(desk.world, bulk, now);
  add_channels(desk.world, bulk);
  for (const auto count : schedules.items()) {
    add_schedules(desk.world, *system_named(count.key()), static_cast<std::size_t>(count.integer_or(0)), bulk,
                  now);
  }
  return {};
}

}  // namespace watchbill::sandbox
