#include "engine/decide/open_problems.hpp"

#include <algorithm>

#include "engine/decide/status_writer.hpp"
#include "engine/targets/refusal.hpp"

namespace watchbill::engine {

namespace {

std::string prefix_of(const RotationEntry& entry) {
  return fmt::format("rotation:{}:", entry.rotation.id.value);
}

/// Why, who should be there, and how the group differs.
std::string refusal_text(const RotationEntry& entry) {
  auto text = fmt::format("@{} was not written: {}. On call is {}", entry.rotation.handle,
                          entry.refusal->message, on_call_names(entry.plan.people, entry.plan.unknown));
  // What Slack did not do says itself how the group differed, and goes on saying it until a list shows more.
  const auto difference = entry.refusal->code == kNotDone ? std::string() : difference_of(entry);
  if (!difference.empty()) text += fmt::format("; in the group, {}", difference);
  return text;
}

/// What the plan and the engine's parts say now.
std::vector<Problem> problems_now(const RotationEntry& entry) {
  const auto prefix = prefix_of(entry);
  auto problems = entry.plan.problems;
  for (const auto& [kind, text] : entry.problems)
    problems.push_back({prefix + kind, text, entry.rotation.id});
  if (entry.refusal) problems.push_back({prefix + "refused", refusal_text(entry), entry.rotation.id});
  if (entry.group.reported && differs(entry)) {
    problems.push_back(
        {prefix + "differs",
         fmt::format("@{} differs from who is on call, and `--drift report` forbids to repair it; edit the "
                     "group, or set `--drift repair`",
                     entry.rotation.handle),
         entry.rotation.id});
  }
  return problems;
}

bool has_key(const std::vector<Problem>& problems, const std::string& key) {
  return std::any_of(problems.begin(), problems.end(),
                     [&](const Problem& problem) { return problem.key == key; });
}

/// "gone:pd/P1" is looked at once who is on call in pd/P1 is known, or another reason why it is not.
bool schedule_looked_at(const RotationEntry& entry, const std::string& kind, const std::string& ref) {
  const auto& schedules = entry.rotation.schedules;
  const bool used = std::any_of(schedules.begin(), schedules.end(), [&](const RotationSchedule& schedule) {
    return to_string(schedule.ref) == ref;
  });
  if (!used) return true;
  const auto& unknown = entry.plan.unknown;
  const bool not_known = std::any_of(unknown.begin(), unknown.end(),
                                     [&](const ScheduleRef& one) { return to_string(one) == ref; });
  if (!not_known) return entry.plan.decided || !unknown.empty();
  if (kind == "required") return false;
  const auto said = [&](const char* other) {
    return has_key(entry.plan.problems, fmt::format("{}{}:{}", prefix_of(entry), other, ref));
  };
  return said("gone") || said("forbidden") || said("unknown");
}

/// Somebody on call who has not been looked up (again) yet.
bool still_looked_up(const RotationEntry& entry, const std::string& responder) {
  const auto& people = entry.plan.people;
  return entry.plan.pending && std::any_of(people.begin(), people.end(), [&](const OnCallPerson& person) {
           return !person.member && person.responder.connection + "/" + person.responder.id == responder;
         });
}

/// True if what is known now tells that a problem that is not told any more is over.
bool looked_at(const RotationEntry& entry, const std::string& kind_and_object) {
  const auto colon = kind_and_object.find(':');
  const auto kind = kind_and_object.substr(0, colon);
  const auto object = colon == std::string::npos ? std::string() : kind_and_object.substr(colon + 1);
  if (kind == "required" || kind == "gone" || kind == "forbidden" || kind == "unknown")
    return schedule_looked_at(entry, kind, object);
  if (kind == "unmatched") return entry.plan.decided && !still_looked_up(entry, object);
  if (kind == "empty" || kind == "unfit") return entry.plan.decided;
  const auto& group = entry.group;
  if (kind == "refused" || kind == "differs") {
    return group.now && !group.must_read && !group.in_flight && entry.plan.decided && !entry.write &&
           !differs(entry);
  }
  return true;  // the engine's parts keep their own in `problems`
}

/// Without the name of the rotation, as a rotation's own problems are kept.
std::string own_text(const std::string& told) {
  constexpr std::string_view end = "\": ";
  const auto at = told.starts_with("rotation \"") ? told.find(end) : std::string::npos;
  return at == std::string::npos ? told : told.substr(at + end.size());
}

}  // namespace

std::vector<Problem> problems_of(const RotationEntry& entry) {
  // Nearly all have none, and all are asked each second.
  if (entry.plan.problems.empty() && entry.problems.empty() && !entry.refusal && !entry.group.reported &&
      entry.open.empty())
    return {};
  auto problems = problems_now(entry);
  const auto prefix = prefix_of(entry);
  for (const auto& [key, problem] : entry.open) {
    if (!has_key(problems, key) && !looked_at(entry, key.substr(prefix.size()))) problems.push_back(problem);
  }
  return problems;
}

void recall_problem(RotationEntry& entry, Problem problem, SteadyInstant now) {
  problem.text = own_text(problem.text);
  const auto kind = problem.key.substr(prefix_of(entry).size());
  const bool own = kind == kDriftProblem || kind == kMissingProblem || kind == kUnwritableProblem ||
                   kind.starts_with(kChannelProblem);
  if (own) entry.problems[kind] = problem.text;
  if (kind == kDriftProblem) {
    entry.group.contested = true;
    entry.group.contested_since = now;
  }
  auto key = problem.key;
  entry.open.insert_or_assign(std::move(key), std::move(problem));
}

bool announces_in(const Rotation& rotation, const ChannelId& channel) {
  const auto& channels = rotation.channels;
  return rotation.mode == Mode::keep && rotation.announce.enabled &&
         std::find(channels.begin(), channels.end(), channel) != channels.end();
}

}  // namespace watchbill::engine
