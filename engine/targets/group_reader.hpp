#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "engine/steady_wait.hpp"
#include "net/loop.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::engine {

/// Reads all groups with their members in one call, every pass and when a write has to be checked.
class GroupReader {
 public:
  /// Told about every reading: the rotations whose group is not as the model had it or not as it should be,
  /// or the error.
  using OnRead = std::function<void(Result<std::vector<RotationId>>)>;

  GroupReader(net::Loop& loop, Model& model, slack::Groups& groups, slack::RateLimiter& limiter,
              milliseconds interval, OnRead on_read);
  void start();
  /// Reads again as soon as the budget and `slack::RateLimiter`'s spacing allow.
  void read_soon();
  /// Reads again when what a write that ended now did to its group can be seen.
  void read_when_quiet();

  /// The clock was set back to `now`: nothing was read later.
  void set_back(Instant now) {
    if (last_success_) last_success_ = std::min(*last_success_, now);
  }

  /// When the last reading that was believed began.
  [[nodiscard]] std::optional<Instant> last_success() const { return last_success_; }
  /// A reading that misses so many groups that it is not believed yet; empty otherwise.
  [[nodiscard]] const std::string& distrust() const { return distrust_; }
  /// Handles of all groups at the last reading, by id.
  [[nodiscard]] const std::map<GroupId, std::string>& handles() const { return handles_; }

 private:
  net::Task<void> run();
  net::Task<bool> read_once();
  [[nodiscard]] SteadyInstant next_check(bool read) const;
  void compare_with_answer(GroupEntry& known, const GroupNow& now, const slack::UserGroup& shown);
  std::vector<RotationId> apply(const std::vector<slack::UserGroup>& groups, SteadyInstant requested_at);
  static bool too_early(const GroupEntry& group, SteadyInstant requested_at);
  bool believable(const std::vector<slack::UserGroup>& groups);

  net::Loop& loop_;
  Model& model_;
  slack::Groups& groups_;
  slack::RateLimiter& limiter_;
  milliseconds interval_;
  OnRead on_read_;
  net::Signal wanted_;
  bool soon_ = false;
  /// A group looked different too soon after its write to say whether that is Slack's lag or somebody's edit:
  /// it can be told from then on.
  SteadyInstant differed_until_ = kSteadyNever;
  SteadyInstant quiet_at_ = kSteadyNever;  ///< a write wants to be checked then
  std::optional<Instant> last_success_;
  /// Who Slack says changed the groups that we wrote: whose token we have.
  UserId ourselves_;
  std::string distrust_;
  int distrusted_ = 0;
  std::map<GroupId, std::string> handles_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
