#include "core/oncall/plan.hpp"

#include <algorithm>
#include <iterator>

#include "base/phrase.hpp"

namespace watchbill {

namespace {

using Users = std::vector<UserId>;

void sort_unique(Users& users) {
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
}

Users united(const Users& a, const Users& b) {
  Users all = a;
  all.insert(all.end(), b.begin(), b.end());
  sort_unique(all);
  return all;
}

Users without(const Users& a, const Users& b) {
  Users left;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(left));
  return left;
}

Users common(const Users& a, const Users& b) {
  Users both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

class Planner {
 public:
  explicit Planner(const PlanInput& input) : in_(input) {}

  Plan make() {
    if (!all_asked()) {
      note_unknown();
      return std::move(plan_);
    }
    gather_people();
    // Nobody known to be on call is not yet nobody.
    if (plan_.people.empty() && !plan_.unknown.empty()) return std::move(plan_);
    plan_.decided = true;
    std::sort(plan_.people.begin(), plan_.people.end(), [](const OnCallPerson& a, const OnCallPerson& b) {
      return a.responder != b.responder ? a.responder < b.responder : a.schedule < b.schedule;
    });
    plan_.handoff = !in_.record.decided || !same_people(in_.record.people, plan_.people);
    look_ahead();
    choose_target();
    return std::move(plan_);
  }

 private:
  void problem(std::string kind, std::string text, bool alert = true) {
    plan_.problems.push_back(Problem{fmt::format("rotation:{}:{}", in_.rotation.id.value, kind),
                                     std::move(text),
                                     in_.rotation.id,
                                     {},
                                     alert});
  }

  bool all_asked() const {
    return std::all_of(in_.states.begin(), in_.states.end(), [](const ScheduleState* state) {
      return state &&
             (state->last_answer || state->failing_since || state->presence != Presence::never_asked);
    });
  }

  std::string label_of(std::size_t i) const {
    const auto& schedule = in_.rotation.schedules[i];
    if (!schedule.label.empty()) return schedule.label;
    return in_.states[i]->name.empty() ? to_string(schedule.ref) : in_.states[i]->name;
  }

  /// Everybody has one name, whatever the systems call them: that which Slack shows, where it knows them.
  static std::string name_of(const Responder& responder, const Match& match) {
    if (!match.name.empty()) return match.name;
    return responder.name.empty() ? responder.id : responder.name;
  }

  /// Whoever was deleted in the scheduling system is paged by nobody: they stand there and are not on call.
  bool report_deleted(std::size_t i, const Responder& responder) {
    if (!responder.deleted) return false;
    const auto name = name_of(responder, in_.matcher.match(responder));
    problem(
        "deleted:" + responder.connection + "/" + responder.id,
        fmt::format("{} stands on schedule {} ({}), but the account was deleted in {}, so nobody is paged "
                    "there for them; put somebody else on the schedule",
                    name, label_of(i), to_string(in_.rotation.schedules[i].ref), responder.connection));
    if (std::find(deleted_.begin(), deleted_.end(), name) == deleted_.end()) deleted_.push_back(name);
    return true;
  }

  /// Who this was in Slack at the last decision: nobody leaves a group because they are being looked up
  /// again.
  std::optional<UserId> last_member(const Responder& responder) const {
    const auto& people = in_.record.people;
    const auto known = std::find_if(people.begin(), people.end(), [&](const OnCallPerson& person) {
      return person.responder == responder && person.member;
    });
    return known == people.end() ? std::nullopt : known->member;
  }

  void add_person(std::size_t i, const Responder& responder, bool confirmed) {
    if (report_deleted(i, responder)) return;
    const auto& timeline = in_.states[i]->timeline;
    OnCallPerson person{responder, in_.rotation.schedules[i].ref, label_of(i)};
    const auto match = in_.matcher.match(responder);
    person.member = match.pending ? last_member(responder) : match.user;
    person.member_pending = match.pending;
    person.account = match.account;
    person.responder.name = name_of(responder, match);
    person.last_known = !confirmed;
    if (confirmed) {
      person.until = on_call_until(timeline, responder, in_.now);
      for (const auto& shift : timeline.shifts) {
        if (shift.responder == responder && shift.start <= in_.now && in_.now < shift.end &&
            shift.start != kAlways) {
          person.since = person.since ? std::min(*person.since, shift.start) : shift.start;
        }
      }
    }
    if (match.pending) {
      plan_.pending = true;
      plan_.pending_why = fmt::format("{}: {}", person.responder.name, match.why);
    }
    if (!match.user && !match.pending) report_unmatched(person.responder, match.why);
    plan_.people.push_back(std::move(person));
  }

  void report_unmatched(const Responder& responder, const std::string& why) {
    const auto handle = responder.email ? *responder.email : responder.connection + "/" + responder.id;
    problem("unmatched:" + responder.connection + "/" + responder.id,
            fmt::format("{} is on call but cannot be in @{}: {}; say who that is in Slack with "
                        "`watchbill people map {} U…`",
                        responder.name, in_.rotation.handle, why, handle));
  }

  /// Who stays while a schedule is Unknown: those of the last decision, else the last that its state knew.
  std::vector<Responder> last_known(const ScheduleState& state) const {
    std::vector<Responder> responders;
    for (const auto& person : in_.record.people) {
      if (person.schedule == state.schedule) responders.push_back(person.responder);
    }
    return responders.empty() ? state.held : responders;
  }

  /// While not all have been asked.
  void note_unknown() {
    for (std::size_t i = 0; i < in_.states.size(); ++i) {
      const auto* state = in_.states[i];
      const auto on_call = state ? believed_on_call(*state, in_.now) : OnCall{Unknown{}};
      if (std::holds_alternative<Unknown>(on_call)) plan_.unknown.push_back(in_.rotation.schedules[i].ref);
    }
  }

  void gather_people() {
    for (std::size_t i = 0; i < in_.states.size(); ++i) {
      const auto on_call = believed_on_call(*in_.states[i], in_.now);
      if (const auto* people = std::get_if<People>(&on_call)) {
        for (const auto& responder : people->responders) add_person(i, responder, true);
        const bool all_deleted = std::all_of(people->responders.begin(), people->responders.end(),
                                             [](const Responder& responder) { return responder.deleted; });
        if (all_deleted) report_empty_schedule(i);
      } else if (std::holds_alternative<Nobody>(on_call)) {
        report_empty_schedule(i);
      } else {
        gather_last_known(i);
      }
    }
  }

  void gather_last_known(std::size_t i) {
    const auto& state = *in_.states[i];
    plan_.unknown.push_back(in_.rotation.schedules[i].ref);
    never_known_ = never_known_ || state.timeline.confirmed_at == kAlways;
    // Its first answer, that nobody is on call, is being confirmed.
    if (state.presence == Presence::never_asked && state.doubt) return;
    plan_.stale = true;
    for (const auto& responder : last_known(state)) add_person(i, responder, false);
    report_unknown(i);
  }

  void report_empty_schedule(std::size_t i) {
    if (!in_.rotation.schedules[i].required) return;
    problem("required:" + to_string(in_.rotation.schedules[i].ref),
            fmt::format("nobody is on call in the required schedule {} ({}); fill the gap there", label_of(i),
                        to_string(in_.rotation.schedules[i].ref)));
  }

  void report_unknown(std::size_t i) {
    const auto& state = *in_.states[i];
    const auto ref = to_string(in_.rotation.schedules[i].ref);
    if (state.presence == Presence::gone) {
      problem("gone:" + ref, fmt::format("schedule {} does not exist any more; choose another with "
                                         "`watchbill rotation edit` (until then "
                                         "its last people stay in @{})",
                                         ref, in_.rotation.handle));
    } else if (state.presence == Presence::forbidden) {
      const auto why = state.failure.empty() ? std::string{} : fmt::format(" ({})", state.failure);
      problem("forbidden:" + ref, fmt::format("schedule {} may not be read{}; give the key of connection "
                                              "{} access to it, or choose another "
                                              "schedule",
                                              ref, why, state.schedule.connection));
    } else {
      const auto since = state.last_answer ? " since " + format_minutes(*state.last_answer) : std::string{};
      problem("unknown:" + ref,
              fmt::format(
                  "who is on call in {} is not known{}: {}; its last people stay. Check connection {} with "
                  "`watchbill connection test {}`",
                  ref, since, state.failure.empty() ? "its answers do not reach until now" : state.failure,
                  state.schedule.connection, state.schedule.connection));
    }
  }

  void look_ahead() {
    for (const auto* state : in_.states) {
      if (state->presence != Presence::ok) continue;
      const auto boundary = watchbill::next_boundary(state->timeline, in_.now);
      if (boundary && (!plan_.next_boundary || *boundary < *plan_.next_boundary))
        plan_.next_boundary = boundary;
    }
    if (!plan_.next_boundary) return;
    for (const auto* state : in_.states) {
      const auto then = believed_on_call(*state, *plan_.next_boundary);
      const auto* people = std::get_if<People>(&then);
      if (!people) continue;
      for (const auto& responder : people->responders) add_next(responder, *state);
    }
  }

  void add_next(const Responder& responder, const ScheduleState& state) {
    if (responder.deleted) return;
    const auto match = in_.matcher.match(responder);
    OnCallPerson candidate{responder, state.schedule, {}, match.user};
    const bool known = std::any_of(plan_.people.begin(), plan_.people.end(),
                                   [&](const OnCallPerson& p) { return same_person(p, candidate); });
    const auto name = name_of(responder, match);
    const bool listed = std::any_of(plan_.next.begin(), plan_.next.end(), [&](const NextPerson& p) {
      return p.name == name && p.member == match.user;
    });
    if (!known && !listed) plan_.next.push_back({name, match.user, *plan_.next_boundary});
  }

  /// Those of `wanted` who may be in a group; says who may not.
  Users fit(Users wanted, std::string_view as) {
    sort_unique(wanted);
    std::erase_if(wanted, [&](const UserId& user) {
      const auto why = in_.matcher.unfit(user);
      if (why) {
        problem("unfit:" + user.value,
                fmt::format("{} {}; choose another with `watchbill rotation edit`", as, *why));
      }
      return why.has_value();
    });
    return wanted;
  }

  void choose_target() {
    const auto permanent = fit(in_.rotation.permanent_members, "permanent member");
    Users matched;
    for (const auto& person : plan_.people) {
      if (person.member && !in_.matcher.unfit(*person.member)) matched.push_back(*person.member);
    }
    sort_unique(matched);
    if (!matched.empty()) return aim_at(united(matched, permanent));
    if (!plan_.people.empty()) return nobody_matches(permanent);
    nobody_on_call(permanent);
  }

  void nobody_matches(const Users& permanent) {
    if (plan_.pending) return;
    const auto fallback = fit(in_.rotation.fallback_members, "fallback member");
    if (fallback.empty()) {
      plan_.group_note = "Nobody of them can be in a Slack group, so it keeps its members.";
      // A list with an invalid member may have emptied it: then it gets back those it had.
      const bool emptied = in_.group && !in_.group->disabled && in_.group->members.empty();
      if (emptied) aim_at(united(still_fit(in_.record.placed), permanent));
      return;
    }
    plan_.group_note = "Nobody of them can be in a Slack group, so it has its fallback members.";
    aim_at(united(fallback, permanent));
  }

  /// What became of the group while nobody is on call, and why that is where the schedule names somebody.
  void note(std::string_view group) {
    plan_.group_note = group;
    if (deleted_.empty()) return;
    plan_.group_note = fmt::format(
        "{} {} on the schedule, but {} deleted in the scheduling system: nobody is "
        "paged. {}",
        phrase(deleted_), deleted_.size() == 1 ? "stands" : "stand",
        deleted_.size() == 1 ? "the account was" : "the accounts were", group);
  }

  void nobody_on_call(const Users& permanent) {
    if (in_.rotation.alerts_when_empty()) {
      problem("empty",
              fmt::format("nobody is on call{}; fill the gap in the schedule, or choose `--empty fallback`",
                          plan_.next_boundary ? " until " + format_minutes(*plan_.next_boundary) : ""));
    }
    if (in_.rotation.empty == Empty::disable) {
      note("The group is disabled until somebody is on call.");
      return aim_at_nobody();
    }
    if (in_.rotation.empty == Empty::fallback) {
      const auto fallback = fit(in_.rotation.fallback_members, "fallback member");
      if (!fallback.empty()) {
        note("The group has its fallback members meanwhile.");
        return aim_at(united(fallback, permanent));
      }
    }
    note("The group keeps its last members meanwhile.");
    const auto& last = in_.record.target;
    if (last && !last->disable) aim_at(united(still_fit(last->members), permanent));
  }

  Users still_fit(Users users) const {
    std::erase_if(users, [&](const UserId& user) { return in_.matcher.unfit(user).has_value(); });
    return users;
  }

  /// Whom Watchbill put into the group because of a schedule that is known: they leave with their shift,
  /// whatever those say that were never heard.
  Users placed_by_known() const {
    Users users;
    for (const auto& person : in_.record.people) {
      const auto& schedules = in_.rotation.schedules;
      const bool used = std::any_of(schedules.begin(), schedules.end(),
                                    [&](const RotationSchedule& one) { return one.ref == person.schedule; });
      const auto& unknown = plan_.unknown;
      const bool known = std::find(unknown.begin(), unknown.end(), person.schedule) == unknown.end();
      if (used && known && person.member) users.push_back(*person.member);
    }
    sort_unique(users);
    return common(users, in_.record.placed);
  }

  /// `keep` and `merge` start from what the group has; so does a rotation one of whose sources was never
  /// heard.
  void aim_at(Users wanted) {
    if (wanted.empty()) return;
    plan_.placed = wanted;
    if (in_.rotation.membership == Membership::merge || never_known_) {
      if (!in_.group) return;
      const auto ours = in_.rotation.membership == Membership::merge ? in_.record.placed : placed_by_known();
      const auto leaving = without(ours, wanted);
      const auto staying = still_fit(without(in_.group->members, leaving));
      plan_.placed = united(common(ours, wanted), without(wanted, in_.group->members));
      wanted = united(staying, wanted);
    }
    plan_.target = GroupTarget{false, std::move(wanted)};
  }

  void aim_at_nobody() {
    if (in_.rotation.membership == Membership::merge) {
      if (!in_.group) return;
      const auto others = without(in_.group->members, in_.record.placed);
      if (!others.empty()) {
        note("Only the members that others put into the group remain.");
        plan_.target = GroupTarget{false, others};
        return;
      }
    }
    plan_.placed = in_.record.placed;  // a disabled group keeps its members
    plan_.target = GroupTarget{true, {}};
  }

  const PlanInput& in_;
  Plan plan_;
  std::vector<std::string> deleted_;  ///< names of those on the schedules who were deleted there
  bool never_known_ = false;
};

}  // namespace

Plan make_plan(const PlanInput& input) {
  return Planner(input).make();
}

std::vector<UserId> ledger_before(const std::vector<UserId>& placed, const std::vector<UserId>& more) {
  return united(placed, more);
}

std::vector<UserId> ledger_of(const std::vector<UserId>& placed, const GroupNow& seen) {
  return seen.disabled || seen.members.empty() ? placed : common(placed, seen.members);
}

WriteNeeded write_needed(const GroupTarget& target, const GroupNow& group) {
  if (target.disable) return group.disabled ? WriteNeeded::none : WriteNeeded::disable;
  if (group.disabled) return WriteNeeded::members_and_enable;
  return target.members == group.members ? WriteNeeded::none : WriteNeeded::members;
}

}  // namespace watchbill
