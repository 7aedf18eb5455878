#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "providers/provider.hpp"

/// What xMatters' replies say, without I/O. Facts: GitHub splunk-soar-connectors/xmatters (recorded replies),
/// xmatters/xmtoolbox, xmatters/xmatters-go, and the script of
/// xmatters/xm-labs-xMatters-Post-Daily-On-Call-to-Chat-Ops.
namespace watchbill::providers::xmatters {

struct Person {
  std::string id;
  std::string name;
  /// Web login or target name, if it looks like an e-mail address.
  std::optional<std::string> login{};
  bool active = true;
  bool operator==(const Person&) const = default;
};

/// Somebody is away from `from` to `to`; without a replacement nobody stands in.
struct Absence {
  Instant from = kAlways;
  Instant to = kNever;
  std::optional<Person> replacement{};
};

/// One line of a shift's roster.
struct Member {
  enum class Kind { person, device, group, team };
  Kind kind = Kind::person;
  /// The person, a device's owner, or a dynamic team under its name. For a nested group its id and name.
  Person who;
  /// A device's own e-mail address.
  std::optional<std::string> address{};
  /// The device is the one named "Work Email".
  bool work_address = false;
  bool active = true;
  std::int64_t position = 0;
  /// Escalation delay before this member, in minutes.
  std::int64_t delay = 0;
  std::vector<Absence> absences{};
};

/// A shift of a group from its begin to its end.
struct Occurrence {
  std::string group;
  std::string group_name;
  std::string shift;
  Instant start = kAlways;
  /// kNever if the reply did not say.
  Instant end = kNever;
  std::vector<Member> members{};  ///< in the roster's order
  /// How many members there are, if the reply said, and where the rest of them is, if it gave a link.
  std::optional<std::size_t> members_total{};
  std::string members_next{};
  /// The path with query of the list of members; empty if it cannot be told.
  std::string members_query{};
  /// This occurrence is not what the API promises; others are fine.
  std::optional<Error> error{};
};

template <class T>
struct Page {
  std::vector<T> items;
  std::size_t rows = 0;                ///< of the reply, also those that were left out of `items`
  std::optional<std::size_t> total{};  ///< of the whole list, if the reply said
  /// A path with query, as the system gave it; empty on the last page.
  std::string next{};
};

/// Reads a reply of `/on-call`. Fails as a whole only if it cannot be told which groups it speaks of.
Result<Page<Occurrence>> parse_on_call(json::View root);
/// Reads a page of members of one occurrence.
Result<Page<Member>> parse_members(json::View root);
/// Reads a reply of `/groups`: only those with shifts.
Result<Page<ScheduleInfo>> parse_groups(json::View root);

/// A group as it describes itself.
struct Group {
  std::string id;
  std::string name;
  bool active = true;
};
Result<Group> parse_group(json::View root);

/// A person's devices as far as they matter.
struct EmailDevice {
  std::string address;
  bool work = false;  ///< named "Work Email"
  std::int64_t sequence = 0;
};
/// Reads a reply of `/people/{id}/devices`: only active ones with an e-mail address.
Result<Page<EmailDevice>> parse_devices(json::View root);
/// "Work Email", else the one with the lowest sequence; nothing if there is none. Lower case.
std::optional<std::string> choose_email(const std::vector<EmailDevice>& devices);

/// What xMatters says in an error's body; empty if it is no JSON (HTML happens).
std::string error_detail(const std::string& body);

}  // namespace watchbill::providers::xmatters
