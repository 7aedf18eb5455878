#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/oncall/rotation.hpp"
#include "slack_app/blocks/blocks.hpp"
#include "slack_app/rotations/history_words.hpp"

/// The smaller modals: asking for a yes, and telling what happened.
namespace watchbill::slack_app {

/// Shown at once while something is looked up.
std::string loading_modal(const std::string& title);
/// What happened, or why it did not.
std::string notice_modal(const std::string& title, const std::string& mrkdwn_text);

/// Members whom a change takes out of a group, or puts into one that is taken over.
struct AdoptionModel {
  std::string draft;                ///< under which the form is kept meanwhile
  std::string rotation;             ///< its name
  std::string group;                ///< mrkdwn
  std::vector<std::string> goes{};  ///< mrkdwn, one each
  std::vector<std::string> comes{};
  std::string unsure{};                 ///< why it is not known who comes; plain text
  std::string last_edited{};            ///< mrkdwn; empty if Slack does not tell
  std::vector<std::string> channels{};  ///< mrkdwn: Slack adds members of the group to these
  bool first = true;                    ///< the group is taken over, and what it was can be put back
  bool when_resumed = false;            ///< the rotation is paused
  std::optional<RotationId> resumes{};  ///< the rotation that is to be resumed; none for a form
  std::string version{};                ///< of that one (`control::version_of`)
};
std::string adoption_modal(const AdoptionModel& model);
inline constexpr const char* kAdoption = "rotation_adopt";
inline constexpr const char* kResume = "rotation_resume";

struct DeleteModel {
  RotationId id{};
  std::string name;
  std::string group;  ///< mrkdwn
  /// Who was in the group before it was taken over, mrkdwn; none if that is not known.
  std::optional<std::vector<std::string>> former{};
  bool former_disabled = false;  ///< also if it was empty (`control::former_of`)
  std::optional<Instant> former_at{};
};
std::string delete_modal(const DeleteModel& model);
inline constexpr const char* kDelete = "rotation_delete";
inline constexpr const char* kFieldRestore = "restore";

struct DisconnectModel {
  std::string name;
  std::string title;                     ///< "PagerDuty"
  std::vector<std::string> rotations{};  ///< that use it: then it cannot be removed
};
std::string disconnect_modal(const DisconnectModel& model);
inline constexpr const char* kDisconnect = "connection_remove";

/// A responder for whom there is no Slack user.
struct PersonModel {
  std::string person;  ///< "pd/PUSER1", kept in the view
  std::string name;
  std::string email{};              ///< empty if not known
  std::string system{};             ///< the connection's name
  std::string why{};                ///< plain text
  std::string error{};              ///< mrkdwn
  std::vector<UserId> namesakes{};  ///< people in Slack of that name
};
std::string person_modal(const PersonModel& model);
inline constexpr const char* kPerson = "person_fix";
inline constexpr const char* kFieldPerson = "person";
/// Says who somebody is from now on, with a button that takes it back. `name` and `user` as mrkdwn.
std::string person_saved_modal(const std::string& person, const std::string& name, const std::string& user);
inline constexpr const char* kPersonBack = "person_back";

std::string history_modal(const HistoryModel& model);

}  // namespace watchbill::slack_app
