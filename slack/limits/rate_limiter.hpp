#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/loop.hpp"
#include "slack/api/api.hpp"

namespace watchbill::slack {

inline constexpr std::size_t kPriorities = 4;
/// So many calls of each priority, by its number.
using CallCounts = std::array<std::size_t, kPriorities>;

/// The budget of Slack calls, made to wait for: hands out permits so that no method goes over its tier in any
/// 60 s, higher priorities first, each priority in order of asking. `usergroups.list` at most every 5 s.
/// `chat.postMessage` at most once a second per channel. It outlives the tasks that wait for it; a task that
/// is destroyed while it waits leaves the queue. (docs.slack.dev/apis/web-api/rate-limits; the tiers of each
/// method: slack/limits/rate_limiter.cpp.)
class RateLimiter {
 public:
  /// `rate_scale` multiplies every limit (and divides the 5 s and 1 s spacings): only for a loopback Slack.
  RateLimiter(net::Loop& loop, double rate_scale);
  ~RateLimiter();

  /// Waits for a slot. `key` is the channel for `chat_post_message`, else empty.
  net::Task<Permit> acquire(Method method, Priority priority, std::string key = {});
  /// A permit now, or nothing; never waits.
  std::optional<Permit> try_acquire(Method method, Priority priority, std::string key = {});

  /// The answer to the call came `took` after its first byte left. The budget then counts the call from that
  /// moment and not from the permit's, since making a connection may have come between.
  void answered(const Permit& permit, milliseconds took);
  /// Slack answered 429: nothing of `method` leaves before `wait` is over.
  void pause(Method method, seconds wait);
  /// How many slots of `method` lower priorities must leave free, besides the 5 they always leave: what the
  /// boundaries within the next window will need. When something has been reserved for two windows without a
  /// break, they may use a tenth of the limit all the same.
  void reserve(Method method, std::size_t slots);
  /// Handoffs wait for `method` outside of the queue (with `try_acquire`): lower priorities get nothing
  /// before they do not any more.
  void handoffs_wait(Method method, bool waiting);
  /// Another process made a call of `method` so long `ago`: it counts as if this one had.
  void count_used(Method method, milliseconds ago);
  /// Over how long calls of `method` are counted.
  [[nodiscard]] milliseconds window(Method method) const;
  /// When the `n`-th further call of `method` at `priority` (n = 1 is the next) could leave, if nobody else
  /// asked and what is reserved stays so: those that wait now at this priority or a higher one go first. With
  /// n = 0, when the last of those leaves. For `chat_post_message` the second per channel comes on top.
  [[nodiscard]] Instant when(Method method, Priority priority, std::size_t n) const;
  /// The same for the last of `further` calls up to `priority`, the higher priorities first.
  [[nodiscard]] Instant when(Method method, Priority priority, const CallCounts& further) const;

  /// When the last of those that wait now may leave, whatever they wait for; nothing if none waits.
  [[nodiscard]] std::optional<Instant> resumes() const;

  /// Calls that had to wait, and how long in all, since the start.
  struct Waits {
    std::uint64_t count = 0;
    milliseconds total{0};
  };
  [[nodiscard]] Waits waits() const;
  /// How many wait now.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::slack
