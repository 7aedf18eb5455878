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

}  // namespace

RateLimit with_margin(RateLimit limit, double scale) {
  limit.window = divided(limit.window, scale);
  limit.spacing = divided(limit.spacing, scale);
  const auto share = std::ceil(static_cast<double>(limit.window.count()) * kMarginShare);
  limit.window += std::min(kMargin, milliseconds{static_cast<milliseconds::rep>(share)});
  return limit;
}

void RateBudget::insert(Log& log, Use use) {
  const auto later = [](SteadyInstant at, const Use& other) { return at < other.at; };
  log.insert(std::upper_bound(log.begin(), log.end(), use.at, later), use);
}

std::optional<SteadyInstant> RateBudget::next(const Log& log, Yield yield) const {
  /// When `room` calls to a window leave place for one more.
  const auto after = [&](std::size_t room) {
    return log.size() < room ? SteadyInstant::min() : log[log.size() - room].at + limit_.window;
  };
  std::optional<SteadyInstant> next;
  if (yield.spare < limit_.calls) next = after(limit_.calls - yield.spare);
  if (yield.share == 0) return next;
  auto shared = std::max(yield.share_from, after(limit_.calls));
  std::size_t used = 0;
  for (auto use = log.rbegin(); use != log.rend() && used < yield.share; ++use) {
    used += use->yields ? 1U : 0U;
    if (used == yield.share) shared = std::max(shared, use->at + limit_.window);
  }
  return next ? std::min(*next, shared) : shared;
}

std::optional<SteadyInstant> RateBudget::earliest(SteadyInstant now, Yield yield) const {
  const auto next_free = next(log_, yield);
  if (!next_free) return std::nullopt;
  return std::max({now, paused_until_, *next_free});
}

SteadyInstant RateBudget::earliest_for(const std::string& key) const {
  const auto used = last_.find(key);
  return used == last_.end() ? SteadyInstant::min() : used->second + limit_.spacing;
}

void RateBudget::record(SteadyInstant at, const std::string& key, bool yields) {
  const auto old =
      std::find_if(log_.begin(), log_.end(), [&](const Use& use) { return use.at > at - limit_.window; });
  log_.erase(log_.begin(), old);
  insert(log_, {at, yields});
  use_key(at, key);
}

void RateBudget::moved(SteadyInstant granted, SteadyInstant left, const std::string& key) {
  if (left <= granted) return;
  // Of calls that were recorded at the same moment any will do: their places are alike.
  const auto entry =
      std::find_if(log_.begin(), log_.end(), [&](const Use& use) { return use.at == granted; });
  const bool yields = entry != log_.end() && entry->yields;
  give_back(granted);
  insert(log_, {left, yields});
  use_key(left, key);
}

void RateBudget::give_back(SteadyInstant granted) {
  const auto entry =
      std::find_if(log_.begin(), log_.end(), [&](const Use& use) { return use.at == granted; });
  if (entry != log_.end()) log_.erase(entry);
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
    for (std::size_t i = 0; i < demand.count; ++i) {
      last = std::max({last, key_free, next(log, demand.yield).value_or(last)});
      insert(log, {last, demand.yield.spare > 0});
      if (spaced) key_free = last + limit_.spacing;
    }
  }
  const auto asked = std::any_of(demands.begin(), demands.end(), [](const Demand& d) { return d.count > 0; });
  return asked ? last : now;
}

}  // namespace watchbill::net
