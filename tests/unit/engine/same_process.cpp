// What the Slack app, which lives in the engine's own process, needs of it.

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

TEST_CASE("a rotation made within the daemon's own process is kept within seconds of being told") {
  EngineWorld world;
  world.slack.add_user("UADA", "ada@example.com");
  world.system.rotate("P1", {"ada"}, world.loop.now() - 1h, 2h, 1);
  world.start();
  world.advance(20s);
  world.create(world.rotation("payments", {"P1"}));
  world.engine->notice_changes();
  world.advance(10s);
  CHECK(world.slack.members("Spayments") == Names{"UADA"});
}

TEST_CASE("a request left within the daemon's own process is answered") {
  EngineWorld world;
  world.start();
  world.advance(20s);
  auto id = world.store->requests().ask("create_group", R"({"name":"New","handle":"new","description":""})",
                                        world.loop.now() + 90s);
  REQUIRE(id);
  world.engine->notice_changes();
  world.advance(5s);
  CHECK(world.store->requests().answer_of(*id)->value_or("").find("\"ok\":true") != std::string::npos);
}

TEST_CASE("each queued write says how many are ahead of it, and when its turn comes") {
  EngineWorld world;
  const Instant boundary = world.loop.now() + 5min;
  std::vector<RotationId> ids;
  for (int i = 0; i < 40; ++i) {
    const auto name = "r" + std::to_string(i);
    world.slack.add_user("UA" + name, "a" + name + "@example.com");
    world.slack.add_user("UB" + name, "b" + name + "@example.com");
    world.system.rotate("P" + name, {"a" + name, "b" + name}, boundary - 1h, 1h);
    ids.push_back(world.create(world.rotation(name, {"P" + name}), true));
  }
  world.start();
  world.advance(4min);
  CHECK_FALSE(world.engine->forecast(ids.front()));
  world.loop.run_until(boundary + 2s);
  std::map<std::size_t, RotationId> waiting;
  std::map<RotationId, Instant> told;
  for (const auto id : ids) {
    const auto forecast = world.engine->forecast(id);
    if (!forecast) continue;
    CHECK(waiting.emplace(forecast->ahead, id).second);
    told.emplace(id, forecast->at);
  }
  REQUIRE(waiting.size() == 20);
  CHECK(waiting.begin()->first == 0);
  CHECK(waiting.rbegin()->first == 19);
  std::map<RotationId, Instant> written;
  for (int i = 0; i < 160; ++i) {
    world.advance(500ms);
    for (const auto& [id, at] : told) {
      const auto number = std::to_string(id.value - ids.front().value);
      if (world.slack.members("Sr" + number) == Names{"UBr" + number}) written.emplace(id, world.loop.now());
    }
  }
  for (const auto& [id, at] : told) {
    REQUIRE(written.contains(id));
    CHECK(std::chrono::abs(written.at(id) - at) <= 1s);
  }
}
