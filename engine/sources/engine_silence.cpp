#include <algorithm>

#include "base/phrase.hpp"
#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"
#include "engine/targets/problem_end.hpp"

namespace watchbill::engine {

namespace {

/// Slack's groups are listed at most this often (slack/limits/rate_limiter.cpp).
constexpr auto kListSpacing = 5s;
constexpr std::size_t kLateNamed = 5;

bool told_by_plan(const Plan& plan, const ScheduleRef& ref) {
  const auto end = ":unknown:" + to_string(ref);
  return std::any_of(plan.problems.begin(), plan.problems.end(),
                     [&](const Problem& problem) { return problem.key.ends_with(end); });
}

bool uses(const Rotation& rotation, const std::string& connection) {
  return std::any_of(rotation.schedules.begin(), rotation.schedules.end(),
                     [&](const RotationSchedule& schedule) { return schedule.ref.connection == connection; });
}

}  // namespace

void Engine::Impl::note_slack(std::optional<Error> error) {
  const auto text_of = [](const std::optional<Error>& one) { return one ? one->message : std::string(); };
  if (text_of(error) != text_of(slack_error_)) status_writer_.mark_all();
  slack_error_ = std::move(error);
  const auto now = ports_.loop.now();
  if (slack_error_ && !slack_failing_since_) {
    slack_failing_since_ = now;
    Event("slack_failing").with("error", slack_error_->message).log(spdlog::level::warn);
  } else if (!slack_error_ && slack_failing_since_) {
    Event("slack_answers")
        .with("after", format_duration(now - *slack_failing_since_))
        .log(spdlog::level::info);
    slack_failing_since_.reset();
  }
}

/// Which rotations have a source that has not answered for three intervals, or does not confirm its absence.
void Engine::Impl::note_silence(Instant now) {
  if (clock_.verdict == ClockVerdict::wrong) {
    // Nobody can tell who is silent since when; nor who is on call.
    for (const auto& [id, entry] : model_.rotations) silent_.insert(id);
    silent_schedules_.clear();
    return;
  }
  std::map<std::string, milliseconds> patience;
  for (const auto& [name, state] : connections_) patience[name] = kSilentIntervals * interval_of(state, now);
  std::set<RotationId> silent;
  std::set<ScheduleRef> schedules;
  for (auto& [ref, entry] : model_.schedules) {
    const Instant since =
        std::max(entry.state.last_answer.value_or(entry.watched_since), entry.watched_since);
    const auto limit = patience.find(ref.connection);
    // Only an answer ends it: a system that becomes slower meanwhile is not better by that.
    const bool goes_on = entry.silent_since == since;
    const bool heard = limit != patience.end() && now - since <= limit->second && !goes_on;
    if (heard)
      entry.silent_since.reset();
    else
      entry.silent_since = since;
    if (heard && !absence_unconfirmed(entry.state, now)) continue;
    schedules.insert(ref);
    silent.insert(entry.rotations.begin(), entry.rotations.end());
  }
  const Instant read = std::max(reader_.last_success().value_or(started_at_), started_at_);
  slack_silent_ =
      now - read > kSilentIntervals * std::max(options_.poll_interval, milliseconds{kListSpacing});
  if (slack_silent_) {
    for (const auto& [id, entry] : model_.rotations) silent.insert(id);
  }
  for (const auto id : silent) {
    if (!silent_.contains(id)) status_writer_.mark(id);
  }
  for (const auto id : silent_) {
    if (!silent.contains(id)) status_writer_.mark(id);
  }
  silent_ = std::move(silent);
  silent_schedules_ = std::move(schedules);
}

std::vector<ScheduleRef> Engine::Impl::silent_schedules_of(const std::string& connection) const {
  std::vector<ScheduleRef> found;
  for (const auto& ref : silent_schedules_) {
    if (ref.connection == connection) found.push_back(ref);
  }
  return found;
}

bool Engine::Impl::absence_unconfirmed_of(const std::string& connection, Instant now) const {
  return std::any_of(model_.schedules.begin(), model_.schedules.end(), [&](const auto& item) {
    return absence_unconfirmed(item.second.state, now) && item.first.connection == connection;
  });
}

std::string Engine::Impl::silence_of(const ScheduleRef& schedule) const {
  const auto& entry = model_.schedules.at(schedule);
  const auto& state = entry.state;
  const auto connection = connections_.find(schedule.connection);
  const auto name = state.name.empty() ? std::string() : fmt::format(" ({})", state.name);
  const auto since = format_minutes(state.last_answer.value_or(entry.watched_since));
  std::string why = state.failure;
  if (why.empty() && connection != connections_.end() && connection->second.error)
    why = connection->second.error->message;
  if (why.empty()) why = "what it was asked is still open";
  if (absence_unconfirmed(state, ports_.loop.now())) {
    return fmt::format(
        "schedule {}{} shows nobody on call since {}, and does not say itself whether that is so: {}. That "
        "is not believed. Check it with `watchbill connection test {}`",
        schedule, name, format_minutes(state.doubt->since), why, schedule.connection);
  }
  return fmt::format(
      "schedule {}{} has not answered since {}: {}. Check it with `watchbill connection test {}`", schedule,
      name, since, why, schedule.connection);
}

std::optional<std::string> Engine::Impl::silence_of_slack(bool at_once) const {
  if (!slack_error_) {
    if (!slack_silent_) return std::nullopt;
    const auto read = std::max(reader_.last_success().value_or(started_at_), started_at_);
    return fmt::format("Slack's user groups cannot be read since {}: Slack has not answered yet",
                       format_minutes(read));
  }
  const bool mendable =
      slack_error_->kind == ErrorKind::unauthorized || slack_error_->kind == ErrorKind::forbidden;
  const bool long_enough =
      ports_.loop.now() - *slack_failing_since_ > kSilentIntervals * options_.poll_interval;
  const bool told = at_once || mendable || long_enough || slack_silent_ || !reader_.distrust().empty();
  if (!told) return std::nullopt;
  return fmt::format("Slack's user groups cannot be read since {}: {}", format_minutes(*slack_failing_since_),
                     slack_error_->message);
}

std::vector<std::string> Engine::Impl::why_silent(const RotationEntry& entry) const {
  std::vector<std::string> why;
  if (entry.paused()) return why;
  if (clock_.verdict == ClockVerdict::wrong) {
    // How wrong it is, and by whose word, is a problem of its own (`clock:wrong`).
    why.emplace_back(contradicts(clock_.slack)
                         ? "who is on call now is not known: this host's clock is wrong"
                         : "who is on call now is not known, nor yet whether this host's clock is right");
    return why;
  }
  if (auto slack = silence_of_slack(!entry.group.now)) why.push_back(*std::move(slack));
  if (entry.undecided && !entry.group.now) {
    why.push_back(
        fmt::format("on call since {}: {}. That is neither written nor announced before @{} was "
                    "read: with `--membership merge` its other members have to be known",
                    format_minutes(entry.undecided->since),
                    on_call_names(entry.plan.people, entry.plan.unknown), entry.rotation.handle));
  }
  for (const auto& schedule : entry.rotation.schedules) {
    const auto known = model_.schedules.find(schedule.ref);
    if (known == model_.schedules.end() || told_by_plan(entry.plan, schedule.ref)) continue;
    const auto& state = known->second.state;
    const bool never = !state.last_answer && state.failing_since;
    if (never || silent_schedules_.contains(schedule.ref)) why.push_back(silence_of(schedule.ref));
  }
  return why;
}

std::optional<std::string> Engine::Impl::problem_of(const std::string& connection,
                                                    const ConnectionState& state) const {
  if (state.error) return state.error->message;
  if (const auto silent = silent_schedules_of(connection); !silent.empty()) {
    const auto others = silent.size() - 1;
    return silence_of(silent.front()) +
           (others > 0 ? fmt::format("; {} more of its schedules are silent, too", others) : std::string());
  }
  if (state.emptied) return std::string(kEmptiedText);
  return std::nullopt;
}

/// A system that answers again confirms what was known, or shows what nobody knew of. (What came and went
/// meanwhile it does not tell.)
std::string Engine::Impl::say_end(const store::OpenProblem& open, Instant now) const {
  const auto& problem = open.problem;
  const auto entry = model_.rotations.find(problem.rotation.value_or(RotationId{}));
  auto text = problem_end(open, now, entry == model_.rotations.end() ? nullptr : &entry->second);
  if (!problem.key.ends_with(":failing")) return text;
  const auto late = found_late(problem.connection, open.since);
  if (!late) return text;
  if (late->empty()) return text + "; nothing that still holds was missed";
  return text + "; it shows changes that were not known: " + phrase(*late, kLateNamed);
}

std::optional<std::vector<std::string>> Engine::Impl::found_late(const std::string& connection,
                                                                 Instant since) const {
  for (const auto& [ref, entry] : model_.schedules) {
    if (ref.connection == connection && (entry.state.doubt || entry.state.failing_since)) return std::nullopt;
  }
  std::vector<std::string> late;
  for (const auto& [id, entry] : model_.rotations) {
    if (!uses(entry.rotation, connection) || entry.paused()) continue;
    if (!entry.plan.decided || !entry.plan.unknown.empty()) return std::nullopt;
    const auto was_late = decider_.late_handoffs().any_since(id, since);
    if (!was_late) return std::nullopt;
    if (*was_late) late.push_back(fmt::format("\"{}\"", entry.rotation.name));
  }
  return late;
}

}  // namespace watchbill::engine
