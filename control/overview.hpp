#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "core/oncall/rotation.hpp"

namespace watchbill::control {

/// A rotation as `status` and the home tab show it.
struct RotationView {
  Rotation rotation;
  std::string state;
  std::vector<UserId> members;  ///< really in the Slack group, when it was last read
  bool disabled = false;        ///< the group is: it notifies nobody
  std::vector<OnCallPerson> on_call;
  std::optional<Instant> next_boundary;
  std::vector<NextPerson> next;
  std::vector<std::string> problems;
  /// It is being deleted, or was when a command was interrupted; `problems` says so, too.
  std::optional<Deletion> deletion{};
  /// Schedules of which it is not known who is on call.
  std::vector<ScheduleRef> unknown;
};

struct ConnectionView {
  std::string name;
  std::string kind;
  store::ConnectionStatus status;
};

/// How Slack reaches the app home and commands, as the daemon last said.
struct SlackAppView {
  std::string mode;   ///< "socket" or "http"
  std::string state;  ///< "off", "connecting", "up", "down"; over HTTP "waiting" until the first request
  std::optional<Instant> since{};
  std::optional<std::string> problem{};
};

/// Everything `status` tells, from the store alone.
struct Overview {
  std::vector<RotationView> rotations;
  std::vector<ConnectionView> connections;
  std::size_t outbox_pending = 0;
  seconds outbox_oldest{0};
  std::size_t queued_writes = 0;
  seconds queue_done_in{0};
  bool daemon_running = false;
  std::optional<Instant> last_pass;
  /// Why nobody knows who is on call now, as the daemon says: this host's clock is wrong.
  std::optional<std::string> clock_problem{};
  /// What stands in the store is not what is now, since when and why.
  std::optional<std::string> store_problem{};
  /// Open problems that belong to no rotation, and that no connection shows itself.
  std::vector<std::string> other_problems{};
  std::optional<SlackAppView> slack_app;  ///< nothing before the daemon ran for the first time
  /// A system that answers was written of longer ago than it should: the store may take no writes.
  bool old = false;
};

/// What it is made of besides the store.
struct OverviewInput {
  Instant now;
  bool daemon_running = false;
  /// No pass becomes complete more often.
  seconds poll{0};
  std::optional<GroupId> editors_group{};
  /// Why the store takes no writes now, if that was asked and is so.
  std::optional<Error> store_error{};
};
Result<OverviewInput> overview_input(const Context& context);
Result<Overview> overview_of(store::Store& store, const OverviewInput& input);
/// Asks why what stands in the store is old, where it is: true if the store takes no writes. Then `input`
/// says why, and the overview is made again with it.
bool look_again(const Context& context, const Overview& overview, OverviewInput& input);
/// All of that.
net::Task<Result<Overview>> read_overview(Context& context);

/// True if anything is told to be wrong: with a rotation, a connection that is used, the daemon, the app or
/// the store. What was chosen (a pause, observing) and a write on its way are not.
bool anything_wrong(const Overview& overview);

/// True if others are in the group than those on call, or it is disabled; false if it was never read.
bool group_differs(const RotationView& view);

/// Who deletes the rotation, until when that holds its group, and how that is ended at once.
std::string say_deleting(const Deletion& deletion, const Rotation& rotation);

/// The state as it is now: the one the engine wrote, unless the rotation was changed since, or no pass was
/// complete for three of its intervals.
std::string state_now(const Rotation& rotation, const std::string& written, seconds interval,
                      std::optional<Instant> last_pass, Instant now);

/// Names of schedules, as the systems call them; those never asked are missing.
std::map<ScheduleRef, std::string> schedule_names(store::Store& store);

/// Names of Slack users that the store knows.
std::map<UserId, std::string> known_names(store::Store& store);
/// "Ada Example", or the id.
std::string name_or_id(const std::map<UserId, std::string>& names, const UserId& user);
/// "Ada Example, Bo Example"
std::string names_of(const std::map<UserId, std::string>& names, const std::vector<UserId>& users);

}  // namespace watchbill::control
