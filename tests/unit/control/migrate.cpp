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

/// Two connections to one account, and a rotation on the first.
struct Two {
  ManageWorld world;
  Rotation payments;

  Two() {
    world.connection("pd");
    world.connection("new");
    payments = world.stored("payments");
  }
  Result<MigrationPlan> plan(const std::string& from = "pd", const std::string& to = "new") {
    return world.run(plan_migration(*world.context, world.cli, from, to));
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

  const auto back = good(two.world.run(plan_undo(*two.world.context, two.world.cli, "pd", "new")));
  good(two.carry_out(back));
  CHECK(two.world.now("payments") == two.payments);
  CHECK(bad(two.world.run(plan_undo(*two.world.context, two.world.cli, "pd", "new"))).kind ==
        ErrorKind::not_found);
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
  good(two.carry_out(good(two.world.run(plan_undo(*two.world.context, two.world.cli, "pd", "new")))));
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

TEST_CASE("a new system that does not answer moves nothing, an old one is taken as it is remembered") {
  Two two;
  two.world.pagerduty.down = true;
  CHECK(says(bad(two.plan()), "connection new"));
  CHECK(bad(two.plan("pd", "none")).kind == ErrorKind::not_found);
  CHECK(bad(two.plan("pd", "pd")).kind == ErrorKind::invalid);
  CHECK(bad(two.plan("new", "pd")).kind == ErrorKind::conflict);
  two.world.pagerduty.down = false;

  // The first one's key is dead.
  auto dead = good(two.world.store->connections().get("pd"));
  dead.secrets["api_key"] = Secret("dead");
  good(two.world.store->connections().update(dead, "cli:ada"));
  ScheduleState state;
  state.schedule = {"pd", "PONE"};
  state.name = "Payments primary";
  good(two.world.store->engine().put_schedule_state(state));
  const auto plan = good(two.plan());
  REQUIRE(plan.pairs.size() == 1);
  CHECK(plan.pairs[0].not_compared.find("refuses the credentials") != std::string::npos);
  CHECK(differing_now(plan) == nullptr);
}
