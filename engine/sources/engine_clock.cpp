#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"

namespace watchbill::engine {

namespace {

/// Smaller differences between the clocks are a clock that is being adjusted.
constexpr auto kJump = 1s;
/// A smaller one does not make a clock wrong that others did not contradict.
constexpr auto kDoubtfulJump = 1min;
/// The longest that an announcement waits between two attempts (core/announce/outbox.cpp).
constexpr auto kLongestPause = 15min;
/// After a start, and after the clock was set, decisions wait so long for others to tell the time. Slack's
/// groups may be listed again only after 5 s.
constexpr auto kClockPatience = 8s;

/// False if no answer may have come: what is known of the time is then from before.
bool has_answered(const Error& error) {
  return error.kind != ErrorKind::timeout && error.kind != ErrorKind::unreachable &&
         error.kind != ErrorKind::rate_limited;
}

void not_after(std::optional<Instant>& moment, Instant now) {
  if (moment) moment = std::min(*moment, now);
}

}  // namespace

/// Waits are in steady time and do not notice when the wall clock is set; boundaries follow it by themselves.
/// What remains is to look at everything anew, since what is known may be old or lie in the future.
void Engine::Impl::look_at_clock() {
  const Moment now{ports_.loop.now(), ports_.loop.steady_now()};
  const auto jump = (now.wall - last_tick_.wall) - (now.steady - last_tick_.steady);
  last_tick_ = now;
  if (jump < kJump && jump > -kJump) return;
  spdlog::warn("this host's clock was set {} by {}, or the host was asleep", jump > 0ms ? "forward" : "back",
               format_duration(jump > 0ms ? jump : -jump));
  if (jump < 0ms) set_back(now.wall);
  if (jump >= kDoubtfulJump || jump <= -kDoubtfulJump) doubt_clock(now.wall);
  for (auto& [name, state] : connections_) {
    if (state.poller) state.poller->hurry();
  }
  reader_.read_soon();
  keeper_.kick();
  announcer_.kick();
  mark_all();
}

void Engine::Impl::set_back(Instant now) {
  for (auto& [ref, entry] : model_.schedules) {
    entry.watched_since = std::min(entry.watched_since, now);
    not_after(entry.confirm_asked, now);
    if (!forget_future(entry.state, now)) continue;
    entry.changed(Unsaved::notes);
    entry.ask_again.reset();
    entry.confirm_at.reset();
  }
  for (auto& [id, entry] : model_.rotations) {
    not_after(entry.pending_since, now);
    not_after(entry.unknown_since, now);
    not_after(entry.out_of_sync_since, now);
  }
  for (auto& [name, state] : connections_) {
    not_after(state.last_success, now);
    not_after(state.completed, now);
    not_after(state.failing_since, now);
  }
  for (auto& [id, row] : decider_.outbox()) {
    row.next_try = std::min(row.next_try, now + kLongestPause);
    if (row.state != OutboxState::blocked) row.next_try = std::min(row.next_try, now);
    not_after(row.attempt_at, now);
  }
  not_after(last_pass_, now);
  not_after(slack_failing_since_, now);
  started_at_ = std::min(started_at_, now);
  reader_.set_back(now);
  alerter_.set_back(now);
}

void Engine::Impl::doubt_clock(Instant now) {
  clock_.valid_from = now;
  clock_.open_since = ports_.loop.steady_now();
  clock_.slack = {};
  for (auto& [name, state] : connections_) state.clock = {};
  if (clock_trusted()) clock_.verdict = ClockVerdict::open;
  hold_announcements();
}

void Engine::Impl::hear_clock(ClockWitness& witness, Instant asked, const std::optional<Error>& error,
                              std::optional<seconds> skew) {
  // Asked before the clock was set: the difference is that of the old one.
  if (asked < clock_.valid_from || asked > ports_.loop.now()) return;
  witness.heard = true;
  if (!error || has_answered(*error)) witness.skew = skew;
  weigh_clock();
}

/// Only systems that are asked can tell.
std::vector<ClockWitness> Engine::Impl::clocks_of_systems() const {
  std::vector<ClockWitness> clocks;
  for (const auto& [name, state] : connections_) {
    if (state.poller && state.asked) clocks.push_back(state.clock);
  }
  return clocks;
}

void Engine::Impl::weigh_clock() {
  auto verdict = judge_clock(clock_.slack, clocks_of_systems());
  if (verdict == ClockVerdict::open) {
    // What was found stays until something else is found.
    const bool patient = ports_.loop.steady_now() - clock_.open_since < kClockPatience;
    if (clock_.verdict != ClockVerdict::open || patient) return;
    verdict = ClockVerdict::trusted;
  }
  const auto before = std::exchange(clock_.verdict, verdict);
  if (verdict == before) return;
  status_writer_.mark_all();
  hold_announcements();
  if (verdict == ClockVerdict::wrong)
    Event("clock_wrong").with("error", *wrong_clock()).log(spdlog::level::err);
  if (before == ClockVerdict::wrong) Event("clock_right").log(spdlog::level::info);
  if (!clock_trusted()) return;
  if (before == ClockVerdict::wrong) {
    // Answers were dropped meanwhile.
    for (auto& [ref, entry] : model_.schedules) entry.want_look_ahead = entry.want_look_far = true;
    for (auto& [name, state] : connections_) {
      if (state.poller) state.poller->look_ahead_now();
    }
  }
  catch_up();
}

void Engine::Impl::catch_up() {
  for (auto& deadline : std::exchange(clock_.due, {})) deadlines_.add(std::move(deadline));
  // A boundary that seemed to be over may lie ahead, and has no alarm.
  for (auto& [ref, entry] : model_.schedules) {
    if (entry.boundary && *entry.boundary > ports_.loop.now()) entry.boundary.reset();
  }
  marked_.clear();
  mark_all();
}

std::optional<std::string> Engine::Impl::wrong_clock() const {
  if (clock_.verdict != ClockVerdict::wrong) return std::nullopt;
  if (!contradicts(clock_.slack)) {
    return "this host's clock was wrong and has been set; whether it is right now is not known yet. Groups "
           "keep who is in them, and nothing is announced";
  }
  const auto told = [](const ClockWitness& witness) {
    const auto skew = witness.skew.value_or(0s);
    return fmt::format("{} {}", format_duration(skew < 0s ? -skew : skew),
                       skew < 0s ? "behind it" : "ahead of it");
  };
  std::string others;
  for (const auto& [name, state] : connections_) {
    if (contradicts(state.clock))
      others += fmt::format(", that of connection {} is {}", name, told(state.clock));
  }
  return fmt::format(
      "this host's clock is wrong: Slack's is {}{}. Who is on call now is not known: groups keep who is in "
      "them, and nothing is announced, until the clock is set (NTP: `timedatectl set-ntp true`)",
      told(clock_.slack), others);
}

/// What is not recorded could be doubled, and what is late by a clock that is not trusted may not be late.
void Engine::Impl::hold_announcements() {
  announcer_.hold(store_block_told_ || !clock_trusted());
}

}  // namespace watchbill::engine
