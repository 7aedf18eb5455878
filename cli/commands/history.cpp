// watchbill history

#include "control/history.hpp"

#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/overview.hpp"
#include "cli/terminal/table.hpp"
#include "store/names.hpp"

namespace watchbill::cli {

namespace {

Result<control::HistoryQuestion> question_of(Session& session, const Invocation& in) {
  control::HistoryQuestion question;
  question.rotation = in.argument("ROTATION");
  for (const char* option : {"since", "until"}) {
    const auto text = in.value(option);
    if (!text) continue;
    auto at = session.moment(option, *text, Bare::ago);
    if (!at) return at.error();
    (std::string_view(option) == "since" ? question.since : question.until) = *at;
  }
  return question;
}

void raw_or_null(json::Writer& w, std::string_view key, const std::string& text) {
  w.key(key);
  if (!text.empty() && json::parse(text)) {
    w.raw(text);
  } else {
    w.null();
  }
}

void write(json::Writer& w, const control::HistoryEntry& entry) {
  w.begin_object().field("at", format_rfc3339(entry.at)).field("rotation", entry.rotation);
  w.field("group", entry.group.value).field("cause", entry.cause);
  w.field("before", texts(entry.before)).field("after", texts(entry.after));
  w.field("by", entry.by).field("result", entry.result);
  w.field("note", entry.note).key("on_call").begin_array();
  for (const auto& person : entry.said) {
    w.begin_object().field("name", person.responder.name).field("schedule", to_string(person.schedule));
    w.field("member", person.member ? std::optional(person.member->value) : std::nullopt);
    w.field("last_known", person.last_known).end_object();
  }
  w.end_array().key("announcements").begin_array();
  for (const auto& row : entry.announcements) {
    w.begin_object().field("channel", row.channel.value).field("state", name_of(row.state));
    w.field("error", row.error.empty() ? std::optional<std::string>() : row.error).end_object();
  }
  w.end_array();
  if (entry.audit) {
    w.field("action", entry.audit->action).field("object", entry.audit->object);
    raw_or_null(w, "settings_before", entry.audit->before);
    raw_or_null(w, "settings_after", entry.audit->after);
  }
  w.end_object();
}

/// "+Bo -Ada"
std::string difference(const std::map<UserId, std::string>& names, const control::HistoryEntry& entry) {
  std::string out;
  const auto add = [&](char sign, const std::vector<UserId>& some, const std::vector<UserId>& others) {
    for (const auto& user : some) {
      if (std::find(others.begin(), others.end(), user) != others.end()) continue;
      out += fmt::format("{}{}{}", out.empty() ? "" : " ", sign, control::name_or_id(names, user));
    }
  };
  add('+', entry.after, entry.before);
  add('-', entry.before, entry.after);
  return out;
}

std::string announced(store::Store& store, const control::HistoryEntry& entry) {
  std::string out;
  for (const auto& row : entry.announcements) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", store::channel_label(store, row.channel),
                       name_of(row.state));
    if (!row.error.empty()) out += fmt::format(" ({})", row.error);
  }
  return out;
}

void print(Session& session, store::Store& store, const std::vector<control::HistoryEntry>& entries) {
  const auto names = known_names(session);
  Table table({"WHEN", "ROTATION", "CAUSE", "CHANGE", "BY", "RESULT", "ANNOUNCED"});
  for (const auto& entry : entries) {
    const auto what = entry.audit ? fmt::format("{} {}", entry.audit->action, entry.audit->object)
                                  : difference(names, entry);
    table.add({format_rfc3339(entry.at), entry.rotation, entry.cause,
               entry.note.empty() ? what : fmt::format("{} ({})", what, entry.note),
               store::with_names(store, entry.by.value_or("watchbill")), entry.result.value_or("open"),
               announced(store, entry)});
  }
  session.io().out << table.render(session.io().width);
}

Result<int> history(Session& session, const Invocation& in) {
  auto store = session.store();
  if (!store) return store.error();
  auto question = question_of(session, in);
  if (!question) return question.error();
  auto entries = control::read_history(**store, *question);
  if (!entries) return entries.error();
  if (session.json()) {
    json::Writer w;
    w.begin_array();
    for (const auto& entry : *entries) write(w, entry);
    w.end_array();
    session.print_json(w.take());
  } else {
    print(session, **store, *entries);
  }
  return kDone;
}

}  // namespace

std::vector<Command> history_commands() {
  return {
      {"history",
       "Show who was in which group when, and why",
       "Newest first: every change of a group with its cause (handoff, drift, edit, adoption, restore), what "
       "Slack answered, and what became of its announcements; and every change of rotations, connections and "
       "people (cause: config). The latest 1,000 of each. A deleted rotation is found by its last name.",
       {{"ROTATION", "only this rotation", true}},
       {{"since", "TIME",
         "not before this moment: 24h (ago), \"yesterday 09:00\", \"2026-12-01 09:00\", RFC 3339; without a "
         "zone that of the terminal is meant"},
        {"until", "TIME", "only before this moment"}},
       {"history", "history payments --since 24h", "history --since \"yesterday 09:00\" --until today",
        "history --format json"},
       history}};
}

}  // namespace watchbill::cli
