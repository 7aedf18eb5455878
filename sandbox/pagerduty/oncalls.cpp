// PagerDuty: GET /oncalls

#include <algorithm>
#include <tuple>

#include "sandbox/pagerduty/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr auto kFarthest = days(90);

/// One entry for each escalation policy, level and user.
struct OnCall {
  const Responder* user = nullptr;
  const Schedule* schedule = nullptr;  ///< null: a direct target of the policy
  int policy = 1;
  Instant start = kAlways;
  Instant end = kNever;
};

struct Wanted {
  std::vector<std::string> schedules;
  std::vector<std::string> policies;
  std::vector<std::string> users;

  static bool has(const std::vector<std::string>& ids, const std::string& id) {
    return ids.empty() || std::find(ids.begin(), ids.end(), id) != ids.end();
  }
};

void collect_schedule(const PagerDutyCall& call, const Schedule& schedule, const Wanted& wanted,
                      Window window, std::vector<OnCall>& out) {
  if (schedule.forbidden) return;
  if (schedule.shift_based && !call.context.world.pagerduty.v3_in_oncalls) return;
  for (const auto& part : schedule.parts) {
    // Periods that only touch the range are here too: nothing says that they are not.
    for (const auto& shift : shifts_of(schedule, part, window, call.asked())) {
      for (const auto& key : shift.people) {
        const auto* user = call.roster().person(key);
        if (!user || !Wanted::has(wanted.users, user->id)) continue;
        // A schedule that no escalation policy uses does not appear.
        for (int policy = 1; policy <= schedule.escalation_policies; ++policy) {
          if (!Wanted::has(wanted.policies, policy_id(schedule, policy))) continue;
          out.push_back({user, &schedule, policy, shift.start, shift.end});
        }
      }
    }
  }
}

std::vector<OnCall> collect(const PagerDutyCall& call, const Wanted& wanted, Window window) {
  std::vector<OnCall> found;
  const auto& schedules = call.roster().schedules;
  bool direct = wanted.schedules.empty();
  if (wanted.schedules.empty()) {
    for (const auto& schedule : schedules) collect_schedule(call, schedule, wanted, window, found);
  }
  for (const auto& id : wanted.schedules) {
    if (id == "null") direct = true;
    if (const auto* schedule = schedules.find(id)) collect_schedule(call, *schedule, wanted, window, found);
  }
  for (const auto& key : call.context.world.pagerduty.direct_targets) {
    const auto* user = call.roster().person(key);
    if (direct && user && Wanted::has(wanted.users, user->id)) found.push_back({user, nullptr, 3});
  }
  return found;
}

/// `earliest`: only the first on-call of each policy, level and user.
void keep_earliest(std::vector<OnCall>& found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const OnCall& a, const OnCall& b) { return a.start < b.start; });
  std::set<std::tuple<const Schedule*, int, const Responder*>> seen;
  std::erase_if(found, [&](const OnCall& o) { return !seen.emplace(o.schedule, o.policy, o.user).second; });
}

void write_oncall(json::Writer& w, const PagerDutyCall& call, const OnCall& entry) {
  w.begin_object().key("user");
  if (call.includes("users")) {
    write_full_user(w, *entry.user, call.context.world.pagerduty.subdomain);
  } else {
    write_user_reference(w, *entry.user);
  }
  w.key("schedule");
  if (entry.schedule) {
    const auto& schedule = *entry.schedule;
    w.begin_object().field("id", schedule.id);
    w.field("type", schedule.shift_based ? "schedule_v3_reference" : "schedule_reference");
    w.field("summary", schedule.name).field("self", "https://api.pagerduty.com/schedules/" + schedule.id);
    w.field("html_url", "https://acme.pagerduty.com/schedules/" + schedule.id).end_object();
  } else {
    w.null();
  }
  const auto policy = entry.schedule ? policy_id(*entry.schedule, entry.policy) : std::string("PEPDIRECT");
  w.key("escalation_policy").begin_object().field("id", policy).field("type", "escalation_policy_reference");
  w.field("summary", policy).field("self", "https://api.pagerduty.com/escalation_policies/" + policy);
  w.key("html_url").null().end_object().field("escalation_level", entry.policy);
  write_moment(w, "start", entry.start);
  write_moment(w, "end", entry.end);
  w.end_object();
}

}  // namespace

Answer oncalls(const PagerDutyCall& call) {
  for (const auto& [name, value] : call.request.query) {
    if (name == "schedule_ids" || name == "user_ids" || name == "escalation_policy_ids" ||
        name == "include") {
      return pagerduty_invalid(name, fmt::format("{} is a list: {}[]", name, name));
    }
  }
  const auto page = pagerduty_page(call, 25, 100);
  if (!page) return pagerduty_invalid("limit", "Limit and offset are beyond what is allowed");
  const auto span = since_until(call, false);
  if (span.refusal) return *span.refusal;
  if (span.window.to > call.context.now + kFarthest || span.window.to - span.window.from > kFarthest) {
    return pagerduty_error(400, 2004, "The search range cannot exceed 90 days");
  }
  const Wanted wanted{call.all("schedule_ids[]"), call.all("escalation_policy_ids[]"),
                      call.all("user_ids[]")};
  auto found = collect(call, wanted, span.window);
  if (call.query("earliest") == "true") keep_earliest(found);
  json::Writer w;
  w.begin_object().key("oncalls").begin_array();
  for (auto i = page->offset; i < std::min(found.size(), page->offset + page->limit); ++i) {
    write_oncall(w, call, found[i]);
  }
  w.end_array();
  write_page(w, call, *page, found.size());
  w.end_object();
  return pagerduty_ok(w);
}

}  // namespace watchbill::sandbox
