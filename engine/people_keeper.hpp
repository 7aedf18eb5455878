#pragma once

#include <functional>
#include <set>

#include "engine/model.hpp"
#include "engine/roster.hpp"
#include "net/loop.hpp"
#include "slack/directory.hpp"

namespace watchbill::engine {

/// Looks up in Slack, ahead of time, everybody who is or will soon be on call, so that a handoff finds its
/// people known.
class PeopleKeeper {
 public:
  /// `on_change`: somebody's match may have changed. Called at most twenty times a second.
  PeopleKeeper(net::Loop& loop, Model& model, slack::Directory& directory, Roster& roster,
               std::function<void()> on_change);
  void start();
  /// Somebody on call now is not known: look at once, before anything else.
  void urgent();
  /// Rotations, mappings or the clock changed: look at everybody when there is time.
  void kick();
  /// This schedule's people may be others: look at them when there is time.
  void look_at(const ScheduleRef& schedule);
  /// Slack called these invalid.
  void recheck(std::vector<UserId> users);

 private:
  net::Task<void> run();
  net::Task<void> watch_changes();
  void note_change();
  net::Task<void> tell_changes();
  net::Task<void> refresh(std::vector<UserId> users);
  /// Addresses of all who stand on the timelines that are to be looked at.
  [[nodiscard]] std::vector<std::string> wanted_emails(bool of_all) const;
  [[nodiscard]] std::vector<UserId> wanted_users() const;

  net::Loop& loop_;
  Model& model_;
  slack::Directory& directory_;
  Roster& roster_;
  std::function<void()> on_change_;
  net::Signal kicked_;
  net::Signal changes_;
  bool changed_somebody_ = false;
  bool urgent_ = false;
  bool wanted_ = false;
  /// Looking at every shift that is known takes too long to do it with each answer.
  bool all_ = true;
  std::set<ScheduleRef> changed_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
