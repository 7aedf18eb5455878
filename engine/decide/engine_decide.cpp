#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"

namespace watchbill::engine {

namespace {

/// Before a boundary its schedules are asked once more, and after it whether it is so.
constexpr auto kPollBefore = 5s;
constexpr auto kPollAfter = 2s;
/// The long windows, and how often each is asked.
constexpr auto kAheadEvery = 30min;
constexpr auto kFarEvery = 6h;
/// Every long window is longer than this, and no other is.
constexpr auto kLongWindow = days{1};
/// The same after a failure.
constexpr auto kLookAgain = 5min;
/// The schedule itself is asked at most so often.
constexpr auto kConfirmEvery = 30s;
/// A clock that is set back by no more than this undoes no decision.
constexpr auto kSmallStep = 30s;
/// What is kept free for boundaries is looked at again within this time.
constexpr auto kReserveEvery = 1s;

/// Spreads the long questions over the last tenth of their interval, always the same way for one schedule.
milliseconds spread(const ScheduleRef& ref, milliseconds every) {
  const auto tenth = every / 10;
  return every - milliseconds{static_cast<std::int64_t>(std::hash<ScheduleRef>{}(ref) %
                                                        static_cast<std::size_t>(tenth.count()))};
}

}  // namespace

void Engine::Impl::decide_again_at(std::vector<RotationId> rotations, Instant at) {
  struct DeferredAnswer {
    static net::Task<void> run(Impl& engine, std::vector<RotationId> ids, Instant when) {
      co_await net::sleep_until(engine.ports_.loop, when);
      for (const auto id : ids) engine.mark(id);
    }
  };
  tasks_.spawn(DeferredAnswer::run(*this, std::move(rotations), at));
}

std::vector<std::string> Engine::Impl::watched(const std::string& connection) {
  std::vector<std::string> ids;
  for (const auto& [ref, entry] : model_.schedules) {
    if (ref.connection == connection) ids.push_back(ref.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::string> Engine::Impl::look_ahead_due(const std::string& connection, bool far, Instant now,
                                                      std::size_t limit) {
  std::vector<std::pair<Instant, std::string>> due;
  for (const auto& [ref, entry] : model_.schedules) {
    if (ref.connection != connection) continue;
    const auto& last = far ? entry.state.looked_far : entry.state.looked_ahead;
    const bool asked_for = far ? entry.want_look_far : entry.want_look_ahead;
    const bool wanted = !last || asked_for || now - *last >= spread(ref, far ? kFarEvery : kAheadEvery);
    if (wanted) due.emplace_back(last.value_or(kAlways), ref.id);
  }
  std::sort(due.begin(), due.end());
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < due.size() && i < limit; ++i) ids.push_back(std::move(due[i].second));
  return ids;
}

void Engine::Impl::on_looked_ahead(const ScheduleRef& schedule, bool far, bool answered, Instant now) {
  auto* entry = model_.find(schedule);
  if (!entry) return;
  now = std::min(now, ports_.loop.now());  // the clock may have been set back since it was asked
  (far ? entry->want_look_far : entry->want_look_ahead) = false;
  auto& looked = far ? entry->state.looked_far : entry->state.looked_ahead;
  looked = now;
  // What was not answered is due again soon: the horizon would be short for hours.
  if (!answered) looked = now - spread(schedule, far ? kFarEvery : kAheadEvery) + kLookAgain;
  entry->changed(Unsaved::notes);
}

std::pair<std::size_t, std::size_t> Engine::Impl::doubtful_of(const std::string& connection) const {
  std::size_t doubtful = 0;
  std::size_t watched = 0;
  for (const auto& [ref, entry] : model_.schedules) {
    if (ref.connection != connection) continue;
    const bool empty = entry.state.doubt && entry.state.doubt->kind == Doubt::Kind::empty;
    doubtful += empty ? 1U : 0U;
    watched += 1U;
  }
  return {doubtful, watched};
}

void Engine::Impl::on_answer(ScheduleAnswer answer) {
  auto* entry = model_.find(answer.schedule);
  // By a wrong clock, or before the clock was set back, it was asked about another moment than now.
  if (!entry || clock_.verdict == ClockVerdict::wrong || answer.asked_at > ports_.loop.now()) return;
  auto& state = entry->state;
  bool mass = false;
  if (answer.status == AnswerStatus::ok && answer.shifts.empty()) {
    const auto [doubtful, watched] = doubtful_of(answer.schedule.connection);
    mass = emptied_together(doubtful, watched);
  }
  const auto doubt_before = state.doubt;
  const auto presence_before = state.presence;
  const bool failed_before = state.failing_since.has_value();
  const bool first_answer = !state.last_answer && !state.failing_since;
  const auto effect = apply_answer(state, answer, mass);
  if (answer.status != AnswerStatus::failed) {
    auto& connection = connections_[answer.schedule.connection];
    connection.last_success = std::max(connection.last_success.value_or(answer.asked_at), answer.asked_at);
  } else if (!failed_before && answer.error) {
    spdlog::debug("schedule {}: {}", answer.schedule, answer.error->message);
  }
  if (effect.doubted && answer.window.to - answer.window.from > kLongWindow) entry->look_after_doubt = true;
  weigh_evidence(*entry, effect, answer.asked_at);
  const bool news = effect.changed || state.presence != presence_before || first_answer ||
                    failed_before != state.failing_since.has_value();
  if (news || state.doubt != doubt_before) entry->changed(Unsaved::evidence);
  if (news) {
    for (const auto id : entry->rotations) mark(id);
    keeper_.look_at(answer.schedule);
  }
  if (answer.status == AnswerStatus::ok && !state.doubt) confirm_boundary(*entry, answer.asked_at);
}

void Engine::Impl::weigh_evidence(ScheduleEntry& entry, const AnswerEffect& effect, Instant now) {
  const auto& ref = entry.state.schedule;
  if (effect.ask_again) {
    entry.ask_again = std::max(*effect.ask_again, now + 1s);
    deadlines_.add({*entry.ask_again, Deadline::Kind::ask_again, ref, *entry.ask_again});
  }
  if (effect.confirm_at) {
    auto at = *effect.confirm_at;
    if (entry.confirm_asked) at = std::max(at, *entry.confirm_asked + kConfirmEvery);
    if (entry.confirm_at != at) deadlines_.add({at, Deadline::Kind::confirm, ref, at});
    entry.confirm_at = at;
  }
  if (!entry.state.doubt) {
    entry.ask_again.reset();
    entry.confirm_at.reset();
  }
  const bool unheard = !entry.state.doubt && std::exchange(entry.look_after_doubt, false);
  if (effect.want_look_ahead || unheard) {
    entry.want_look_ahead = entry.want_look_far = true;
    const auto state = connections_.find(ref.connection);
    if (state != connections_.end() && state->second.poller) state->second.poller->look_ahead_now();
  }
}

void Engine::Impl::confirm_boundary(const ScheduleEntry& entry, Instant asked_at) {
  for (const auto id : entry.rotations) {
    auto* rotation = model_.find(id);
    if (!rotation || !rotation->confirmation || asked_at < rotation->confirmation->boundary) continue;
    rotation->confirmation->outstanding.erase(entry.state.schedule);
    if (!rotation->confirmation->outstanding.empty()) continue;
    if (confirmed_.empty()) {
      confirm_soon_ = net::Timer{ports_.loop, ports_.loop.start_timer(0ms, [this] { release_confirmed(); })};
    }
    confirmed_.insert(id);
  }
}

void Engine::Impl::release_confirmed() {
  std::set<RotationId> ids;
  ids.swap(confirmed_);
  for (const auto id : ids) {
    auto* entry = model_.find(id);
    // Where it named others, who are being looked up, nothing is confirmed.
    if (entry && !entry->undecided) decider_.source_confirmed(*entry);
  }
}

void Engine::Impl::on_cycle(const std::string& connection, Instant began, const std::optional<Error>& error) {
  auto& state = connections_[connection];
  const auto now = ports_.loop.now();
  look_at_clock();
  hear_clock(state.clock, began, error, state.poller ? state.poller->health().clock_skew : std::nullopt);
  if (error) {
    if (!state.failing_since) {
      state.failing_since = now;
      Event("connection_failing")
          .with("connection", connection)
          .with("error", error->message)
          .log(spdlog::level::warn);
    }
    state.error = error;
  } else {
    if (state.failing_since) {
      Event("connection_answers")
          .with("connection", connection)
          .with("after", format_duration(now - *state.failing_since))
          .log(spdlog::level::info);
    }
    state.failing_since.reset();
    state.error.reset();
    state.last_success = now;
    state.completed = std::min(began, now);
  }
  const auto [doubtful, watched] = doubtful_of(connection);
  if (Event::wanted(spdlog::level::debug)) {
    Event("poll_cycle")
        .with("connection", connection)
        .with("schedules", watched)
        .with("doubtful", doubtful)
        .with("complete", !error)
        .with("ms", static_cast<std::int64_t>((now - began).count()))
        .log(spdlog::level::debug);
  }
  state.emptied = emptied_together(doubtful, watched);
  if (state.emptied) {
    for (auto& [ref, entry] : model_.schedules) {
      auto& doubt = entry.state.doubt;
      if (ref.connection != connection || !doubt || doubt->kind != Doubt::Kind::empty || doubt->mass)
        continue;
      doubt->mass = true;
      entry.changed(Unsaved::evidence);
    }
  }
  note_pass(now);
}

void Engine::Impl::on_written(RotationId rotation, bool read_again, const std::string& failure) {
  if (read_again) reader_.read_when_quiet();
  if (const auto* entry = model_.find(rotation)) log_write(*entry, failure);
  status_writer_.mark(rotation);
  mark(rotation);
}

void Engine::Impl::on_invalid_members(RotationId /*rotation*/, const std::vector<UserId>& members) {
  keeper_.recheck(members);
}

void Engine::Impl::on_write_lag(milliseconds lag) {
  const auto bound = std::lower_bound(kLagBounds.begin(), kLagBounds.end(), lag);
  ++lag_counts_[static_cast<std::size_t>(bound - kLagBounds.begin())];
  lag_sum_ += lag;
  last_lag_ = lag;
}

void Engine::Impl::mark(RotationId rotation) {
  if (marked_.empty() && !stopping_) {
    decide_soon_ = net::Timer{ports_.loop, ports_.loop.start_timer(0ms, [this] { decide_marked(); })};
  }
  marked_.insert(rotation);
}

void Engine::Impl::mark_all() {
  for (const auto& [id, entry] : model_.rotations) mark(id);
  status_writer_.mark_all();
}

/// A boundary that is due belongs to every rotation of its schedule: they are decided together, so that each
/// knows that it was foreseen.
void Engine::Impl::add_sharers(std::set<RotationId>& rotations, Instant now) const {
  const std::set<RotationId> given = rotations;
  for (const auto id : given) {
    const auto found = model_.rotations.find(id);
    if (found == model_.rotations.end()) continue;
    for (const auto& schedule : found->second.rotation.schedules) {
      const auto entry = model_.schedules.find(schedule.ref);
      if (entry == model_.schedules.end() || !entry->second.boundary || *entry->second.boundary > now)
        continue;
      rotations.insert(entry->second.rotations.begin(), entry->second.rotations.end());
    }
  }
}

/// The wall clock, but a few seconds back are not believed: a clock that is put right must not undo a handoff
/// and make it again.
Instant Engine::Impl::decision_time() {
  const auto now = ports_.loop.now();
  if (now >= last_decision_ || now + kSmallStep < last_decision_) last_decision_ = now;
  return last_decision_;
}

void Engine::Impl::decide_marked() {
  if (stopping_) return;
  look_at_clock();
  weigh_clock();
  // What is marked is decided when the clock is trusted.
  if (!clock_trusted()) return;
  const auto now = decision_time();
  std::set<RotationId> ids;
  ids.swap(marked_);
  add_sharers(ids, now);
  std::set<ScheduleRef> schedules;
  std::vector<std::pair<RotationId, Decided>> before;
  for (const auto id : ids) {
    auto* entry = model_.find(id);
    if (!entry) continue;
    for (const auto& schedule : entry->rotation.schedules) schedules.insert(schedule.ref);
    before.emplace_back(id, decided_so_far(*entry));
    status_writer_.mark(id);
  }
  for (const auto& ref : schedules) {
    auto* entry = model_.find(ref);
    if (!entry) continue;
    const auto held = entry->state.held;
    hold_people(entry->state, now);
    if (held != entry->state.held) entry->changed(Unsaved::notes);
  }
  const Moment moment{now, ports_.loop.steady_now()};
  decider_.decide({ids.begin(), ids.end()}, moment);
  for (const auto& [id, so_far] : before) {
    if (const auto* entry = model_.find(id)) log_decision(*entry, so_far, now);
  }
  for (const auto& ref : schedules) {
    if (auto* entry = model_.find(ref)) plan_boundary(*entry, now);
  }
  for (const auto id : ids) {
    auto* entry = model_.find(id);
    if (!entry) continue;
    const bool wrong =
        entry->write || (entry->group.now && entry->record.target &&
                         write_needed(*entry->record.target, *entry->group.now) != WriteNeeded::none);
    if (!wrong) entry->out_of_sync_since.reset();
    if (wrong && !entry->out_of_sync_since) entry->out_of_sync_since = now;
  }
}

/// Other processes lock the store for moments: only a longer block is worth telling.
void Engine::Impl::on_not_recorded(const Error& error) {
  if (!store_blocked_since_) store_blocked_since_ = Moment{ports_.loop.now(), ports_.loop.steady_now()};
  store_error_ = error.message;
  if (store_block_told_ || !store_blocked()) return;
  store_block_told_ = true;
  spdlog::error("the store cannot be written: {}", error.message);
  hold_announcements();
}

void Engine::Impl::on_recorded() {
  const bool was_told = store_block_told_;
  if (was_told) {
    const auto blocked = ports_.loop.steady_now() - store_blocked_since_->steady;
    spdlog::info("the store can be written again after {}", format_duration(blocked));
  }
  store_block_told_ = false;
  store_worked_ = true;
  store_blocked_since_.reset();
  if (was_told) hold_announcements();
  writer_.kick();
}

/// Their groups are not written, and nothing is posted for them: whether they are still there is in the
/// store.
void Engine::Impl::on_refused(const std::set<RotationId>& rotations) {
  for (const auto id : rotations) {
    if (auto* entry = model_.find(id)) entry->write.reset();
    decider_.forget(id);
  }
  generation_ = -2;
  notice_changes();
}

bool Engine::Impl::store_blocked() const {
  return store_blocked_since_ && ports_.loop.steady_now() - store_blocked_since_->steady >= kStorePatience;
}

Result<void> Engine::Impl::check_store() const {
  if (!store_blocked()) return {};
  return fail(ErrorKind::storage, "{}", store_error_);
}

void Engine::Impl::plan_boundary(ScheduleEntry& entry, Instant now) {
  forget_past(entry.state.timeline, now);
  const auto next = next_boundary(entry.state.timeline, now);
  if (next == entry.boundary) return;
  entry.boundary = next;
  if (!next) return;
  const auto& ref = entry.state.schedule;
  deadlines_.add({*next, Deadline::Kind::boundary, ref, *next});
  if (*next - kPollBefore > now)
    deadlines_.add({*next - kPollBefore, Deadline::Kind::poll_before, ref, *next});
}

void Engine::Impl::on_due(const std::vector<Deadline>& due) {
  look_at_clock();
  weigh_clock();
  if (!clock_trusted()) {
    clock_.due.insert(clock_.due.end(), due.begin(), due.end());
    return;
  }
  std::map<std::string, std::vector<std::string>> polls;
  std::map<std::pair<std::string, Instant>, std::vector<std::string>> previews;
  for (const auto& deadline : due) meet_deadline(deadline, polls, previews);
  for (auto& [connection, ids] : polls) {
    const auto state = connections_.find(connection);
    if (state != connections_.end() && state->second.poller) state->second.poller->poll_now(std::move(ids));
  }
  for (auto& [key, ids] : previews) {
    const auto state = connections_.find(key.first);
    if (state != connections_.end() && state->second.poller)
      state->second.poller->poll_now(std::move(ids), key.second);
  }
}

void Engine::Impl::meet_deadline(
    const Deadline& deadline, std::map<std::string, std::vector<std::string>>& polls,
    std::map<std::pair<std::string, Instant>, std::vector<std::string>>& previews) {
  const auto& ref = deadline.schedule;
  auto* entry = model_.find(ref);
  if (!entry) return;
  switch (deadline.kind) {
    case Deadline::Kind::poll_before:
      if (entry->boundary == deadline.about) previews[{ref.connection, deadline.about}].push_back(ref.id);
      return;
    case Deadline::Kind::boundary:
      if (entry->boundary != deadline.about) return;
      for (const auto id : entry->rotations) mark(id);
      deadlines_.add({deadline.at + kPollAfter, Deadline::Kind::poll_after, ref, deadline.about});
      return;
    case Deadline::Kind::poll_after:
      polls[ref.connection].push_back(ref.id);
      return;
    case Deadline::Kind::ask_again:
      if (entry->ask_again == deadline.at && entry->state.doubt) polls[ref.connection].push_back(ref.id);
      return;
    case Deadline::Kind::confirm: {
      if (entry->confirm_at != deadline.at || !entry->state.doubt) return;
      entry->confirm_at.reset();
      entry->confirm_asked = ports_.loop.now();
      const auto state = connections_.find(ref.connection);
      if (state != connections_.end() && state->second.poller) state->second.poller->confirm(ref.id);
      return;
    }
  }
}

/// A call that leaves now counts for as long as the budget's window: what the boundaries until then will need
/// is kept free for them.
void Engine::Impl::reserve_budget(Instant now) {
  const auto until = now + ports_.limiter.window(kGroupWrite) + kReserveEvery;
  std::set<RotationId> soon;
  for (const auto& [ref, entry] : model_.schedules) {
    if (entry.boundary && *entry.boundary <= until)
      soon.insert(entry.rotations.begin(), entry.rotations.end());
  }
  std::erase_if(soon, [this](RotationId id) {
    const auto& entry = *model_.find(id);
    return entry.paused() || entry.rotation.mode == Mode::observe;
  });
  ports_.limiter.reserve(kGroupWrite, soon.size());
}

}  // namespace watchbill::engine
