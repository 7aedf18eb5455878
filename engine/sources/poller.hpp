#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/connection.hpp"
#include "core/oncall/timeline.hpp"
#include "net/loop.hpp"
#include "providers/provider.hpp"

namespace watchbill::engine {

/// What a poller asks of, and tells, the engine.
class PollListener {
 public:
  virtual ~PollListener() = default;
  /// The ids of the connection's schedules that are watched.
  virtual std::vector<std::string> watched(const std::string& connection) = 0;
  /// Those whose 8-day (`far`: 60-day) window is to be asked now, most urgent first, at most `limit`.
  virtual std::vector<std::string> look_ahead_due(const std::string& connection, bool far, Instant now,
                                                  std::size_t limit) = 0;
  virtual void on_answer(ScheduleAnswer answer) = 0;
  /// A long window was asked about this schedule: whether that was answered.
  virtual void on_looked_ahead(const ScheduleRef& schedule, bool far, bool answered, Instant now) = 0;
  /// A cycle over all watched schedules, begun at `began`, ended: whether every one of them was answered,
  /// else the first error. A connection without watched schedules has no cycles.
  virtual void on_cycle(const std::string& connection, Instant began, const std::optional<Error>& error) = 0;
};

/// Asks one scheduling system: in cycles, around boundaries, for the long windows, and single schedules for
/// confirmation. Each poller runs on its own, so that a slow system delays nobody else.
class Poller {
 public:
  Poller(net::Loop& loop, Connection connection, std::unique_ptr<providers::Provider> provider,
         PollListener& listener, milliseconds interval);

  void start();
  /// Asks about these schedules now, besides the cycles. `at`: a boundary shortly ahead to ask for.
  void poll_now(std::vector<std::string> ids, std::optional<Instant> at = std::nullopt);
  /// Asks the schedule itself.
  void confirm(std::string id);
  /// Starts a cycle at once instead of waiting for the next.
  void hurry();
  /// What the system's adapter keeps of people is asked for anew.
  void forget_people() { provider_->forget_people(); }
  /// Long windows are due (a new schedule, a contradiction).
  void look_ahead_now();

  [[nodiscard]] const Connection& connection() const { return connection_; }
  [[nodiscard]] providers::ConnectionHealth health() const { return provider_->health(); }
  /// max(poll_interval, length of the last cycle that told anything, the system's throttle).
  [[nodiscard]] milliseconds effective_interval(Instant now) const;

 private:
  net::Task<void> run_cycles();
  net::Task<void> run_look_aheads();
  net::Task<void> poll_some(std::vector<std::string> ids, std::optional<Instant> at);
  net::Task<void> confirm_one(std::string id);
  [[nodiscard]] Window near_window(Instant from) const;

  net::Loop& loop_;
  Connection connection_;
  std::unique_ptr<providers::Provider> provider_;
  PollListener& listener_;
  milliseconds interval_;
  milliseconds last_cycle_{0};
  net::Signal hurried_;
  net::Signal look_;
  bool hurry_ = false;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
