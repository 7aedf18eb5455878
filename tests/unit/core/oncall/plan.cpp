#include "core/oncall/plan.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

const Instant kNow = *parse_rfc3339("2026-11-22T09:00:00Z");

/// "pN" is the Slack user "UN", except those who are nobody there; "Ubot" may be in no group.
class Book final : public Matcher {
 public:
  std::set<std::string> strangers;
  std::set<std::string> guests;
  std::string slack_name;  ///< of everybody
  [[nodiscard]] Match match(const Responder& responder) const override {
    if (strangers.contains(responder.id)) return {std::nullopt, false, "no Slack account"};
    const UserId user{"U" + responder.id.substr(1)};
    if (guests.contains(responder.id))
      return {std::nullopt, false, slack_name + " is a guest", slack_name, user};
    return {user, false, {}, slack_name};
  }
  [[nodiscard]] std::optional<std::string> unfit(const UserId& user) const override {
    return user.value == "Ubot" ? std::optional<std::string>("is a bot") : std::nullopt;
  }
};

struct Case {
  Rotation rotation;
  RotationRecord record;
  std::vector<ScheduleState> states;
  std::optional<GroupNow> group = GroupNow{};
  Book book;

  Case() {
    rotation.id = {1};
    rotation.name = "payments";
    rotation.handle = "payments-oncall";
  }
  void add(const std::string& id, const std::vector<std::string>& people, bool known = true) {
    ScheduleState state;
    state.schedule = {"pd", id};
    state.presence = Presence::ok;
    state.last_answer = kNow;
    state.timeline = {{}, kNow - 1h, known ? kNow + 1h : kNow - 1min, kNow};
    for (const auto& person : people) {
      state.held.push_back({"pd", person, person});
      state.timeline.shifts.push_back({Responder{"pd", person, person}, kNow - 1h, kNow + 2h});
    }
    states.push_back(state);
    rotation.schedules.push_back({state.schedule});
  }
  [[nodiscard]] Plan plan() const {
    std::vector<const ScheduleState*> pointers;
    for (const auto& state : states) pointers.push_back(&state);
    return make_plan({rotation, record, pointers, group ? &*group : nullptr, book, kNow});
  }
};

std::vector<std::string> texts(const std::optional<GroupTarget>& target) {
  std::vector<std::string> ids;
  if (target) {
    for (const auto& user : target->members) ids.push_back(user.value);
  }
  return ids;
}
std::vector<UserId> users(std::vector<std::string> ids) {
  std::vector<UserId> all(ids.begin(), ids.end());
  std::sort(all.begin(), all.end());
  return all;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the group is who is on call and the permanent members") {
  Case c;
  c.add("A", {"p1", "p2"});
  c.rotation.permanent_members = users({"U9", "Ubot"});
  CHECK(texts(c.plan().target) == Names{"U1", "U2", "U9"});
}

TEST_CASE("everybody is called as Slack calls them, whatever the systems do") {
  Case c;
  c.add("A", {"p1"});
  c.book.slack_name = "Ada Lindqvist";
  auto& shift = c.states[0].timeline.shifts[0];
  shift.end = kNow + 30min;
  c.states[0].timeline.shifts.push_back(
      {Responder{"og", "p2", "bo@example.com", "bo@example.com"}, kNow + 30min, kNow + 50min});
  for (const std::string name : {"", "p1", "ada@example.com", "ada", "Ada L."}) {
    c.states[0].timeline.shifts[0].responder = Responder{"pd", "p1", name};
    CHECK(c.plan().people.at(0).responder.name == "Ada Lindqvist");
    CHECK(c.plan().next.at(0).name == "Ada Lindqvist");
  }
  // Where Slack's name is not known the system's stands there, and the id only where there is no name at all.
  c.book.slack_name.clear();
  CHECK(c.plan().next.at(0).name == "bo@example.com");
  CHECK(c.plan().people.at(0).responder.name == "Ada L.");
  c.states[0].timeline.shifts[0].responder = Responder{"pd", "p1", ""};
  CHECK(c.plan().people.at(0).responder.name == "p1");
}

TEST_CASE("whoever has an account that may be in no group is called by its name, and not absent from Slack") {
  Case c;
  c.add("A", {"p1"});
  c.book.guests = {"p1"};
  c.book.slack_name = "Gus Guest";
  const auto plan = c.plan();
  REQUIRE(plan.people.size() == 1);
  CHECK_FALSE(plan.people[0].member);
  CHECK(plan.people[0].account == UserId("U1"));
  CHECK(on_call_names(plan.people, {}) == "Gus Guest (cannot be in a Slack group)");
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].text.starts_with(
      "Gus Guest is on call but cannot be in @payments-oncall: Gus Guest is a guest"));
  CHECK(plan.group_note.starts_with("Nobody of them can be in a Slack group"));
}

TEST_CASE("nobody on call is a choice: keep, fallback or disable") {
  Case c;
  c.add("A", {});
  c.rotation.permanent_members = users({"U9"});
  c.record.decided = true;
  c.record.target = GroupTarget{false, users({"U1", "U9"})};
  CHECK(texts(c.plan().target) == Names{"U1", "U9"});
  CHECK(c.plan().problems.size() == 1);
  c.rotation.empty = Empty::fallback;
  c.rotation.fallback_members = users({"U5"});
  CHECK(texts(c.plan().target) == Names{"U5", "U9"});
  CHECK(c.plan().problems.empty());
  c.rotation.empty = Empty::disable;
  CHECK(c.plan().target->disable);
}

TEST_CASE("a required schedule without anybody is a problem even when others have people") {
  Case c;
  c.add("A", {"p1"});
  c.add("B", {});
  CHECK(c.plan().problems.empty());
  c.rotation.schedules[1].required = true;
  REQUIRE(c.plan().problems.size() == 1);
  CHECK(c.plan().problems[0].text.find("required schedule") != std::string::npos);
}

TEST_CASE("if none match the fallback members stand in, else the group stays as it is") {
  Case c;
  c.add("A", {"p1"});
  c.book.strangers = {"p1"};
  CHECK_FALSE(c.plan().target);
  c.rotation.fallback_members = users({"U5"});
  CHECK(texts(c.plan().target) == Names{"U5"});
  CHECK(c.plan().problems.size() == 1);
}

TEST_CASE("one source that is Unknown keeps its last people, and no empty policy fires") {
  Case c;
  c.add("A", {"p1"});
  c.add("B", {"p2"}, false);
  c.rotation.empty = Empty::disable;
  const auto plan = c.plan();
  CHECK(plan.stale);
  CHECK(texts(plan.target) == Names{"U1", "U2"});
  Case alone;
  alone.add("B", {}, false);
  alone.rotation.empty = Empty::disable;
  CHECK_FALSE(alone.plan().target);
}

TEST_CASE("nobody known to be on call is not nobody while of a schedule it is not known who is") {
  Case c;
  c.record.decided = true;
  c.rotation.empty = Empty::disable;
  c.add("A", {});
  c.add("B", {}, false);
  auto plan = c.plan();
  CHECK_FALSE(plan.decided);
  CHECK_FALSE(plan.target);
  CHECK(plan.stale);
  CHECK(plan.unknown == std::vector<ScheduleRef>{{"pd", "B"}});
  // The same while its first answer, that nobody is on call, is being confirmed.
  c.states[1] = ScheduleState{{"pd", "B"}};
  c.states[1].last_answer = kNow;
  c.states[1].doubt = Doubt{Doubt::Kind::empty, kNow, kNow, 1};
  plan = c.plan();
  CHECK_FALSE(plan.decided);
  CHECK(plan.unknown == std::vector<ScheduleRef>{{"pd", "B"}});
  // Or while it has not been asked at all.
  c.states[1] = ScheduleState{{"pd", "B"}};
  CHECK(c.plan().unknown == std::vector<ScheduleRef>{{"pd", "B"}});
}

TEST_CASE("a schedule that may not be read is named with the reason, if one is known") {
  Case c;
  c.add("A", {"p1"});
  c.states[0].presence = Presence::forbidden;
  REQUIRE(c.plan().problems.size() == 1);
  CHECK(c.plan().problems[0].text.starts_with("schedule pd/A may not be read; give the key"));
  c.states[0].failure = "it may be gone";
  CHECK(
      c.plan().problems[0].text.starts_with("schedule pd/A may not be read (it may be gone); give the key"));
}

TEST_CASE("merge adds and removes only the people that Watchbill placed") {
  Case c;
  c.add("A", {"p1"});
  c.rotation.membership = Membership::merge;
  c.record.placed = users({"U2"});
  c.group = GroupNow{users({"U2", "U7"}), false};
  const auto plan = c.plan();
  CHECK(texts(plan.target) == Names{"U1", "U7"});
  CHECK(plan.placed == users({"U1"}));
  c.states[0].timeline.shifts.clear();
  c.rotation.empty = Empty::disable;
  CHECK(texts(c.plan().target) == Names{"U7"});
}

TEST_CASE("a plan never empties a group, never invents a member, and does not depend on order") {
  std::mt19937 random(3);
  const auto pick = [&](int to) { return std::uniform_int_distribution<>(0, to)(random); };
  const auto some = [&](const std::string& letter, int most) {
    std::set<std::string> names;
    for (int i = pick(most); i > 0; --i) names.insert(letter + std::to_string(pick(5)));
    return Names(names.begin(), names.end());
  };
  for (int round = 0; round < 5000; ++round) {
    Case c;
    for (int i = 0; i <= pick(3); ++i) c.add("S" + std::to_string(i), some("p", 3), pick(4) != 0);
    for (const auto& name : some("p", 3)) c.book.strangers.insert(name);
    c.rotation.permanent_members = users(some("U", 2));
    c.rotation.fallback_members = users(some("U", 2));
    c.rotation.empty = static_cast<Empty>(pick(2));
    c.rotation.membership = static_cast<Membership>(pick(1));
    c.record.placed = users(some("U", 3));
    if (pick(1)) c.record.target = GroupTarget{false, users({"U1"})};
    if (pick(5) == 0)
      c.group.reset();
    else
      c.group = GroupNow{users(some("U", 4)), pick(3) == 0};

    const auto plan = c.plan();
    if (plan.target && !plan.target->disable) {
      REQUIRE_FALSE(plan.target->members.empty());
      std::set<UserId> allowed(c.rotation.permanent_members.begin(), c.rotation.permanent_members.end());
      allowed.insert(c.rotation.fallback_members.begin(), c.rotation.fallback_members.end());
      const bool emptied = c.group && c.group->members.empty();
      if (emptied) allowed.insert(c.record.placed.begin(), c.record.placed.end());
      if (c.group) allowed.insert(c.group->members.begin(), c.group->members.end());
      if (c.record.target) allowed.insert(c.record.target->members.begin(), c.record.target->members.end());
      for (const auto& person : plan.people) {
        if (person.member) allowed.insert(*person.member);
      }
      for (const auto& member : plan.target->members) {
        REQUIRE(allowed.contains(member));
        REQUIRE(member.value != "Ubot");
      }
    }
    auto shuffled = c;
    std::reverse(shuffled.states.begin(), shuffled.states.end());
    std::reverse(shuffled.rotation.schedules.begin(), shuffled.rotation.schedules.end());
    for (auto& state : shuffled.states)
      std::reverse(state.timeline.shifts.begin(), state.timeline.shifts.end());
    const auto again = shuffled.plan();
    REQUIRE(again.target == plan.target);
    REQUIRE(same_people(again.people, plan.people));

    // Carried out, the same plan comes again and needs no write.
    if (!plan.target || !c.group) continue;
    auto done = c;
    done.group =
        GroupNow{plan.target->disable ? c.group->members : plan.target->members, plan.target->disable};
    done.record.decided = true;
    done.record.people = plan.people;
    done.record.target = plan.target;
    done.record.placed = plan.placed;
    const auto next = done.plan();
    REQUIRE_FALSE(next.handoff);
    if (next.target) REQUIRE(write_needed(*next.target, *done.group) == WriteNeeded::none);
  }
}
