#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/history.hpp"
#include "core/ids.hpp"
#include "core/on_call.hpp"
#include "core/rotation.hpp"
#include "core/time.hpp"

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
  Instant next_try{};                   ///< not before
  bool possibly_repeated = false;       ///< history was unreadable: the text says so
  std::string ts{};
  std::string error{};
};

}  // namespace watchbill
