#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/oncall/rotation.hpp"
#include "slack_app/blocks/blocks.hpp"

/// The form in which a rotation is made and edited: what is typed, and its view.
namespace watchbill::slack_app {

/// What was chosen as the group.
struct GroupField {
  bool create = false;
  GroupId id{};          ///< of one that is there
  std::string handle{};  ///< without '@'; may be empty for one to be made
  bool operator==(const GroupField&) const = default;
};

struct ScheduleChoice {
  ScheduleRef ref;
  std::string name;
  bool operator==(const ScheduleChoice&) const = default;
};

/// Everything that the form holds.
struct RotationForm {
  std::string name{};
  std::optional<GroupField> group{};
  std::vector<ScheduleChoice> schedules{};
  std::vector<ChannelId> channels{};
  std::vector<UserId> permanent_members{};
  Empty empty = Empty::keep;
  std::vector<UserId> fallback_members{};
  bool announce = true;
  Mention mention = Mention::incoming;
  std::string own_text{};  ///< empty: the default text
  bool operator==(const RotationForm&) const = default;
};

/// Longest text of an input in Slack, in characters.
inline constexpr std::size_t kMaxTyped = 3000;

/// `names`: of schedules; those without stand there by id.
RotationForm form_of(const Rotation& rotation, const std::vector<ScheduleChoice>& names);
/// The rotation with what the form says; what the form does not show stays as it is in `base`. A schedule
/// that stays keeps its label and whether it is required.
Rotation rotation_of(const RotationForm& form, Rotation base);

/// What a form carries along while it is open.
struct FormState {
  std::optional<RotationId> rotation{};  ///< none: a new one
  std::string version{};                 ///< of the rotation, when the form was opened
  bool more = false;                     ///< the section "More" is open
  bool choose_group = true;              ///< the reader may choose the group; else it is only named
  /// Counts how often the form was built anew with what had been typed: Slack keeps what it shows in a block
  /// as long as the block has the same id.
  int round = 0;
  /// Fingerprints of what it showed when it was opened (form_merge.hpp), and the time of the last edit that
  /// it shows.
  std::map<std::string, std::string> fields{};
  Instant edited{};
  bool operator==(const FormState&) const = default;
};
std::string metadata_of(const FormState& state);
/// Nothing if it is none of ours.
std::optional<FormState> form_state(const std::string& metadata);

// The fields, as blocks are named (`field_id` adds the round).
inline constexpr const char* kFieldName = "name";
inline constexpr const char* kFieldGroup = "group";
inline constexpr const char* kFieldHandle = "handle";
inline constexpr const char* kFieldSchedules = "schedules";
inline constexpr const char* kFieldChannels = "channels";
inline constexpr const char* kFieldMembers = "permanent_members";
inline constexpr const char* kFieldEmpty = "empty";
inline constexpr const char* kFieldFallback = "fallback_members";
inline constexpr const char* kFieldAnnounce = "announce";
inline constexpr const char* kFieldMention = "mention";
inline constexpr const char* kFieldText = "announce.template";
inline constexpr const char* kTyped = "typed";  ///< the action of every field
std::string field_id(const std::string& field, int round);
/// The field that a block is, without its round.
std::string field_of(const std::string& block_id);

/// What was typed, from `view.state.values`; fields that are not shown keep what `base` has.
RotationForm typed_form(json::View values, RotationForm base);

struct RotationFormModel {
  FormState state{};
  RotationForm form{};
  /// The text is longer than a form of Slack's can hold: it is not shown and stays as it is.
  bool text_too_long = false;
  std::string preview{};  ///< of the announcement, mrkdwn; shown in "More"
  std::string bot_name = "watchbill";
  /// What is wrong, where that could not be told by Slack's own way: by field (empty: all of it).
  std::vector<std::pair<std::string, std::string>> errors{};
};
std::string rotation_form_view(const RotationFormModel& model);
/// "Keep the last people": the choices as the form words them.
std::string_view words_of(Empty choice);
std::string_view words_of(Mention choice);

/// "S123", or "new:HANDLE" for one to be made: the values of the group's select.
std::string group_value(const GroupField& group);
std::optional<GroupField> group_choice(const std::string& value, const std::string& text);
Option group_option(const GroupField& group);
/// Nothing if the schedule's name in our notation is longer than Slack allows.
std::optional<Option> schedule_option(const ScheduleChoice& schedule);

inline constexpr const char* kRotationForm = "rotation_form";  ///< callback
inline constexpr const char* kFormMore = "form_more";
inline constexpr const char* kFormBack = "form_back";

}  // namespace watchbill::slack_app
