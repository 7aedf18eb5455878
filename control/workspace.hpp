#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "core/oncall/rotation.hpp"

namespace watchbill::control {

/// The Slack workspace as it is now, asked for piece by piece and kept for one task: make a new one for the
/// next.
class Workspace {
 public:
  explicit Workspace(Context& context) : context_(context) {}
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// All groups, disabled ones too. The pointers here and below are valid as long as the workspace.
  net::Task<Result<const std::vector<slack::UserGroup>*>> groups();
  /// By id, or by handle regardless of case if that is empty; null if there is none.
  net::Task<Result<const slack::UserGroup*>> find_group(GroupId id, std::string handle);
  /// By "#name", "name" or id. `not_found` for an unknown one, `invalid` for an archived one.
  net::Task<Result<slack::Channel>> channel(std::string text);
  /// By id or e-mail address; `invalid` for those who may not be in a group.
  net::Task<Result<slack::User>> person(std::string text);
  /// "Ada Example (U1)" as the store or Slack knows him, or the id: a preview of a thousand groups must not
  /// use up what Slack allows.
  net::Task<std::string> name_of(UserId user);
  /// "#payments (C1)", or the id.
  net::Task<std::string> name_of(ChannelId channel);

  /// What was read a moment ago need not be read again.
  void know(std::vector<slack::UserGroup> groups) { groups_ = std::move(groups); }

  [[nodiscard]] Context& context() { return context_; }

 private:
  net::Task<Result<const std::vector<slack::Channel>*>> channels();
  net::Task<Result<slack::Channel>> channel_named(std::string name);
  net::Task<Result<slack::Channel>> channel_of(ChannelId id);
  void remember(const ChannelId& channel, const std::string& name);

  Context& context_;
  std::optional<std::vector<slack::UserGroup>> groups_;
  std::optional<std::vector<slack::Channel>> channels_;
  std::map<ChannelId, slack::Channel> channels_asked_;
  std::map<std::string, slack::User> people_;
  std::optional<std::map<UserId, std::string>> stored_names_;
  int names_asked_ = 0;
};

/// Every page of the channels: public ones, and private ones the bot is in.
net::Task<Result<std::vector<slack::Channel>>> read_channels(Context& context, slack::Priority priority);
/// One person as Slack has him now (`users.info`).
net::Task<Result<slack::User>> read_user(Context& context, UserId user, slack::Priority priority);
net::Task<Result<std::vector<slack::UserGroup>>> read_groups(Context& context, slack::Priority priority);

}  // namespace watchbill::control
