#include "engine/sources/poller.hpp"

#include <algorithm>
#include <utility>

#include "engine/steady_wait.hpp"

namespace watchbill::engine {

namespace {

/// A cycle looks at least so far: how long the first one takes, with thousands of schedules, nobody knows
/// yet, and what it says must not end before the next.
constexpr auto kNearest = 10min;
/// Schedules asked together for a long window: as many as the largest batch of any system.
constexpr std::size_t kLookAheadBatch = 50;
constexpr auto kAhead = days{8};
constexpr auto kFar = days{60};
/// Between two questions for long windows, so that they never crowd out the frequent ones.
constexpr auto kLookAheadPause = 200ms;
constexpr auto kLookAheadIdle = 10s;

}  // namespace

Poller::Poller(net::Loop& loop, Connection connection, std::unique_ptr<providers::Provider> provider,
               PollListener& listener, milliseconds interval)
    : loop_(loop),
      connection_(std::move(connection)),
      provider_(std::move(provider)),
      listener_(listener),
      interval_(interval),
      hurried_(loop),
      look_(loop) {}

void Poller::start() {
  tasks_.spawn(run_cycles());
  tasks_.spawn(run_look_aheads());
}

void Poller::poll_now(std::vector<std::string> ids, std::optional<Instant> at) {
  tasks_.spawn(poll_some(std::move(ids), at));
}

void Poller::confirm(std::string id) {
  tasks_.spawn(confirm_one(std::move(id)));
}

void Poller::hurry() {
  hurry_ = true;
  hurried_.notify();
}

void Poller::look_ahead_now() {
  look_.notify();
}

milliseconds Poller::effective_interval(Instant now) const {
  auto interval = std::max(interval_, last_cycle_);
  const auto health = provider_->health();
  if (health.throttled_until && *health.throttled_until > now) {
    interval = std::max(interval, milliseconds{*health.throttled_until - now});
  }
  return interval;
}

Window Poller::near_window(Instant from) const {
  return {from, from + std::max<milliseconds>(2 * effective_interval(from), kNearest)};
}

net::Task<void> Poller::run_cycles() {
  while (true) {
    hurry_ = false;
    const auto began = loop_.steady_now();
    const auto now = loop_.now();
    auto ids = listener_.watched(connection_.name);
    if (!ids.empty()) {
      std::optional<Error> error;
      bool answered = false;
      auto sink = [this, &error, &answered](ScheduleAnswer answer) {
        if (answer.status == AnswerStatus::failed && !error) error = answer.error;
        answered = answered || answer.status != AnswerStatus::failed;
        listener_.on_answer(std::move(answer));
      };
      co_await provider_->poll(std::move(ids), near_window(now), sink);
      // How long a system takes to say nothing is no measure of how often it can be asked.
      if (answered) last_cycle_ = loop_.steady_now() - began;
      listener_.on_cycle(connection_.name, now, error);
    }
    const auto next = std::max(loop_.steady_now(), began + effective_interval(loop_.now()));
    while (!hurry_ && loop_.steady_now() < next) co_await wait_steady(loop_, hurried_, next);
  }
}

net::Task<void> Poller::run_look_aheads() {
  // The first cycle tells who is on call now; that comes first.
  co_await net::sleep_for(loop_, 1ms);
  while (true) {
    const auto now = loop_.now();
    const auto health = provider_->health();
    if (health.throttled_until && *health.throttled_until > now) {
      co_await net::sleep_for(loop_, *health.throttled_until - now);
      continue;
    }
    bool far = false;
    auto ids = listener_.look_ahead_due(connection_.name, far, now, kLookAheadBatch);
    if (ids.empty()) {
      far = true;
      ids = listener_.look_ahead_due(connection_.name, far, now, kLookAheadBatch);
    }
    if (ids.empty()) {
      co_await wait_steady(loop_, look_, loop_.steady_now() + kLookAheadIdle);
      continue;
    }
    const Window window{now, now + (far ? kFar : kAhead)};
    auto sink = [this, far, now](ScheduleAnswer answer) {
      listener_.on_looked_ahead(answer.schedule, far, answer.status != AnswerStatus::failed, now);
      listener_.on_answer(std::move(answer));
    };
    co_await provider_->look_ahead(std::move(ids), window, sink);
    co_await net::sleep_for(loop_, kLookAheadPause);
  }
}

net::Task<void> Poller::poll_some(std::vector<std::string> ids, std::optional<Instant> at) {
  const auto window = near_window(at.value_or(loop_.now()));
  auto sink = [this](ScheduleAnswer answer) { listener_.on_answer(std::move(answer)); };
  co_await provider_->poll(std::move(ids), window, sink);
}

net::Task<void> Poller::confirm_one(std::string id) {
  const auto now = loop_.now();
  auto answer = co_await provider_->confirm(std::move(id), near_window(now));
  listener_.on_answer(std::move(answer));
}

}  // namespace watchbill::engine
