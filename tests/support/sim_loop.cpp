#include "tests/support/sim_loop.hpp"

#include <algorithm>
#include <utility>

namespace watchbill::test {

namespace {
/// More callbacks than this at one moment are a task that runs in circles.
constexpr int kMostAtOneMoment = 10'000'000;
constexpr milliseconds kLongestDelay = days(36'500);
}  // namespace

SimLoop::SimLoop(Instant wall) : wall_(wall), steady_(milliseconds(1'000'000)) {}

SimLoop::TimerId SimLoop::start_timer(milliseconds delay, Callback callback) {
  take_posted();
  const auto at = steady_ + std::clamp<milliseconds>(delay, 0ms, kLongestDelay);
  known_.emplace(++last_id_, at);
  steady_due_.emplace(std::pair(at, last_id_), std::move(callback));
  return last_id_;
}

SimLoop::TimerId SimLoop::start_alarm(Instant at, Callback callback) {
  take_posted();
  known_.emplace(++last_id_, at);
  wall_due_.emplace(std::pair(at, last_id_), std::move(callback));
  return last_id_;
}

void SimLoop::cancel(TimerId id) {
  const auto entry = known_.find(id);
  if (entry == known_.end()) return;
  if (const auto* steady = std::get_if<SteadyInstant>(&entry->second)) steady_due_.erase({*steady, id});
  if (const auto* wall = std::get_if<Instant>(&entry->second)) wall_due_.erase({*wall, id});
  known_.erase(entry);
}

void SimLoop::post(Callback callback) {
  const std::lock_guard lock(posted_lock_);
  posted_.push_back(std::move(callback));
}

void SimLoop::take_posted() {
  std::vector<Callback> posted;
  {
    const std::lock_guard lock(posted_lock_);
    posted.swap(posted_);
  }
  for (auto& callback : posted) start_timer(0ms, std::move(callback));
}

std::optional<SimLoop::Next> SimLoop::next() {
  take_posted();
  std::optional<Next> first;
  if (!steady_due_.empty()) {
    const auto [at, id] = steady_due_.begin()->first;
    first = Next{std::max(at - steady_, 0ms), id};
  }
  if (!wall_due_.empty()) {
    const auto [at, id] = wall_due_.begin()->first;
    // Compared before subtracting, and nothing is awaited beyond a lifetime: `kNever` is the end of the type.
    const Next alarm{at <= wall_ ? 0ms : std::min(at, wall_ + kLongestDelay) - wall_, id};
    if (at <= wall_ + kLongestDelay && (!first || alarm < *first)) first = alarm;
  }
  return first;
}

void SimLoop::fire(TimerId id) {
  const auto entry = known_.find(id);
  const auto callback = std::visit(
      [&](auto at) {
        if constexpr (std::is_same_v<decltype(at), Instant>) {
          return std::move(wall_due_.extract({at, id}).mapped());
        } else {
          return std::move(steady_due_.extract({at, id}).mapped());
        }
      },
      entry->second);
  known_.erase(entry);
  callback();
}

void SimLoop::run_until_idle() {
  advance(0ms);
}

void SimLoop::advance(milliseconds span) {
  if (span < 0ms) throw std::invalid_argument("SimLoop: time does not run backwards");
  const auto end = steady_ + span;
  interrupted_ = false;
  const auto pass = [this](milliseconds time) {
    wall_ += time;
    steady_ += time;
  };
  int at_one_moment = 0;
  for (auto first = next(); first && first->away <= end - steady_; first = next()) {
    at_one_moment = first->away == 0ms ? at_one_moment + 1 : 0;
    if (at_one_moment > kMostAtOneMoment) throw std::logic_error("SimLoop: tasks run in circles");
    pass(first->away);
    fire(first->id);
    if (std::exchange(interrupted_, false)) return;
  }
  pass(end - steady_);
}

void SimLoop::run_until(Instant at) {
  advance(at - wall_);
}

void SimLoop::set_wall(Instant wall) {
  wall_ = wall;
  run_until_idle();
}

void SimLoop::suspend(milliseconds span) {
  wall_ += span;
  run_until_idle();
}

bool SimLoop::advance_to_next() {
  const auto first = next();
  if (first) advance(first->away);
  return first.has_value();
}

void SimExecutor::submit(Work work, Work done) {
  if (!pace && pieces_.empty()) {
    work();
    done();
    return;
  }
  pieces_.push_back({std::move(work), std::move(done)});
  if (pieces_.size() == 1) begin();
}

void SimExecutor::begin() {
  pace_of_first_ = pace ? pace() : Pace{};
  timer_ = net::Timer{loop_, loop_.start_timer(pace_of_first_.late, [this] { run(); })};
}

void SimExecutor::run() {
  pieces_.front().work();
  timer_ = net::Timer{loop_, loop_.start_timer(pace_of_first_.slow, [this] { end(); })};
}

void SimExecutor::end() {
  const auto done = std::move(pieces_.front().done);
  pieces_.pop_front();
  if (!pieces_.empty()) begin();
  done();
}

void SimExecutor::drop() {
  timer_.reset();
  pieces_.clear();
}

}  // namespace watchbill::test
