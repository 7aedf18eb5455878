#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/journal/journal.hpp"
#include "net/loop.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::engine {

/// The kinds of requests that another process may leave in the store, with their JSON.
/// - "sync": {} -> {"ok":true} once a pass that began after the request is complete, else
/// {"ok":false,"error":…}
/// - "create_group": {"name":…,"handle":…,"description":…} -> {"ok":true,"group":{"id":…,"handle":…}}
/// - "enable_group": {"group":"S…"} -> {"ok":true}
/// - "restore_group": {"rotation":1,"group":"S…","members":["U…"],"disabled":false} -> {"ok":true}; only
/// while that rotation is being deleted (`Deletion`), and remembered in its history
inline constexpr const char* kSyncRequest = "sync";
inline constexpr const char* kCreateGroupRequest = "create_group";
inline constexpr const char* kEnableGroupRequest = "enable_group";
inline constexpr const char* kRestoreGroupRequest = "restore_group";

/// What carrying out a request works with.
struct JobPorts {
  net::Loop& loop;
  store::AsyncStore store;
  Journal& journal;
  slack::Groups& groups;
  slack::RateLimiter& limiter;
};
/// Whether a request is still to be carried out: asked right before it takes effect. An error says why not.
using StillWanted = std::function<net::Task<Result<void>>()>;

/// Carries out one request about a group and returns its answer as JSON: also used by a command line that
/// holds the store's lock itself.
net::Task<std::string> carry_out_group_request(JobPorts ports, std::string kind, std::string payload,
                                               StillWanted still_wanted);

/// Answers what other processes ask of the daemon.
class JobRunner {
 public:
  /// `sync` starts a pass and returns whether it became complete.
  JobRunner(JobPorts ports, std::function<net::Task<bool>()> sync);
  /// Starts those of these requests that are new; those that nobody waits for any more are answered so.
  void take(std::vector<store::Request> requests);
  [[nodiscard]] std::size_t in_flight() const { return busy_.size(); }

 private:
  net::Task<void> handle(store::Request request);
  [[nodiscard]] net::Task<Result<void>> still_wanted(std::int64_t id) const;

  JobPorts ports_;
  std::function<net::Task<bool>()> sync_;
  std::set<std::int64_t> busy_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
