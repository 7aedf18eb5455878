#include "sandbox/clock.hpp"

#include <algorithm>
#include <cmath>

namespace watchbill::sandbox {

Instant WorldClock::now() const {
  if (real_) return loop_.now();
  const auto passed = static_cast<double>((loop_.steady_now() - since_).count()) * speed_;
  return shown_ + milliseconds(std::llround(passed));
}

void WorldClock::run(double speed) {
  set(now());
  speed_ = speed;
}

void WorldClock::set(Instant t) {
  shown_ = t;
  since_ = loop_.steady_now();
  real_ = false;
}

void WorldClock::reset() {
  real_ = true;
  speed_ = 1;
}

std::optional<milliseconds> WorldClock::until(Instant t) const {
  const auto left = t == kNever ? milliseconds::max() : t - now();
  if (left <= milliseconds(0)) return milliseconds(0);
  if (speed_ <= 0 || left == milliseconds::max()) return std::nullopt;
  constexpr double kFarthest = 1e10;  // more than a hundred days; whoever waits looks again then
  return milliseconds(
      std::llround(std::min(kFarthest, std::ceil(static_cast<double>(left.count()) / speed_))));
}

void WorldAgenda::plan(Instant due, std::string action) {
  due_.emplace(due, std::move(action));
  look_again();
}

void WorldAgenda::clear() {
  due_.clear();
  timer_.reset();
}

void WorldAgenda::look_again() {
  timer_.reset();
  if (due_.empty()) return;
  const auto wait = clock_.until(due_.begin()->first);
  if (!wait) return;
  timer_ = net::Timer{loop_, loop_.start_timer(*wait, [this] {
                        while (!due_.empty() && due_.begin()->first <= clock_.now()) {
                          carry_out_(due_.extract(due_.begin()).mapped());
                        }
                        look_again();
                      })};
}

void WorldAgenda::advance_to(Instant t) {
  while (!due_.empty() && due_.begin()->first <= t) {
    const auto node = due_.extract(due_.begin());
    clock_.set(std::max(clock_.now(), node.key()));
    carry_out_(node.mapped());
  }
  clock_.set(t);
  look_again();
}

}  // namespace watchbill::sandbox
