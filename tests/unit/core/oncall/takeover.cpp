#include "core/oncall/takeover.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

Rotation rotation(Mode mode = Mode::keep, Membership membership = Membership::exact) {
  Rotation r;
  r.name = "payments";
  r.group = GroupId("S1");
  r.schedules = {{{"pd", "P1"}}};
  r.mode = mode;
  r.membership = membership;
  return r;
}

template <class Change>
Rotation with(Rotation r, const Change& change) {
  change(r);
  return r;
}

std::vector<UserId> users(const std::vector<std::string>& names) {
  std::vector<UserId> ids;
  for (const auto& name : names) ids.emplace_back(name);
  return ids;
}

OnCallPerson on_call(const std::string& user, const ScheduleRef& schedule) {
  OnCallPerson person;
  person.responder = {schedule.connection, user, user, std::nullopt};
  person.schedule = schedule;
  person.member = UserId(user);
  return person;
}

}  // namespace

TEST_CASE("which changes of a rotation need a yes, since its group loses members whom no handoff takes out") {
  const auto kept = rotation();
  const auto observed = rotation(Mode::observe);
  const auto merged = rotation(Mode::keep, Membership::merge);
  const auto reported = with(kept, [](Rotation& r) { r.drift = Drift::report; });
  const auto paused = with(kept, [](Rotation& r) { r.paused = true; });
  const auto other_schedules = [](Rotation& r) { r.schedules = {{{"pd", "P2"}}}; };
  const auto other_group = [](Rotation& r) { r.group = GroupId("S2"); };
  const auto cosmetic = [](Rotation& r) {
    r.name = "billing";
    r.schedules[0].label = "primary";
    r.channels = {ChannelId("C1")};
  };
  struct Row {
    const char* what;
    std::optional<Rotation> before;
    Rotation after;
    Takeover takeover;
  };
  const std::vector<Row> rows{
      {"a new one", std::nullopt, kept, Takeover::first},
      {"a new one that is paused", std::nullopt, paused, Takeover::first},
      {"a new one that observes", std::nullopt, observed, Takeover::none},
      {"a new one that merges", std::nullopt, merged, Takeover::none},
      {"another group", kept, with(kept, other_group), Takeover::first},
      {"another group, observed", observed, with(observed, other_group), Takeover::none},
      {"observe -> keep", observed, kept, Takeover::first},
      {"observe -> keep while paused", with(observed, [](Rotation& r) { r.paused = true; }), paused,
       Takeover::first},
      {"observe -> keep, merging", observed, merged, Takeover::none},
      {"keep -> observe", kept, observed, Takeover::none},
      {"merge -> exact", merged, kept, Takeover::again},
      {"exact -> merge", kept, merged, Takeover::none},
      {"drift: report -> repair", reported, kept, Takeover::again},
      {"drift: repair -> report", kept, reported, Takeover::none},
      {"resumed", paused, kept, Takeover::again},
      {"resumed with other schedules", paused, with(kept, other_schedules), Takeover::again},
      {"resumed, observing", with(observed, [](Rotation& r) { r.paused = true; }), observed, Takeover::none},
      {"resumed, merging", with(merged, [](Rotation& r) { r.paused = true; }), merged, Takeover::none},
      {"paused", kept, paused, Takeover::none},
      {"other schedules while paused", paused, with(paused, other_schedules), Takeover::again},
      {"other schedules", kept, with(kept, other_schedules), Takeover::none},
      {"a name, a label, a channel", kept, with(kept, cosmetic), Takeover::none},
      {"a name, a label, a channel while paused", paused, with(paused, cosmetic), Takeover::none},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    CHECK(takeover_of(row.before ? &*row.before : nullptr, row.after) == row.takeover);
  }
}

TEST_CASE("whom a handoff takes out, and who was there when the group was taken over, need no second yes") {
  const auto before = rotation();
  auto after = before;
  RotationRecord record;
  record.decided = true;
  record.people = {on_call("UADA", {"pd", "P1"}), on_call("UBO", {"pd", "P2"})};
  record.former = FormerGroup{users({"UOTTO"}), false, Instant{}};
  const auto all = users({"UADA", "UBO", "UCLEO", "UOTTO"});
  CHECK(unforeseen(all, record, before, after) == users({"UBO", "UCLEO", "UOTTO"}));
  after.fallback_members = users({"UCLEO"});
  CHECK(unforeseen(all, record, before, after) == users({"UBO", "UOTTO"}));
  record.decided = false;
  CHECK(unforeseen(all, record, before, after) == users({"UBO"}));
  // Nobody agreed to lose those who were there when the rotation only added people.
  CHECK(unforeseen(all, record, rotation(Mode::keep, Membership::merge), after) == users({"UBO", "UOTTO"}));
}
