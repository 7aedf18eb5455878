#include "control/migrate.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/json.hpp"
#include "control/save.hpp"

namespace watchbill::control {

namespace {

/// "The next weeks".
constexpr auto kWeeks = days{14};
constexpr milliseconds kNear = 10min;

std::string memory_key(const std::string& from, const std::string& to) {
  return fmt::format("migration:{}:{}", from, to);
}

/// What a migration moved, for the way back.
struct Memory {
  std::vector<SchedulePair> pairs;
  std::set<std::int64_t> rotations;
};

std::string text_of(const MigrationPlan& plan) {
  json::Writer w;
  w.begin_object().key("pairs").begin_array();
  for (const auto& pair : plan.pairs) {
    w.begin_object()
        .field("old", pair.before.id)
        .field("new", pair.after.id)
        .field("by", pair.by)
        .end_object();
  }
  w.end_array().key("rotations").begin_array();
  for (const auto& rotation : plan.moving) w.value(rotation.id.value);
  w.end_array().end_object();
  return w.take();
}

Result<Memory> memory_of(store::Store& store, const std::string& from, const std::string& to) {
  auto text = store.meta(memory_key(from, to));
  if (!text) return text.error();
  const auto nothing =
      fail(ErrorKind::not_found, "nothing that was moved from {} to {} can be moved back", from, to);
  if (!*text || (*text)->empty()) return nothing;
  const auto document = json::parse(**text);
  if (!document) return nothing;
  Memory memory;
  const auto root = document->root();
  for (const auto pair : root["pairs"].items()) {
    memory.pairs.push_back(
        {{from, pair["old"].string_or("")}, {to, pair["new"].string_or("")}, pair["by"].string_or("id")});
  }
  for (const auto id : root["rotations"].items()) memory.rotations.insert(id.integer_or(0));
  return memory;
}

bool uses(const Rotation& rotation, const std::string& connection) {
  return std::any_of(rotation.schedules.begin(), rotation.schedules.end(),
                     [&](const RotationSchedule& one) { return one.ref.connection == connection; });
}

const SchedulePair* pair_of(const std::vector<SchedulePair>& pairs, const ScheduleRef& ref) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const SchedulePair& pair) { return pair.before == ref; });
  return found == pairs.end() ? nullptr : &*found;
}

/// The rotation with its schedules replaced by their partners; each stands there once.
Rotation moved(const Rotation& rotation, const std::vector<SchedulePair>& pairs) {
  auto out = rotation;
  out.schedules.clear();
  for (auto schedule : rotation.schedules) {
    if (const auto* pair = pair_of(pairs, schedule.ref)) schedule.ref = pair->after;
    const auto same = [&](const RotationSchedule& other) { return other.ref == schedule.ref; };
    if (std::none_of(out.schedules.begin(), out.schedules.end(), same)) out.schedules.push_back(schedule);
  }
  return out;
}

/// One of the two sides, open.
struct Side {
  std::string name;
  std::unique_ptr<OpenProvider> open{};
  /// Why it cannot be asked.
  std::optional<Error> error{};
};

Result<Side> open_side(Context& context, const std::string& name) {
  auto connection = context.store.direct().connections().get(name);
  if (!connection) return connection.error();
  Side side{name};
  auto open = open_stored(context, *std::move(connection));
  if (open) {
    side.open = *std::move(open);
  } else {
    side.error = open.error();
  }
  return side;
}

/// Mappings of people by their id in the first connection, for the same people in the second: "ops/712020:…".
Result<std::map<std::string, UserId>> moved_mappings(store::Store& store,
                                                     const std::vector<ShownSchedule>& before,
                                                     const std::vector<ShownSchedule>& after) {
  auto mappings = store.people().mappings();
  if (!mappings) return mappings.error();
  std::map<std::string, UserId> known;
  for (const auto& mapping : *mappings) known.insert_or_assign(mapping.person, mapping.user);
  std::map<std::string, UserId> by_email;
  const auto each = [](const std::vector<ShownSchedule>& schedules, const auto& visit) {
    for (const auto& schedule : schedules) {
      if (!schedule.timeline) continue;
      for (const auto& shift : schedule.timeline->shifts) visit(*shift.responder);
    }
  };
  each(before, [&](const Responder& responder) {
    const auto mapped = known.find(responder.connection + "/" + responder.id);
    if (mapped != known.end() && responder.email) by_email.insert_or_assign(*responder.email, mapped->second);
  });
  std::map<std::string, UserId> moved;
  each(after, [&](const Responder& responder) {
    const auto person = responder.connection + "/" + responder.id;
    const auto mapped = responder.email ? by_email.find(*responder.email) : by_email.end();
    if (mapped != by_email.end() && !known.contains(person)) moved.insert_or_assign(person, mapped->second);
  });
  return moved;
}

/// Who is who: by mapping, else by the Slack user of the address, else by the address. What the second side's
/// people will be mapped to counts already.
Result<PersonKey> person_key(store::Store& store, const std::vector<ShownSchedule>& before,
                             const std::vector<ShownSchedule>& after) {
  auto mappings = store.people().mappings();
  if (!mappings) return mappings.error();
  auto users = store.people().users();
  if (!users) return users.error();
  auto moved = moved_mappings(store, before, after);
  if (!moved) return moved.error();
  std::map<std::string, std::string> slack;
  for (const auto& user : *users) {
    if (user.email) slack[*user.email] = user.id.value;
  }
  for (const auto& mapping : *mappings) slack[mapping.person] = mapping.user.value;
  for (const auto& [person, user] : *moved) slack[person] = user.value;
  return PersonKey([slack = std::move(slack)](const Responder& responder) {
    const auto by_id = slack.find(responder.connection + "/" + responder.id);
    if (by_id != slack.end()) return by_id->second;
    if (!responder.email) return responder.connection + "/" + responder.id;
    const auto by_email = slack.find(*responder.email);
    return by_email == slack.end() ? *responder.email : by_email->second;
  });
}

/// Puts what a schedule answers into its place among `schedules`.
providers::AnswerSink taker(std::vector<ShownSchedule>& schedules) {
  return [&schedules](ScheduleAnswer answer) {
    for (auto& one : schedules) {
      if (one.ref != answer.schedule) continue;
      if (answer.status != AnswerStatus::ok) {
        if (!one.timeline) one.silence = answer.error ? answer.error->message : "no usable answer";
        continue;
      }
      one.timeline = merge(one.timeline.value_or(Timeline{}), answer).timeline;
    }
  };
}

/// Asks for the next weeks, and then for now, so that what is said of now counts.
net::Task<void> ask(Side& side, std::vector<ShownSchedule>& schedules, Instant now) {
  std::vector<std::string> ids;
  ids.reserve(schedules.size());
  for (const auto& one : schedules) ids.push_back(one.ref.id);
  const auto sink = taker(schedules);
  const Window weeks{now, now + kWeeks};
  const Window near{now, now + kNear};
  co_await side.open->provider->look_ahead(ids, weeks, sink);
  co_await side.open->provider->poll(ids, near, sink);
}

/// What the store remembers of a side that does not answer any more.
Result<void> recall(store::Store& store, std::vector<ShownSchedule>& schedules, const Error& why) {
  auto states = store.engine().states();
  if (!states) return states.error();
  for (auto& one : schedules) {
    one.silence = why.message;
    for (auto& state : *states) {
      if (state.schedule != one.ref) continue;
      if (one.name.empty()) one.name = state.name;
      if (!one.timeline && state.timeline.confirmed_at != kAlways) one.timeline = state.timeline;
    }
  }
  return {};
}

/// The schedules of the first side that rotations use, with names and what they say.
net::Task<Result<void>> look_at_used(Context& context, Side& side, std::vector<ShownSchedule>& used,
                                     Instant now) {
  std::optional<Error> why = side.error;
  if (!why) {
    auto listed = co_await side.open->provider->list_schedules();
    if (!listed) {
      why = listed.error();
    } else {
      for (auto& one : used) {
        const auto info = std::find_if(listed->begin(), listed->end(),
                                       [&](const auto& other) { return other.id == one.ref.id; });
        if (info != listed->end()) one.name = info->name;
      }
      co_await ask(side, used, now);
    }
  }
  const bool all_known = std::all_of(used.begin(), used.end(),
                                     [](const ShownSchedule& one) { return one.timeline.has_value(); });
  if (why || !all_known) {
    const auto reason = why.value_or(fail(ErrorKind::unreadable, "it does not answer"));
    co_return recall(context.store.direct(), used, reason);
  }
  co_return Result<void>{};
}

/// All schedules of the second side. Those that may be partners by people alone are asked, too.
net::Task<Result<std::vector<ShownSchedule>>> look_at_all(Side& side, const std::vector<ShownSchedule>& used,
                                                          Instant now) {
  if (side.error) co_return *side.error;
  auto listed = co_await side.open->provider->list_schedules();
  if (!listed) co_return listed.error().in("the schedules of connection {}", side.name);
  std::vector<ShownSchedule> all;
  for (const auto& info : *listed) all.push_back({{side.name, info.id}, info.name});
  // Most have the same id or name.
  const auto obvious = pair_schedules(used, all, now, now, {});
  const bool by_people = obvious.size() < used.size();
  std::vector<ShownSchedule> asked;
  std::vector<ShownSchedule> rest;
  for (auto& one : all) {
    const bool partner = std::any_of(obvious.begin(), obvious.end(),
                                     [&](const SchedulePair& pair) { return pair.after == one.ref; });
    (partner || by_people ? asked : rest).push_back(std::move(one));
  }
  co_await ask(side, asked, now);
  for (auto& one : rest) asked.push_back(std::move(one));
  co_return asked;
}

/// Sorts the rotations that use the first connection into those that go and those that stay.
void sort_rotations(const Context& context, const Caller& caller, const std::vector<Rotation>& rotations,
                    MigrationPlan& plan) {
  for (const auto& rotation : rotations) {
    std::vector<ScheduleRef> missing;
    for (const auto& schedule : rotation.schedules) {
      if (schedule.ref.connection == plan.from && !pair_of(plan.pairs, schedule.ref))
        missing.push_back(schedule.ref);
    }
    for (const auto& ref : missing) {
      if (std::find(plan.unpaired.begin(), plan.unpaired.end(), ref) == plan.unpaired.end())
        plan.unpaired.push_back(ref);
    }
    const auto may_edit = allowed(context, caller, Action::edit, {&rotation, rotation.group});
    if (!missing.empty()) {
      plan.left.push_back(
          {rotation.name, fmt::format("schedule {} has no partner in {}", missing.front(), plan.to)});
    } else if (!may_edit) {
      plan.left.push_back({rotation.name, may_edit.error().message});
    } else {
      plan.moving.push_back(rotation);
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

Result<std::vector<Rotation>> rotations_using(store::Store& store, const std::string& connection) {
  auto rotations = store.rotations().list();
  if (!rotations) return rotations.error();
  std::erase_if(*rotations, [&](const Rotation& rotation) { return !uses(rotation, connection); });
  return rotations;
}

}  // namespace

bool differs_at(const SchedulePair& pair, Instant t) {
  return std::any_of(pair.differences.begin(), pair.differences.end(),
                     [&](const PairDifference& one) { return one.from <= t && t < one.to; });
}

const SchedulePair* differing_now(const MigrationPlan& plan) {
  const auto found = std::find_if(plan.pairs.begin(), plan.pairs.end(),
                                  [&](const SchedulePair& pair) { return differs_at(pair, plan.made_at); });
  return found == plan.pairs.end() ? nullptr : &*found;
}

net::Task<Result<MigrationPlan>> plan_migration(Context& context, Caller caller, std::string from,
                                                std::string to) {
  if (from == to) co_return fail(ErrorKind::invalid, "{} cannot be moved to itself", from);
  auto before = open_side(context, from);
  if (!before) co_return before.error();
  auto after = open_side(context, to);
  if (!after) co_return after.error();
  auto rotations = rotations_using(context.store.direct(), from);
  if (!rotations) co_return rotations.error();
  if (rotations->empty())
    co_return fail(ErrorKind::conflict, "no rotation uses connection {}: there is nothing to move", from);

  const auto asked_at = context.loop.now();
  auto used = used_schedules(*rotations, from);
  auto looked = co_await look_at_used(context, *before, used, asked_at);
  if (!looked) co_return looked.error();
  auto all = co_await look_at_all(*after, used, asked_at);
  if (!all) co_return all.error();
  auto key = person_key(context.store.direct(), used, *all);
  if (!key) co_return key.error();

  MigrationPlan plan{from, to, false, context.loop.now()};
  plan.pairs = pair_schedules(used, *all, plan.made_at, asked_at + kWeeks, *key);
  sort_rotations(context, caller, *rotations, plan);
  auto mappings = moved_mappings(context.store.direct(), used, *all);
  if (!mappings) co_return mappings.error();
  for (const auto& [person, user] : *mappings)
    plan.mappings.push_back({person, user, context.loop.now(), caller.actor});
  co_return plan;
}

net::Task<Result<MigrationPlan>> plan_undo(Context& context, Caller caller, std::string from,
                                           std::string to) {
  auto memory = memory_of(context.store.direct(), from, to);
  if (!memory) co_return memory.error();
  auto rotations = rotations_using(context.store.direct(), to);
  if (!rotations) co_return rotations.error();
  std::erase_if(*rotations, [&](const Rotation& one) { return !memory->rotations.contains(one.id.value); });

  MigrationPlan plan{to, from, true, context.loop.now()};
  for (const auto& pair : memory->pairs) plan.pairs.push_back({pair.after, pair.before, pair.by});
  auto comparison = PairComparison::open(context, std::move(plan.pairs));
  if (!comparison) co_return comparison.error();
  auto compared = co_await comparison->look();
  if (!compared) co_return compared.error();
  plan.pairs = *std::move(compared);
  plan.made_at = context.loop.now();
  for (const auto& rotation : *rotations) {
    if (moved(rotation, plan.pairs) == rotation) continue;
    const auto may_edit = allowed(context, caller, Action::edit, {&rotation, rotation.group});
    if (may_edit) {
      plan.moving.push_back(rotation);
    } else {
      plan.left.push_back({rotation.name, may_edit.error().message});
    }
  }
  if (plan.moving.empty() && plan.left.empty())
    co_return fail(ErrorKind::not_found, "nothing that was moved from {} to {} can be moved back", from, to);
  co_return plan;
}

Result<PairComparison> PairComparison::open(Context& context, std::vector<SchedulePair> pairs) {
  PairComparison made(context, std::move(pairs));
  for (const auto& pair : made.pairs_) {
    made.before_.schedules.push_back({pair.before, {}});
    made.after_.schedules.push_back({pair.after, {}});
  }
  for (auto* side : {&made.before_, &made.after_}) {
    if (auto opened = made.open_side(*side); !opened) return opened.error();
  }
  return made;
}

Result<void> PairComparison::open_side(Side& side) {
  if (side.schedules.empty()) return {};
  side.name = side.schedules.front().ref.connection;
  auto connection = context_->store.direct().connections().get(side.name);
  if (!connection) return connection.error();
  auto open = open_stored(*context_, *std::move(connection));
  if (open) {
    side.open = *std::move(open);
  } else {
    side.silence = open.error().message;
  }
  return {};
}

net::Task<Result<std::vector<SchedulePair>>> PairComparison::look() {
  const auto now = context_->loop.now();
  for (auto* side : {&before_, &after_}) {
    std::vector<std::string> ids;
    for (auto& one : side->schedules) {
      ids.push_back(one.ref.id);
      one.timeline.reset();
      one.silence = side->silence;
    }
    const Window near{now, now + kNear};
    if (side->open) co_await side->open->provider->poll(std::move(ids), near, taker(side->schedules));
  }
  auto key = person_key(context_->store.direct(), before_.schedules, after_.schedules);
  if (!key) co_return key.error();
  const auto then = context_->loop.now();
  auto pairs = pairs_;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& before = before_.schedules[i];
    const auto& after = after_.schedules[i];
    pairs[i].differences.clear();
    pairs[i].not_compared.clear();
    if (before.timeline && after.timeline) {
      pairs[i].differences = differences_of(*before.timeline, *after.timeline, then, now + kNear, *key);
    } else {
      pairs[i].not_compared = before.timeline ? after.silence : before.silence;
    }
  }
  co_return pairs;
}

net::Task<Result<void>> migrate(Context& context, Caller caller, MigrationPlan plan) {
  Batch batch;
  for (const auto& rotation : plan.moving) {
    RotationDraft draft{moved(rotation, plan.pairs), rotation};
    if (auto good = validate(draft.rotation); !good) co_return good.error().in("{}", place_of(draft));
    batch.wanted.push_back(std::move(draft));
  }
  batch.also = [plan, actor = caller.actor](store::Store& store) -> Result<void> {
    for (const auto& mapping : plan.mappings) {
      if (auto mapped = store.people().map(mapping, actor); !mapped) return mapped;
    }
    return plan.undo ? store.set_meta(memory_key(plan.to, plan.from), "")
                     : store.set_meta(memory_key(plan.from, plan.to), text_of(plan));
  };
  co_return co_await save_all(context, caller, batch);
}

}  // namespace watchbill::control
