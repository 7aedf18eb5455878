#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace watchbill {

/// A person in a scheduling system. `id` is the system's own; two systems never share one person's id.
struct Responder {
  std::string connection;
  std::string id;
  std::string name;                    ///< for people; the id if the system gave none
  std::optional<std::string> email{};  ///< lower case; none for e.g. a deleted user
  /// The system says that the account was deleted there: it still stands on a schedule, and nobody is paged.
  bool deleted = false;
  /// The same account; what else is told of it may differ.
  bool operator==(const Responder& other) const { return connection == other.connection && id == other.id; }
  auto operator<=>(const Responder& other) const {
    if (auto order = connection <=> other.connection; order != 0) return order;
    return id <=> other.id;
  }
};

/// True if the system says the same of both in everything, not only that they are the same account.
bool same_details(const Responder& a, const Responder& b);

/// A responder of which there is one copy for many shifts: two months of a schedule name a handful of people.
/// Reads like a `const Responder`. Copies share; never empty.
class SharedResponder {
 public:
  SharedResponder() : SharedResponder(Responder{}) {}
  SharedResponder(Responder responder)  // NOLINT(google-explicit-constructor)
      : responder_(std::make_shared<const Responder>(std::move(responder))) {}
  operator const Responder&() const { return *responder_; }  // NOLINT(google-explicit-constructor)
  const Responder& operator*() const { return *responder_; }
  const Responder* operator->() const { return responder_.get(); }
  friend bool operator==(const SharedResponder& a, const SharedResponder& b) {
    return a.responder_ == b.responder_ || *a.responder_ == *b.responder_;
  }
  friend bool operator==(const SharedResponder& a, const Responder& b) { return *a.responder_ == b; }
  friend auto operator<=>(const SharedResponder& a, const SharedResponder& b) {
    if (a.responder_ == b.responder_) return std::strong_ordering::equal;
    return std::strong_ordering(*a.responder_ <=> *b.responder_);
  }

 private:
  std::shared_ptr<const Responder> responder_;
};

/// One responder on call in one schedule: `start <= t < end`.
struct Shift {
  SharedResponder responder;
  Instant start = kAlways;
  Instant end = kNever;
  /// The system did not say when it ends: `end` is only how far its answer reached.
  bool end_unknown = false;
  bool operator==(const Shift&) const = default;
};

/// True if both are the same shifts of people of whom the same is said.
bool same_details(const std::vector<Shift>& a, const std::vector<Shift>& b);

enum class AnswerStatus {
  ok,
  gone,       ///< the schedule itself says that it does not exist (any more)
  forbidden,  ///< the credentials may not read it (Opsgenie: or it is gone)
  failed,     ///< no usable answer
};

/// What a system answered about one schedule.
struct ScheduleAnswer {
  ScheduleRef schedule;
  AnswerStatus status = AnswerStatus::failed;
  /// Our clock when the question left: the moment for which "now" of this answer is judged.
  Instant asked_at;
  /// What the answer speaks of.
  Window window;
  /// The answer names who is on call at `window.from` and says nothing of when that changes; its shifts
  /// reach to `window.to` with `end_unknown`.
  bool moment = false;
  /// True if the schedule itself was asked, not a list in which it might be missing.
  bool from_schedule = false;
  std::vector<Shift> shifts{};
  std::string schedule_name{};   ///< empty if the answer did not tell
  std::optional<Error> error{};  ///< for all but `ok`
};

/// What is known of a schedule. Shifts stand as the system gave them (ended ones are dropped in time).
struct Timeline {
  std::vector<Shift> shifts;       ///< sorted by start, then responder; none twice
  Instant known_from = kNever;     ///< nothing is known before
  Instant horizon = kAlways;       ///< nor from here on
  Instant confirmed_at = kAlways;  ///< when the system last said the same, or this
  bool operator==(const Timeline&) const = default;
};

/// Nobody and Unknown are different things: the first is an answer.
struct Unknown {
  bool operator==(const Unknown&) const = default;
};
struct Nobody {
  bool operator==(const Nobody&) const = default;
};
struct People {
  std::vector<Responder> responders;  ///< sorted, none twice, never empty
  bool operator==(const People&) const = default;
};
using OnCall = std::variant<Unknown, Nobody, People>;

/// Who is on call at `t`, as far as the timeline reaches.
OnCall on_call_at(const Timeline& timeline, Instant t);

/// Until when `responder`, on call at `t`, stays on call without a break. kNever if it never ends, nothing if
/// that lies past the horizon.
std::optional<Instant> on_call_until(const Timeline& timeline, const Responder& responder, Instant t);

/// The first moment after `t` at which the set of people changes, within the horizon.
std::optional<Instant> next_boundary(const Timeline& timeline, Instant t);
/// The last moment at or before `t` at which the set of people changed, within what is known.
std::optional<Instant> last_boundary(const Timeline& timeline, Instant t);

/// What `merge` made of an answer.
struct Merged {
  Timeline timeline;
  /// Both speak of some time, and say the same of all of it.
  bool agrees = false;
  /// The answer contradicts what was known: everything past its window was forgotten, and the long windows
  /// should be asked again soon.
  bool contradicted = false;
};

/// Puts an `ok` answer into a timeline. Inside the answer's window the answer wins. What was known of the
/// time between the question and a window ahead stays. Past the window, what was known stays if the two
/// agree; else it is forgotten, since who changed the present may have changed the future. What the answer
/// says of a person (name, address, deletion) holds for all of that person's shifts.
Merged merge(const Timeline& known, const ScheduleAnswer& answer);

/// Gives every shift of a person what `said` says of them, so that no shift keeps an old address.
void take_details(std::vector<Shift>& shifts, const std::vector<Shift>& said);

/// Lets shifts of people who are equal in everything share one copy: that of `before`, if there is one.
void share_responders(std::vector<Shift>& shifts, const std::vector<Shift>& before = {});

/// Drops shifts that ended more than ten minutes before `now`.
void forget_past(Timeline& timeline, Instant now);

}  // namespace watchbill
