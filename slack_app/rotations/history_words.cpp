#include "slack_app/rotations/history_words.hpp"

#include <algorithm>
#include <map>

#include "base/json.hpp"
#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

/// A field of a rotation's JSON in people's words; most are their own.
std::string field_words(std::string name) {
  static const std::map<std::string, std::string> words{{"group", "user group"},
                                                        {"empty", "nobody on call"},
                                                        {"empty_alert", "alert when nobody is on call"},
                                                        {"announce", "announcements"}};
  if (const auto found = words.find(name); found != words.end()) return found->second;
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// Mentions of those who are in `some` and not in `others`.
std::vector<std::string> mentions_without(const std::vector<UserId>& some,
                                          const std::vector<UserId>& others) {
  std::vector<std::string> out;
  for (const auto& user : some) {
    if (std::find(others.begin(), others.end(), user) == others.end()) out.push_back(slack_mention(user));
  }
  return out;
}

/// What somebody did to a rotation; which fields he changed goes into `note`.
std::string edit_words(const AuditEntry& audit, std::string& note) {
  if (audit.action == "rotation.create") return "created";
  if (audit.action == "rotation.delete") return "deleted";
  if (audit.action != "rotation.update") return audit.action;
  const auto fields = changed_fields(audit);
  if (fields == std::vector<std::string>{"paused"}) {
    const auto after = json::parse(audit.after);
    return after->root()["paused"].boolean_or(false) ? "paused" : "resumed";
  }
  if (!fields.empty()) note = "Changed: " + phrase(fields);
  return "edited";
}

HistoryLine line_of_entry(const control::HistoryEntry& entry) {
  HistoryLine line;
  line.at = entry.at;
  line.cause = entry.audit ? edit_words(*entry.audit, line.note) : entry.cause;
  line.added = mentions_without(entry.after, entry.before);
  line.removed = mentions_without(entry.before, entry.after);
  if (entry.by) line.by = actor_text(*entry.by);
  line.result = entry.result.value_or("not finished yet");
  if (line.result == "ok") line.result.clear();
  if (!entry.note.empty()) line.note = entry.note;
  std::vector<std::string> announced;
  for (const auto& row : entry.announcements)
    announced.push_back(fmt::format("<#{}> {}", row.channel, name_of(row.state)));
  line.announced = phrase(announced, 5);
  return line;
}

}  // namespace

std::vector<std::string> changed_fields(const AuditEntry& audit) {
  const auto before = json::parse(audit.before);
  const auto after = json::parse(audit.after);
  std::vector<std::string> names;
  if (!before || !after) return names;
  for (const auto& field : after->root().items()) {
    auto name = std::string(field.key());
    if (field.dump() == before->root()[name].dump()) continue;
    names.push_back(field_words(std::move(name)));
  }
  return names;
}

Result<HistoryModel> history_of(store::Store& store, const std::string& rotation, std::size_t limit) {
  control::HistoryQuestion question{rotation};
  question.limit = limit + 1;
  auto entries = control::read_history(store, question);
  if (!entries) return entries.error();
  HistoryModel model{rotation};
  model.more = entries->size() > limit;
  for (std::size_t i = 0; i < std::min(entries->size(), limit); ++i)
    model.lines.push_back(line_of_entry((*entries)[i]));
  return model;
}

std::string history_text(const HistoryLine& line) {
  auto text = fmt::format("{}  *{}*", slack_date(line.at), slack_name(line.cause, 60));
  if (!line.added.empty()) text += "\n+ " + phrase(line.added);
  if (!line.removed.empty()) text += "\n\xE2\x88\x92 " + phrase(line.removed);
  if (!line.note.empty()) text += "\n" + slack_name(line.note, 300);
  text += "\n_by " + (line.by.empty() ? std::string("Watchbill") : line.by) + "_";
  if (!line.result.empty()) text += "  \xC2\xB7  " + slack_name(line.result, 100);
  if (!line.announced.empty()) text += "  \xC2\xB7  " + line.announced;
  return text;
}

}  // namespace watchbill::slack_app
