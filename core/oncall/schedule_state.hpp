#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/oncall/timeline.hpp"

namespace watchbill {

/// How a schedule itself answered last.
enum class Presence { never_asked, ok, gone, forbidden };
std::string_view name_of(Presence presence);
Result<Presence> parse_presence(std::string_view text);

/// An answer that is not believed yet.
struct Doubt {
  enum class Kind {
    empty,  ///< nobody, though that was not foreseen
    lag,    ///< the old people, shortly after a boundary
    flap,   ///< back to who it was before an unforeseen change a moment ago
  };
  Kind kind = Kind::empty;
  Instant since;                    ///< the first such answer
  Instant last;                     ///< the latest
  int answers = 0;                  ///< how many agree, the first included
  bool mass = false;                ///< many schedules of the connection emptied together
  std::vector<Responder> people{};  ///< what those answers say
  bool operator==(const Doubt&) const = default;
};

/// An unforeseen change that was believed at first sight.
struct SuddenChange {
  Instant at;
  std::vector<Responder> before;
  bool operator==(const SuddenChange&) const = default;
};

/// What is known and believed of one schedule. Kept in the store, so that evidence survives a restart.
struct ScheduleState {
  ScheduleRef schedule;
  std::string name{};  ///< as the system calls it
  Timeline timeline{};
  Presence presence = Presence::never_asked;
  /// Who was on call the last time that was known: they stay while it is not.
  std::vector<Responder> held{};
  std::optional<Doubt> doubt{};
  std::optional<SuddenChange> sudden_change{};
  std::optional<Instant> last_answer{};  ///< last usable answer
  std::optional<Instant> failing_since{};
  std::string failure{};  ///< why the last question failed; empty if it did not
  /// When the 8-day and 60-day windows were last answered.
  std::optional<Instant> looked_ahead{};
  std::optional<Instant> looked_far{};
  bool operator==(const ScheduleState&) const = default;
};

/// What an answer did to a schedule's state, and what to ask next.
struct AnswerEffect {
  /// Who is on call may have changed: look at the rotations that use the schedule.
  bool changed = false;
  /// The long windows should be asked again soon.
  bool want_look_ahead = false;
  /// It is not believed yet: nothing that it says of the future is kept.
  bool doubted = false;
  /// Ask the same question again at this moment.
  std::optional<Instant> ask_again{};
  /// Ask the schedule itself from this moment on. It depends on the doubt alone, so that no later answer of a
  /// list puts the question off.
  std::optional<Instant> confirm_at{};
};

/// Puts an answer into a schedule's state by the rules of evidence (docs/architecture.md, "What is
/// believed"): nobody is believed when it was foreseen, or when the schedule itself says so at least 30 s
/// later (three answers over 3 minutes when `mass`); old people right after a boundary, and a reversal within
/// 10 minutes of an unforeseen change, take two equal answers. Everything else is believed at first sight. An
/// answer that one asked later has overtaken (a long window takes many pages) may add to what is known, and
/// not contradict it; but lists in which the schedule is missing overtake nothing that it says itself. Nor do
/// they make good for its failure to answer.
AnswerEffect apply_answer(ScheduleState& state, const ScheduleAnswer& answer, bool mass);

/// Who is on call at `t`, given what is believed: Unknown past the horizon, and while the schedule is gone or
/// forbidden. Doubted answers do not count.
OnCall believed_on_call(const ScheduleState& state, Instant t);

/// Notes who is on call at `now`, so that they stay should the schedule become Unknown. Call it as time goes
/// by.
void hold_people(ScheduleState& state, Instant now);

/// Forgets what lies in the future, because the clock was set back: doubts and turns whose age can no longer
/// be told (the evidence is gathered anew), and when the long windows were asked. True if anything did.
bool forget_future(ScheduleState& state, Instant now);

/// True if lists show nobody, unforeseen, for so long that the schedule itself should have said whether that
/// is so (a minute after a question to it failed, longer while it is open): then nothing is known to be
/// right.
bool absence_unconfirmed(const ScheduleState& state, Instant now);

/// True if more than half (and at least 3) of a connection's schedules emptied unforeseen at about the same
/// time: `doubtful` of them are doubted as empty, of `watched` in all.
bool emptied_together(std::size_t doubtful, std::size_t watched);

}  // namespace watchbill
