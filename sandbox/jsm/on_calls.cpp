// JSM Operations: who is on call, and the timeline. No names, no addresses: account IDs alone.

#include <algorithm>

#include "sandbox/jsm/call.hpp"

namespace watchbill::sandbox {
namespace {

/// The range of a timeline: at most one year back and two years ahead.
constexpr auto kBack = days{366};
constexpr auto kAhead = days{731};

struct Named {
  std::string id;  ///< empty: there is none
  std::string type;
};

Named named(const JsmCall& call, const std::string& who) {
  if (who.empty()) return {"", "noone"};
  const auto [kind, id] = split_reference(who);
  if (kind.empty()) {
    const auto* person = call.roster().person(who);
    return {person ? person->id : who, "user"};
  }
  return {std::string(id), std::string(kind)};
}

/// {"id","type"} without the closing brace. Of `noone` there is no id.
void begin_participant(json::Writer& w, const Named& who) {
  w.begin_object();
  if (!who.id.empty()) w.field("id", who.id);
  w.field("type", who.type);
}

/// A responder of a timeline.
void write_responder(json::Writer& w, const JsmCall& call, const std::string& who) {
  const auto name = named(call, who);
  begin_participant(w, name);
  if (name.type != "noone") {
    const auto* person = call.roster().people.find(name.id);
    w.field("deleted", person && person->deleted);
  }
  w.end_object();
}

/// Everybody behind `who`, as account IDs, each once.
void collect(const JsmCall& call, const std::string& who, Instant t, int depth,
             std::vector<std::string>& ids) {
  const auto [kind, id] = split_reference(who);
  if (depth > 8 || who.empty()) return;
  if (kind.empty()) {
    const auto* forwarding = call.view().forwarding_at(who, t);
    const auto found = named(call, forwarding ? forwarding->to : who).id;
    if (std::find(ids.begin(), ids.end(), found) == ids.end()) ids.push_back(found);
  } else if (const auto* team = call.context.world.teams.find(id)) {
    for (const auto& step : team->steps) collect(call, step.who, t, depth + 1, ids);
  }
}

/// A team comes without its members, an escalation with those of its steps.
void write_participant(json::Writer& w, const JsmCall& call, const std::string& who, Instant t,
                       std::string_view inner, int depth) {
  const auto [kind, id] = split_reference(who);
  const auto* forwarding = kind.empty() ? call.view().forwarding_at(who, t) : nullptr;
  begin_participant(w, named(call, forwarding ? forwarding->to : who));
  if (forwarding) {
    w.key("forwardedFrom");
    begin_participant(w, named(call, who));
    w.end_object();
  }
  const auto* team = call.context.world.teams.find(id);
  if (kind == "escalation" && team && depth < 8) {
    w.key(inner).begin_array();
    for (const auto& step : team->steps) write_participant(w, call, step.who, t, inner, depth + 1);
    w.end_array();
  }
  w.end_object();
}

/// Reads `date`; nothing if it is none.
std::optional<Instant> date_of(const JsmCall& call) {
  const auto text = call.query("date");
  if (!text) return call.context.now;
  const auto moment = parse_rfc3339(*text);
  return moment ? std::optional(*moment) : std::nullopt;
}

Answer answer_people(const JsmCall& call, const std::vector<std::string>& people, Instant t,
                     std::string_view objects, std::string_view strings) {
  const auto flat = call.query("flat").value_or("false");
  if (flat != "true" && flat != "false") return jsm_error(400, "flat is true or false");
  json::Writer w;
  w.begin_object();
  if (flat == "true") {
    std::vector<std::string> ids;
    for (const auto& who : people) collect(call, who, t, 0, ids);
    w.field(strings, ids);
  } else {
    w.key(objects).begin_array();
    for (const auto& who : people) write_participant(w, call, who, t, objects, 0);
    w.end_array();
  }
  w.end_object();
  return jsm_ok(w.take());
}

/// Where a rotation has nobody the timeline says `noone`.
std::vector<Period> with_gaps(std::vector<Period> periods, Window window, Instant now) {
  std::vector<Period> gaps;
  auto covered = window.from;
  const auto gap_until = [&](Instant until) {
    if (covered < until) gaps.push_back({"", "", covered, until, "base"});
  };
  std::sort(periods.begin(), periods.end(),
            [](const Period& a, const Period& b) { return a.start < b.start; });
  for (const auto& period : periods) {
    gap_until(period.start);
    covered = std::max(covered, period.end);
  }
  gap_until(window.to);
  for (auto& gap : split_at_now(std::move(gaps), now)) periods.push_back(std::move(gap));
  std::stable_sort(periods.begin(), periods.end(),
                   [](const Period& a, const Period& b) { return a.start < b.start; });
  return periods;
}

void write_period(json::Writer& w, const JsmCall& call, const Period& period) {
  w.begin_object().field("startDate", stamp(period.start)).field("endDate", stamp(period.end));
  w.field("type", period.type);
  if (!period.from.empty()) {
    w.key("from");
    write_responder(w, call, period.from);
  }
  w.key("responder");
  write_responder(w, call, period.who);
  if (period.type == "historical") {
    std::vector<std::string> ids;
    collect(call, period.who, period.start, 0, ids);
    w.key("flattenedResponders").begin_array();
    for (const auto& id : ids) {
      w.begin_object().field("id", id).field("type", "user").field("deleted", false).end_object();
    }
    w.end_array();
  }
  w.end_object();
}

void write_rotation(json::Writer& w, const JsmCall& call, const Schedule& schedule, const Part& part,
                    Window window, double order) {
  w.begin_object().field("id", part.id).field("name", part.name).key("order");
  if (part.deleted) {
    w.null();
  } else {
    w.value(order);
  }
  w.field("deleted", part.deleted).key("periods").begin_array();
  auto periods = part_periods(call.view(), schedule, part, window, "base");
  if (part.deleted) {
    std::erase_if(periods, [](const Period& period) { return period.type != "historical"; });
  } else {
    periods = with_gaps(std::move(periods), window, call.context.now);
  }
  if (schedule.enabled) {
    for (const auto& period : periods) write_period(w, call, period);
  }
  w.end_array().end_object();
}

}  // namespace

Answer jsm_on_calls(const JsmCall& call, const Schedule& schedule) {
  const auto t = date_of(call);
  if (!t) return jsm_error(400, "date is not a date and time");
  std::vector<std::string> people;
  for (const auto& part : schedule.parts) {
    if (part.deleted || !schedule.enabled) continue;
    for (const auto& shift : shifts_of(schedule, part, {*t, *t}, call.view().asked())) {
      if (covers(shift, *t)) people.insert(people.end(), shift.people.begin(), shift.people.end());
    }
  }
  return answer_people(call, people, *t, "onCallParticipants", "onCallUsers");
}

Answer jsm_next_on_calls(const JsmCall& call, const Schedule& schedule) {
  const auto t = date_of(call);
  if (!t) return jsm_error(400, "date is not a date and time");
  std::vector<std::string> people;
  for (const auto& part : schedule.parts) {
    if (part.deleted) continue;
    for (const auto& shift : shifts_of(schedule, part, {*t, *t + days(60)}, call.view().asked())) {
      if (shift.start <= *t) continue;
      people.insert(people.end(), shift.people.begin(), shift.people.end());
      break;
    }
  }
  return answer_people(call, people, *t, "nextOnCallParticipants", "nextOnCallUsers");
}

Answer jsm_timeline(const JsmCall& call, const Schedule& schedule) {
  const auto unit = call.query("intervalUnit").value_or("weeks");
  const auto interval = whole_number(call.query("interval").value_or("1"));
  if (!is_unit(unit)) return jsm_error(400, "intervalUnit is days, weeks or months");
  if (!interval || *interval == 0 || *interval > 1000) return jsm_error(400, "interval is a positive number");
  for (const auto& what : split_list(call.query("expand").value_or(""))) {
    if (what != "base" && what != "forwarding" && what != "override")
      return jsm_error(400, "expand is base, forwarding or override");
  }
  const auto date = date_of(call);
  if (!date) return jsm_error(400, "date is not a date and time");
  const auto now = call.context.now;
  const auto window = unit_window(*date, static_cast<std::int64_t>(*interval), unit);
  if (window.from < now - kBack || window.to > now + kAhead)
    return jsm_error(400, "a timeline reaches one year back and two years ahead");
  json::Writer w;
  w.begin_object().field("startDate", stamp(window.from)).field("endDate", stamp(window.to));
  w.key("finalTimeline").begin_object().key("rotations").begin_array();
  double order = 1;
  for (const auto& part : schedule.parts) write_rotation(w, call, schedule, part, window, order++);
  w.end_array().end_object();
  w.field("_expands", std::vector<std::string>{"base", "forwarding", "override"}).end_object();
  return jsm_ok(w.take());
}

}  // namespace watchbill::sandbox
