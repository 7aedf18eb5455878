#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/history.hpp"
#include "core/oncall/on_call_person.hpp"
#include "core/oncall/rotation.hpp"

namespace watchbill {

/// Who comes after the next boundary.
struct NextPerson {
  std::string name;
  std::optional<UserId> member{};
  Instant from;
  bool operator==(const NextPerson&) const = default;
};

/// What is to be said; the text is made when it is sent. Who goes on, goes off and stays follows from
/// `before` and `after`.
struct AnnouncementFacts {
  std::string rotation;
  GroupId group;
  std::string handle;
  bool first = false;  ///< "now on call", not a handoff
  Instant at;          ///< when the change happened (the boundary, or when it was seen)
  std::vector<OnCallPerson> before{};
  std::vector<OnCallPerson> after{};
  std::vector<NextPerson> next{};
  /// What became of the group when nobody is on call or nobody matches; empty otherwise.
  std::string group_note{};
  /// What nobody was told of the time in between: who came and went, which of `before` were off call, and
  /// that nobody was on call.
  std::vector<OnCallPerson> between{};
  std::vector<OnCallPerson> interrupted{};
  bool nobody_between = false;
  bool operator==(const AnnouncementFacts&) const = default;
};

enum class OutboxState {
  waiting,     ///< decided; the group, or the source's confirmation, is outstanding
  ready,       ///< to be sent (at `next_try`)
  sending,     ///< an attempt has begun: its bytes may be out
  sent,        ///< in Slack, with its `ts`
  unknown,     ///< an attempt may have worked: the channel's history decides
  blocked,     ///< Slack refuses this channel until a person acts
  superseded,  ///< merged into a later one, or made silent by it
  expired,     ///< later than the rotation's `max_age`
};
std::string_view name_of(OutboxState state);
Result<OutboxState> parse_outbox_state(std::string_view text);
[[nodiscard]] inline bool is_open(OutboxState state) {
  return state != OutboxState::sent && state != OutboxState::superseded && state != OutboxState::expired;
}

/// True if no attempt of it can be in Slack: it may be merged, corrected or taken back.
[[nodiscard]] inline bool is_untold(OutboxState state) {
  return state == OutboxState::waiting || state == OutboxState::ready || state == OutboxState::blocked;
}

/// A channel that refuses us is tried again after this time: a person may have mended it.
inline constexpr auto kBlockedRetry = 1min;

/// One announcement for one channel.
struct OutboxRow {
  OutboxId id{};
  RotationId rotation{};
  ChangeId change{};
  ChannelId channel;
  std::string key;  ///< random; carried in the message's metadata
  OutboxState state = OutboxState::waiting;
  AnnouncementFacts facts;
  bool group_confirmed = false;
  /// None: the source has confirmed (or need not). Else released at this moment at the latest.
  std::optional<Instant> confirm_by{};
  int attempts = 0;
  std::optional<Instant> attempt_at{};  ///< when the last attempt began
  int probes = 0;                       ///< history was read this often since the last attempt
  Instant next_try{};                   ///< not before; while it waits: when it was decided
  bool possibly_repeated = false;       ///< history was unreadable: the text says so
  std::string ts{};
  std::string error{};
};

/// What to do with a row now.
enum class OutboxAction { none, send, probe, expire };
struct OutboxStep {
  OutboxAction action = OutboxAction::none;
  /// When to look again, if time alone will change the answer.
  std::optional<Instant> at{};
};

/// Turns `waiting` into `ready` when the group is confirmed and Slack has said who everybody in `after` is
/// (or two minutes have passed since the handoff, and since it was decided) and the source has confirmed (or
/// `confirm_by` has passed). True if it did.
bool release(OutboxRow& row, Instant now);
/// `behind`: an earlier row of the same rotation and channel is `sending` or `unknown`.
OutboxStep next_step(const OutboxRow& row, bool behind, Instant now, milliseconds max_age);

/// T3: to be committed before the first byte leaves.
void begin_attempt(OutboxRow& row, Instant now);
/// It was not wanted any more when that was committed: no byte has left.
void take_back_attempt(OutboxRow& row, Instant now);
/// T4: what became of the attempt. `ts` on success.
void complete_attempt(OutboxRow& row, const Result<std::string>& ts, Instant now);

/// What the channel's history told of the row's key.
struct Probe {
  enum class Kind { found, absent, unreadable, failed };
  Kind kind = Kind::failed;
  std::string ts{};
};
void complete_probe(OutboxRow& row, const Probe& probe, Instant now);

/// At start: an attempt that was under way when the process died may have worked.
void recover(OutboxRow& row, Instant now);

/// What a further handoff does to the announcements of one rotation and channel that have not left yet.
struct Merge {
  /// These were merged into the new one: now `superseded`. If nothing is to be said, the last of them keeps
  /// who came and went meanwhile.
  std::vector<OutboxRow> superseded{};
  /// What is to be said now; nothing if the people are those of before: silence.
  std::optional<AnnouncementFacts> facts{};
};
/// `open` are the open rows of that rotation and channel, oldest first. `foreseen`: the handoff is of a
/// boundary; one that is not, shortly after a boundary that its source has not confirmed, puts that right:
/// who was said to be on call there never was.
Merge merge_announcement(const std::vector<OutboxRow>& open, AnnouncementFacts facts, bool foreseen);

/// Adds who came and went while nothing was said: `last` is the latest row of that rotation and channel, and
/// counts if it ended in silence.
void add_untold(AnnouncementFacts& facts, const OutboxRow& last);

/// A row turned out not to be in Slack (refused, or never arrived) while `later` ones of the same rotation
/// and channel wait: both become one, so that none is told after what followed it. Returns the rows that
/// changed (`row` among them); none if there is nothing to fold.
std::vector<OutboxRow> fold_into_later(OutboxRow row, const std::vector<OutboxRow>& later);

}  // namespace watchbill
