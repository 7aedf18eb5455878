#include "control/pair_comparison.hpp"

namespace watchbill::control {

namespace {

/// A limit is waited for so long, and so often.
constexpr milliseconds kLimitPatience = 2min;
constexpr int kLimitTries = 5;

/// Puts what a schedule answers into its place among `schedules`.
providers::AnswerSink taker(std::vector<ShownSchedule>& schedules) {
  return [&schedules](ScheduleAnswer answer) {
    for (auto& one : schedules) {
      if (one.ref != answer.schedule) continue;
      one.silence.clear();
      if (answer.status == AnswerStatus::ok) {
        one.timeline = merge(one.timeline.value_or(Timeline{}), answer).timeline;
      } else {
        one.silence = answer.error ? answer.error->message : "no usable answer";
      }
    }
  };
}

bool tells(const std::optional<Timeline>& timeline, Instant now) {
  return timeline && !std::holds_alternative<Unknown>(on_call_at(*timeline, now));
}

Result<Recalled> read_remembered(store::Store& store, const std::vector<ScheduleRef>& schedules) {
  Recalled recalled;
  auto people = read_people(store);
  if (!people) return people.error();
  recalled.people = *std::move(people);
  for (const auto& ref : schedules) {
    auto state = store.engine().state(ref);
    if (!state) return state.error();
    if (*state) recalled.states.emplace(ref, **std::move(state));
  }
  return recalled;
}

/// Asks all of them, and those who were not answered because of a limit again when it lets them through.
net::Task<void> ask_once(net::Loop& loop, OpenSide& side, std::vector<ShownSchedule>& schedules,
                         Reach reach) {
  std::vector<std::string> ids;
  for (const auto& one : schedules) ids.push_back(one.ref.id);
  const auto sink = taker(schedules);
  for (int tries = 0; tries < kLimitTries && !ids.empty(); ++tries) {
    const auto now = loop.now();
    const Window window{now, reach == Reach::weeks ? now + kWeeks : now + kExactly};
    if (reach == Reach::weeks) {
      co_await side.open->provider->look_ahead(ids, window, sink);
    } else {
      co_await side.open->provider->poll(ids, window, sink);
    }
    ids.clear();
    for (const auto& one : schedules) {
      if (!one.silence.empty()) ids.push_back(one.ref.id);
    }
    const auto until = side.open->provider->health().throttled_until;
    if (!until || *until <= loop.now() || *until - loop.now() > kLimitPatience) break;
    if (!ids.empty()) co_await net::sleep_for(loop, *until - loop.now());
  }
}

}  // namespace

net::Task<Result<std::shared_ptr<OpenSide>>> open_side(Context& context, std::string name) {
  const auto read = [name](store::Store& store) { return store.connections().get(name); };
  auto connection = co_await context.store.run(read);
  if (!connection) co_return connection.error();
  auto side = std::make_shared<OpenSide>();
  side->name = name;
  auto open = open_stored(context, *std::move(connection));
  if (open) {
    side->open = *std::move(open);
  } else {
    side->error = open.error();
  }
  co_return side;
}

net::Task<void> ask(net::Loop& loop, OpenSide& side, std::vector<ShownSchedule>& schedules, Reach reach) {
  if (side.error) {
    for (auto& one : schedules) one.silence = side.error->message;
    co_return;
  }
  if (reach == Reach::weeks) co_await ask_once(loop, side, schedules, Reach::weeks);
  co_await ask_once(loop, side, schedules, Reach::minutes);
}

void recall(const std::map<ScheduleRef, ScheduleState>& remembered, std::vector<ShownSchedule>& schedules,
            Instant now) {
  for (auto& one : schedules) {
    const auto known = remembered.find(one.ref);
    if (known == remembered.end()) continue;
    const auto& state = known->second;
    if (one.name.empty()) one.name = state.name;
    if (!tells(one.timeline, now) && state.presence == Presence::ok) one.timeline = state.timeline;
  }
}

net::Task<Result<Recalled>> remembered_of(Context& context, const std::vector<ShownSchedule>& schedules,
                                          Instant now) {
  std::vector<ScheduleRef> silent;
  for (const auto& one : schedules) {
    if (one.name.empty() || !tells(one.timeline, now)) silent.push_back(one.ref);
  }
  const auto read = [silent](store::Store& store) { return read_remembered(store, silent); };
  co_return co_await context.store.run(read);
}

net::Task<Result<PairComparison>> PairComparison::open(Context& context, std::string from, std::string to) {
  PairComparison made(context);
  auto before = co_await open_side(context, std::move(from));
  if (!before) co_return before.error();
  made.before_ = *std::move(before);
  auto after = co_await open_side(context, std::move(to));
  if (!after) co_return after.error();
  made.after_ = *std::move(after);
  co_return made;
}

net::Task<Result<void>> PairComparison::look(MigrationPlan& plan, Reach reach) {
  const auto asked_at = context_->loop.now();
  co_await ask(context_->loop, *before_, plan.before, reach);
  co_await ask(context_->loop, *after_, plan.after, reach);
  auto remembered = co_await remembered_of(*context_, plan.before, context_->loop.now());
  if (!remembered) co_return remembered.error();
  plan.made_at = context_->loop.now();
  recall(remembered->states, plan.before, plan.made_at);
  const auto key = person_key(remembered->people, plan.before, plan.after);
  plan.unknown_people = unknown_people(remembered->people, plan.before, plan.after);
  const auto until = reach == Reach::weeks ? asked_at + kWeeks : asked_at + kExactly;
  for (std::size_t i = 0; i < plan.pairs.size(); ++i)
    compare(plan.pairs[i], plan.before[i], plan.after[i], plan.made_at, until, key);
  co_return Result<void>{};
}

}  // namespace watchbill::control
