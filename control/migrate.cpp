#include "control/migrate.hpp"

#include <algorithm>
#include <set>

#include "control/migration_memory.hpp"
#include "control/pair_comparison.hpp"
#include "control/save.hpp"

namespace watchbill::control {

namespace {}  // namespace

namespace {

bool uses_connection(const std::vector<RotationSchedule>& schedules, const std::string& connection) {
  return std::any_of(schedules.begin(), schedules.end(),
                     [&](const RotationSchedule& one) { return one.ref.connection == connection; });
}

/// The schedules of the first side that rotations use, with names and what they say.
net::Task<void> look_at_used(net::Loop& loop, OpenSide& side, std::vector<ShownSchedule>& used) {
  if (!side.error) {
    auto listed = co_await side.open->provider->list_schedules();
    if (!listed) {
      side.error = listed.error();
    } else {
      for (auto& one : used) {
        const auto info = std::find_if(listed->begin(), listed->end(),
                                       [&](const auto& other) { return other.id == one.ref.id; });
        if (info != listed->end()) one.name = info->name;
      }
    }
  }
  co_await ask(loop, side, used, Reach::weeks);
}

/// All schedules of the second side. Those that may be partners by people alone are asked, too.
net::Task<Result<std::vector<ShownSchedule>>> look_at_all(net::Loop& loop, OpenSide& side,
                                                          const std::vector<ShownSchedule>& used,
                                                          const ChosenPartners& chosen) {
  if (side.error) co_return *side.error;
  auto listed = co_await side.open->provider->list_schedules();
  if (!listed) co_return listed.error().in("the schedules of connection {}", side.name);
  std::vector<ShownSchedule> all;
  for (const auto& info : *listed) all.push_back({{side.name, info.id}, info.name});
  // Most have the same id or name.
  const auto obvious = pair_schedules(used, all, kAlways, kAlways, {}, chosen);
  std::vector<ShownSchedule> asked;
  std::vector<ShownSchedule> rest;
  for (auto& one : all) {
    const bool partner = std::any_of(obvious.pairs.begin(), obvious.pairs.end(),
                                     [&](const SchedulePair& pair) { return pair.after == one.ref; });
    (partner || !obvious.unpaired.empty() ? asked : rest).push_back(std::move(one));
  }
  co_await ask(loop, side, asked, Reach::weeks);
  for (auto& one : rest) asked.push_back(std::move(one));
  co_return asked;
}

bool is_among(const std::vector<ShownSchedule>& schedules, const ScheduleRef& ref) {
  return std::any_of(schedules.begin(), schedules.end(),
                     [&](const ShownSchedule& one) { return one.ref == ref; });
}

Result<void> check_chosen(const ChosenPartners& chosen, const std::vector<ShownSchedule>& used,
                          const std::vector<ShownSchedule>& all) {
  std::set<ScheduleRef> taken;
  for (const auto& [before, after] : chosen) {
    if (!is_among(used, before)) return fail(ErrorKind::invalid, "--pair: no rotation uses {}", before);
    if (!is_among(all, after)) {
      return fail(ErrorKind::invalid, "--pair: there is no schedule {}; `watchbill schedule list` shows them",
                  after);
    }
    if (!taken.insert(after).second)
      return fail(ErrorKind::invalid, "--pair: {} is chosen for more than one schedule", after);
  }
  return {};
}

/// What the sides said of the pairs, in the order of the pairs.
std::vector<ShownSchedule> shown_in(const std::vector<ShownSchedule>& all,
                                    const std::vector<SchedulePair>& pairs, ScheduleRef SchedulePair::*side) {
  std::vector<ShownSchedule> out;
  for (const auto& pair : pairs) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const ShownSchedule& one) { return one.ref == pair.*side; });
    out.push_back(found == all.end() ? ShownSchedule{pair.*side, {}} : *found);
  }
  return out;
}

/// Sorts rotations into those that go and those that stay because the caller may not, or because not both
/// sides tell who is on call.
void place(const Context& context, const Caller& caller, RotationMove move, MigrationPlan& plan) {
  const auto& rotation = move.rotation;
  const auto unknown = std::find_if(plan.pairs.begin(), plan.pairs.end(), [&](const SchedulePair& pair) {
    return goes_along(move, pair) && !pair.not_compared.empty();
  });
  const auto may_edit = allowed(context, caller, Action::edit, {&rotation, rotation.group});
  if (!may_edit) {
    plan.left.push_back({rotation.id, rotation.name, may_edit.error().message});
  } else if (unknown != plan.pairs.end()) {
    plan.left.push_back({rotation.id, rotation.name,
                         fmt::format("{} and {} could not be compared: {}", unknown->before, unknown->after,
                                     unknown->not_compared)});
  } else {
    plan.moving.push_back(std::move(move));
  }
}

/// The same for the rotations that use the first connection, some of whose schedules may have no partner.
void sort_rotations(const Context& context, const Caller& caller, const std::vector<Rotation>& rotations,
                    MigrationPlan& plan) {
  for (const auto& rotation : rotations) {
    const auto missing = std::find_if(
        rotation.schedules.begin(), rotation.schedules.end(), [&](const RotationSchedule& schedule) {
          return schedule.ref.connection == plan.from && !pair_of(plan.pairs, schedule.ref);
        });
    if (missing != rotation.schedules.end()) {
      plan.left.push_back({rotation.id, rotation.name,
                           fmt::format("schedule {} has no partner in {}", missing->ref, plan.to)});
    } else {
      place(context, caller, {rotation, replaced(rotation.schedules, plan.pairs)}, plan);
    }
  }
}

/// The schedules of a connection that these rotations use, each once.
std::vector<ShownSchedule> used_schedules(const std::vector<Rotation>& rotations,
                                          const std::string& connection) {
  std::vector<ShownSchedule> used;
  for (const auto& rotation : rotations) {
    for (const auto& schedule : rotation.schedules) {
      const auto same = [&](const ShownSchedule& one) { return one.ref == schedule.ref; };
      if (schedule.ref.connection == connection && std::none_of(used.begin(), used.end(), same))
        used.push_back({schedule.ref, {}});
    }
  }
  return used;
}

/// What was moved, and the rotations as they are now.
struct MovedNow {
  Moved moved;
  std::vector<Rotation> rotations;
};

Result<MovedNow> read_moved(store::Store& store, const std::string& from, const std::string& to) {
  auto moved = moved_between(store, from, to);
  if (!moved) return moved.error();
  auto rotations = store.rotations().list();
  if (!rotations) return rotations.error();
  return MovedNow{*std::move(moved), *std::move(rotations)};
}

/// Sorts what was moved once into what can go back and what has no way back.
void sort_moved(const Moved& moved, const std::vector<Rotation>& rotations, MigrationPlan& plan,
                std::vector<RotationMove>& back) {
  for (const auto& [id, one] : moved) {
    const auto found = std::find_if(rotations.begin(), rotations.end(),
                                    [wanted = id](const Rotation& other) { return other.id == wanted; });
    if (found == rotations.end()) {
      plan.lost.push_back({id, one.name, "it was deleted"});
      continue;
    }
    auto schedules = moved_back(one, found->schedules);
    if (schedules == found->schedules) {
      std::vector<std::string> names;
      for (const auto& schedule : found->schedules) names.push_back(to_string(schedule.ref));
      plan.lost.push_back(
          {id, found->name,
           fmt::format("it uses nothing of what it was moved to any more, but {}", fmt::join(names, ", "))});
      continue;
    }
    for (const auto& pair : one.pairs) {
      if (!uses(found->schedules, pair.after)) continue;
      const auto same = [&](const SchedulePair& other) {
        return other.before == pair.after && other.after == pair.before;
      };
      if (std::none_of(plan.pairs.begin(), plan.pairs.end(), same)) plan.pairs.push_back(turned(pair));
    }
    back.push_back({*found, std::move(schedules)});
  }
}

/// What the second side said of a pair, as evidence; nothing where there is no need of it, or where it is
/// not to be believed yet: that nobody is on call, while the first side's last word is another.
Result<std::optional<ScheduleState>> evidence_of(store::Store& store, const ScheduleRef& before,
                                                 const ShownSchedule& after, Instant now) {
  std::optional<ScheduleState> none;
  const auto on_call = on_call_at(*after.timeline, now);
  const auto* people = std::get_if<People>(&on_call);
  if (!people) {
    auto state = store.engine().state(before);
    if (!state) return state.error();
    const bool foreseen = *state && std::holds_alternative<Nobody>(believed_on_call(**state, now));
    if (!foreseen) return none;
  }
  ScheduleState state;
  state.schedule = after.ref;
  state.name = after.name;
  state.timeline = *after.timeline;
  state.presence = Presence::ok;
  if (people) state.held = people->responders;
  state.last_answer = after.timeline->confirmed_at;
  return std::optional(std::move(state));
}

/// What the second side's schedules said is known of them from now on. Of those that rotations used already
/// the engine knows as much.
Result<void> hand_over(store::Store& store, const MigrationPlan& plan) {
  auto rotations = store.rotations().list();
  if (!rotations) return rotations.error();
  for (const auto& move : plan.moving) {
    for (auto& rotation : *rotations) {
      if (rotation.id == move.rotation.id) rotation = move.rotation;
    }
  }
  for (std::size_t i = 0; i < plan.pairs.size(); ++i) {
    const auto& pair = plan.pairs[i];
    const bool known = std::any_of(rotations->begin(), rotations->end(), [&](const Rotation& rotation) {
      return uses(rotation.schedules, pair.after);
    });
    if (known || !is_needed(plan, pair)) continue;
    auto state = evidence_of(store, pair.before, plan.after[i], plan.made_at);
    if (!state) return state.error();
    if (!*state) continue;
    if (auto put = store.engine().put_schedule_state(**state); !put) return put;
  }
  return {};
}

/// What a move writes beside its rotations. What it relies on is looked at again.
Result<void> write_along(store::Store& store, const MigrationPlan& plan, const store::Actor& actor) {
  if (auto quiet = refuse_handoff(plan); !quiet) return quiet;
  for (const auto& mapping : plan.mappings) {
    if (auto mapped = store.people().map(mapping, actor); !mapped) return mapped;
  }
  if (auto handed = hand_over(store, plan); !handed) return handed;
  return remember(store, plan);
}

}  // namespace

const PairDifference* difference_at(const SchedulePair& pair, Instant t) {
  const auto found = std::find_if(pair.differences.begin(), pair.differences.end(),
                                  [&](const PairDifference& one) { return one.from <= t && t < one.to; });
  return found == pair.differences.end() ? nullptr : &*found;
}

Result<void> refuse_handoff(const MigrationPlan& plan) {
  for (const auto& pair : plan.pairs) {
    const auto* now = is_needed(plan, pair) ? difference_at(pair, plan.made_at) : nullptr;
    if (!now) continue;
    const auto people = [](const std::vector<std::string>& names) {
      return names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "));
    };
    return fail(
        ErrorKind::conflict,
        "{} says that {} is on call now, and {} says {}: nothing was changed, since that would be a handoff. "
        "Make them equal (for people whose address is hidden: `watchbill people map`), and run it again",
        pair.before, people(now->before), pair.after, people(now->after));
  }
  return {};
}

net::Task<Result<MigrationPlan>> plan_migration(Context& context, Caller caller, std::string from,
                                                std::string to, ChosenPartners chosen) {
  if (from == to) co_return fail(ErrorKind::invalid, "{} cannot be moved to itself", from);
  auto before = co_await open_side(context, from);
  if (!before) co_return before.error();
  auto after = co_await open_side(context, to);
  if (!after) co_return after.error();
  const auto list = [](store::Store& store) { return store.rotations().list(); };
  auto rotations = co_await context.store.run(list);
  if (!rotations) co_return rotations.error();
  std::erase_if(*rotations,
                [&](const Rotation& rotation) { return !uses_connection(rotation.schedules, from); });
  if (rotations->empty())
    co_return fail(ErrorKind::conflict, "no rotation uses connection {}: there is nothing to move", from);

  const auto asked_at = context.loop.now();
  auto used = used_schedules(*rotations, from);
  co_await look_at_used(context.loop, **before, used);
  auto all = co_await look_at_all(context.loop, **after, used, chosen);
  if (!all) co_return all.error();
  if (auto good = check_chosen(chosen, used, *all); !good) co_return good.error();
  MigrationPlan plan{from, to, false, context.loop.now()};
  auto remembered = co_await remembered_of(context, used, plan.made_at);
  if (!remembered) co_return remembered.error();
  recall(remembered->states, used, plan.made_at);
  const auto key = person_key(remembered->people, used, *all);
  auto found = pair_schedules(used, *all, plan.made_at, asked_at + kWeeks, key, chosen);
  plan.pairs = std::move(found.pairs);
  plan.unpaired = std::move(found.unpaired);
  plan.before = shown_in(used, plan.pairs, &SchedulePair::before);
  plan.after = shown_in(*all, plan.pairs, &SchedulePair::after);
  plan.unknown_people = unknown_people(remembered->people, plan.before, plan.after);
  sort_rotations(context, caller, *rotations, plan);
  for (const auto& [person, user] : moved_mappings(remembered->people, used, *all))
    plan.mappings.push_back({person, user, context.loop.now(), caller.actor});
  co_return plan;
}

net::Task<Result<MigrationPlan>> plan_undo(Context& context, Caller caller, std::string from,
                                           std::string to) {
  const auto read = [from, to](store::Store& store) { return read_moved(store, from, to); };
  auto known = co_await context.store.run(read);
  if (!known) co_return known.error();
  if (known->moved.empty())
    co_return fail(ErrorKind::not_found, "nothing that was moved from {} to {} can be moved back", from, to);

  MigrationPlan plan{to, from, true, context.loop.now()};
  std::vector<RotationMove> back;
  sort_moved(known->moved, known->rotations, plan, back);
  if (back.empty()) co_return plan;
  plan.before = shown_in({}, plan.pairs, &SchedulePair::before);
  plan.after = shown_in({}, plan.pairs, &SchedulePair::after);
  auto comparison = co_await PairComparison::open(context, plan.from, plan.to);
  if (!comparison) co_return comparison.error();
  if (auto looked = co_await comparison->look(plan, Reach::weeks); !looked) co_return looked.error();
  for (auto& move : back) place(context, caller, std::move(move), plan);
  co_return plan;
}

net::Task<Result<void>> migrate(Context& context, Caller caller, MigrationPlan plan) {
  auto comparison = co_await PairComparison::open(context, plan.from, plan.to);
  if (!comparison) co_return comparison.error();
  if (auto looked = co_await comparison->look(plan, Reach::minutes); !looked) co_return looked.error();
  for (std::size_t i = 0; i < plan.pairs.size(); ++i) {
    const auto& pair = plan.pairs[i];
    if (!is_needed(plan, pair)) continue;
    const auto& why = plan.after[i].silence.empty() ? pair.not_compared : plan.after[i].silence;
    if (why.empty()) continue;
    co_return fail(ErrorKind::conflict,
                   "{} and {} cannot be compared any more: {}. Nothing was changed; run it again",
                   pair.before, pair.after, why);
  }
  Batch batch;
  for (const auto& move : plan.moving) {
    RotationDraft draft{move.rotation, move.rotation};
    draft.rotation.schedules = move.schedules;
    if (auto good = validate(draft.rotation); !good) co_return good.error().in("{}", place_of(draft));
    batch.wanted.push_back(std::move(draft));
  }
  plan.made_at = context.loop.now();
  batch.also = [plan, actor = caller.actor](store::Store& store) { return write_along(store, plan, actor); };
  co_return co_await save_all(context, caller, batch);
}

}  // namespace watchbill::control
