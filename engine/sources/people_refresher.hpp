#pragma once

#include <functional>
#include <set>

#include "engine/model.hpp"
#include "engine/sources/responder_matcher.hpp"
#include "net/loop.hpp"
#include "slack/people/change_event.hpp"
#include "slack/people/directory.hpp"

namespace watchbill::engine {

/// Looks up in Slack, ahead of time, everybody who is or will soon be on call, so that a handoff finds its
/// people known; and looks again at those on call, since Slack's people change, too (docs/decisions/0022).
class PeopleRefresher {
 public:
  /// `on_change`: somebody's match may have changed. Called at most twenty times a second.
  /// `events_arrive`: Slack can reach us with its events now.
  PeopleRefresher(net::Loop& loop, Model& model, slack::Directory& directory, ResponderMatcher& matcher,
                  std::function<void()> on_change, std::function<bool()> events_arrive);
  void start();
  /// Somebody on call now is not known: look at once, before anything else.
  void urgent();
  /// Rotations, mappings or the clock changed: look at everybody when there is time.
  void kick();
  /// This schedule's people may be others: look at them when there is time.
  void look_at(const ScheduleRef& schedule);
  /// Slack called these invalid.
  void recheck(std::vector<UserId> users);
  /// An event shows this person so.
  void hear(const slack::User& person);
  /// Asks Slack anew about everybody on the timelines, and every address that nobody had.
  void look_at_everybody();
  /// That, as far as it is about those on call now, has not ended yet, or what came of it has not been told.
  [[nodiscard]] bool looking() const { return looking_ > 0 || changed_somebody_; }

 private:
  net::Task<void> run();
  net::Task<void> look_up_urgent();
  net::Task<Result<void>> look_up(std::vector<std::string> emails, std::vector<UserId> users,
                                  slack::Priority priority);
  net::Task<void> watch_on_call();
  net::Task<void> follow_events();
  net::Task<void> look_at_all();
  net::Task<Result<void>> look_again(std::vector<UserId> users, std::vector<std::string> emails,
                                     slack::Priority priority);
  net::Task<void> learn_list();
  net::Task<void> watch_changes();
  void note_change();
  net::Task<void> tell_changes();
  net::Task<void> refresh(std::vector<UserId> users);
  /// Addresses of all who stand on the timelines that are to be looked at.
  [[nodiscard]] std::vector<std::string> wanted_emails(bool of_all) const;
  [[nodiscard]] std::vector<UserId> wanted_users() const;
  /// Whom a change in Slack would take out of a group, or bring back into it, now.
  struct OnCallNow {
    std::vector<UserId> users;  ///< accounts of those who are on call, or within two minutes
    std::vector<std::string>
        emails;  ///< addresses of those on call who have no account that may be in a group
  };
  [[nodiscard]] OnCallNow on_call_now() const;
  /// Reading the list finds a change among them sooner than asking for each, and is allowed so often.
  [[nodiscard]] bool by_list(const OnCallNow& on_call, std::size_t rounds) const;
  /// Events arrive, so those on call are looked at seldom.
  [[nodiscard]] bool told();
  [[nodiscard]] std::vector<std::string> pending_emails() const;

  net::Loop& loop_;
  Model& model_;
  slack::Directory& directory_;
  ResponderMatcher& matcher_;
  std::function<void()> on_change_;
  std::function<bool()> events_arrive_;
  net::Signal kicked_;
  net::Signal needed_;
  net::Signal heard_;
  net::Signal changes_;
  bool changed_somebody_ = false;
  bool urgent_ = false;
  /// When an event last told about a person: they arrive, so those on call need not be looked at every
  /// minute.
  std::optional<SteadyInstant> told_at_;
  std::set<UserId> told_users_;
  std::set<std::string> told_emails_;
  bool wanted_ = false;
  int looking_ = 0;
  bool learning_list_ = false;
  /// Looking at every shift that is known takes too long to do it with each answer.
  bool all_ = true;
  std::set<ScheduleRef> changed_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
