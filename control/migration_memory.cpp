#include "control/migration_memory.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace watchbill::control {

namespace {

std::string memory_key(const std::string& from, const std::string& to) {
  return fmt::format("migration:{}:{}", from, to);
}

void write_schedules(json::Writer& w, std::string_view key, const std::vector<RotationSchedule>& schedules) {
  w.key(key).begin_array();
  for (const auto& one : schedules) {
    w.begin_object().field("connection", one.ref.connection).field("id", one.ref.id);
    w.field("label", one.label).field("required", one.required).end_object();
  }
  w.end_array();
}

std::vector<RotationSchedule> read_schedules(json::View view) {
  std::vector<RotationSchedule> schedules;
  for (const auto one : view.items()) {
    schedules.push_back({{one["connection"].string_or(""), one["id"].string_or("")},
                         one["label"].string_or(""),
                         one["required"].boolean_or(false)});
  }
  return schedules;
}

std::string text_of(const Moved& moved) {
  if (moved.empty()) return {};
  json::Writer w;
  w.begin_object().key("rotations").begin_array();
  for (const auto& [id, one] : moved) {
    w.begin_object().field("id", id.value).field("name", one.name);
    write_schedules(w, "before", one.before);
    write_schedules(w, "after", one.after);
    w.key("pairs").begin_array();
    for (const auto& pair : one.pairs) {
      w.begin_object().field("old", pair.before.id).field("new", pair.after.id).field("by", pair.by);
      w.end_object();
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return w.take();
}

}  // namespace

bool uses(const std::vector<RotationSchedule>& schedules, const ScheduleRef& ref) {
  return std::any_of(schedules.begin(), schedules.end(),
                     [&](const RotationSchedule& one) { return one.ref == ref; });
}

Result<Moved> moved_between(store::Store& store, const std::string& from, const std::string& to) {
  auto text = store.meta(memory_key(from, to));
  if (!text) return text.error();
  Moved moved;
  const auto document = json::parse(text->value_or("{}"));
  if (!document) return moved;
  for (const auto rotation : document->root()["rotations"].items()) {
    MovedRotation one{rotation["name"].string_or(""),
                      read_schedules(rotation["before"]),
                      read_schedules(rotation["after"]),
                      {}};
    for (const auto pair : rotation["pairs"].items()) {
      one.pairs.push_back(
          {{from, pair["old"].string_or("")}, {to, pair["new"].string_or("")}, pair["by"].string_or("id")});
    }
    moved.emplace(RotationId{rotation["id"].integer_or(0)}, std::move(one));
  }
  return moved;
}

const SchedulePair* pair_of(const std::vector<SchedulePair>& pairs, const ScheduleRef& ref) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const SchedulePair& pair) { return pair.before == ref; });
  return found == pairs.end() ? nullptr : &*found;
}

SchedulePair turned(const SchedulePair& pair) {
  return {pair.after, pair.before, pair.by};
}

std::vector<RotationSchedule> replaced(const std::vector<RotationSchedule>& schedules,
                                       const std::vector<SchedulePair>& pairs) {
  std::vector<RotationSchedule> out;
  for (auto schedule : schedules) {
    if (const auto* pair = pair_of(pairs, schedule.ref)) schedule.ref = pair->after;
    if (!uses(out, schedule.ref)) out.push_back(schedule);
  }
  return out;
}

std::vector<RotationSchedule> moved_back(const MovedRotation& moved,
                                         const std::vector<RotationSchedule>& now) {
  if (now == moved.after) return moved.before;
  std::vector<SchedulePair> back;
  for (const auto& pair : moved.pairs) back.push_back(turned(pair));
  return replaced(now, back);
}

bool goes_along(const RotationMove& move, const SchedulePair& pair) {
  return uses(move.rotation.schedules, pair.before) && !uses(move.schedules, pair.before) &&
         uses(move.schedules, pair.after);
}

bool is_needed(const MigrationPlan& plan, const SchedulePair& pair) {
  return std::any_of(plan.moving.begin(), plan.moving.end(),
                     [&](const RotationMove& move) { return goes_along(move, pair); });
}

namespace {

/// Notes what is about to be moved. What was moved before goes back to where it was first.
void note(Moved& moved, const MigrationPlan& plan) {
  for (const auto& move : plan.moving) {
    MovedRotation one{move.rotation.name, move.rotation.schedules, move.schedules, {}};
    for (const auto& pair : plan.pairs) {
      if (goes_along(move, pair)) one.pairs.push_back({pair.before, pair.after, pair.by});
    }
    if (const auto known = moved.find(move.rotation.id); known != moved.end()) {
      one.before = moved_back(known->second, one.before);
      for (const auto& pair : known->second.pairs) {
        if (uses(move.rotation.schedules, pair.after)) one.pairs.push_back(pair);
      }
    }
    moved.insert_or_assign(move.rotation.id, std::move(one));
  }
}

void forget(Moved& moved, const MigrationPlan& plan) {
  for (const auto& move : plan.moving) moved.erase(move.rotation.id);
  for (const auto& one : plan.lost) moved.erase(one.id);
}

}  // namespace

Result<void> remember(store::Store& store, const MigrationPlan& plan) {
  auto back = moved_between(store, plan.to, plan.from);
  if (!back) return back.error();
  forget(*back, plan);
  if (auto written = store.set_meta(memory_key(plan.to, plan.from), text_of(*back)); !written) return written;
  if (plan.undo) return {};
  auto moved = moved_between(store, plan.from, plan.to);
  if (!moved) return moved.error();
  note(*moved, plan);
  return store.set_meta(memory_key(plan.from, plan.to), text_of(*moved));
}

}  // namespace watchbill::control
