#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

/// How the engine shares out Slack's budget of group writes: after a start, and between handoffs and the
/// rest.
using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;
using Fate = FakeSlack::Fate;

namespace {

constexpr auto kUpdate = slack::Method::usergroups_users_update;

/// Rotations that hand off from their A to their B and back, in a workspace with Slack's limit.
struct Many {
  EngineWorld world;

  Many() { world.slack.limits[kUpdate] = 20; }
  void add(const std::string& name, Instant boundary, milliseconds length = 1h) {
    world.slack.add_user("UA" + name, "a" + name + "@example.com");
    world.slack.add_user("UB" + name, "b" + name + "@example.com");
    world.slack.add_group("S" + name, name, {"UA" + name});
    world.system.rotate("P" + name, {"a" + name, "b" + name}, boundary - length, length);
    auto rotation = world.rotation(name, {"P" + name});
    rotation.channels.clear();
    REQUIRE(world.as_cli()->rotations().add(rotation, true, std::nullopt, "test"));
  }
  [[nodiscard]] std::vector<Instant> writes(Instant since) const {
    std::vector<Instant> times;
    for (const auto& write : world.slack.writes) {
      if (write.at >= since) times.push_back(write.at);
    }
    std::sort(times.begin(), times.end());
    return times;
  }
};

}  // namespace

TEST_CASE("handoffs soon after a start leave together, but for what the process before used") {
  Many many;
  auto& world = many.world;
  world.slack.latency = 2s;
  const Instant boundary = world.loop.now() + 15min;
  for (int i = 0; i < 20; ++i) many.add("r" + std::to_string(i), boundary);
  for (int i = 0; i < 3; ++i) many.add("early" + std::to_string(i), boundary - 40s);
  world.start();
  world.loop.run_until(boundary - 20s);
  REQUIRE(many.writes(boundary - 40s).size() == 3);
  world.kill();
  world.start();
  world.loop.run_until(boundary + 3min);
  const auto writes = many.writes(boundary);
  REQUIRE(writes.size() == 20);
  // They arrive 2 s after they left.
  CHECK(writes[6] <= boundary + 3s);
  CHECK(writes[16] <= boundary + 3s);
  // The other places are free a minute after they were used.
  CHECK(writes[19] <= boundary - 40s + 60s + 5s);
  CHECK(world.slack.too_many == 0);
}

TEST_CASE("writes whose answer a killed process did not live to see count as used") {
  Many many;
  auto& world = many.world;
  const Instant boundary = world.loop.now() + 15min;
  for (int i = 0; i < 15; ++i) many.add("r" + std::to_string(i), boundary);
  for (int i = 0; i < 15; ++i) many.add("late" + std::to_string(i), boundary + 20s);
  world.start();
  world.slack.fate = [](slack::Method method, const std::string&) {
    return method == kUpdate ? Fate::lost : Fate::normal;
  };
  world.loop.run_until(boundary + 500ms);
  REQUIRE(many.writes(boundary).size() == 15);
  world.kill();
  world.slack.fate = {};
  world.advance(2s);
  world.start();
  world.loop.run_until(boundary + 3min);
  CHECK(world.slack.too_many == 0);
  CHECK(many.writes(boundary).size() == 30);
}

TEST_CASE("handoffs that a killed process decided and did not write leave together after the start") {
  Many many;
  auto& world = many.world;
  world.slack.latency = 2s;
  const Instant boundary = world.loop.now() + 15min;
  for (int i = 0; i < 20; ++i) many.add("r" + std::to_string(i), boundary);
  world.start();
  world.loop.run_until(boundary + 500ms);
  world.kill();
  const auto start = world.loop.now();
  world.start();
  world.advance(3min);
  const auto writes = many.writes(boundary);
  REQUIRE(writes.size() == 20);
  // The list and the write take 2 s each.
  CHECK(writes[19] <= start + 5s);
  CHECK(world.slack.too_many == 0);
}

TEST_CASE("adoptions, edits and drift have their share while the next minute's handoffs need everything") {
  Many many;
  auto& world = many.world;
  const Instant boundary = world.loop.now() + 5min;
  for (int i = 0; i < 18; ++i) many.add("r" + std::to_string(i), boundary + seconds{3 * i}, 60s);
  many.add("calm", boundary + 24h, 48h);
  world.start();
  world.loop.run_until(boundary + 5min);
  many.add("new", boundary + 20h, 48h);
  world.slack.edit_by_hand("Snew", {"UBnew"});
  world.slack.edit_by_hand("Scalm", {"UBcalm"});
  world.advance(4min);
  CHECK(world.slack.members("Snew") == Names{"UAnew"});
  CHECK(world.slack.members("Scalm") == Names{"UAcalm"});
  CHECK(world.slack.too_many == 0);
  // And every handoff was on time.
  for (const auto& write : world.slack.writes) {
    if (write.at < boundary || write.group == GroupId{"Snew"} || write.group == GroupId{"Scalm"}) continue;
    const auto late = (write.at - boundary) % 3s;
    INFO(write.group.value << " " << format_duration(write.at - boundary));
    CHECK(late <= 1s);
  }
}

TEST_CASE("what is kept for the handoffs of the next minute is less where minutes are shorter") {
  Many many;
  auto& world = many.world;
  world.slack.rate_scale = 60;
  const Instant boundary = world.loop.now() + 5min;
  for (int i = 0; i < 40; ++i) many.add("r" + std::to_string(i), boundary, 30s);
  world.start();
  world.loop.run_until(boundary + 1min + 5s);
  many.add("new", boundary + 20h, 48h);
  world.slack.edit_by_hand("Snew", {"UBnew"});
  // Twenty seconds before the next boundary: a window of the budget is one second.
  world.advance(4s);
  CHECK(world.slack.members("Snew") == Names{"UAnew"});
  CHECK(world.engine->figures().queued_writes == 0);
}
