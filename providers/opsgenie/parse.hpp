#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "core/oncall/timeline.hpp"
#include "providers/provider.hpp"

/// What Opsgenie's on-call replies mean, without I/O. Facts: GitHub opsgenie/opsgenie-oas
/// (definitions/whoIsOnCall.yaml, definitions/schedule.yaml) and docs.opsgenie.com, "Who is on call API".
namespace watchbill::providers::opsgenie {

/// A user as on-calls and timelines name him. The user name is his e-mail address (definitions/user.yaml).
/// Flat lists give no id: then it is empty.
struct UserReference {
  std::string id;
  std::string username;
  bool operator==(const UserReference&) const = default;
};

/// Reads `id` and `name` of a user or recipient; one of them may be missing.
Result<UserReference> parse_user(json::View view);
/// The id, or the lower-case user name where there is none.
std::string key_of(const UserReference& user);

/// One node of a nested on-call list.
struct Participant {
  std::string id;
  std::string name;
  std::string type;  ///< "user", "team", "escalation", "schedule", "none", ...
  /// Behind an escalation's delay: paged later, so not on call now.
  bool delayed = false;
  /// The reply told who is behind it, perhaps nobody.
  bool expanded = false;
  std::vector<Participant> inner{};
};

/// One schedule's part of an on-calls reply.
struct OnCallEntry {
  std::string id;
  std::string name;
  /// True for `flat=false` (participants), false for `flat=true` (user names).
  bool detailed = false;
  std::vector<Participant> participants{};
  std::vector<std::string> usernames{};
  /// This schedule's part is not what the API promises; the others are fine.
  std::optional<Error> error{};
};

/// Reads `data` of an on-calls reply: an array (all schedules) or an object (one). Fails as a whole only if
/// it cannot be told which schedules it speaks of. Sorted by id.
Result<std::vector<OnCallEntry>> parse_on_calls(json::View data);

/// The entry of that id in a book sorted by id, or nullptr.
const OnCallEntry* find_entry(const std::vector<OnCallEntry>& book, std::string_view id);

/// Who is on call now according to one entry.
struct OnCallPeople {
  std::vector<UserReference> users;  ///< none twice
  /// False if a team, escalation or schedule did not say who is behind it, here or elsewhere in the book: ask
  /// with `flat=true`. That list says of nobody whether an escalation reaches him only later: all of it
  /// counts.
  bool complete = true;
};

/// Where in a book it stands who is behind a participant, by its type and id. Sorted out at the first
/// question: most books are never asked. The book outlives it and does not change.
class ExpandedParticipants {
 public:
  explicit ExpandedParticipants(const std::vector<OnCallEntry>& book) : book_(book) {}
  /// An entry of another reply counts, too; it outlives this.
  void add(const OnCallEntry& entry) { note(entry.participants); }
  /// Null if it stands nowhere.
  const std::vector<const Participant*>* find(const Participant& participant);

 private:
  using Key = std::pair<std::string_view, std::string_view>;
  void note(const std::vector<Participant>& participants);

  const std::vector<OnCallEntry>& book_;
  bool sorted_out_ = false;
  std::map<Key, std::vector<const Participant*>> places_;
};

/// Resolves nested teams and escalations, and nested schedules through their own entries in `book`. Opsgenie
/// tells who is behind a participant at one of the places where it stands; at the others it is known again by
/// type and id. Each is followed once, so cycles end. `expanded` is of the same book; who asks for many
/// entries of it makes one for all.
OnCallPeople people_on_call(const std::vector<OnCallEntry>& book, const OnCallEntry& entry,
                            ExpandedParticipants& expanded);
/// The same for one entry alone, of that book or of another reply.
OnCallPeople people_on_call(const std::vector<OnCallEntry>& book, const OnCallEntry& entry);

/// Users of a flat list, none twice.
std::vector<UserReference> flat_users(const std::vector<std::string>& usernames);

/// The user as a responder. Opsgenie names people by their e-mail address.
Responder responder_of(const std::string& connection, const UserReference& user);

/// Reads `data` of the list of schedules; sorted by name.
Result<std::vector<ScheduleInfo>> parse_schedules(json::View data);

/// The moment as the on-calls `date` parameter: whole seconds (rounded up), "2027-01-15T08:00:00+00:00".
std::string format_date(Instant t);

}  // namespace watchbill::providers::opsgenie
