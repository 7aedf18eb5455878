#include "engine/targets/problem_end.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/decide/open_problems.hpp"

namespace watchbill::engine {

namespace {

/// "rotation \"Payments\": ", if a text begins so.
std::string_view prefix_of(std::string_view text) {
  constexpr std::string_view end = "\": ";
  const auto at = text.starts_with("rotation \"") ? text.find(end) : std::string_view::npos;
  return at == std::string_view::npos ? std::string_view() : text.substr(0, at + end.size());
}

/// What a problem's text says happened, without what to do.
std::string_view what_happened(std::string_view text) {
  text.remove_prefix(prefix_of(text).size());
  return text.substr(0, std::min(text.find("; "), text.find(". ")));
}

/// A key in its parts: "rotation:12:gone:pd/P1" is about "rotation" 12, of kind "gone", and of "pd/P1".
struct Key {
  std::string_view about;
  std::string_view who;
  std::string_view kind;
  std::string_view object;
};
Key parts_of(std::string_view key) {
  Key parts;
  for (auto* part : {&parts.about, &parts.who, &parts.kind}) {
    const auto colon = key.find(':');
    *part = key.substr(0, colon);
    key = colon == std::string_view::npos ? std::string_view() : key.substr(colon + 1);
  }
  parts.object = key;
  return parts;
}

std::string on_call_in(const RotationEntry& entry) {
  return on_call_names(entry.plan.people, entry.plan.unknown);
}

/// Somebody of the schedule is on call, of which that is known.
bool has_people(const RotationEntry& entry, std::string_view ref) {
  const auto& people = entry.plan.people;
  return std::any_of(people.begin(), people.end(), [&](const OnCallPerson& person) {
    return to_string(person.schedule) == ref && !person.last_known;
  });
}

bool is_known(const RotationEntry& entry, std::string_view ref) {
  const auto& schedules = entry.rotation.schedules;
  const auto is_it = [&](const ScheduleRef& one) { return to_string(one) == ref; };
  const bool used = std::any_of(schedules.begin(), schedules.end(),
                                [&](const RotationSchedule& schedule) { return is_it(schedule.ref); });
  return used && entry.plan.decided &&
         std::none_of(entry.plan.unknown.begin(), entry.plan.unknown.end(), is_it);
}

std::optional<std::string> end_of_person(const RotationEntry& entry, std::string_view responder,
                                         const std::string& after) {
  const auto& people = entry.plan.people;
  const auto found = std::find_if(people.begin(), people.end(), [&](const OnCallPerson& person) {
    return person.responder.connection + "/" + person.responder.id == responder;
  });
  if (found == people.end() || !found->member || found->member_pending) return std::nullopt;
  return fmt::format("{} is found in Slack, {}", found->responder.name, after);
}

std::optional<std::string> end_of_rotation(const Key& key, const RotationEntry& entry,
                                           const std::string& after) {
  const bool right = entry.group.now && entry.record.target && !differs(entry) && !entry.group.missing;
  if (key.kind == "refused" || key.kind == "differs" || key.kind == "drift" || key.kind == "missing" ||
      key.kind == "unwritable") {
    if (!right || entry.paused()) return std::nullopt;
    return fmt::format("@{} is as it should be again, {}; on call is {}", entry.rotation.handle, after,
                       on_call_in(entry));
  }
  if (key.kind == "empty" && entry.plan.decided && !entry.plan.people.empty())
    return fmt::format("somebody is on call again, {}: {}", after, on_call_in(entry));
  if (key.kind == "required" && has_people(entry, key.object))
    return fmt::format("somebody is on call in {} again, {}", key.object, after);
  if ((key.kind == "gone" || key.kind == "forbidden" || key.kind == "unknown") && is_known(entry, key.object))
    return fmt::format("who is on call in {} is known again, {}", key.object, after);
  if (key.kind == "unmatched") return end_of_person(entry, key.object, after);
  if (key.kind == "lookup" && entry.plan.decided && !entry.plan.pending)
    return fmt::format("who those on call are in Slack is known, {}", after);
  if (key.kind == "channel" && announces_in(entry.rotation, ChannelId(std::string(key.object))))
    return fmt::format("the channel takes announcements again, {}", after);
  return std::nullopt;
}

std::optional<std::string> end_of_others(const Key& key, const std::string& after) {
  if (key.about == "connection") {
    if (key.kind == "failing") return fmt::format("connection {} answers again {}", key.who, after);
    if (key.kind == "unauthorized")
      return fmt::format("connection {} takes its credentials again, {}", key.who, after);
    if (key.kind == "emptied")
      return fmt::format("the doubt about the empty schedules of connection {} is over, {}", key.who, after);
    if (key.kind == "clock")
      return fmt::format("this host's clock and that of connection {} agree again, {}", key.who, after);
  }
  if (key.about == "slack" && key.who == "groups")
    return fmt::format("Slack's user groups can be read again, {}", after);
  if (key.about == "slack" && key.who == "clock")
    return fmt::format("this host's clock and Slack's agree again, {}", after);
  if (key.about == "clock") return fmt::format("this host's clock is right again, {}", after);
  if (key.about == "store" && key.who == "blocked")
    return fmt::format("the store can be written again, {}; announcements and edits go on", after);
  return std::nullopt;
}

}  // namespace

std::string problem_end(const store::OpenProblem& open, Instant now, const RotationEntry* entry) {
  const auto after = "after " + spell_duration(now - open.since);
  const std::string_view text = open.problem.text;
  const auto key = parts_of(open.problem.key);
  std::optional<std::string> end;
  if (key.about != "rotation")
    end = end_of_others(key, after);
  else if (entry != nullptr)
    end = end_of_rotation(key, *entry, after);
  return std::string(prefix_of(text)) + end.value_or(fmt::format("over {}: {}", after, what_happened(text)));
}

}  // namespace watchbill::engine
