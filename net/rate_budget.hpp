#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace watchbill::net {

/// What a server allows of one kind of call.
struct RateLimit {
  std::size_t calls = 1;  ///< at most so many in any `window`
  milliseconds window{60s};
  milliseconds spacing{0};  ///< at least so long between two calls with the same key
};

/// `limit` made `scale` times faster, with a margin on the window: the server counts arrivals, and on the way
/// the distance between two requests may shrink. The margin is 40 ms (at most 4 % of the window), so that
/// after 24 full windows, a storm of 500 calls at 20 a minute, it has cost less than a second.
RateLimit with_margin(RateLimit limit, double scale);

/// What a caller leaves to more urgent ones.
struct Yield {
  std::size_t spare = 0;  ///< it leaves so many of the limit's calls free; 0: it is one of the urgent ones
  /// So many in any window those who leave some free may make all the same, from `share_from` on.
  std::size_t share = 0;
  SteadyInstant share_from = SteadyInstant::min();
};

/// Counts calls against a limit: a log of those of the last window. Pure: every moment comes from the caller,
/// and `now` never goes back.
class RateBudget {
 public:
  explicit RateBudget(RateLimit limit) : limit_(limit) {}

  /// The first moment, not before `now`, at which one call may leave, whatever its key. Nothing if it can
  /// never leave because it has no share and must leave the whole limit free.
  [[nodiscard]] std::optional<SteadyInstant> earliest(SteadyInstant now, Yield yield) const;
  /// The first moment at which the spacing allows a call with `key`; long ago if it has not been used lately.
  [[nodiscard]] SteadyInstant earliest_for(const std::string& key) const;

  /// A call was allowed to leave. `yields`: one of those that share what they may make all the same.
  void record(SteadyInstant at, const std::string& key, bool yields = false);
  /// The call recorded at `granted` left later than that (a connection had to be made): count it from there.
  void moved(SteadyInstant granted, SteadyInstant left, const std::string& key);
  /// The call recorded at `granted` was never made.
  void give_back(SteadyInstant granted);
  /// Nothing leaves before `until`. A shorter pause does not end a longer one.
  void pause(SteadyInstant until);

  /// `count` calls that yield alike.
  struct Demand {
    std::size_t count = 0;
    Yield yield{};
  };
  /// When the last of `demands`, made one after the other from `now` on, may leave; `now` if there are none.
  /// With `spaced` they share one key. A demand that could never leave counts as leaving as early as others.
  [[nodiscard]] SteadyInstant forecast(SteadyInstant now, const std::vector<Demand>& demands,
                                       bool spaced) const;

  [[nodiscard]] const RateLimit& limit() const { return limit_; }

 private:
  struct Use {
    SteadyInstant at;
    bool yields = false;
  };
  /// By time.
  using Log = std::vector<Use>;
  static void insert(Log& log, Use use);
  /// When a further call may leave after those of `log`.
  [[nodiscard]] std::optional<SteadyInstant> next(const Log& log, Yield yield) const;
  void use_key(SteadyInstant at, const std::string& key);

  RateLimit limit_;
  Log log_;  ///< at most the last window's
  SteadyInstant paused_until_ = SteadyInstant::min();
  std::unordered_map<std::string, SteadyInstant> last_;         ///< by key; only with a spacing
  std::deque<std::pair<SteadyInstant, std::string>> key_uses_;  ///< in order, to forget old keys by
};

}  // namespace watchbill::net
