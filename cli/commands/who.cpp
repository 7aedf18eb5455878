// watchbill who

#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/terminal/table.hpp"
#include "control/duty.hpp"

namespace watchbill::cli {

namespace {

std::string age_of(std::optional<Instant> confirmed, Instant now) {
  if (!confirmed) return "";
  const auto age = std::max(milliseconds{0}, now - *confirmed);
  return age < 1s ? "just now" : format_duration(std::chrono::floor<seconds>(age)) + " ago";
}

void print_json(Session& session, const std::vector<control::Duty>& found, Instant at) {
  json::Writer w;
  w.begin_object().field("at", format_rfc3339(at)).key("rotations").begin_array();
  for (const auto& answer : found) {
    w.begin_object().field("name", answer.rotation.name).key("group").begin_object();
    w.field("id", answer.rotation.group.value).field("handle", answer.rotation.handle).end_object();
    w.key("on_call").begin_array();
    for (const auto& person : answer.people) {
      w.begin_object().field("name", person.name).field("email", person.email);
      w.field("member", person.member ? std::optional(person.member->value) : std::nullopt);
      w.field("member_pending", person.member_pending);
      w.field("schedule", to_string(person.schedule));
      w.field("until", person.until ? std::optional(format_rfc3339(*person.until)) : std::nullopt)
          .end_object();
    }
    w.end_array().field("unknown", answer.unknown);
    const auto confirmed = answer.confirmed_at();
    w.field("confirmed_at", confirmed ? std::optional(format_rfc3339(*confirmed)) : std::nullopt);
    w.end_object();
  }
  w.end_array().end_object();
  session.print_json(w.take());
}

void print(Session& session, const std::vector<control::Duty>& found) {
  Table table({"ROTATION", "ON CALL", "E-MAIL", "UNTIL", "SCHEDULE", "CONFIRMED"});
  for (const auto& answer : found) {
    const auto age_in = [&](const std::string& schedule) {
      const auto confirmed = answer.confirmed.find(schedule);
      return confirmed == answer.confirmed.end() ? "" : age_of(confirmed->second, session.now());
    };
    for (const auto& person : answer.people) {
      table.add({answer.rotation.name,
                 person.name +
                     std::string(slack_remark(
                         {{}, {}, {}, person.member, {}, {}, false, person.member_pending, person.account})),
                 person.email.value_or(""), person.until ? format_rfc3339(*person.until) : "not known",
                 to_string(person.schedule), age_in(to_string(person.schedule))});
    }
    for (const auto& schedule : answer.unknown)
      table.add({answer.rotation.name, "not known", "", "", schedule, age_in(schedule)});
    if (answer.people.empty() && answer.unknown.empty())
      table.add({answer.rotation.name, "nobody", "", "", "", age_of(answer.confirmed_at(), session.now())});
  }
  session.io().out << table.render(session.io().width);
}

Result<int> who(Session& session, const Invocation& in) {
  std::optional<Instant> at;
  if (const auto text = in.value("at")) {
    auto parsed = session.moment("at", *text, Bare::ahead);
    if (!parsed) return parsed.error();
    at = *parsed;
  }
  auto store = session.store();
  if (!store) return store.error();
  auto rotations = control::rotations_named(**store, in.argument("ROTATION|@GROUP"));
  if (!rotations) return rotations.error();
  auto context = session.context();
  if (!context) return context.error();
  auto found = session.run(control::on_duty(**context, *rotations, at));
  if (!found) return found.error();
  if (session.json()) {
    print_json(session, *found, at.value_or(session.now()));
  } else if (found->empty()) {
    session.io().out << "No rotations yet: `watchbill rotation create --help` shows how to make one.\n";
  } else {
    print(session, *found);
  }
  return kDone;
}

}  // namespace

std::vector<Command> who_commands() {
  return {
      {"who",
       "Show who is on call",
       "From what the store knows, so it works while Slack and the scheduling systems are down; CONFIRMED "
       "says "
       "how old the answer is. A moment in the future is answered from the timelines (as far as the systems "
       "told), one in the past from history.",
       {{"ROTATION|@GROUP", "only this rotation, by name or by its group's handle", true}},
       {{"at", "TIME",
         "at that moment instead of now: \"in 2h\", \"tomorrow 09:00\", \"2026-12-24 18:00\", \"24h ago\", "
         "RFC 3339; without a zone that of the terminal is meant"}},
       {"who", "who @payments-oncall", "who payments --at \"tomorrow 09:00\"",
        "who --at 2026-12-24T18:00:00Z"},
       who}};
}

}  // namespace watchbill::cli
