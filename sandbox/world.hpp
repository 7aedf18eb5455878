#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sandbox/slack/app.hpp"
#include "sandbox/wall_rule.hpp"

/// The memory of the sandbox: plain data, changed by the servers and by the control endpoint.
namespace watchbill::sandbox {

enum class System { slack, pagerduty, identity, opsgenie, jsm, xmatters };
inline constexpr std::array kSystems{System::slack,    System::pagerduty, System::identity,
                                     System::opsgenie, System::jsm,       System::xmatters};
std::string_view name_of(System system);
/// "slack", "pagerduty", ... or nothing.
std::optional<System> system_named(std::string_view name);

/// Rows in the order they were added, found by id.
template <class T>
class Table {
 public:
  T* find(std::string_view id) {
    auto found = index_.find(std::string(id));
    return found == index_.end() ? nullptr : &rows_[found->second];
  }
  const T* find(std::string_view id) const { return const_cast<Table*>(this)->find(id); }
  /// The row of that id, made if it is not there.
  T& make(const std::string& id) {
    auto [place, fresh] = index_.try_emplace(id, rows_.size());
    if (fresh) rows_.emplace_back().id = id;
    return rows_[place->second];
  }
  bool remove(std::string_view id) {
    auto found = index_.find(std::string(id));
    if (found == index_.end()) return false;
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(found->second));
    index_.clear();
    for (std::size_t i = 0; i < rows_.size(); ++i) index_.emplace(rows_[i].id, i);
    return true;
  }
  auto begin() { return rows_.begin(); }
  auto end() { return rows_.end(); }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  const T& operator[](std::size_t index) const { return rows_[index]; }

 private:
  std::deque<T> rows_;
  std::unordered_map<std::string, std::size_t> index_;
};

// --- Slack ------------------------------------------------------------------------------------------------

struct SlackUser {
  std::string id;
  std::string key;   ///< the person's name in the control vocabulary
  std::string name;  ///< handle
  std::string real_name;
  std::string email;  ///< empty: none
  bool deleted = false;
  bool multi_channel_guest = false;
  bool single_channel_guest = false;
  bool stranger = false;  ///< of another workspace
  bool bot = false;
  bool admin = false;
  bool owner = false;
  /// May be a member of a user group (docs.slack.dev/reference/methods/usergroups.users.update).
  [[nodiscard]] bool assignable() const {
    return !deleted && !multi_channel_guest && !single_channel_guest && !stranger && !bot;
  }
  bool operator==(const SlackUser&) const = default;
};

struct Message {
  std::string ts;
  std::string user;
  std::string bot_id;
  std::string text;
  std::string blocks;         ///< JSON, empty for none
  std::string metadata_type;  ///< empty for none
  std::string metadata_payload;
  std::string thread_ts{};  ///< of the message that this one answers; empty for none
  bool broadcast = false;   ///< an answer that stands in the channel, too
};

struct Channel {
  std::string id;
  std::string name;
  bool is_private = false;
  bool archived = false;
  bool direct = false;
  std::set<std::string> members;
  std::vector<Message> messages;  ///< oldest first
  std::int64_t last_ts = 0;       ///< microseconds, so that every `ts` is unique in its channel
  std::uint64_t edits = 0;        ///< how often a message was changed or deleted
};

struct Group {
  std::string id;
  std::string name;
  std::string handle;
  std::string description;
  std::vector<std::string> users;
  std::vector<std::string> default_channels;
  std::string auto_type;  ///< empty, "admin" or "owner"
  bool idp = false;
  bool membership_locked = false;
  bool editing_restricted = false;
  bool external = false;
  std::int64_t created = 0;
  std::int64_t updated = 0;
  std::int64_t disabled_at = 0;  ///< 0: enabled
  std::string created_by;
  std::string updated_by;
  /// What it was before each change, newest last: for answers as of some time ago.
  struct Past {
    Instant until;
    std::vector<std::string> users;
    std::int64_t disabled_at;
    std::string by;  ///< who ended it
  };
  std::vector<Past> past;
  std::uint64_t changes = 0;  ///< how many there were, also before `past`
  /// Its JSON by the options of usergroups.list, until it changes: lists of 10,000 stay quick.
  mutable std::map<int, std::string> written;
};

struct SlackToken {
  std::string id;
  std::string kind;  ///< "bot", "user" or "app"
  std::string user;
  std::set<std::string> scopes;
  std::string error;  ///< empty: alive; else what Slack says to it ("token_revoked", ...)
};

struct SlackSettings {
  bool admins_only = false;  ///< only admins may create and edit user groups
  bool paid = true;          ///< user groups need a paid plan
  bool refuse_disabled = true;
  /// What a disabled group answers to a new member list is not documented; this code is as good as any.
  std::string disabled_error = "invalid_arguments";
  std::size_t max_group_members = 0;  ///< 0: no limit
  /// usergroups.users.update says ok and leaves these people out, or shows them under another id ("W" for
  /// "U").
  std::vector<std::string> left_out;
  std::vector<std::string> other_ids;
  /// usergroups.enable and .disable say already_enabled, already_disabled.
  bool says_already = false;
  milliseconds stale{0};  ///< usergroups.list answers as of so long ago
  /// usergroups.list leaves out all but this share of the groups (1: all).
  double list_share = 1;
  std::string team_id = "T0SANDBOX";
  std::string team = "Northwind Ops";
  std::string bot_user = "U0BOT";
  std::string bot_id = "B0SANDBOX";
};

// --- scheduling systems -----------------------------------------------------------------------------------

/// A person as one scheduling system knows him.
struct Responder {
  std::string id;
  std::string key;
  std::string name;
  std::string login;
  std::string email;  ///< empty: none
  bool deleted = false;
  /// xMatters: asking for this person's devices is answered 403.
  bool devices_forbidden = false;
  /// JSM: Jira shows nobody the address of this person.
  bool email_hidden = false;
};

/// Who is on call from `start` to `end` (kNever: never ends). `people` holds keys of people, or
/// "schedule:ID" (Opsgenie), "team:ID", "escalation:ID" (Opsgenie, JSM), "group:ID", "device:KEY" (xMatters),
/// or one empty text: a shift that nobody holds.
struct Shift {
  std::vector<std::string> people;
  Instant start{};
  Instant end = kNever;
  std::string source = "rotation";  ///< or "override"
  bool operator==(const Shift&) const = default;
};

/// Turns of equal length one after another, from the turn numbered `first` (nothing: for ever) to the one
/// numbered `last`, which never ends.
struct Rule {
  std::vector<std::vector<std::string>> turns;
  milliseconds length{0};
  Instant start{};
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> last;
};

/// A rotation of a schedule (Opsgenie, JSM, PagerDuty v3) or a shift of a group (xMatters). PagerDuty's
/// layer-based schedules have exactly one.
struct Part {
  std::string id;
  std::string name;
  std::optional<Rule> rule;
  std::optional<WallRule> wall;
  std::vector<Shift> fixed;  ///< without a rule: these, in order
  std::vector<int> delays;   ///< xMatters: minutes before each position
  bool deleted = false;      ///< JSM: it is gone, and its past is still told
};

struct Override {
  std::string id;
  std::string part;                 ///< empty: all parts
  std::string of;                   ///< whose place is taken; empty: everybody's
  std::vector<std::string> people;  ///< empty: nobody
  Instant start{};
  Instant end{};
  Instant made_at{};
};

struct Schedule {
  std::string id;
  System system = System::pagerduty;
  std::string name;
  bool shift_based = false;  ///< PagerDuty v3
  int escalation_policies = 1;
  bool enabled = true;
  bool forbidden = false;
  std::string group_type = "ON_CALL";
  std::vector<Part> parts;
  std::vector<Override> overrides;  ///< in the order they were made; a later one wins
};

/// Opsgenie and JSM: a team, whose members are all on call, or an escalation, whose members follow after
/// `delay`.
struct Step {
  std::string who;
  int delay = 0;  ///< minutes
};
struct Team {
  std::string id;
  std::string name;
  bool escalation = false;
  std::vector<Step> steps;
};

/// Opsgenie and JSM: whoever should reach `from` reaches `to`.
struct Forwarding {
  System system = System::opsgenie;
  std::string from;
  std::string to;
  Instant start{};
  Instant end{};
  Instant made_at{};
};

struct OAuthToken {
  std::set<std::string> scopes;
  Instant expires = kNever;
  std::string person;  ///< whose it is; empty: an app's own
};
struct OAuthGrant {
  std::set<std::string> scopes;
  std::string person;
};
/// What an app asks a person for in the browser.
struct OAuthRequest {
  std::string redirect_uri;
  std::string state;
  std::string challenge;  ///< of PKCE
  std::set<std::string> scopes;
};
/// What it gets if the person agrees.
struct OAuthCode {
  std::string redirect_uri;
  std::string challenge;
  std::string person;
  std::set<std::string> scopes;
  Instant expires{};
};

struct PagerDutySettings {
  std::string api_key = "pd-sandbox-key";
  std::string client_id = "pd-sandbox-client";
  std::string client_secret = "pd-sandbox-client-secret";
  std::string subdomain = "acme";
  std::string region = "us";
  std::int64_t token_lifetime_seconds = 86400;
  bool v3_in_oncalls = true;
  std::vector<std::string> direct_targets;  ///< people an escalation policy names without a schedule
  std::map<std::string, OAuthToken> access_tokens;
  std::map<std::string, OAuthGrant> refresh_tokens;  ///< the live ones
  /// Where people may be sent back to; "http://127.0.0.1:*" is every port and path there.
  std::vector<std::string> redirect_uris{"http://127.0.0.1:*", "http://localhost:*"};
  double code_seconds = 30;
  std::vector<std::string> withheld_scopes;  ///< never granted, whatever is asked
  bool echo_state = true;
  std::map<std::string, OAuthRequest> requests;  ///< shown to somebody, not answered
  std::map<std::string, OAuthCode> codes;
};

struct OpsgenieSettings {
  std::string api_key = "og-sandbox-key";
  bool team_key = false;  ///< the key belongs to a team: what it may not see or is not there answers 403
};

struct JsmSettings {
  std::string site = "acme.atlassian.net";
  std::string cloud_id = "11111111-2222-4333-8444-555555555555";
  std::string email = "watchbill@example.com";
  std::string api_token = "ATATT3xSandbox";
  bool hidden_is_404 = false;      ///< a schedule that may not be seen: else 403
  bool absolute_links = false;     ///< the next page by a whole URL; else behind the base
  bool limit_headers = true;       ///< X-RateLimit-*; not documented for these calls
  std::size_t calls_a_minute = 0;  ///< 0: no limit
  bool jira_forbidden = false;     ///< Jira's users may not be looked up
  std::size_t users_a_page = 200;  ///< so many at most, whatever is asked for
};

struct XMattersSettings {
  std::string api_key = "x-api-key-sandbox";
  std::string api_secret = "xm-sandbox-secret";
  bool unknown_group_is_404 = false;      ///< else it is left out
  bool absences_as_replacements = false;  ///< the older name of the field
  bool idle_groups_listed = false;  ///< a group without active shift is an item without shift and members
};

/// What one scheduling system holds.
struct Roster {
  Table<Responder> people;
  std::unordered_map<std::string, std::string> id_of_key;
  Table<Schedule> schedules;
  milliseconds lag{0};

  const Responder* person(const std::string& key) const {
    auto found = id_of_key.find(key);
    return found == id_of_key.end() ? nullptr : people.find(found->second);
  }
};

struct World {
  Table<SlackUser> users;
  Table<Channel> channels;
  Table<Group> groups;
  Table<SlackToken> tokens;
  std::string signing_secret = "sandbox-signing-secret";
  SlackSettings slack;
  SlackApp app;
  std::unordered_map<std::string, std::string> user_of_key;

  std::map<System, Roster> rosters{
      {System::pagerduty, {}}, {System::opsgenie, {}}, {System::jsm, {}}, {System::xmatters, {}}};
  PagerDutySettings pagerduty;
  OpsgenieSettings opsgenie;
  JsmSettings jsm;
  XMattersSettings xmatters;
  Table<Team> teams;
  std::vector<Forwarding> forwardings;

  std::uint64_t next_number = 1;
  std::uint64_t plans = 1;  ///< counts what may have changed who is on call

  [[nodiscard]] const Roster& roster(System system) const { return rosters.at(system); }
  [[nodiscard]] Roster& roster(System system) { return rosters.at(system); }
};

/// The workspace with a bot and its tokens and nobody else.
World empty_world();
/// Remembers what the group was, for answers as of some time ago, and who changes it. Call it before.
void group_changes(Group& group, Instant now, const std::string& by);
/// A new `ts`, later than all in the channel.
std::string next_message_ts(Channel& channel, Instant now);
/// Upper case letters and digits of `text`: part of an id that people can read.
std::string id_text(std::string_view text);
/// A UUID that depends on `text` alone.
std::string uuid_of(std::string_view text);
std::int64_t unix_seconds(Instant t);

}  // namespace watchbill::sandbox
