// Control actions on schedules: who is on call when.

#include "sandbox/schedules.hpp"

#include <algorithm>
#include <cmath>

#include "sandbox/control/ops.hpp"

namespace watchbill::sandbox {
namespace {

/// A rule with shorter turns ends after this many, so that a window of weeks stays readable.
constexpr std::int64_t kShortTurns = 400;

/// An error unless the system knows everybody and everything that is named.
Result<void> check_people(const World& world, System system, const std::string& own_id,
                          const std::vector<std::string>& people) {
  const auto& roster = world.roster(system);
  for (const auto& who : people) {
    const auto [kind, id] = split_reference(who);
    bool known = false;
    if (kind.empty() || (kind == "device" && system == System::xmatters)) {
      known = roster.person(std::string(id)) != nullptr;
    } else if ((kind == "schedule" && system == System::opsgenie) ||
               (kind == "group" && system == System::xmatters)) {
      known = id == own_id || roster.schedules.find(id) != nullptr;
    } else if ((kind == "team" || kind == "escalation") &&
               (system == System::opsgenie || system == System::jsm)) {
      known = world.teams.find(id) != nullptr;
    }
    if (!known) return fail(ErrorKind::not_found, "{} knows no \"{}\"", name_of(system), who);
  }
  return {};
}

/// "ada", ["ada","bo"], null or []: the people of one turn.
Result<std::vector<std::string>> read_turn(json::View turn) {
  std::vector<std::string> people;
  if (turn.is_null()) return people;
  if (turn.is_string()) return std::vector<std::string>{turn.string_or("")};
  if (!turn.is_array()) return fail(ErrorKind::invalid, "a turn is a person, a list of people or null");
  for (const auto one : turn.items()) {
    auto who = one.string();
    if (!who) return who.error();
    people.push_back(*who);
  }
  // An empty list, unlike null, is a shift that is there and that nobody holds.
  if (people.empty()) people.emplace_back();
  return people;
}

Result<Shift> read_shift(json::View view, Instant now) {
  Reader in(view, now);
  Shift shift;
  bool empty = false;
  std::string person;
  in.moment("start", shift.start);
  in.moment("end", shift.end);
  in.texts("people", shift.people);
  in.text("person", person);
  in.flag("empty_member", empty);
  if (!in.has("start")) in.wrong(fail(ErrorKind::invalid, "\"start\" is missing"));
  if (auto done = in.done(); !done) return done.error().in("shift");
  if (!person.empty()) shift.people.push_back(person);
  if (empty) shift.people = {""};
  if (shift.people.empty()) return fail(ErrorKind::invalid, "shift: \"people\" is missing");
  if (shift.end <= shift.start) return fail(ErrorKind::invalid, "shift: it ends before it starts");
  return shift;
}

Result<std::vector<std::vector<std::string>>> read_turns(Reader& in) {
  std::vector<std::vector<std::string>> turns;
  for (const auto turn : in.at("people").items()) {
    auto people = read_turn(turn);
    if (!people) return people.error();
    turns.push_back(std::move(*people));
  }
  if (turns.empty()) return fail(ErrorKind::invalid, "\"people\" is missing");
  return turns;
}

/// "at" and "time_zone" of a rule by the clock on the wall.
Result<WallSite> read_site(Reader& in) {
  WallSite site;
  in.text("time_zone", site.zone);
  auto at = read_wall_time(in.required("at"));
  if (!at) return at.error();
  site.at = *at;
  if (auto known = check_zone(site.zone); !known) return known.error();
  return site;
}

/// `daily`, `weekly` or `follow_the_sun`.
Result<WallRule> read_wall_rule(Reader& in, Instant now) {
  WallRule rule;
  rule.start = now;
  in.moment("start", rule.start);
  if (in.has("follow_the_sun")) {
    for (const auto view : in.at("follow_the_sun").items()) {
      Reader one(view, now);
      auto site = read_site(one);
      if (!site) return site.error();
      auto turns = read_turns(one);
      if (!turns) return turns.error();
      if (auto done = one.done(); !done) return done.error().in("follow_the_sun");
      site->turns = std::move(*turns);
      rule.sites.push_back(std::move(*site));
    }
    if (rule.sites.empty()) return fail(ErrorKind::invalid, "\"follow_the_sun\" has no site");
    return rule;
  }
  const bool weekly = in.has("weekly");
  Reader when(in.at(weekly ? "weekly" : "daily"), now);
  if (weekly) {
    auto day = read_weekday(when.required("day"));
    if (!day) return day.error();
    rule.every_days = 7;
    rule.weekday = *day;
  }
  auto site = read_site(when);
  if (!site) return site.error();
  auto turns = read_turns(in);
  if (!turns) return turns.error();
  if (auto done = when.done(); !done) return done.error();
  site->turns = std::move(*turns);
  rule.sites = {std::move(*site)};
  return rule;
}

Result<Rule> read_rule(Reader& in, Instant now) {
  Rule rule;
  double length = 0;
  rule.start = now;
  if (!in.real("shift_seconds", length) || length <= 0) {
    return fail(ErrorKind::invalid, "\"shift_seconds\" is missing");
  }
  rule.length = milliseconds(std::llround(length * 1000));
  in.moment("start", rule.start);
  auto turns = read_turns(in);
  if (!turns) return turns.error();
  rule.turns = std::move(*turns);
  double count = length < 3600 ? static_cast<double>(kShortTurns) : 0;
  in.real("count", count);
  if (count > 0) {
    const auto current = (now - rule.start) / rule.length;
    rule.first = current - kShortTurns / 4;
    rule.last = std::max<std::int64_t>(current, 0) + static_cast<std::int64_t>(count) - 1;
  }
  return rule;
}

/// Reads `delays` and either `shifts` or a rule.
Result<void> read_plan(Reader& in, Part& part, Instant now) {
  for (const char* name :
       {"people", "shift_seconds", "start", "count", "shifts", "daily", "weekly", "follow_the_sun"}) {
    in.at(name);
  }
  for (const auto delay : in.at("delays").items())
    part.delays.push_back(static_cast<int>(delay.integer_or(0)));
  if (in.has("daily") || in.has("weekly") || in.has("follow_the_sun")) {
    auto rule = read_wall_rule(in, now);
    if (!rule) return rule.error();
    part.wall = std::move(*rule);
    return {};
  }
  if (!in.has("shifts")) {
    auto rule = read_rule(in, now);
    if (!rule) return rule.error();
    part.rule = std::move(*rule);
    return {};
  }
  for (const auto view : in.at("shifts").items()) {
    auto shift = read_shift(view, now);
    if (!shift) return shift.error();
    part.fixed.push_back(std::move(*shift));
  }
  return {};
}

std::string part_id(const Schedule& schedule, std::size_t number) {
  if (schedule.system == System::pagerduty) return fmt::format("ROTATION{}{}", id_text(schedule.id), number);
  return uuid_of(fmt::format("{} {} part {}", name_of(schedule.system), schedule.id, number));
}

/// Reads `parts`, or the one part whose fields stand in the action itself.
Result<void> read_parts(Reader& in, Schedule& schedule, Instant now) {
  if (in.has("parts")) {
    std::vector<Part> parts;
    for (const auto view : in.at("parts").items()) {
      Reader one(view, now);
      Part part;
      part.id = part_id(schedule, parts.size() + 1);
      part.name = fmt::format("Rotation {}", parts.size() + 1);
      one.text("name", part.name);
      one.text("id", part.id);
      one.flag("deleted", part.deleted);
      if (auto read = read_plan(one, part, now); !read) return read.error().in("part {}", part.name);
      if (auto done = one.done(); !done) return done.error().in("part {}", part.name);
      parts.push_back(std::move(part));
    }
    schedule.parts = std::move(parts);
  } else if (in.has("people") || in.has("shifts") || in.has("follow_the_sun")) {
    Part part;
    part.id = part_id(schedule, 1);
    part.name = "Rotation 1";
    if (auto read = read_plan(in, part, now); !read) return read;
    schedule.parts = {std::move(part)};
  }
  return {};
}

Result<void> check_parts(const World& world, const Schedule& schedule) {
  const bool layer = schedule.system == System::pagerduty && !schedule.shift_based;
  if (layer && schedule.parts.size() > 1) {
    return fail(ErrorKind::invalid, "a layer-based schedule has one rotation");
  }
  for (const auto& part : schedule.parts) {
    std::vector<std::vector<std::string>> turns;
    if (part.rule) turns = part.rule->turns;
    for (const auto& site : part.wall ? part.wall->sites : std::vector<WallSite>{}) {
      turns.insert(turns.end(), site.turns.begin(), site.turns.end());
    }
    for (const auto& shift : part.fixed) turns.push_back(shift.people);
    for (auto& people : turns) {
      if (people == std::vector<std::string>{""}) continue;
      if (layer && people.size() > 1) {
        return fail(ErrorKind::invalid, "a layer-based schedule has one person at a time");
      }
      if (auto known = check_people(world, schedule.system, schedule.id, people); !known) return known;
    }
  }
  return {};
}

std::string default_schedule_id(System system, const std::string& name) {
  if (system == System::pagerduty) return "P" + id_text(name);
  return uuid_of(fmt::format("{} schedule {}", name_of(system), name));
}

/// The schedule that "system" and "schedule" name.
Result<Schedule*> schedule_of(Desk& desk, Reader& in, std::string_view field) {
  auto system = scheduling_system(in);
  const auto id = in.required(field);
  if (!system) return system.error();
  auto* schedule = desk.world.roster(*system).schedules.find(id);
  if (!schedule) return fail(ErrorKind::not_found, "{} has no schedule \"{}\"", name_of(*system), id);
  return schedule;
}

Result<std::string> part_named(const Schedule& schedule, const std::string& text) {
  if (text.empty()) return std::string{};
  for (const auto& part : schedule.parts) {
    if (part.id == text || part.name == text) return part.id;
  }
  return fail(ErrorKind::not_found, "schedule {} has no part \"{}\"", schedule.id, text);
}

Result<void> add_override(Desk& desk, Schedule& schedule, Override over, json::Writer& out) {
  if (!over.of.empty()) {
    const std::vector<std::string> whose{over.of};
    if (auto known = check_people(desk.world, schedule.system, schedule.id, whose); !known) return known;
  }
  over.made_at = desk.now();
  if (over.id.empty()) over.id = fmt::format("OVERRIDE{}", desk.world.next_number++);
  out.field("id", over.id).field("start", format_rfc3339_ms(over.start));
  if (over.end != kNever) out.field("end", format_rfc3339_ms(over.end));
  schedule.overrides.push_back(std::move(over));
  return {};
}

}  // namespace

Result<System> scheduling_system(Reader& in) {
  const auto name = in.required("system");
  const auto system = system_named(name);
  if (!system || *system == System::slack || *system == System::identity) {
    return fail(ErrorKind::invalid, "system is pagerduty, opsgenie, jsm or xmatters, not \"{}\"", name);
  }
  return *system;
}

Result<void> do_schedule(Desk& desk, Reader& in, json::Writer& out) {
  auto system = scheduling_system(in);
  if (!system) return system.error();
  std::string id;
  std::string name;
  in.text("id", id);
  in.text("name", name);
  if (id.empty() && name.empty()) return fail(ErrorKind::invalid, "\"id\" is missing");
  if (id.empty()) id = default_schedule_id(*system, name);
  auto& schedules = desk.world.roster(*system).schedules;
  const auto* known = schedules.find(id);
  Schedule schedule = known ? *known : Schedule{};
  schedule.id = id;
  schedule.system = *system;
  if (!name.empty()) schedule.name = name;
  if (schedule.name.empty()) schedule.name = id;
  if (in.has("kind")) {
    const auto kind = in.at("kind").string_or("");
    if (*system != System::pagerduty || (kind != "layer" && kind != "v3")) {
      return fail(ErrorKind::invalid, "kind is \"layer\" or \"v3\", of PagerDuty alone");
    }
    schedule.shift_based = kind == "v3";
  }
  in.number("escalation_policies", schedule.escalation_policies);
  in.flag("enabled", schedule.enabled);
  in.flag("forbidden", schedule.forbidden);
  in.text("group_type", schedule.group_type);
  if (auto read = read_parts(in, schedule, desk.now()); !read) return read;
  if (auto done = in.done(); !done) return done;
  if (auto good = check_parts(desk.world, schedule); !good) return good;
  schedules.make(id) = std::move(schedule);
  out.field("id", id);
  return {};
}

Result<void> do_delete(Desk& desk, Reader& in, json::Writer&) {
  auto schedule = schedule_of(desk, in, "id");
  if (!schedule) return schedule.error();
  if (auto done = in.done(); !done) return done;
  desk.world.roster((*schedule)->system).schedules.remove(std::string((*schedule)->id));
  return {};
}

Result<void> do_override(Desk& desk, Reader& in, json::Writer& out) {
  auto schedule = schedule_of(desk, in, "schedule");
  if (!schedule) return schedule.error();
  Override over;
  in.span(over.start, over.end);
  std::string person;
  std::string part;
  in.text("person", person);
  in.texts("people", over.people);
  in.text("part", part);
  in.text("of", over.of);
  in.text("id", over.id);
  if (auto done = in.done(); !done) return done;
  if (!person.empty()) over.people.push_back(person);
  if (over.people.empty()) return fail(ErrorKind::invalid, "\"person\" is missing (see \"nobody\")");
  auto& target = **schedule;
  const bool single = target.system == System::xmatters || !target.shift_based;
  const bool several = target.system == System::opsgenie || target.system == System::jsm;
  if (!several && single && over.people.size() > 1) {
    return fail(ErrorKind::invalid, "one person replaces here");
  }
  if (auto known = check_people(desk.world, target.system, target.id, over.people); !known) return known;
  auto id = part_named(target, part);
  if (!id) return id.error();
  over.part = *id;
  return add_override(desk, target, std::move(over), out);
}

Result<void> do_nobody(Desk& desk, Reader& in, json::Writer& out) {
  auto schedule = schedule_of(desk, in, "schedule");
  if (!schedule) return schedule.error();
  Override over;
  in.span(over.start, over.end);
  std::string part;
  in.text("part", part);
  in.text("of", over.of);
  if (auto done = in.done(); !done) return done;
  auto id = part_named(**schedule, part);
  if (!id) return id.error();
  over.part = *id;
  return add_override(desk, **schedule, std::move(over), out);
}

namespace {

/// The turn that begins at `start`; nobody's if none does.
Shift turn_from(const Part& part, Instant start) {
  if (start == kNever) return {};
  for (auto& shift : planned_shifts(part, {start, start})) {
    if (shift.start == start) return std::move(shift);
  }
  return {};
}

}  // namespace

Result<void> do_end_shift(Desk& desk, Reader& in, json::Writer& out) {
  auto schedule = schedule_of(desk, in, "schedule");
  if (!schedule) return schedule.error();
  if (auto done = in.done(); !done) return done;
  const auto now = desk.now();
  for (const auto& part : (*schedule)->parts) {
    const auto shifts = planned_shifts(part, {now, now});
    const auto current =
        std::find_if(shifts.begin(), shifts.end(), [&](const Shift& s) { return covers(s, now); });
    if (current == shifts.end()) continue;
    if (current->end == kNever) return fail(ErrorKind::invalid, "the shift under way never ends");
    Override over;
    over.part = part.id;
    over.start = now;
    over.end = current->end;
    // Who stands in because the shift was ended before has now ended his turn, too.
    auto turn = turn_from(part, current->end);
    for (const auto& before : (*schedule)->overrides) {
      if (before.part == part.id && before.end == current->end && before.people == turn.people) {
        turn = turn_from(part, turn.end);
      }
    }
    over.people = turn.people;
    // An absence has one replacement.
    if ((*schedule)->system == System::xmatters && over.people.size() > 1) over.people.resize(1);
    return add_override(desk, **schedule, std::move(over), out);
  }
  return fail(ErrorKind::not_found, "no shift is under way");
}

Result<void> do_cancel_override(Desk& desk, Reader& in, json::Writer&) {
  auto schedule = schedule_of(desk, in, "schedule");
  const auto id = in.required("id");
  if (!schedule) return schedule.error();
  if (auto done = in.done(); !done) return done;
  if (std::erase_if((*schedule)->overrides, [&](const Override& o) { return o.id == id; }) == 0) {
    return fail(ErrorKind::not_found, "no override \"{}\"", id);
  }
  return {};
}

}  // namespace watchbill::sandbox
