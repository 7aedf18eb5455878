#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "control/duty.hpp"
#include "control/overview.hpp"
#include "slack_app/rotations/history_words.hpp"

/// The slash command: what is asked, and the answer's words. Pure.
namespace watchbill::slack_app {

struct CommandQuestion {
  enum class Kind {
    here,     ///< what is announced in this channel, else what the asker follows
    all,      ///< every rotation
    who,      ///< one rotation
    next,     ///< who comes next in it
    history,  ///< what happened in it
    me,       ///< the asker's own shifts
    help,
  };
  Kind kind = Kind::here;
  std::string name{};  ///< of a rotation, or "@handle"
  GroupId group{};     ///< the rotation was named by a mention of its group
  bool operator==(const CommandQuestion&) const = default;
};
/// Reads what stands after the command. Anything that is no word of ours is a name.
CommandQuestion read_command(std::string_view text);

/// Longest answer, in characters.
inline constexpr std::size_t kMaxAnswer = 3000;

struct CommandAsker {
  UserId user;
  ChannelId channel{};
  std::string command = "/oncall";
};

/// mrkdwn for the asker alone.
std::string answer_here(const control::Overview& overview, const CommandAsker& asker, Instant now);
/// In short lines where there are many.
std::string answer_all(const control::Overview& overview, Instant now);
std::string answer_who(const control::Overview& overview, const CommandQuestion& question,
                       const CommandAsker& asker, Instant now);
std::string answer_next(const control::Overview& overview, const CommandQuestion& question,
                        const CommandAsker& asker, Instant now);
/// Whose history is to be read for the answer: one rotation, or a name that may be that of a deleted one.
/// Nothing where the answer is a question.
std::optional<std::string> history_wanted(const control::Overview& overview, const CommandQuestion& question);
/// `history`: of whom `history_wanted` says.
std::string answer_history(const control::Overview& overview, const CommandQuestion& question,
                           const CommandAsker& asker, const std::optional<Result<HistoryModel>>& history);
std::string answer_me(const std::vector<control::DutyShift>& shifts, Instant now);
std::string answer_help(const CommandAsker& asker);

/// The rotations that the question may mean: one if it is clear. An exact name or group goes before those
/// that have the words as whole words, these before those that only begin with them, and these before those
/// that have them within a word.
std::vector<const control::RotationView*> meant(const control::Overview& overview,
                                                const CommandQuestion& question);

/// Rotations that somebody has to do with: on call or next, in the group, owner, permanent or fallback
/// member.
bool follows(const control::RotationView& view, const UserId& user);

}  // namespace watchbill::slack_app
