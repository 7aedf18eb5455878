#include <algorithm>
#include <cctype>

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

/// `membership: merge` removes those whom Watchbill put into the group and nobody else, whatever became of
/// the write that did it.

namespace {

/// Hal is in the group by hand, beside Ada and Bo who take turns of five minutes.
struct MergedGroup {
  EngineWorld world;
  RotationId id;
  Instant boundary = world.loop.now() + 1min;

  MergedGroup() {
    for (const std::string name : {"ADA", "BO", "CY", "HAL"}) world.slack.add_user("U" + name, address(name));
    world.system.rotate("P1", {"ada", "bo"}, boundary - 5min, 5min);
    auto rotation = world.rotation("payments", {"P1"});
    rotation.membership = Membership::merge;
    edit_group({"UHAL"});
    id = world.create(rotation);
    world.start();
    world.advance(20s);
  }
  static std::string address(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name + "@example.com";
  }
  Names members() { return world.slack.members("Spayments"); }
  /// As a person does it in Slack.
  void edit_group(const Names& members) {
    auto& group = world.slack.groups.at(GroupId{"Spayments"}).members;
    group.clear();
    for (const auto& member : members) group.emplace_back(member);
  }
  std::string state() {
    world.advance(2s);
    return world.status(id).state;
  }
  void fate_of_writes(FakeSlack::Fate fate) {
    world.slack.fate = [fate](slack::Method method, const std::string&) {
      return method == slack::Method::usergroups_users_update ? fate : FakeSlack::Fate::normal;
    };
  }
  void to_boundary(int number, milliseconds more) {
    world.advance(boundary + number * 5min + more - world.loop.now());
  }
};

}  // namespace

TEST_CASE("merge removes whom it placed although the answer to the write was lost") {
  MergedGroup p;
  p.fate_of_writes(FakeSlack::Fate::lost);
  p.to_boundary(0, 1s);
  CHECK(p.members() == Names{"UBO", "UHAL"});
  p.fate_of_writes(FakeSlack::Fate::normal);
  p.to_boundary(0, 1min);
  CHECK(p.state() == "in_sync");
  p.to_boundary(1, 1min);
  CHECK(p.members() == Names{"UADA", "UHAL"});
}

TEST_CASE("merge removes whom it placed although the daemon died at any commit of the handoff") {
  const std::size_t number = GENERATE(range(1, 5));
  const auto fate = GENERATE(Disk::Fate::dies_before, Disk::Fate::dies_after);
  const bool power = fate == Disk::Fate::dies_after;
  INFO((power ? "the power fails after commit " : "killed before commit ") << number);
  MergedGroup p;
  p.to_boundary(0, -1ms);
  const auto begin = p.world.disk.commits();
  p.world.disk.fate = [&](std::size_t commit) {
    return commit == begin + number ? fate : Disk::Fate::normal;
  };
  if (power) p.world.on_death = [&] { p.world.fail_power(); };
  p.to_boundary(0, 1min);
  CHECK(p.world.disk.commits() >= begin + number);
  CHECK(p.members() == Names{"UBO", "UHAL"});
  CHECK(p.state() == "in_sync");
  p.to_boundary(1, 1min);
  CHECK(p.members() == Names{"UADA", "UHAL"});
  CHECK(p.world.slack.messages("Cpayments").size() == 3);
  REQUIRE(p.world.history().size() == 3);
  for (const auto& change : p.world.history()) CHECK(change.result == "ok");
}

TEST_CASE("merge removes whom a write placed that another one overtook") {
  const bool dies = GENERATE(false, true);
  MergedGroup p;
  p.to_boundary(0, -100ms);
  p.world.slack.latency = 8s;
  // Cy stands in from five seconds after the boundary on, while Bo is being written.
  p.world.system.before_poll = [&](FakeSystem& system) {
    if (p.world.loop.now() < p.boundary + 1s) return;
    auto& shifts = system.truth["P1"];
    shifts[1].responder = FakeSystem::person("cy");
  };
  if (dies) {
    p.to_boundary(0, 8s + 200ms);
    p.world.kill();
    p.world.start();
  }
  p.to_boundary(0, 1min);
  p.world.slack.latency = 20ms;
  p.to_boundary(0, 3min);
  CHECK(p.members() == Names{"UCY", "UHAL"});
  p.to_boundary(1, 3min);
  CHECK(p.members() == Names{"UADA", "UHAL"});
}

TEST_CASE("merge keeps who was put in by hand while its own write was refused") {
  const bool dies = GENERATE(false, true);
  MergedGroup p;
  p.fate_of_writes(FakeSlack::Fate::refused);
  p.to_boundary(0, 10s);
  CHECK(p.members() == Names{"UADA", "UHAL"});
  if (dies) {
    p.world.kill();
    p.world.start();
    p.world.advance(10s);
  }
  p.edit_group({"UADA", "UBO", "UHAL"});
  p.to_boundary(0, 40s);
  p.fate_of_writes(FakeSlack::Fate::normal);
  p.to_boundary(0, 4min);
  CHECK(p.members() == Names{"UBO", "UHAL"});
  p.to_boundary(1, 1min);
  CHECK(p.members() == Names{"UADA", "UBO", "UHAL"});
}

TEST_CASE("merge removes whom it placed when a write worked that was refused before") {
  const bool dies = GENERATE(false, true);
  MergedGroup p;
  p.fate_of_writes(FakeSlack::Fate::refused);
  p.to_boundary(0, 30s);
  bool lost = false;
  p.world.slack.fate = [&](slack::Method method, const std::string&) {
    if (method != slack::Method::usergroups_users_update || lost) return FakeSlack::Fate::normal;
    lost = true;
    return FakeSlack::Fate::lost;
  };
  for (auto end = p.world.loop.now() + 3min; !lost && p.world.loop.now() < end;) p.world.advance(10ms);
  CHECK(p.members() == Names{"UBO", "UHAL"});
  if (dies) {
    p.world.kill();
    p.world.start();
  }
  p.to_boundary(1, 1min);
  CHECK(p.members() == Names{"UADA", "UHAL"});
}

TEST_CASE("merge removes whom it placed also after somebody whom Slack does not know") {
  MergedGroup p;
  p.world.system.truth["P1"][1].responder = FakeSystem::person("nemo");
  p.to_boundary(0, 1min);
  CHECK(p.members() == Names{"UADA", "UHAL"});
  p.world.system.truth["P1"][2].responder = FakeSystem::person("cy");
  p.to_boundary(1, 1min);
  CHECK(p.members() == Names{"UCY", "UHAL"});
}

TEST_CASE("merge removes whom it placed while the store was blocked") {
  MergedGroup p;
  p.world.loop.run_until(p.boundary - 100ms);
  p.world.lock_store(30s);
  CHECK(p.members() == Names{"UBO", "UHAL"});
  p.to_boundary(0, 2min);
  CHECK(p.state() == "in_sync");
  p.to_boundary(1, 1min);
  CHECK(p.members() == Names{"UADA", "UHAL"});
}
