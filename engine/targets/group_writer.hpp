#pragma once

#include <functional>

#include "engine/decide/decider.hpp"
#include "engine/model.hpp"
#include "engine/steady_wait.hpp"
#include "engine/targets/write_forecast.hpp"
#include "net/loop.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::engine {

/// What the writer tells the engine.
class WriteListener {
 public:
  virtual ~WriteListener() = default;
  /// A write ended, or proved unnecessary. `failure` says why it did not work, and is empty if it did; with
  /// `read_again` only a list of groups can tell.
  virtual void on_written(RotationId rotation, bool read_again, const std::string& failure) = 0;
  /// Slack called somebody of this target invalid: look at these people again.
  virtual void on_invalid_members(RotationId rotation, const std::vector<UserId>& members) = 0;
  /// A write reached Slack `lag` after the change that it carries out.
  virtual void on_write_lag(milliseconds lag) = 0;
};

/// Carries out queued writes whose decision is on disk: one in flight per group, the most urgent first, the
/// newest target always. Waits for the budget, never holds a place in it with an old target. While the store
/// cannot be written those of handoffs go on after `kStorePatience` (docs/decisions/0009).
class GroupWriter {
 public:
  GroupWriter(net::Loop& loop, Model& model, Journal& journal, Decider& decider, slack::Groups& groups,
              slack::RateLimiter& limiter, WriteListener& listener);
  void start();
  /// Tries at once what Slack refused, and what is repaired slowly.
  void retry_put_off();
  /// Something was queued.
  void kick();
  /// Starts nothing new.
  void stop() { stopping_ = true; }

  /// Writes that will be made by themselves; those that Slack refused wait for a person.
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  /// When the last of what is queued now will be written.
  [[nodiscard]] std::optional<Instant> done_at() const;
  /// When the rotation's write will be carried out; nothing if none is queued, or Slack refuses it.
  [[nodiscard]] std::optional<WriteForecast> forecast(RotationId rotation) const;

 private:
  struct Next {
    RotationEntry* entry = nullptr;
    SteadyInstant at = kSteadyNever;  ///< when the next one may be tried, if none may now
  };
  net::Task<void> run();
  Next pick(SteadyInstant now);
  /// From when on it may be made, by what is recorded of it.
  [[nodiscard]] SteadyInstant recorded_at(const RotationEntry& entry) const;
  /// Handoffs wait for the budget of this method, or for none.
  void handoffs_wait_for(std::optional<slack::Method> method);
  net::Task<void> write_one(RotationId rotation, GroupTarget target, slack::Permit permit);
  net::Task<Result<GroupNow>> carry_out(RotationId rotation, GroupId group, GroupTarget target,
                                        WriteNeeded kind, slack::Priority priority, slack::Permit permit);
  /// Nothing else was decided for the group since this was sent.
  [[nodiscard]] bool still_wanted(RotationId rotation, const GroupId& group, const GroupTarget& target) const;
  void succeeded(RotationEntry& entry, const GroupTarget& target, GroupNow now);
  void failed(RotationEntry& entry, const GroupTarget& target, const Error& error);
  void was_not_done(RotationEntry& entry, const GroupTarget& target);
  void refused(RotationEntry& entry, const GroupTarget& target, const Error& error, std::size_t attempt);
  void note_write_ended();

  net::Loop& loop_;
  Model& model_;
  Journal& journal_;
  Decider& decider_;
  slack::Groups& groups_;
  slack::RateLimiter& limiter_;
  WriteListener& listener_;
  net::Signal kicked_;
  std::size_t in_flight_ = 0;
  std::optional<slack::Method> handoffs_wait_for_;
  bool stopping_ = false;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
