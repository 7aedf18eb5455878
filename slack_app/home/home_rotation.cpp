#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/home/home_parts.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

// Thirty rotations with the longest names stay below 250 KB of JSON.
constexpr std::size_t kMainUnits = 1200;
constexpr std::size_t kContextUnits = 700;

std::string dot_of(const std::string& state) {
  if (state == "in_sync") return "\xF0\x9F\x9F\xA2";  // green circle
  if (state == "error") return "\xF0\x9F\x94\xB4";    // red circle
  if (state == "stale") return "\xF0\x9F\x9F\xA1";    // yellow circle
  if (state == "pending") return "\xE2\x8F\xB3";      // hourglass
  if (state == "paused") return "\xE2\x8F\xB8\xEF\xB8\x8F";
  return "\xF0\x9F\x91\x80";  // eyes: observing
}

std::string pending_words(const RotationLine& rotation) {
  if (!rotation.written_in) return "being brought up to date";
  if (*rotation.written_in < 2s) return "being written now";
  auto text = "written in " + about(*rotation.written_in);
  if (rotation.ahead > 0) text += ", " + counted(rotation.ahead, "group", "groups") + " ahead";
  return text;
}

std::string why(const RotationLine& rotation) {
  return rotation.problems.empty() ? "" : rotation.problems.front();
}

Element menu_of(const RotationLine& rotation) {
  const auto id = std::to_string(rotation.id.value);
  std::vector<Option> options;
  if (rotation.may_edit) options.push_back(option("Edit", "edit:" + id));
  if (rotation.may_sync) options.push_back(option("Sync now", "sync:" + id));
  if (rotation.may_pause) {
    options.push_back(rotation.state == "paused" ? option("Resume", "resume:" + id)
                                                 : option("Pause", "pause:" + id));
  }
  options.push_back(option("History", "history:" + id));
  if (rotation.may_remove) options.push_back(option("Delete", "delete:" + id));
  return overflow(kRotationMenu, options);
}

}  // namespace

std::string state_words(const RotationLine& rotation) {
  if (rotation.state == "in_sync") return "in sync";
  if (rotation.state == "pending") return pending_words(rotation);
  if (rotation.state == "paused") return "paused: the group stays as it is";
  if (rotation.state == "observing") return "observing: decides and writes nothing";
  const auto reason = why(rotation);
  if (rotation.state == "stale") {
    std::string text = "stale";
    if (rotation.stale_since) text += " since " + slack_date(*rotation.stale_since);
    return reason.empty() ? text : text + " because " + reason;
  }
  return reason.empty() ? "a person must look at it" : reason;
}

Blocks rotation_blocks(const RotationLine& rotation, bool guest) {
  auto text = fmt::format("*{}*  \xE2\x86\x92  {}\nOn call: {}", slack_name(rotation.name, 80),
                          group_text(rotation.group, rotation.handle),
                          who_text(rotation.on_call, rotation.unknown, Naming::mention));
  if (const auto next = next_text(rotation.next, Naming::mention); !next.empty()) text += "\nNext: " + next;
  if (!guest && !rotation.in_group.empty()) text += "\nIn the group: " + rotation.in_group;
  const auto id = "rotation:" + std::to_string(rotation.id.value);
  if (guest) return {section(mrkdwn(text, kMainUnits), id)};

  auto state = dot_of(rotation.state) + " " + state_words(rotation);
  std::vector<std::string> rest;
  if (rotation.problems.size() > 1 && (rotation.state == "error" || rotation.state == "stale"))
    rest.push_back("and " + counted(rotation.problems.size() - 1, "more problem", "more problems"));
  if (!rotation.problems.empty() && rotation.state != "error" && rotation.state != "stale")
    rest.push_back(rotation.problems.front());
  if (rotation.last_change) {
    rest.push_back(
        fmt::format("last change {}: {}", slack_date(rotation.last_change->at), rotation.last_change->what));
  }
  if (!rotation.file.empty())
    rest.push_back(fmt::format("managed by the file {}: change it there", code_text(rotation.file, 100)));
  for (const auto& part : rest) state += "  \xC2\xB7  " + part;
  const bool menu = rotation.may_edit || rotation.may_sync || rotation.may_pause || rotation.may_remove;
  const auto main = mrkdwn(text, kMainUnits);
  return {menu ? section(main, menu_of(rotation), id) : section(main, id),
          context({mrkdwn(state, kContextUnits)})};
}

}  // namespace watchbill::slack_app
