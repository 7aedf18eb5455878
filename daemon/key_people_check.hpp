#pragma once

#include <vector>

#include "control/roles.hpp"
#include "slack/api/web_client.hpp"

namespace watchbill::daemon {

/// Looks once a day at the people that something depends on: behind the user token, editors, owners, fallback
/// members. Who was deactivated or lost
/// their role is a problem until they are found well again or replaced.
class KeyPeopleCheck {
 public:
  KeyPeopleCheck(control::Context& context, slack::WebClient& client, bool has_user_token)
      : context_(context), client_(client), has_user_token_(has_user_token) {}
  void start() { tasks_.spawn(run()); }
  [[nodiscard]] const std::vector<Problem>& problems() const { return lost_.problems; }
  /// True if nobody can tell yet whether this problem of an earlier look is over.
  [[nodiscard]] bool unsure(const Problem& problem) const;

 private:
  net::Task<void> run();
  net::Task<void> look();

  control::Context& context_;
  slack::WebClient& client_;
  bool has_user_token_;
  control::LostRoles lost_;
  bool looked_ = false;
  bool token_unread_ = false;  ///< whose the user token is, Slack did not say
  net::TaskScope tasks_;
};

}  // namespace watchbill::daemon
