#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/oncall/timeline.hpp"
#include "providers/xmatters/parse.hpp"

/// Who of a group's roster is on call when, without I/O. Rules: help.xmatters.com, "Groups: escalations" and
/// "Temporary replacements"; the script named in providers/xmatters/parse.hpp.
namespace watchbill::providers::xmatters {

/// Groups may be nested that deep; deeper is a fault.
inline constexpr int kMaxNesting = 8;

/// Somebody on call from `start` to `end` (kNever: the reply did not say).
struct MemberSpan {
  Person who;
  /// The e-mail address of the device through which he is reached, if that is known.
  std::optional<std::string> address{};
  bool work_address = false;
  /// A dynamic team: it has no devices to ask for.
  bool team = false;
  Instant start;
  Instant end;
};

/// What was answered of each group; a group without an active shift has none.
using Occurrences = std::map<std::string, std::vector<Occurrence>>;

/// Adds occurrences that are not there already: the same one may be answered for "now" and for a range, where
/// its start or end may be cut.
void add_occurrences(std::vector<Occurrence>& known, std::vector<Occurrence> more);

/// Groups nested in these rosters, each once.
std::vector<std::string> nested_groups(const std::vector<Occurrence>& occurrences);

/// Who is on call when in `group`: in every shift those with the smallest sum of delays. Inactive members and
/// those who are away without a replacement are skipped: the delay before them counts, the one after them
/// does not. Absences count for the moments they cover, so a shift may have several spans. Nested groups are
/// looked up in `occurrences`; a group nested in itself adds nobody. Joined: nobody has two touching spans.
/// Fails if a nested group was not answered, or the nesting is too deep.
Result<std::vector<MemberSpan>> spans_of(const Occurrences& occurrences, const std::string& group);

}  // namespace watchbill::providers::xmatters
