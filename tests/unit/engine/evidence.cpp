#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

/// What a decision stands on is on the disk with it: a process that dies a moment later does not decide anew
/// from what was true before.

namespace {

constexpr auto kStep = 10ms;

/// Bo stands in for Ada from now on, and nobody foresaw it.
void override_ada(Payments& p) {
  auto& shifts = p.world.system.truth["P1"];
  shifts[0].end = p.world.loop.now();
  shifts[1].start = p.world.loop.now();
}

/// Lets time pass until `done`.
template <class Condition>
void until(EngineWorld& world, Condition done) {
  const auto end = world.loop.now() + 3min;
  while (!done() && world.loop.now() < end) world.advance(kStep);
  REQUIRE(done());
}

void check_handed_over_once(Payments& p) {
  CHECK(p.members() == Names{"UBO"});
  REQUIRE(p.messages().size() == 2);
  CHECK(p.messages()[1].text.find("<@UBO> takes over from ada") != std::string::npos);
  REQUIRE(p.world.history().size() == 2);
  CHECK(p.world.history()[0].before == std::vector{UserId{"UADA"}});
  CHECK(p.world.history()[0].result == "ok");
}

}  // namespace

TEST_CASE("a daemon that is killed right after an unforeseen handoff does not bring back who went off") {
  const bool power = GENERATE(false, true);
  const bool announced = GENERATE(false, true);
  const bool lags = GENERATE(false, true);
  INFO("power " << power << ", announced " << announced << ", lags " << lags);
  Payments p;
  const auto before = p.world.system.truth["P1"];
  override_ada(p);
  const auto after = p.world.system.truth["P1"];
  until(p.world, [&] { return announced ? p.messages().size() == 2 : p.members() == Names{"UBO"}; });
  power ? p.world.fail_power() : p.world.kill();
  if (lags)
    p.world.system.truth["P1"] = before;
  else
    p.world.system.down = true;
  p.world.start();
  p.world.advance(8s);
  CHECK(p.members() == Names{"UBO"});
  p.world.system.truth["P1"] = after;
  p.world.advance(5min);
  check_handed_over_once(p);
  p.world.system.down = false;
  p.world.advance(10min);
  check_handed_over_once(p);
}

TEST_CASE("a decision is on the disk before anybody sees what it does") {
  Payments p;
  override_ada(p);
  const auto commits = p.world.disk.commits();
  std::vector<bool> safe;
  p.world.slack.fate = [&](slack::Method method, const std::string&) {
    if (method == slack::Method::usergroups_users_update) safe.push_back(p.world.disk.safe());
    return FakeSlack::Fate::normal;
  };
  until(p.world, [&] { return p.members() == Names{"UBO"}; });
  CHECK(p.world.disk.commits() > commits);
  CHECK(safe == std::vector<bool>{true});
  p.world.fail_power();
  p.world.system.down = true;
  const auto history = p.world.history();
  REQUIRE(history.size() == 2);
  CHECK(history[0].before == std::vector{UserId{"UADA"}});
  CHECK(history[0].after == std::vector{UserId{"UBO"}});
  p.world.start();
  p.world.advance(5min);
  check_handed_over_once(p);
}

TEST_CASE("a daemon that is killed right after it believed a gap does not bring back who went off") {
  const bool power = GENERATE(false, true);
  INFO("power " << power);
  Payments p([](Rotation& rotation) {
    rotation.empty = Empty::fallback;
    rotation.fallback_members = {UserId{"UCY"}};
  });
  auto& shifts = p.world.system.truth["P1"];
  shifts[0].end = p.world.loop.now();
  until(p.world, [&] { return p.members() == Names{"UCY"}; });
  power ? p.world.fail_power() : p.world.kill();
  p.world.system.down = true;
  p.world.start();
  p.world.advance(5min);
  CHECK(p.members() == Names{"UCY"});
  p.world.system.down = false;
  p.world.advance(5min);
  CHECK(p.members() == Names{"UCY"});
  CHECK(p.messages().size() == 2);
  CHECK(p.world.history().size() == 2);
}

TEST_CASE("an override that ended, a kill and a source that is down do not bring back who stood in") {
  Payments p;
  const auto regular = p.world.system.truth["P1"];
  override_ada(p);
  until(p.world, [&] { return p.messages().size() == 2; });
  p.world.advance(11min);
  p.world.system.truth["P1"] = regular;
  until(p.world, [&] { return p.members() == Names{"UADA"}; });
  p.world.kill();
  p.world.system.down = true;
  p.world.start();
  p.world.advance(5min);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.messages().size() == 3);
}

TEST_CASE("who went off at a foreseen gap does not come back when nothing is known after a restart") {
  EngineWorld world;
  world.slack.add_user("UADA", "ada@example.com");
  world.slack.add_user("UCY", "cy@example.com");
  const Instant gap = world.loop.now() + 5min;
  world.system.truth["P1"] = {{FakeSystem::person("ada"), gap - 1h, gap}};
  world.system.reach = 15min;
  auto rotation = world.rotation("payments", {"P1"});
  rotation.empty = Empty::fallback;
  rotation.fallback_members = {UserId{"UCY"}};
  world.create(rotation);
  world.start();
  until(world, [&] { return world.slack.members("Spayments") == Names{"UADA"}; });
  world.loop.run_until(gap - 1s);
  until(world, [&] { return world.slack.members("Spayments") == Names{"UCY"}; });
  world.kill();
  world.system.down = true;
  world.loop.advance(20min);
  world.start();
  world.advance(5min);
  CHECK(world.slack.members("Spayments") == Names{"UCY"});
  CHECK(world.slack.messages("Cpayments").size() == 2);
}
