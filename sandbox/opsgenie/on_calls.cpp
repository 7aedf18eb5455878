// Opsgenie: who is on call, and the timeline.

#include <algorithm>

#include "sandbox/opsgenie/call.hpp"

namespace watchbill::sandbox {
namespace {

bool flat(const OpsgenieCall& call) {
  return call.query("flat") == "true";
}

/// One participant as `flat=false` shows him: teams and escalations hold theirs, nested schedules are only
/// named.
void write_participant(json::Writer& w, const OpsgenieCall& call, const std::string& who, Instant t,
                       const Step* step, int depth) {
  const auto [kind, id] = split_reference(who);
  const auto* forwarding = kind.empty() ? call.view().forwarding_at(who, t) : nullptr;
  begin_recipient(w, call, forwarding ? forwarding->to : who);
  if (forwarding) {
    w.key("forwardedFrom");
    begin_recipient(w, call, who);
    w.end_object();
  }
  if (step) w.field("escalationTime", step->delay).field("notifyType", "default");
  const auto* team = kind == "team" || kind == "escalation" ? call.context.world.teams.find(id) : nullptr;
  if (team && depth < 8) {
    w.key("onCallParticipants").begin_array();
    for (const auto& inner : team->steps) {
      write_participant(w, call, inner.who, t, team->escalation ? &inner : nullptr, depth + 1);
    }
    w.end_array();
  }
  w.end_object();
}

/// Everybody below `who`, whatever the delay.
void collect_names(const OpsgenieCall& call, const std::string& who, Instant t, int depth,
                   std::vector<std::string>& names) {
  const auto [kind, id] = split_reference(who);
  if (depth > 8 || who.empty()) return;
  if (kind.empty()) {
    const auto* forwarding = call.view().forwarding_at(who, t);
    const auto* person = call.roster().person(forwarding ? forwarding->to : who);
    const auto name = !person ? std::string{} : person->email.empty() ? person->login : person->email;
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  } else if (const auto* team = call.context.world.teams.find(id)) {
    for (const auto& step : team->steps) collect_names(call, step.who, t, depth + 1, names);
  } else if (const auto* nested = call.roster().schedules.find(id)) {
    for (const auto& part : nested->parts) {
      for (const auto& shift : shifts_of(*nested, part, {t, t}, call.asked())) {
        if (!covers(shift, t)) continue;
        for (const auto& inner : shift.people) collect_names(call, inner, t, depth + 1, names);
      }
    }
  }
}

void write_people(json::Writer& w, const OpsgenieCall& call, const std::vector<std::string>& people,
                  Instant t, std::string_view objects, std::string_view strings) {
  if (flat(call)) {
    std::vector<std::string> names;
    for (const auto& who : people) collect_names(call, who, t, 0, names);
    w.field(strings, names);
    return;
  }
  w.key(objects).begin_array();
  for (const auto& who : people) {
    if (!who.empty()) write_participant(w, call, who, t, nullptr, 0);
  }
  w.end_array();
}

void write_period(json::Writer& w, const OpsgenieCall& call, const Period& period) {
  w.begin_object().field("startDate", stamp(period.start)).field("endDate", stamp(period.end));
  w.field("type", period.type);
  if (!period.from.empty()) {
    w.key("fromUser");
    begin_recipient(w, call, period.from);
    w.end_object();
  }
  w.key("recipient");
  begin_recipient(w, call, period.who);
  w.end_object();
  if (period.type == "historical") {
    w.key("flattenedRecipients").begin_array();
    if (split_reference(period.who).first.empty() && !period.who.empty()) {
      begin_recipient(w, call, period.who);
      w.end_object();
    }
    w.end_array();
  }
  w.end_object();
}

void write_rotation(json::Writer& w, const OpsgenieCall& call, const Schedule& schedule, const Part& part,
                    Window window) {
  w.key("periods").begin_array();
  for (const auto& period : part_periods(call.view(), schedule, part, window, "default"))
    write_period(w, call, period);
  w.end_array();
}

}  // namespace

void write_on_calls(json::Writer& w, const OpsgenieCall& call, const Schedule& schedule, Instant t) {
  std::vector<std::string> people;
  for (const auto& part : schedule.parts) {
    if (!schedule.enabled) break;
    for (const auto& shift : shifts_of(schedule, part, {t, t}, call.asked())) {
      if (covers(shift, t)) people.insert(people.end(), shift.people.begin(), shift.people.end());
    }
  }
  w.begin_object();
  write_parent(w, schedule);
  write_people(w, call, people, t, "onCallParticipants", "onCallRecipients");
  w.end_object();
}

Answer opsgenie_next_on_calls(const OpsgenieCall& call, const Schedule& schedule, Instant t) {
  std::vector<std::string> people;
  for (const auto& part : schedule.parts) {
    for (const auto& shift : shifts_of(schedule, part, {t, t + days(60)}, call.asked())) {
      if (shift.start <= t) continue;
      people.insert(people.end(), shift.people.begin(), shift.people.end());
      break;
    }
  }
  return opsgenie_ok([&](json::Writer& w) {
    w.begin_object();
    write_parent(w, schedule);
    write_people(w, call, people, t, "nextOnCallRecipients", "nextOnCallParticipants");
    write_people(w, call, people, t, "exactNextOnCallRecipients", "exactNextOnCallParticipants");
    w.end_object();
  });
}

Answer opsgenie_timeline(const OpsgenieCall& call, const Schedule& schedule) {
  const auto unit = call.query("intervalUnit").value_or("weeks");
  const auto interval = whole_number(call.query("interval").value_or("1"));
  if (!is_unit(unit)) {
    return opsgenie_error(422, "intervalUnit is days, weeks or months");
  }
  if (!interval || *interval == 0 || *interval > 1000)
    return opsgenie_error(422, "interval is a positive number");
  for (const auto& what : split_list(call.query("expand").value_or(""))) {
    if (what != "base" && what != "forwarding" && what != "override")
      return opsgenie_error(422, "unknown expand");
  }
  Instant date = call.context.now;
  if (const auto text = call.query("date")) {
    auto moment = parse_rfc3339(*text);
    if (!moment) return opsgenie_error(422, "date is not yyyy-MM-dd'T'HH:mm:ssZ");
    date = *moment;
  }
  const auto window = unit_window(date, static_cast<std::int64_t>(*interval), unit);
  return opsgenie_ok(
      [&](json::Writer& w) {
        w.begin_object();
        write_parent(w, schedule);
        w.field("startDate", stamp(window.from)).field("endDate", stamp(window.to)).key("finalTimeline");
        w.begin_object().key("rotations").begin_array();
        double order = 1;
        for (const auto& part : schedule.parts) {
          w.begin_object().field("id", part.id).field("name", part.name).field("order", order++);
          if (schedule.enabled) write_rotation(w, call, schedule, part, window);
          w.end_object();
        }
        w.end_array().end_object().end_object();
      },
      {"base", "forwarding", "override"});
}

}  // namespace watchbill::sandbox
