// watchbill who

#include <algorithm>
#include <map>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/overview.hpp"
#include "cli/table.hpp"
#include "engine/roster.hpp"

namespace watchbill::cli {

namespace {

struct OnDuty {
  std::string name;
  std::optional<std::string> email;
  std::optional<UserId> member;
  ScheduleRef schedule;
  std::optional<Instant> until;
};

struct Answer {
  Rotation rotation;
  std::vector<OnDuty> people;
  /// Schedules of which it is not known who is on call at that moment.
  std::vector<std::string> unknown;
  /// When a scheduling system last confirmed this; none for what history tells.
  std::optional<Instant> confirmed_at;
};

using Watches = std::map<ScheduleRef, Watch>;

/// From what the systems said of now and the future.
Answer from_timelines(const Rotation& rotation, const Watches& watches, const Matcher& matcher, Instant at) {
  Answer answer{rotation, {}, {}, std::nullopt};
  for (const auto& schedule : rotation.schedules) {
    const auto watch = watches.find(schedule.ref);
    const auto on_call = watch == watches.end() ? OnCall{Unknown{}} : on_call_at(watch->second.timeline, at);
    if (watch != watches.end() && watch->second.timeline.confirmed_at != kAlways) {
      const auto confirmed = watch->second.timeline.confirmed_at;
      answer.confirmed_at = std::min(answer.confirmed_at.value_or(confirmed), confirmed);
    }
    if (std::holds_alternative<Unknown>(on_call)) answer.unknown.push_back(to_string(schedule.ref));
    const auto* people = std::get_if<People>(&on_call);
    if (!people) continue;
    for (const auto& responder : people->responders) {
      auto until = on_call_until(watch->second.timeline, responder, at);
      if (until == kNever) until.reset();
      answer.people.push_back(
          {responder.name, responder.email, matcher.match(responder).user, schedule.ref, until});
    }
  }
  return answer;
}

/// From the last change before that moment.
Result<Answer> from_history(store::Store& store, const Rotation& rotation, Instant at) {
  Answer answer{rotation, {}, {}, std::nullopt};
  auto changes = store.history().list({rotation.id, std::nullopt, at + 1ms, 50});
  if (!changes) return changes.error();
  const auto told = std::find_if(changes->begin(), changes->end(), [at](const Change& change) {
    return change.at <= at && (!change.said.empty() || change.cause == Cause::handoff);
  });
  if (told == changes->end()) {
    for (const auto& schedule : rotation.schedules) answer.unknown.push_back(to_string(schedule.ref));
    return answer;
  }
  for (const auto& person : told->said) {
    auto until = person.until;
    if (until == kNever) until.reset();
    answer.people.push_back(
        {person.responder.name, person.responder.email, person.member, person.schedule, until});
  }
  return answer;
}

Result<std::vector<Rotation>> chosen(store::Store& store, const std::string& which) {
  auto all = store.rotations().list();
  if (!all || which.empty()) return all;
  if (!which.starts_with('@')) {
    auto one = store.rotations().find(which);
    if (!one) return one.error();
    return std::vector<Rotation>{*std::move(one)};
  }
  std::erase_if(*all, [&](const Rotation& rotation) { return "@" + rotation.handle != which; });
  if (all->empty()) {
    return fail(ErrorKind::not_found, "no rotation keeps the group {} (see `watchbill rotation list`)",
                which);
  }
  return all;
}

Result<std::vector<Answer>> answers(Session& session, const std::vector<Rotation>& rotations, Instant at) {
  auto opened = session.store();
  if (!opened) return opened.error();
  auto& store = **opened;
  auto desk = session.slack_offline();
  if (!desk) return desk.error();
  engine::StoredUsers users(store);
  slack::Directory directory(session.loop(), (*desk)->gate, (*desk)->web, users);
  if (auto loaded = directory.load(); !loaded) return loaded.error();
  engine::Roster roster(directory);
  auto mappings = store.people().mappings();
  if (!mappings) return mappings.error();
  roster.set_mappings(*mappings);
  auto stored = store.engine().watches();
  if (!stored) return stored.error();
  Watches watches;
  for (auto& watch : *stored) watches.insert_or_assign(watch.schedule, std::move(watch));

  std::vector<Answer> out;
  const bool past = at < session.now();
  for (const auto& rotation : rotations) {
    if (past) {
      auto answer = from_history(store, rotation, at);
      if (!answer) return answer.error();
      out.push_back(*std::move(answer));
    } else {
      out.push_back(from_timelines(rotation, watches, roster, at));
    }
  }
  return out;
}

std::string age_of(const Answer& answer, Instant now) {
  if (!answer.confirmed_at) return "";
  const auto age = std::max(milliseconds{0}, now - *answer.confirmed_at);
  return age < 1s ? "just now" : format_duration(std::chrono::floor<seconds>(age)) + " ago";
}

void print_json(Session& session, const std::vector<Answer>& found, Instant at) {
  json::Writer w;
  w.begin_object().field("at", format_rfc3339(at)).key("rotations").begin_array();
  for (const auto& answer : found) {
    w.begin_object().field("name", answer.rotation.name).key("group").begin_object();
    w.field("id", answer.rotation.group.value).field("handle", answer.rotation.handle).end_object();
    w.key("on_call").begin_array();
    for (const auto& [name, email, member, schedule, until] : answer.people) {
      w.begin_object().field("name", name).field("email", email);
      w.field("member", member ? std::optional(member->value) : std::nullopt);
      w.field("schedule", to_string(schedule));
      w.field("until", until ? std::optional(format_rfc3339(*until)) : std::nullopt).end_object();
    }
    w.end_array().field("unknown", answer.unknown);
    w.field("confirmed_at",
            answer.confirmed_at ? std::optional(format_rfc3339(*answer.confirmed_at)) : std::nullopt);
    w.end_object();
  }
  w.end_array().end_object();
  session.print_json(w.take());
}

void print(Session& session, const std::vector<Answer>& found) {
  Table table({"ROTATION", "ON CALL", "E-MAIL", "UNTIL", "SCHEDULE", "CONFIRMED"});
  for (const auto& answer : found) {
    const auto age = age_of(answer, session.now());
    for (const auto& person : answer.people) {
      table.add({answer.rotation.name, person.name + (person.member ? "" : " (not in Slack)"),
                 person.email.value_or(""), person.until ? format_rfc3339(*person.until) : "not known",
                 to_string(person.schedule), age});
    }
    for (const auto& schedule : answer.unknown)
      table.add({answer.rotation.name, "not known", "", "", schedule, age});
    if (answer.people.empty() && answer.unknown.empty())
      table.add({answer.rotation.name, "nobody", "", "", "", age});
  }
  session.io().out << table.render(session.io().width);
}

Result<int> who(Session& session, const Invocation& in) {
  Instant at = session.now();
  if (const auto text = in.value("at")) {
    auto parsed = parse_rfc3339(*text);
    if (!parsed) return parsed.error().in("--at");
    at = *parsed;
  }
  auto store = session.store();
  if (!store) return store.error();
  auto rotations = chosen(**store, in.argument("ROTATION|@GROUP"));
  if (!rotations) return rotations.error();
  auto found = answers(session, *rotations, at);
  if (!found) return found.error();
  if (session.json()) {
    print_json(session, *found, at);
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
       {{"at", "TIME", "at that moment instead of now (RFC 3339: 2026-11-22T09:00:00Z)"}},
       {"who", "who @payments-oncall", "who payments --at 2026-12-24T18:00:00Z"},
       who}};
}

}  // namespace watchbill::cli
