#pragma once

#include <map>
#include <memory>
#include <string>

#include "sandbox/control/control.hpp"

/// Slack's events about people and user groups, sent by themselves when the workspace changes: `user_change`,
/// `team_join`, `subteam_created`, `subteam_updated` and `subteam_members_changed`, as far as the app
/// subscribed to them (docs.slack.dev/reference/events).
namespace watchbill::sandbox {

class AppNews {
 public:
  explicit AppNews(Desk& desk);

 private:
  static net::Task<void> follow(AppNews& self);
  void tell_what_changed();
  /// What is there is known, and nothing of it is told.
  void take_over();
  void tell_people();
  void tell_groups();
  void tell_group(const Group& group, const Group::Past& before);
  [[nodiscard]] bool subscribed(std::string_view type) const;
  template <class Fill>
  void tell(std::string_view type, Fill fill);

  Desk& desk_;
  bool following_ = false;
  std::uint64_t epoch_ = 0;  ///< of the world that is known
  std::map<std::string, SlackUser> people_;
  std::map<std::string, Group::Past> groups_;     ///< as they were told last
  std::map<std::string, std::uint64_t> changes_;  ///< of each group
  net::TaskScope tasks_;
};

}  // namespace watchbill::sandbox
