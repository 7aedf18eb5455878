#include "slack/limits/rate_limiter.hpp"

#include <algorithm>
#include <deque>

#include "slack/limits/method_queue.hpp"

namespace watchbill::slack {

namespace {

/// What Slack allows of each method at `rate_scale` 1.
/// (Tier 2: 20 a minute, 3: 50, 4: 100; docs.slack.dev/apis/web-api/rate-limits and the page of each method.)
net::RateLimit limit_of(Method method) {
  switch (method) {
    case Method::usergroups_list:
      return {20, 60s, 5s};  // the spacing is our own: one list serves everybody
    case Method::usergroups_create:
    case Method::usergroups_update:
    case Method::usergroups_enable:
    case Method::usergroups_disable:
    case Method::usergroups_users_update:
    case Method::users_list:
    case Method::conversations_list:
      return {20, 60s, 0s};
    case Method::users_lookup_by_email:
    case Method::conversations_info:
    case Method::conversations_join:
    case Method::conversations_open:
    case Method::conversations_history:
      return {50, 60s, 0s};
    case Method::users_info:
    case Method::views_open:
    case Method::views_push:
    case Method::views_update:
    case Method::views_publish:
      return {100, 60s, 0s};
    case Method::apps_connections_open:
      // Its page says tier 3, a comment in Slack's Python SDK tier 1; one path that backs off needs no more.
      return {10, 60s, 0s};
    case Method::auth_test:
      return {100, 60s, 0s};  // "hundreds per minute"
    case Method::chat_post_message:
      return {200, 60s, 1s};  // "several hundred per minute" in all, one a second per channel
  }
  return {1, 60s, 0s};
}

}  // namespace

struct RateLimiter::Impl {
  Impl(net::Loop& the_loop, double scale) : loop(the_loop) {
    for (std::size_t i = 0; i < kMethodCount; ++i) {
      const auto method = static_cast<Method>(i);
      const bool keyed = method == Method::chat_post_message;
      queues.emplace_back(loop, net::with_margin(limit_of(method), scale), keyed, waits);
    }
  }
  MethodQueue& queue(Method method) { return queues.at(static_cast<std::size_t>(method)); }

  net::Loop& loop;
  Waits waits;
  std::deque<MethodQueue> queues;
};

RateLimiter::RateLimiter(net::Loop& loop, double rate_scale)
    : impl_(std::make_unique<Impl>(loop, rate_scale)) {}
RateLimiter::~RateLimiter() = default;

net::Task<Permit> RateLimiter::acquire(Method method, Priority priority, std::string key) {
  auto& queue = impl_->queue(method);
  if (const auto at = queue.try_take(priority, key)) co_return Permit::grant(method, *at, std::move(key));
  QueuePlace place(queue, priority, key);
  const auto at = co_await place;
  co_return Permit::grant(method, at, std::move(key));
}

std::optional<Permit> RateLimiter::try_acquire(Method method, Priority priority, std::string key) {
  const auto at = impl_->queue(method).try_take(priority, key);
  if (!at) return std::nullopt;
  return Permit::grant(method, *at, std::move(key));
}

void RateLimiter::answered(const Permit& permit, milliseconds took) {
  if (!permit.granted()) return;
  const auto left = impl_->loop.steady_now() - took;
  impl_->queue(permit.method()).moved(*permit.granted(), left, permit.key());
}

void RateLimiter::pause(Method method, seconds wait) {
  impl_->queue(method).pause(impl_->loop.steady_now() + wait);
}

void RateLimiter::reserve(Method method, std::size_t slots) {
  impl_->queue(method).reserve(slots);
}

void RateLimiter::handoffs_wait(Method method, bool waiting) {
  impl_->queue(method).handoffs_wait(waiting);
}

void RateLimiter::count_used(Method method, milliseconds ago) {
  impl_->queue(method).count_used(ago);
}

milliseconds RateLimiter::window(Method method) const {
  return impl_->queue(method).window();
}

Instant RateLimiter::when(Method method, Priority priority, std::size_t n) const {
  CallCounts further{};
  further[static_cast<std::size_t>(priority)] = n;
  return when(method, priority, further);
}

Instant RateLimiter::when(Method method, Priority priority, const CallCounts& further) const {
  return impl_->loop.now() + (impl_->queue(method).when(priority, further) - impl_->loop.steady_now());
}

std::optional<Instant> RateLimiter::resumes() const {
  std::optional<Instant> last;
  for (std::size_t i = 0; i < kMethodCount; ++i) {
    if (impl_->queues[i].waiting() == 0) continue;
    const auto at = when(static_cast<Method>(i), Priority::background, 0);
    last = std::max(last.value_or(at), at);
  }
  return last;
}

RateLimiter::Waits RateLimiter::waits() const {
  return impl_->waits;
}

std::size_t RateLimiter::waiting() const {
  std::size_t sum = 0;
  for (const auto& queue : impl_->queues) sum += queue.waiting();
  return sum;
}

}  // namespace watchbill::slack
