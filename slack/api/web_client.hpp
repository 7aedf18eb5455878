#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "net/http.hpp"
#include "slack/api/api.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::slack {

struct WebClientOptions {
  std::string api_url = "https://slack.com/api/";  ///< ends with '/'
  Secret bot_token;
  /// For group writes in workspaces where only admins may edit groups; empty: the bot token does it.
  Secret user_token{};
  /// The app-level token, for `open_connection` alone; empty: there is none.
  Secret app_token{};
  /// The workspace, sent where Slack takes it (a token for a whole organization needs it); learnt from
  /// `auth_test` if empty.
  TeamId team_id{};
  /// The group whose members may edit in Slack (`slack.editors.group`): never written, or whoever is on call
  /// would become an editor. It is listed as `unwritable`.
  std::optional<GroupId> editors_group{};
  /// How long an answer may take; the list of user groups may take twice as long.
  milliseconds deadline{15s};
  /// A call that Slack answers with 429 is made again when it allows that, unless that is later than this
  /// from then. None: whoever calls is told.
  seconds patience{0};
};

/// What to change of a group.
struct GroupChanges {
  std::optional<std::string> name{};
  std::optional<std::string> handle{};
  std::optional<std::string> description{};
};

/// Slack's Web API over HTTP. Reports every 429 to the rate limiter, and repeats no call but those, as far as
/// it is told to (`patience`). A permit must be for the method that is called (else std::logic_error).
class WebClient final : public Groups, public Users, public Channels, public Views, public Account {
 public:
  WebClient(net::HttpClient& http, RateLimiter& limiter, WebClientOptions options);

  net::Task<Result<std::vector<UserGroup>>> list_groups(Permit permit) override;
  net::Task<Result<std::vector<UserId>>> set_members(Permit permit, GroupId group,
                                                     std::vector<UserId> members) override;
  net::Task<Result<void>> enable_group(Permit permit, GroupId group) override;
  net::Task<Result<void>> disable_group(Permit permit, GroupId group) override;
  net::Task<Result<UserGroup>> create_group(Permit permit, std::string name, std::string handle,
                                            std::string description) override;
  net::Task<Result<UserGroup>> update_group(Permit permit, GroupId group, GroupChanges changes);
  net::Task<Result<User>> lookup_by_email(Permit permit, std::string email) override;
  net::Task<Result<User>> user_info(Permit permit, UserId user) override;
  net::Task<Result<UserPage>> list_users(Permit permit, std::string cursor) override;
  net::Task<Result<Posted>> post(Permit permit, OutgoingMessage message) override;
  net::Task<Result<HistoryPage>> history(Permit permit, ChannelId channel, Instant oldest,
                                         std::string cursor) override;
  net::Task<Result<void>> join(Permit permit, ChannelId channel) override;
  net::Task<Result<Channel>> channel_info(Permit permit, ChannelId channel) override;
  net::Task<Result<ChannelPage>> list_channels(Permit permit, std::string cursor) override;
  net::Task<Result<ChannelId>> open_direct(Permit permit, UserId user) override;
  net::Task<Result<ViewRef>> open_view(Permit permit, std::string trigger, std::string view) override;
  net::Task<Result<ViewRef>> push_view(Permit permit, std::string trigger, std::string view) override;
  net::Task<Result<ViewRef>> update_view(Permit permit, std::string id, std::string view,
                                         std::string hash) override;
  net::Task<Result<ViewRef>> publish_home(Permit permit, UserId user, std::string view) override;
  net::Task<Result<void>> respond(std::string response_url, std::string message) override;
  net::Task<Result<Identity>> auth_test(Permit permit) override;
  /// auth.test with the user token; `not_found` if there is none.
  net::Task<Result<Identity>> user_auth_test(Permit permit);

  /// apps.connections.open: a fresh wss:// address for one Socket Mode connection, good for a short while. It
  /// holds a ticket: not to be logged. `forbidden` if it is not under Slack's (or `api_url`'s) domain.
  net::Task<Result<std::string>> open_connection(Permit permit);

  /// `patience` of the options, from now on.
  void set_patience(seconds patience);

  /// Requests since the start by method and outcome ("ok", else Slack's code if it is a known one, else
  /// the error kind).
  using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;
  [[nodiscard]] const Counts& counts() const;
  /// Slack's clock minus ours, when last seen.
  [[nodiscard]] std::optional<seconds> clock_skew() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace watchbill::slack
