#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/phrase.hpp"
#include "engine/decide/open_problems.hpp"
#include "engine/engine_impl.hpp"

namespace watchbill::engine {

namespace {

constexpr auto kTick = 1s;
constexpr auto kSkewAlert = 30s;
constexpr auto kPruneEvery = 1h;
/// Everything is looked at again this often, whatever happened.
constexpr auto kReview = 60s;
/// Slack tells of a change of a group within this time.
constexpr auto kOwnEcho = 10s;

bool skewed(const ClockWitness& clock) {
  return clock.skew && (*clock.skew > kSkewAlert || *clock.skew < -kSkewAlert);
}

}  // namespace

net::Task<void> Engine::Impl::tick() {
  auto reviewed = ports_.loop.steady_now();
  while (true) {
    // First, too: before anything is decided every problem of the last run would look as if it were over.
    co_await net::sleep_for(ports_.loop, kTick);
    look_at_clock();
    weigh_clock();
    const auto now = ports_.loop.now();
    const auto steady = ports_.loop.steady_now();
    if (!stopping_) {
      give_up_deletions(now);
      if (steady - reviewed >= kReview) {
        reviewed = steady;
        mark_all();
      }
      reserve_budget(now);
      flush(now);
    }
  }
}

net::Task<void> Engine::Impl::prune() {
  while (true) {
    const auto forget = [before = ports_.loop.now() - options_.history_retention](store::Store& store) {
      return store.history().prune(before);
    };
    const auto gone = co_await ports_.store.run(forget);
    // By small pieces, so that nobody else waits long.
    if (gone && *gone > 0) {
      co_await net::sleep_for(ports_.loop, 100ms);
      continue;
    }
    co_await net::sleep_for(ports_.loop, kPruneEvery);
  }
}

void Engine::Impl::flush(Instant now) {
  note_silence(now);
  report_problems(now);
  journal_.hurry();
}

/// What a restart finds out again, or nobody needs before: it costs no commit of its own where there is one.
void Engine::Impl::add_to_commit(store::Commit& commit) {
  const auto now = ports_.loop.now();
  add_schedule_states(commit);
  add_unmatched(commit, now);
  add_connections(commit, now);
  add_figures(commit);
  status_writer_.add_to(
      commit, silent_, [this](const RotationEntry& entry) { return why_silent(entry); },
      clock_.verdict != ClockVerdict::wrong, now);
  // Whether the store can be written is not known before something was.
  if (!store_worked_) commit.meta.insert_or_assign("store_checked", format_rfc3339(now));
}

void Engine::Impl::add_schedule_states(store::Commit& commit) {
  for (auto& [ref, entry] : model_.schedules) {
    if (entry.unsaved == Unsaved::nothing) continue;
    entry.unsaved = Unsaved::nothing;
    commit.evidence.push_back(entry.state);
  }
}

milliseconds Engine::Impl::interval_of(const ConnectionState& state, Instant now) const {
  return state.poller ? state.poller->effective_interval(now) : options_.poll_interval;
}

/// What `watchbill people list` shows.
void Engine::Impl::add_unmatched(store::Commit& commit, Instant now) {
  std::map<Responder, std::string> unmatched;
  for (const auto& [id, entry] : model_.rotations) {
    for (const auto& person : entry.plan.people) {
      if (person.member || person.member_pending) continue;
      const auto match = matcher_.match(person.responder);
      if (!match.user && !match.pending) unmatched.emplace(person.responder, match.why);
    }
  }
  const auto same = [](const auto& a, const auto& b) {
    return a.second == b.second && same_details(a.first, b.first);
  };
  if (std::equal(unmatched.begin(), unmatched.end(), unmatched_.begin(), unmatched_.end(), same)) return;
  std::vector<store::Unmatched> people;
  people.reserve(unmatched.size());
  for (const auto& [responder, why] : unmatched) people.push_back({responder, why, now});
  commit.unmatched = std::move(people);
  unmatched_ = std::move(unmatched);
}

void Engine::Impl::add_connections(store::Commit& commit, Instant now) {
  for (auto& [name, state] : connections_) {
    store::ConnectionStatus status;
    if (state.error) {
      const bool unauthorized = state.error->kind == ErrorKind::unauthorized;
      status.state = unauthorized ? "unauthorized" : "failing";
    } else if (!silent_schedules_of(name).empty()) {
      status.state = "failing";
    }
    status.problem = problem_of(name, state);
    const bool unheard = is_used(name) && !state.completed && !state.error && !status.problem;
    if (unheard) {
      status.state = state.recalled.state;
      status.problem = state.recalled.problem;
    }
    status.last_success = state.last_success;
    status.interval = std::chrono::ceil<seconds>(interval_of(state, now));
    if (status == state.written) continue;
    commit.connections.emplace_back(name, status);
    state.written = std::move(status);
  }
}

std::optional<Instant> Engine::Impl::complete_since() const {
  if (!clock_trusted()) return std::nullopt;
  auto oldest = reader_.last_success();
  for (const auto& [name, state] : connections_) {
    if (!is_used(name)) continue;
    if (!oldest || !state.completed || state.error) return std::nullopt;
    if (absence_unconfirmed_of(name, ports_.loop.now())) return std::nullopt;
    oldest = std::min(*oldest, *state.completed);
  }
  return oldest;
}

void Engine::Impl::note_pass(Instant now) {
  const auto complete = complete_since();
  if (!complete || (last_pass_ && *complete <= *last_pass_)) return;
  // One heartbeat a pass, not one for each of its parts.
  const bool new_pass = !last_pass_ || *complete - *last_pass_ >= options_.poll_interval / 2;
  if (!new_pass) return;
  last_pass_ = *complete;
  if (*complete >= started_at_) {
    alerter_.heartbeat();
    after_restore_.on_pass(now);
  }
  figures_.insert_or_assign("last_pass", format_rfc3339(now));
}

void Engine::Impl::add_figures(store::Commit& commit) {
  const auto done = writer_.done_at();
  figures_.insert_or_assign("queue_writes", fmt::format("{}", writer_.queued()));
  figures_.insert_or_assign("queue_done_at", done ? format_rfc3339(*done) : "");
  for (const auto& [key, value] : figures_) {
    auto& written = written_meta_[key];
    if (written == value) continue;
    written = value;
    commit.meta.insert_or_assign(key, value);
  }
}

void Engine::Impl::report_problems(Instant now) {
  std::vector<Problem> problems;
  std::map<RotationId, ChannelId> channel_of;
  // While a rotation is paused no problem of it begins; those of before are not over by that.
  const auto is_told = [this](const std::string& key) {
    const auto known = alerter_.open().find(key);
    return known != alerter_.open().end() && !known->second.ended_at;
  };
  for (auto& [id, entry] : model_.rotations) {
    if (entry.rotation.alert_channel) channel_of.emplace(id, *entry.rotation.alert_channel);
    auto own = problems_of(entry);
    std::erase_if(own, [&, paused = entry.paused()](const Problem& problem) {
      return paused && !is_told(problem.key);
    });
    entry.open.clear();
    for (auto& problem : own) {
      entry.open.emplace(problem.key, problem);
      problem.text = fmt::format("rotation \"{}\": {}", entry.rotation.name, problem.text);
      problems.push_back(std::move(problem));
    }
  }
  for (const auto& [name, state] : connections_) {
    const Instant answered = std::max(state.last_success.value_or(started_at_), started_at_);
    const bool silent = now - answered > kSilentIntervals * interval_of(state, now);
    const auto report = [&, connection = name](std::string_view kind, std::string text) {
      problems.push_back(
          {fmt::format("connection:{}:{}", connection, kind), std::move(text), std::nullopt, connection});
    };
    if (state.error && state.error->kind == ErrorKind::unauthorized) {
      report("unauthorized",
             fmt::format(
                 "connection {}: {}", name,
                 with_fix(state.error->message,
                          fmt::format("give it a new key with `watchbill connection update {}`", name))));
    } else if (state.error &&
               (silent || now - *state.failing_since > kSilentIntervals * interval_of(state, now))) {
      report(
          "failing",
          fmt::format("connection {} has not answered completely since {}: {}. Groups follow what is known, "
                      "unconfirmed",
                      name, format_minutes(state.completed.value_or(*state.failing_since)),
                      with_fix(state.error->message,
                               fmt::format("check it with `watchbill connection test {}`", name))));
    } else if (const auto quiet = silent_schedules_of(name);
               !state.error && !quiet.empty() && (silent || absence_unconfirmed_of(name, now))) {
      report("failing", fmt::format("connection {}: {}. Groups follow what is known, unconfirmed", name,
                                    *problem_of(name, state)));
    }
    report_end(name, state, now, problems);
    if (state.emptied) report("emptied", fmt::format("connection {}: {}", name, kEmptiedText));
    if (clock_.verdict != ClockVerdict::wrong && skewed(state.clock)) {
      report("clock",
             fmt::format("this host's clock and that of connection {} differ by {} s; set the clock (NTP)",
                         name, state.clock.skew->count()));
    }
  }
  if (auto wrong = wrong_clock()) {
    problems.push_back({"clock:wrong", *std::move(wrong), std::nullopt});
  } else if (skewed(clock_.slack)) {
    problems.push_back({"slack:clock",
                        fmt::format("this host's clock and Slack's differ by {} s; set the clock (NTP)",
                                    clock_.slack.skew->count()),
                        std::nullopt});
  }
  if (auto slack = silence_of_slack(false))
    problems.push_back({"slack:groups", *std::move(slack), std::nullopt});
  if (store_blocked()) {
    problems.push_back(
        {"store:blocked",
         fmt::format(
             "the store cannot be written since {}: {}. Groups are kept right; announcements and edits "
             "wait",
             format_minutes(store_blocked_since_->wall), store_error_),
         std::nullopt});
  }
  if (store_moved_) {
    problems.push_back(
        {"store:moved",
         "the store's file was deleted or replaced while the daemon runs: groups are kept right, and what is "
         "recorded from now on is lost when it ends. Stop it, put the file back from a backup "
         "(`watchbill restore FILE`), and start it",
         std::nullopt});
  }
  if (options_.other_problems) {
    for (auto& problem : options_.other_problems(now)) problems.push_back(std::move(problem));
  }
  if (auto restored = after_restore_.problem(now)) problems.push_back(*std::move(restored));
  keep_unheard(problems);
  alerter_.report(
      problems, channel_of, [&](const store::OpenProblem& open) { return say_end(open, now); }, now);
}

/// Each of the days on which it is told is a problem of its own.
void Engine::Impl::report_end(const std::string& name, const ConnectionState& state, Instant now,
                              std::vector<Problem>& problems) const {
  const auto adapter = providers::find_adapter(state.kind);
  if (!adapter || !(*adapter)->ends || !is_used(name)) return;
  const auto left = (*adapter)->ends->at - now;
  for (const auto told : providers::kEndTold) {
    if (left > days{told}) continue;
    problems.push_back({fmt::format("connection:{}:ends-{}", name, told),
                        fmt::format("connection {}: less than {} days are left: {}", name, told,
                                    *providers::end_notice(name, state.kind, now)),
                        std::nullopt, name});
  }
}

bool Engine::Impl::is_used(const std::string& connection) const {
  return std::any_of(model_.schedules.begin(), model_.schedules.end(),
                     [&](const auto& item) { return item.first.connection == connection; });
}

/// True if a problem that is not told (any more) may be there all the same.
bool Engine::Impl::unheard(const Problem& problem) const {
  const auto& key = problem.key;
  if (key == "slack:groups") return slack_error_ || !reader_.last_success();
  if (key == "clock:wrong") return clock_.verdict == ClockVerdict::open;
  if (key == "slack:clock") return !clock_.slack.skew;
  if (key == "store:blocked") return store_blocked_since_ || !store_worked_;
  const auto connection = connections_.find(problem.connection);
  if (connection != connections_.end()) {
    const auto& [name, state] = *connection;
    // One that no rotation uses is never asked.
    if (!is_used(name)) return false;
    if (key.ends_with(":clock")) return !state.clock.skew;
    if (key.ends_with(":emptied")) return false;
    return state.error || !state.completed || !silent_schedules_of(name).empty();
  }
  return !key.starts_with("rotation:") && options_.other_unsure && options_.other_unsure(problem);
}

void Engine::Impl::keep_unheard(std::vector<Problem>& problems) const {
  std::set<std::string> told;
  for (const auto& problem : problems) told.insert(problem.key);
  for (const auto& [key, open] : alerter_.open()) {
    if (!open.ended_at && !told.contains(key) && unheard(open.problem)) problems.push_back(open.problem);
  }
}

void Engine::Impl::look_anew() {
  for (auto& [name, state] : connections_) {
    if (state.poller) state.poller->forget_people();
  }
  keeper_.look_at_everybody();
}

void Engine::Impl::hear(const slack::ChangeEvent& news) {
  if (news.person) keeper_.hear(*news.person);
  if (!news.group) return;
  const auto managed = model_.by_group.find(*news.group);
  const auto* entry = managed == model_.by_group.end() ? nullptr : model_.find(managed->second);
  if (!entry) return;
  // Our own writes are told, too.
  const auto& ended = entry->group.last_write_ended;
  const bool ours = entry->group.in_flight || (ended && ports_.loop.steady_now() - *ended < kOwnEcho);
  if (!ours) reader_.read_soon();
}

/// A decision waits for somebody to be looked up.
bool Engine::Impl::waits_for_people() const {
  return std::any_of(model_.rotations.begin(), model_.rotations.end(),
                     [](const auto& item) { return item.second.pending_since.has_value(); });
}

net::Task<bool> Engine::Impl::sync_now() {
  const auto asked = ports_.loop.now();
  const auto until = ports_.loop.steady_now() + 60s;
  look_anew();
  for (auto& [name, state] : connections_) {
    if (state.poller) state.poller->hurry();
  }
  reader_.read_soon();
  writer_.retry_put_off();
  announcer_.try_channels();
  mark_all();
  while (!stopping_ && ports_.loop.steady_now() < until) {
    const auto complete = complete_since();
    const bool idle =
        marked_.empty() && writer_.queued() == 0 && writer_.in_flight() == 0 && !announcer_.trying_channels();
    if (complete && *complete >= asked && idle && !keeper_.looking() && !waits_for_people()) {
      flush(ports_.loop.now());
      co_return true;
    }
    co_await net::sleep_for(ports_.loop, 50ms);
  }
  co_return false;
}

}  // namespace watchbill::engine
