#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "net/loop.hpp"

namespace watchbill::sandbox {

/// The time of the sandbox's world: the real one, until somebody stops it, steps it or lets it run fast.
class WorldClock {
 public:
  explicit WorldClock(net::Loop& loop) : loop_(loop) {}

  [[nodiscard]] Instant now() const;
  /// How many of its seconds pass in a real one; 0: it stands still.
  [[nodiscard]] double speed() const { return speed_; }
  /// True as long as nobody has touched it.
  [[nodiscard]] bool real() const { return real_; }
  void run(double speed);
  void set(Instant t);
  /// Back to the real time.
  void reset();
  /// How long it takes (in real time) until it shows `t`: 0 if it has, nothing if it never will.
  [[nodiscard]] std::optional<milliseconds> until(Instant t) const;

 private:
  net::Loop& loop_;
  bool real_ = true;
  double speed_ = 1;
  Instant shown_{};  ///< what it showed at `since_`
  SteadyInstant since_{};
};

/// What is to be done when the world's clock gets there.
class WorldAgenda {
 public:
  WorldAgenda(net::Loop& loop, WorldClock& clock, std::function<void(const std::string&)> carry_out)
      : loop_(loop), clock_(clock), carry_out_(std::move(carry_out)) {}
  void plan(Instant due, std::string action);
  void clear();
  /// The clock was changed by somebody.
  void look_again();
  /// Moves the clock on, and on its way does what is due, each at its moment.
  void advance_to(Instant t);

 private:
  net::Loop& loop_;
  WorldClock& clock_;
  std::function<void(const std::string&)> carry_out_;
  std::multimap<Instant, std::string> due_;
  net::Timer timer_;
};

}  // namespace watchbill::sandbox
