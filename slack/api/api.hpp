#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "net/task.hpp"

/// Slack's Web API as the engine and the command line see it. Facts: `docs.slack.dev/reference/methods/…`.
/// Every call takes a `Permit`: there is no way past the budget.
namespace watchbill::slack {

/// Which of the calls that wait goes first. Lower ones leave room for higher ones.
enum class Priority { handoff, edit, drift, background };
std::string_view name_of(Priority priority);

/// The Web API methods that we call; `method_name` gives Slack's name.
enum class Method {
  auth_test,
  usergroups_list,
  usergroups_create,
  usergroups_update,
  usergroups_enable,
  usergroups_disable,
  usergroups_users_update,
  users_list,
  users_lookup_by_email,
  users_info,
  conversations_list,
  conversations_info,
  conversations_join,
  conversations_open,
  conversations_history,
  chat_post_message,
  views_open,
  views_push,
  views_update,
  views_publish,
  apps_connections_open,
};
inline constexpr std::size_t kMethodCount = 21;
std::string_view method_name(Method method);

/// True if the method changes something at Slack: an answer that cannot be read leaves open whether it did.
bool is_write(Method method);

/// Leave to make one call, taken from the budget (see slack/limits/rate_limiter.hpp). It is used up by the
/// call.
class Permit {
 public:
  Permit(Permit&&) noexcept = default;
  Permit& operator=(Permit&&) noexcept = default;
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  [[nodiscard]] Method method() const { return method_; }
  /// When the rate limiter gave it, and the key it was asked for with; no moment if none did.
  [[nodiscard]] std::optional<SteadyInstant> granted() const { return granted_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  /// For tests that need no rate limiter.
  static Permit grant(Method method) { return Permit(method, std::nullopt, {}); }
  /// For `RateLimiter`.
  static Permit grant(Method method, SteadyInstant at, std::string key) {
    return Permit(method, at, std::move(key));
  }

 private:
  Permit(Method method, std::optional<SteadyInstant> granted, std::string key)
      : method_(method), granted_(granted), key_(std::move(key)) {}
  Method method_;
  std::optional<SteadyInstant> granted_;
  std::string key_;
};

/// Who the token is (auth.test).
struct Identity {
  std::string team;
  TeamId team_id;
  std::string user;
  UserId user_id;
  std::string url;
  bool is_bot = false;
  bool organization = false;        ///< the app is installed for a whole organization, in no workspace
  std::vector<std::string> scopes;  ///< from `x-oauth-scopes`
};

struct UserGroup {
  GroupId id;
  std::string handle;
  std::string name;
  std::vector<UserId> members;  ///< sorted
  bool disabled = false;
  /// Kept by Slack (admins, owners), by an identity provider, locked or external: never written. Says why.
  std::optional<std::string> unwritable;
  std::vector<ChannelId> default_channels;  ///< Slack adds members of the group to these
  UserId updated_by;
  Instant updated_at;
};

struct User {
  UserId id;
  std::string name;                  ///< real name, else display name, else handle
  std::optional<std::string> email;  ///< lower case
  bool deleted = false;
  bool bot = false;
  bool guest = false;  ///< restricted, ultra restricted, or a stranger from another workspace
  bool admin = false;  ///< admin or owner
  /// Only such people may be members of a group.
  [[nodiscard]] bool assignable() const { return !deleted && !bot && !guest; }
  bool operator==(const User&) const = default;
};

struct UserPage {
  std::vector<User> users;
  std::string next_cursor;  ///< empty on the last page
};

struct Channel {
  ChannelId id;
  std::string name;
  bool is_private = false;
  bool archived = false;
  bool member = false;  ///< our bot is in it
};
struct ChannelPage {
  std::vector<Channel> channels;
  std::string next_cursor;
};

/// A message as it was posted.
struct Posted {
  ChannelId channel;
  std::string ts;
};
struct OutgoingMessage {
  ChannelId channel;
  std::string text;    ///< mrkdwn; also the notification
  std::string blocks;  ///< JSON array; empty for none
  std::string key;     ///< carried in `metadata` as `watchbill_announcement` / `{"key": …}`; empty for none
};
struct HistoryPage {
  /// Keys of our own metadata found on this page, with the message's ts.
  std::vector<std::pair<std::string, std::string>> keys;
  std::string next_cursor;
};

/// What the engine needs of Slack's groups. Errors carry Slack's code (`permission_denied`, …) in `code`:
/// `forbidden` for what only a person can mend, `invalid` for a refused argument, `server` with `maybe_done`
/// for `internal_error`, `fatal_error`, `request_timeout`, `service_unavailable` and 5xx.
class Groups {
 public:
  virtual ~Groups() = default;
  /// Every group with its members, disabled ones too, in one call.
  virtual net::Task<Result<std::vector<UserGroup>>> list_groups(Permit permit) = 0;
  /// Replaces the whole member list; `members` is never empty. Returns the members that Slack now reports.
  virtual net::Task<Result<std::vector<UserId>>> set_members(Permit permit, GroupId group,
                                                             std::vector<UserId> members) = 0;
  virtual net::Task<Result<void>> enable_group(Permit permit, GroupId group) = 0;   ///< or it is already
  virtual net::Task<Result<void>> disable_group(Permit permit, GroupId group) = 0;  ///< or it is already
  virtual net::Task<Result<UserGroup>> create_group(Permit permit, std::string name, std::string handle,
                                                    std::string description) = 0;
};

/// What is needed of Slack's people.
class Users {
 public:
  virtual ~Users() = default;
  /// `not_found` for unknown and for deactivated people alike (Slack: users.lookupByEmail).
  virtual net::Task<Result<User>> lookup_by_email(Permit permit, std::string email) = 0;
  virtual net::Task<Result<User>> user_info(Permit permit, UserId user) = 0;
  /// 200 a page, deactivated people too. On `invalid_cursor` start over.
  virtual net::Task<Result<UserPage>> list_users(Permit permit, std::string cursor) = 0;
};

/// What announcements need of Slack's channels.
class Channels {
 public:
  virtual ~Channels() = default;
  virtual net::Task<Result<Posted>> post(Permit permit, OutgoingMessage message) = 0;
  /// Messages since `oldest` by this host's clock, newest first, with all metadata.
  virtual net::Task<Result<HistoryPage>> history(Permit permit, ChannelId channel, Instant oldest,
                                                 std::string cursor) = 0;
  virtual net::Task<Result<void>> join(Permit permit, ChannelId channel) = 0;
  virtual net::Task<Result<Channel>> channel_info(Permit permit, ChannelId channel) = 0;
  /// Public ones, and private ones the bot is in; 200 a page.
  virtual net::Task<Result<ChannelPage>> list_channels(Permit permit, std::string cursor) = 0;
  /// Opens (or finds) the direct conversation with a person.
  virtual net::Task<Result<ChannelId>> open_direct(Permit permit, UserId user) = 0;
};

/// A view as Slack now has it.
struct ViewRef {
  std::string id;
  std::string hash;  ///< changes with the view; sent back, it refuses to overwrite another change
};

/// What the Slack app needs of modals and the home tab. `view` is JSON (Block Kit). An update with a `hash`
/// that is outdated is `conflict`; a trigger that was used or is older than 3 s is `invalid` (code
/// "expired_trigger_id", "trigger_exchanged"); a view that is gone is `not_found`.
class Views {
 public:
  virtual ~Views() = default;
  virtual net::Task<Result<ViewRef>> open_view(Permit permit, std::string trigger, std::string view) = 0;
  /// On top of the modal that is open; at most three in all.
  virtual net::Task<Result<ViewRef>> push_view(Permit permit, std::string trigger, std::string view) = 0;
  /// `hash` empty: whatever is there.
  virtual net::Task<Result<ViewRef>> update_view(Permit permit, std::string id, std::string view,
                                                 std::string hash) = 0;
  /// The home tab of one person.
  virtual net::Task<Result<ViewRef>> publish_home(Permit permit, UserId user, std::string view) = 0;
  /// Posts to the address that came with a command or a click (at most 5 times in 30 minutes). `message` is a
  /// JSON object. Needs no permit: it is outside of the tiers. Addresses outside of Slack's domain (or
  /// `api_url`'s) are refused: `invalid`; one that is used up is `not_found`.
  virtual net::Task<Result<void>> respond(std::string response_url, std::string message) = 0;
};

class Account {
 public:
  virtual ~Account() = default;
  virtual net::Task<Result<Identity>> auth_test(Permit permit) = 0;
};

}  // namespace watchbill::slack
