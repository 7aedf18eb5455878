// PagerDuty: shift-based schedules (/v3/schedules).

#include <algorithm>

#include "sandbox/pagerduty/call.hpp"

namespace watchbill::sandbox {
namespace {

void write_assignments(json::Writer& w, const PagerDutyCall& call, const Schedule& schedule, Window window) {
  w.key("final_schedule").begin_object().field("type", "final_schedule");
  w.field("rendered_coverage_percentage", 100).key("computed_shift_assignments").begin_array();
  for (const auto& part : schedule.parts) {
    for (const auto& shift : rendered(call, schedule, part, window)) {
      for (const auto& key : shift.people) {
        const auto* person = call.roster().person(key);
        w.begin_object().field("type", "computed_shift_assignment");
        write_moment(w, "start_time", shift.start);
        write_moment(w, "end_time", shift.end);
        w.key("member").begin_object().field("type", person ? "user_member" : "empty_member");
        if (person) w.field("user_id", person->id);
        w.end_object().key("source").begin_object();
        w.field("type", shift.source == "override" ? "schedule_rotation_override" : "schedule_rotation");
        w.field("rotation_id", part.id).end_object().end_object();
      }
    }
  }
  w.end_array().end_object();
}

}  // namespace

Answer v3_schedules(const PagerDutyCall& call) {
  const auto page = pagerduty_page(call, 100, 1000);
  if (!page) return pagerduty_invalid("limit", "Limit and offset are beyond what is allowed", true);
  const auto query = call.query("query").value_or("");
  std::vector<const Schedule*> found;
  for (const auto& schedule : call.roster().schedules) {
    const bool shown = schedule.shift_based && !schedule.forbidden;
    if (shown && schedule.name.find(query) != std::string::npos) found.push_back(&schedule);
  }
  json::Writer w;
  w.begin_object().key("schedules").begin_array();
  for (auto i = page->offset; i < std::min(found.size(), page->offset + page->limit); ++i) {
    w.begin_object().field("id", found[i]->id).field("type", "schedule_v3_reference");
    w.field("summary", found[i]->name)
        .field("self", "https://api.pagerduty.com/v3/schedules/" + found[i]->id);
    w.field("html_url", "https://acme.pagerduty.com/schedules/" + found[i]->id).end_object();
  }
  w.end_array();
  write_page(w, call, *page, found.size());
  w.end_object();
  return pagerduty_ok(w);
}

Answer v3_schedule(const PagerDutyCall& call, const std::string& id) {
  const auto* schedule = call.roster().schedules.find(id);
  if (!schedule) return pagerduty_error(404, 2100, "Not Found");
  if (schedule->forbidden) return pagerduty_error(403, 2010, "Access Denied");
  if (!schedule->shift_based) return pagerduty_error(400, 2001, "This is a layer-based schedule.");
  SinceUntil span;
  const bool final_wanted = call.includes("final_schedule") && call.query("since") && call.query("until");
  if (final_wanted) span = since_until(call, true);
  if (span.refusal) return *span.refusal;
  json::Writer w;
  w.begin_object().key("schedule").begin_object().field("id", schedule->id).field("type", "schedule_v3");
  w.field("name", schedule->name).field("time_zone", "Etc/UTC");
  write_policy_references(w, *schedule);
  w.key("rotations").begin_array();
  for (const auto& part : schedule->parts) {
    w.begin_object().field("id", part.id).field("type", "schedule_rotation").end_object();
  }
  w.end_array();
  if (final_wanted) write_assignments(w, call, *schedule, span.window);
  w.end_object().end_object();
  return pagerduty_ok(w);
}

}  // namespace watchbill::sandbox
