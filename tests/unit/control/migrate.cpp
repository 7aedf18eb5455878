#include "control/migrate.hpp"

#include <regex>
#include <set>

#include "tests/support/project.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using namespace watchbill::control;

namespace {

using Texts = std::vector<std::string>;

/// Connections to two accounts that say the same, and a rotation on the first.
struct Two {
  ManageWorld world;
  Rotation payments;

  Two() {
    world.connection("pd");
    world.connection("new", true);
    payments = world.stored("payments");
  }
  Result<MigrationPlan> plan(const std::string& from = "pd", const std::string& to = "new") {
    return world.run(plan_migration(*world.context, world.cli, from, to));
  }
  Result<MigrationPlan> plan_back() { return world.run(plan_undo(*world.context, world.cli, "pd", "new")); }
  /// Takes everything back and tells what is not.
  Texts back() {
    const auto plan = good(plan_back());
    Texts not_back;
    for (const auto* some : {&plan.left, &plan.lost}) {
      for (const auto& one : *some) not_back.push_back(one.name + ": " + one.why);
    }
    if (!plan.moving.empty()) good(carry_out(plan));
    return not_back;
  }
  Result<void> carry_out(const MigrationPlan& plan) {
    return world.run(migrate(*world.context, world.cli, plan));
  }
  std::string uses(const std::string& rotation = "payments") {
    std::string text;
    for (const auto& schedule : world.now(rotation).schedules)
      text += (text.empty() ? "" : ",") + to_string(schedule.ref);
    return text;
  }
};

}  // namespace

TEST_CASE("everything of the store that refers to a connection is moved, or is the connection's own") {
  const std::set<std::string> own{"connection_secrets", "connection_status", "watches"};
  const std::set<std::string> moved{"rotation_schedules"};
  const auto schema = project_text("store/sqlite/schema.cpp");
  const std::regex table("CREATE TABLE (\\w+)\\(([^;]*)\\)");
  std::set<std::string> found;
  for (std::sregex_iterator it(schema.begin(), schema.end(), table), end; it != end; ++it) {
    if ((*it)[2].str().find("REFERENCES connections") != std::string::npos) found.insert((*it)[1].str());
  }
  for (const auto& name : found) {
    INFO(name << ": say in control/migrate.cpp what becomes of it when its connection is migrated");
    CHECK((own.contains(name) || moved.contains(name)));
  }
  CHECK(found.size() == own.size() + moved.size());
}

TEST_CASE(
    "a rotation keeps everything but its schedules when it moves, and has them again after the way back") {
  Two two;
  const auto plan = good(two.plan());
  REQUIRE(plan.pairs.size() == 1);
  CHECK(plan.pairs[0].by == "id");
  CHECK(plan.unpaired.empty());
  CHECK(two.uses() == "pd/PONE");
  good(two.carry_out(plan));
  auto expected = two.payments;
  expected.schedules = {{{"new", "PONE"}}};
  CHECK(two.world.now("payments") == expected);
  CHECK(bad(two.plan()).kind == ErrorKind::conflict);

  CHECK(two.back().empty());
  CHECK(two.world.now("payments") == two.payments);
  CHECK(bad(two.plan_back()).kind == ErrorKind::not_found);
}

TEST_CASE("the way back leaves alone what was changed since, and what was never moved") {
  Two two;
  two.world.slack.add_group("SOTHER", "other-oncall", {"UADA"});
  good(two.carry_out(good(two.plan())));
  auto other = two.world.stored("other");
  other.schedules = {{{"new", "PONE"}}};
  good(two.world.store->rotations().update(other, "cli:bo"));
  auto payments = two.world.now("payments");
  payments.schedules.push_back({{"new", "PTWO"}});
  good(two.world.store->rotations().update(payments, "cli:bo"));
  CHECK(two.back().empty());
  CHECK(two.uses() == "pd/PONE,new/PTWO");
  CHECK(two.uses("other") == "new/PONE");
}

TEST_CASE("a rotation that was changed meanwhile is not overwritten, and nothing else has moved") {
  Two two;
  two.world.stored("other");
  const auto plan = good(two.plan());
  auto payments = two.world.now("payments");
  payments.paused = true;
  good(two.world.store->rotations().update(payments, "cli:bo"));
  const auto error = bad(two.carry_out(plan));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(says(error, "was changed meanwhile"));
  CHECK(two.uses() == "pd/PONE");
  CHECK(two.uses("other") == "pd/PONE");
}

TEST_CASE("a rotation that a file manages stays, with the word where to change it") {
  Two two;
  two.world.stored("kept", "file:rotations.yaml");
  const auto plan = good(two.plan());
  REQUIRE(plan.left.size() == 1);
  CHECK(plan.left[0].name == "kept");
  CHECK(plan.left[0].why.find("rotations.yaml") != std::string::npos);
  good(two.carry_out(plan));
  CHECK(two.uses("kept") == "pd/PONE");
  CHECK(two.uses() == "new/PONE");
}

TEST_CASE("a rotation that names both connections has each schedule once afterwards") {
  Two two;
  auto payments = two.payments;
  payments.schedules.push_back({{"new", "PONE"}});
  good(two.world.store->rotations().update(payments, "cli:bo"));
  good(two.carry_out(good(two.plan())));
  CHECK(two.uses() == "new/PONE");
}

TEST_CASE("whatever was moved by whichever run goes back, and what cannot is named with the reason") {
  Two two;
  const auto add = [&](const std::string& name) {
    two.world.slack.add_group("S" + name, name + "-oncall", {"UADA"});
    return two.world.stored(name);
  };
  good(two.carry_out(good(two.plan())));
  const auto other = add("other");
  add("edited");
  add("deleted");
  good(two.carry_out(good(two.plan())));
  // The first again, by one more schedule.
  auto payments = two.world.now("payments");
  payments.schedules.push_back({{"pd", "PTWO"}, "second"});
  good(two.world.store->rotations().update(payments, "cli:bo"));
  good(two.carry_out(good(two.plan())));
  CHECK(two.uses() == "new/PONE,new/PTWO");
  auto edited = two.world.now("edited");
  edited.schedules = {{{"new", "PTWO"}}};
  good(two.world.store->rotations().update(edited, "cli:bo"));
  good(two.world.store->rotations().remove(two.world.now("deleted").id, "cli:bo"));

  CHECK(two.back() == Texts{"edited: it uses nothing of what it was moved to any more, but new/PTWO",
                            "deleted: it was deleted"});
  CHECK(two.uses() == "pd/PONE,pd/PTWO");
  CHECK(two.world.now("other") == other);
  CHECK(two.uses("edited") == "new/PTWO");
  CHECK(bad(two.plan_back()).kind == ErrorKind::not_found);
}

TEST_CASE("what has gone back by a migration the other way is back") {
  Two two;
  good(two.carry_out(good(two.plan())));
  good(two.carry_out(good(two.plan("new", "pd"))));
  CHECK(two.uses() == "pd/PONE");
  CHECK(bad(two.plan_back()).kind == ErrorKind::not_found);
}

TEST_CASE("the way back is open while the newer system does not answer, along what it said last") {
  Two two;
  good(two.carry_out(good(two.plan())));
  two.world.second.down = true;
  CHECK(two.back().empty());
  CHECK(two.uses() == "pd/PONE");
  good(two.carry_out([&] {
    two.world.second.down = false;
    return good(two.plan());
  }()));
  two.world.pagerduty.down = true;
  CHECK(two.back() == Texts{"payments: new/PONE and pd/PONE could not be compared: pd/PONE does not tell who "
                            "is on call now: list of schedules: PagerDuty: connection refused"});
  CHECK(two.uses() == "new/PONE");
}

TEST_CASE("what the new schedules said is known of them from the move on") {
  Two two;
  auto other = two.world.stored("other");
  other.schedules = {{{"new", "PTWO"}}};
  two.world.slack.add_group("SOTHER", "other-oncall", {"UADA"});
  good(two.world.store->rotations().update(other, "cli:bo"));
  auto payments = two.world.now("payments");
  payments.schedules.push_back({{"pd", "PTWO"}});
  good(two.world.store->rotations().update(payments, "cli:bo"));
  good(two.carry_out(good(two.plan())));
  const auto state = good(two.world.store->engine().state({"new", "PONE"}));
  REQUIRE(state);
  const auto now = two.world.loop.now();
  CHECK(state->name == "Payments primary");
  CHECK(state->presence == Presence::ok);
  CHECK(state->held == std::vector<Responder>{{"new", "PADA", "ada"}});
  CHECK(now - *state->last_answer < 10s);
  CHECK(believed_on_call(*state, now) == OnCall(People{{{"new", "PADA", "ada"}}}));
  CHECK(state->timeline.horizon - now > days{13});
  // Of what a rotation used before, the daemon knows more.
  CHECK_FALSE(good(two.world.store->engine().state({"new", "PTWO"})));
}

TEST_CASE("that nobody is on call is handed over only if it was believed before") {
  Two two;
  two.world.pagerduty.schedules["PONE"].person = "";
  two.world.second.schedules["PONE"].person = "";
  const bool believed = GENERATE(false, true);
  if (believed) {
    ScheduleState state;
    state.schedule = {"pd", "PONE"};
    state.presence = Presence::ok;
    state.timeline = {{}, two.world.loop.now() - 1h, two.world.loop.now() + 1h, two.world.loop.now()};
    good(two.world.store->engine().put_schedule_state(state));
  }
  good(two.carry_out(good(two.plan())));
  CHECK(two.uses() == "new/PONE");
  CHECK(good(two.world.store->engine().state({"new", "PONE"})).has_value() == believed);
}

TEST_CASE("a person without an address is named once, and known once they are mapped") {
  Two two;
  two.world.second.hidden = {"ada"};
  auto payments = two.payments;
  payments.schedules.push_back({{"pd", "PTWO"}});
  good(two.world.store->rotations().update(payments, "cli:bo"));
  const auto plan = good(two.plan());
  REQUIRE(plan.unknown_people.size() == 1);
  CHECK(name_and_account(plan.unknown_people[0]) == "ada (new/PADA)");
  CHECK(says(bad(two.carry_out(plan)), "new/PONE says ada (new/PADA)"));
  store::CachedUser ada;
  ada.id = UserId("UADA");
  ada.email = "ada@example.com";
  good(two.world.store->people().put_users({ada}));
  good(two.world.store->people().map({"new/PADA", UserId("UADA"), {}, "cli:bo"}, "cli:bo"));
  const auto mapped = good(two.plan());
  CHECK(mapped.unknown_people.empty());
  good(two.carry_out(mapped));
  CHECK(two.uses() == "new/PONE,new/PTWO");
}

TEST_CASE("a partner is chosen by hand where none is certain") {
  Two two;
  two.world.second.schedules = {{"PA", {"Payments primary", "ada"}}, {"PB", {"payments primary", "ada"}}};
  const auto plan = good(two.plan());
  REQUIRE(plan.unpaired.size() == 1);
  CHECK(plan.unpaired[0].candidates == std::vector<ScheduleRef>{{"new", "PA"}, {"new", "PB"}});
  CHECK(plan.moving.empty());
  const auto choose = [&](const ScheduleRef& before, const ScheduleRef& after) {
    return two.world.run(plan_migration(*two.world.context, two.world.cli, "pd", "new", {{before, after}}));
  };
  CHECK(says(bad(choose({"pd", "PTWO"}, {"new", "PA"})), "no rotation uses pd/PTWO"));
  CHECK(says(bad(choose({"pd", "PONE"}, {"new", "PC"})), "there is no schedule new/PC"));
  good(two.carry_out(good(choose({"pd", "PONE"}, {"new", "PB"}))));
  CHECK(two.uses() == "new/PB");
  CHECK(two.back().empty());
  CHECK(two.uses() == "pd/PONE");
}

TEST_CASE("both sides are asked once more before anything is moved") {
  Two two;
  const auto plan = good(two.plan());
  SECTION("they say different people meanwhile") {
    two.world.second.schedules["PONE"].person = "bo";
    const auto error = bad(two.carry_out(plan));
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(says(error, "pd/PONE says that ada@example.com is on call now, and new/PONE says bo@example.com"));
  }
  SECTION("the new one does not answer any more") {
    two.world.second.down = true;
    const auto error = bad(two.carry_out(plan));
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(says(error, "pd/PONE and new/PONE cannot be compared any more"));
  }
  CHECK(two.uses() == "pd/PONE");
  CHECK(bad(two.plan_back()).kind == ErrorKind::not_found);
  CHECK_FALSE(good(two.world.store->engine().state({"new", "PONE"})));
}

TEST_CASE("a limit of the new system is waited for") {
  Two two;
  const auto plan = good(two.plan());
  two.world.second.too_many = 1;
  const auto before = two.world.loop.now();
  good(two.carry_out(plan));
  CHECK(two.uses() == "new/PONE");
  CHECK(two.world.loop.now() - before >= 20s);
}

TEST_CASE("a pair that differs holds up nothing but the rotations that go along it") {
  Two two;
  two.world.slack.add_group("SKEPT", "kept-oncall", {"UADA"});
  auto kept = two.world.stored("kept", "file:rotations.yaml");
  kept.schedules = {{{"pd", "PTWO"}}};
  good(two.world.store->rotations().update(kept, "file:rotations.yaml"));
  two.world.second.schedules["PTWO"].person = "ada";
  const auto plan = good(two.plan());
  CHECK(plan.pairs.size() == 2);
  good(two.carry_out(plan));
  CHECK(two.uses() == "new/PONE");
}

TEST_CASE("a new system that does not answer moves nothing, an old one is taken as it is remembered") {
  Two two;
  two.world.second.down = true;
  CHECK(says(bad(two.plan()), "connection new"));
  CHECK(bad(two.plan("pd", "none")).kind == ErrorKind::not_found);
  CHECK(bad(two.plan("pd", "pd")).kind == ErrorKind::invalid);
  CHECK(bad(two.plan("new", "pd")).kind == ErrorKind::conflict);
  two.world.second.down = false;

  // The first one's key is dead.
  auto dead = good(two.world.store->connections().get("pd"));
  dead.secrets["api_key"] = Secret("dead");
  good(two.world.store->connections().update(dead, "cli:ada"));
  ScheduleState state;
  state.schedule = {"pd", "PONE"};
  state.name = "Payments primary";
  good(two.world.store->engine().put_schedule_state(state));
  // Nothing is known of who is on call there.
  const auto blind = good(two.plan());
  REQUIRE(blind.pairs.size() == 1);
  CHECK(blind.pairs[0].not_compared.find("refuses the credentials") != std::string::npos);
  CHECK(blind.moving.empty());
  REQUIRE(blind.left.size() == 1);
  CHECK(blind.left[0].why.starts_with("pd/PONE and new/PONE could not be compared: pd/PONE does not tell "));

  state.presence = Presence::ok;
  const auto now = two.world.loop.now();
  const Responder ada{"pd", "PADA", "ada", "ada@example.com"};
  state.timeline = {{Shift{ada, now - 1h, now + 1h}}, now - 1h, now + 1h, now - 1h};
  good(two.world.store->engine().put_schedule_state(state));
  const auto plan = good(two.plan());
  REQUIRE(plan.pairs.size() == 1);
  CHECK(plan.pairs[0].not_compared.empty());
  good(two.carry_out(plan));
  CHECK(two.uses() == "new/PONE");
}
