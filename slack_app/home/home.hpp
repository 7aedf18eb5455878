#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/announce/outbox.hpp"
#include "core/oncall/rotation.hpp"
#include "slack_app/blocks/blocks.hpp"

/// The home tab: what one reader sees of it, as plain values, and its view.
namespace watchbill::slack_app {

/// How many rotations stand on a page: two blocks each, and room for the rest.
inline constexpr std::size_t kRotationsPerPage = 30;

/// Something a person must look at.
struct Attention {
  enum class Fix {
    none,        ///< the text says what to do
    person,      ///< choose the Slack user; `object` is "CONNECTION/ID"
    connection,  ///< new credentials; `object` is the connection's name
    rotation,    ///< edit it; `object` is its number
    account,     ///< say whether it is the right one; `object` is the connection's name
  };
  std::string text;  ///< mrkdwn
  Fix fix = Fix::none;
  std::string object{};
  bool operator==(const Attention&) const = default;
};

/// A scheduling system.
struct SystemLine {
  std::string name;
  std::string kind;   ///< "pagerduty"
  std::string title;  ///< "PagerDuty"
  std::string state = "ok";
  std::optional<Instant> last_success{};
  std::string problem{};      ///< plain text; empty if there is none
  std::string notice{};       ///< plain text: that the system ends; empty if it does not
  std::size_t rotations = 0;  ///< that use it
};

/// The last change of a rotation's group.
struct LastChange {
  Instant at;
  std::string what;  ///< mrkdwn: "handoff to <@U1>"
};

struct RotationLine {
  RotationId id;
  std::string name;
  GroupId group;
  std::string handle;
  std::vector<OnCallPerson> on_call{};
  std::vector<ScheduleRef> unknown{};  ///< where it is not known who is on call
  std::vector<NextPerson> next{};
  std::string in_group{};                    ///< mrkdwn; empty where the group is those on call
  std::string state;                         ///< as `watchbill status` names it
  std::vector<std::string> problems{};       ///< mrkdwn, the most important first
  std::optional<Instant> stale_since{};      ///< for "stale", if known
  std::optional<milliseconds> written_in{};  ///< for "pending", if known
  std::size_t ahead = 0;                     ///< for "pending": groups that are written before
  std::optional<LastChange> last_change{};
  std::string file{};  ///< that manages it; empty if none does
  // What the reader may do with it.
  bool may_edit = false;
  bool may_sync = false;
  bool may_pause = false;
  bool may_remove = false;
};

/// One of the reader's own shifts.
struct OwnShift {
  std::string rotation;
  std::optional<Instant> from{};   ///< none: on call now
  std::optional<Instant> until{};  ///< none: not known
  std::string schedule{};          ///< its name, where the rotation has several
};

struct HomeModel {
  /// Guests see who is on call and nothing more: no systems, no problems, no states.
  bool guest = false;
  std::string command = "/oncall";
  std::vector<Attention> attention{};
  std::vector<SystemLine> systems{};
  bool may_connect = false;
  /// Why systems cannot be connected in the browser here, a line each; empty if they can.
  std::string no_browser{};
  bool may_create = false;
  bool may_fix_people = false;
  /// The rotations of this page.
  std::vector<RotationLine> rotations{};
  std::size_t all = 0;       ///< rotations that there are
  std::size_t matching = 0;  ///< and that `query` finds
  std::size_t page = 0;      ///< from 0
  std::string query{};       ///< what was searched for; empty: everything
  std::vector<OwnShift> shifts{};
};

/// How many pages `matching` rotations take; at least one.
std::size_t page_count(std::size_t matching);
/// The view, in at most 100 blocks whatever the model holds.
std::string home_view(const HomeModel& model);

/// What the home tab remembers in itself: which page of which search it shows.
struct HomePosition {
  std::size_t page = 0;
  std::string query{};
  bool operator==(const HomePosition&) const = default;
};
std::string metadata_of(const HomePosition& position);
/// The first page of everything if `metadata` cannot be read.
HomePosition home_position(const std::string& metadata);

// Names of actions: what comes back when something is clicked.
inline constexpr const char* kNewRotation = "rotation_new";
inline constexpr const char* kRotationMenu = "rotation_menu";  ///< "edit:12", "sync:12", …
inline constexpr const char* kConnectPrefix = "connect:";      ///< and the kind
inline constexpr const char* kSystemMenu = "system_menu";      ///< "update:NAME", "test:NAME", "remove:NAME"
inline constexpr const char* kFixPerson = "person_fix";
inline constexpr const char* kFixSystem = "system_fix";
inline constexpr const char* kFixRotation = "rotation_fix";
inline constexpr const char* kLookAtAccount = "account_look";
inline constexpr const char* kHomeSearch = "home_search";
inline constexpr const char* kHomeSearchClear = "home_search_clear";
inline constexpr const char* kHomePage = "home_page:";  ///< and "next" or "previous"; the value is the page

}  // namespace watchbill::slack_app
