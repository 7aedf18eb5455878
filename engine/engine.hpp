#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/targets/alerter.hpp"
#include "engine/targets/write_forecast.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"
#include "providers/provider.hpp"
#include "slack/limits/rate_limiter.hpp"
#include "slack/people/change_event.hpp"
#include "store/async_store.hpp"
#include "store/lease.hpp"

namespace watchbill::engine {

struct EngineOptions {
  milliseconds poll_interval{60s};  ///< at least 1 s
  milliseconds history_retention{days{400}};
  AlertOptions alerts{};
  bool history_probe = false;  ///< the bot may read channel history
  std::map<std::string, std::vector<std::string>> allowed_hosts{};
  /// Slack's events can reach this process now; none: they cannot.
  std::function<bool()> events_arrive{};
  /// Problems of others in this process, to be told like the engine's own: all that there are now.
  std::function<std::vector<Problem>(Instant now)> other_problems{};
  /// Whether an earlier one of these may still be there although it is not told: nobody could look yet.
  std::function<bool(const Problem& problem)> other_unsure{};
  /// Slack's clock minus ours, as its last answer told; nothing if none did.
  std::function<std::optional<seconds>()> slack_clock_skew{};
};

/// What the engine works with. All outlive it.
struct EnginePorts {
  net::Loop& loop;
  store::AsyncStore store;
  net::HttpClient& http;
  slack::Groups& groups;
  slack::Users& people;
  slack::Channels& channels;
  slack::RateLimiter& limiter;
  const store::Lease& lease;
};

/// Figures for metrics and for the one who waits for a pass. Counters count since the start.
struct EngineFigures {
  struct RotationFigures {
    std::string name;
    std::string state;
    seconds out_of_sync{0};
  };
  struct ConnectionFigures {
    std::string name;
    std::string kind;
    std::optional<Instant> last_success;
    seconds interval{0};
    std::uint64_t requests = 0;
    std::uint64_t failures = 0;
    std::optional<seconds> clock_skew;
    std::optional<Instant> token_ends;  ///< nothing if it uses a key
  };
  std::vector<RotationFigures> rotations;
  std::vector<ConnectionFigures> connections;
  std::optional<Instant> last_pass;
  std::size_t queued_writes = 0;
  std::optional<Instant> writes_done_at;
  std::size_t outbox = 0;
  std::optional<Instant> oldest_announcement;
  std::size_t unmatched = 0;
  std::size_t open_problems = 0;
  /// How often a write reached Slack within `kLagBounds[i]` of its handoff (not cumulative); the last is
  /// beyond.
  std::array<std::uint64_t, 8> lag_counts{};
  milliseconds lag_sum{0};
  bool store_usable = true;
  bool slack_usable = false;  ///< the last list of groups was answered
};
inline constexpr std::array<milliseconds, 7> kLagBounds{50ms, 250ms, 1s, 5s, 30s, 2min, 10min};

/// Keeps every rotation's group equal to who is on call, and announces handoffs. Event-driven: answers,
/// boundaries, finished writes and edits of other processes each lead to a decision (core/oncall/plan.hpp),
/// which is recorded before it is carried out. One engine at a time per store: its user holds the store's
/// WriterLock.
class Engine {
 public:
  using ProviderFactory = std::function<Result<std::unique_ptr<providers::Provider>>(const Connection&)>;

  /// `make_provider`: for tests; by default the adapters of providers/.
  Engine(EnginePorts ports, EngineOptions options, ProviderFactory make_provider = {});
  /// Cancels all that is under way. Prefer `stop`.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Loads what is remembered and begins. An error means that the store cannot be used.
  net::Task<Result<void>> start();
  /// Starts nothing new and returns when what is in flight has ended or `patience` is over.
  net::Task<void> stop(milliseconds patience);
  /// Waits until a complete pass has been made, every rotation is in sync (paused and observing ones count)
  /// and the outbox is empty; false if `limit` passes first.
  net::Task<bool> wait_in_sync(milliseconds limit);

  [[nodiscard]] EngineFigures figures() const;
  /// Why the store has taken no writes for a while, if so.
  [[nodiscard]] Result<void> check_store() const;
  /// When this rotation's group will be written; nothing if no write of it is queued, or Slack refuses it.
  [[nodiscard]] std::optional<WriteForecast> forecast(RotationId rotation) const;
  /// Somebody else in this process changed rotations, connections or mappings, or left a request: look now.
  /// (What other processes write is noticed within a second.)
  void notice_changes();
  /// An event of Slack's: something may have changed there.
  void hear(const slack::ChangeEvent& news);
  /// Takes nothing for known that is kept of people, at Slack and at the scheduling systems: all is asked for
  /// anew, as `watchbill sync` promises. `settle` waits for it.
  void look_anew();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::engine
