#include "net/rate_budget.hpp"

#include <algorithm>
#include <cmath>

namespace watchbill::net {

namespace {

constexpr milliseconds kMargin{40};
constexpr double kMarginShare = 0.04;

milliseconds divided(milliseconds span, double scale) {
  return milliseconds{static_cast<milliseconds::rep>(std::ceil(static_cast<double>(span.count()) / scale))};
}

/// When the call after those of `log` may leave, with `room` calls to a window.
SteadyInstant after(const std::vector<SteadyInstant>& log, std::size_t room, milliseconds window) {
  if (log.size() < room) return SteadyInstant::min();
  return log[log.size() - room] + window;
}

}  // namespace

RateLimit with_margin(RateLimit limit, double scale) {
  limit.window = divided(limit.window, scale);
  limit.spacing = divided(limit.spacing, scale);
  const auto share = std::ceil(static_cast<double>(limit.window.count()) * kMarginShare);
  limit.window += std::min(kMargin, milliseconds{static_cast<milliseconds::rep>(share)});
  return limit;
}

std::optional<SteadyInstant> RateBudget::earliest(SteadyInstant now, std::size_t spare) const {
  if (spare >= limit_.calls) return std::nullopt;
  return std::max({now, paused_until_, after(log_, limit_.calls - spare, limit_.window)});
}

SteadyInstant RateBudget::earliest_for(const std::string& key) const {
  const auto used = last_.find(key);
  return used == last_.end() ? SteadyInstant::min() : used->second + limit_.spacing;
}

void RateBudget::record(SteadyInstant at, const std::string& key) {
  const auto old = std::upper_bound(log_.begin(), log_.end(), at - limit_.window);
  log_.erase(log_.begin(), old);
  log_.insert(std::upper_bound(log_.begin(), log_.end(), at), at);
  use_key(at, key);
}

void RateBudget::moved(SteadyInstant granted, SteadyInstant left, const std::string& key) {
  if (left <= granted) return;
  give_back(granted);
  log_.insert(std::upper_bound(log_.begin(), log_.end(), left), left);
  use_key(left, key);
}

void RateBudget::give_back(SteadyInstant granted) {
  const auto entry = std::lower_bound(log_.begin(), log_.end(), granted);
  if (entry != log_.end() && *entry == granted) log_.erase(entry);
}

void RateBudget::pause(SteadyInstant until) {
  paused_until_ = std::max(paused_until_, until);
}

void RateBudget::use_key(SteadyInstant at, const std::string& key) {
  if (limit_.spacing == 0ms) return;
  auto& last = last_.try_emplace(key, at).first->second;
  last = std::max(last, at);
  key_uses_.emplace_back(at, key);
  while (key_uses_.front().first + limit_.spacing <= at) {
    const auto old = last_.find(key_uses_.front().second);
    if (old != last_.end() && old->second + limit_.spacing <= at) last_.erase(old);
    key_uses_.pop_front();
  }
}

SteadyInstant RateBudget::forecast(SteadyInstant now, const std::vector<Demand>& demands, bool spaced) const {
  auto log = log_;
  auto last = std::max(now, paused_until_);
  auto key_free = spaced ? earliest_for({}) : SteadyInstant::min();
  for (const auto& demand : demands) {
    const auto room = demand.spare < limit_.calls ? limit_.calls - demand.spare : limit_.calls;
    for (std::size_t i = 0; i < demand.count; ++i) {
      last = std::max({last, demand.not_before, key_free, after(log, room, limit_.window)});
      log.insert(std::upper_bound(log.begin(), log.end(), last), last);
      if (spaced) key_free = last + limit_.spacing;
    }
  }
  const auto asked = std::any_of(demands.begin(), demands.end(), [](const Demand& d) { return d.count > 0; });
  return asked ? last : now;
}

}  // namespace watchbill::net
