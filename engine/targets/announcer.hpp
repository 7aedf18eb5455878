#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/decide/decider.hpp"
#include "engine/model.hpp"
#include "engine/steady_wait.hpp"
#include "net/loop.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::engine {

/// Carries the outbox out: sends what is ready, and finds out what became of attempts whose answer was lost.
/// Every step is on disk before the next one begins.
class Announcer {
 public:
  /// `history_probe`: the bot may read channel history, and joins the public channels it announces in.
  Announcer(net::Loop& loop, Model& model, Journal& journal, Decider& decider, slack::Channels& channels,
            slack::RateLimiter& limiter, bool history_probe, std::function<void(RotationId)> on_change);
  void start();
  /// At the start, after the outbox was loaded.
  void note_loaded();
  void kick();
  /// Tries every channel at once that refused an announcement.
  void try_channels();
  /// Whether what `try_channels` began is still open.
  [[nodiscard]] bool trying_channels() const;
  /// Starts nothing new.
  void stop() { stopping_ = true; }
  /// While the store is blocked nothing is posted: what is not recorded could be doubled.
  void hold(bool held);

  [[nodiscard]] std::size_t pending() const;
  /// Posts whose answer has not come yet.
  [[nodiscard]] std::size_t in_flight() const { return posting_; }
  /// When the oldest pending announcement was decided.
  [[nodiscard]] std::optional<Instant> oldest() const;

 private:
  net::Task<void> run();
  net::Task<void> send(OutboxId id);
  net::Task<void> probe(OutboxId id);
  net::Task<Probe> look_for(ChannelId channel, std::string key, Instant since);
  net::Task<void> join(ChannelId channel);
  /// Looks at the channels that refused an announcement where none is left that would show whether they take
  /// one again; and forgets those that are none of the rotation's any more. When to do so next.
  SteadyInstant look_at_channels(SteadyInstant now);
  net::Task<void> look_at(RotationId rotation, ChannelId channel);
  [[nodiscard]] bool has_open_row(RotationId rotation, const ChannelId& channel) const;
  void expire(OutboxRow row, std::string why);
  /// T3 is on disk: whether the post is still to be made. One that is not is taken back.
  bool still_wanted(OutboxId id);
  /// T4.
  void complete(OutboxId id, const Result<slack::Posted>& posted);
  void fold(const OutboxRow& row);
  /// Tells what became of it, if that is news.
  void log_outcome(const OutboxRow& row, OutboxState before) const;
  [[nodiscard]] bool behind(const OutboxRow& row) const;
  [[nodiscard]] slack::OutgoingMessage message_of(const OutboxRow& row, Instant now) const;
  /// A channel that refuses an announcement is a problem until it takes one, or is none of the rotation's any
  /// more.
  void note_problem(const OutboxRow& row);

  net::Loop& loop_;
  Model& model_;
  Journal& journal_;
  Decider& decider_;
  slack::Channels& channels_;
  slack::RateLimiter& limiter_;
  bool history_probe_;
  std::function<void(RotationId)> on_change_;
  net::Signal kicked_;
  std::set<OutboxId> busy_;
  std::set<ChannelId> joined_;
  /// Channels that are looked at, since nothing is to be announced there: when next, and which right now.
  using ChannelOf = std::pair<RotationId, ChannelId>;
  std::map<ChannelOf, SteadyInstant> look_due_;
  std::set<ChannelOf> looking_;
  std::size_t posting_ = 0;
  bool held_ = false;
  bool stopping_ = false;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
