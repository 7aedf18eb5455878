#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/engine_world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// Who the channel was told of, one for each message: the one who is mentioned.
Names announced(Payments& p) {
  Names people;
  std::set<std::string> keys;
  for (const auto& message : p.messages()) {
    const auto at = message.text.find("<@");
    people.push_back(message.text.substr(at + 2, message.text.find('>', at) - at - 2));
    CHECK(keys.insert(message.key).second);
  }
  return people;
}

}  // namespace

TEST_CASE("a clock that is set forward past a boundary hands off at once, and once") {
  Payments p;
  p.world.loop.set_wall(p.boundary + 5min);
  p.world.advance(1s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(10min);
  CHECK(announced(p) == Names{"UADA", "UBO"});
  CHECK(p.world.slack.writes.size() == 2);
  CHECK(p.world.history()[0].held_since == p.boundary);
}

TEST_CASE("a host that slept through boundaries shows who is on call now as soon as it wakes") {
  Payments p;
  p.world.loop.run_until(p.boundary - 1min);
  // Bo, then Ada, then Bo had their turns.
  p.world.loop.suspend(1min + 2h + 5min);
  p.world.advance(1s);
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.world.slack.writes.size() == 2);
  p.world.advance(1min);
  CHECK(announced(p) == Names{"UADA", "UBO"});
  CHECK(p.messages().back().text.find("still being updated") == std::string::npos);
  CHECK(p.state() == "in_sync");
  // The next boundary is met at its wall time again.
  p.world.loop.run_until(p.boundary + 3h - 1ms);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(1s);
  CHECK(p.members() == Names{"UADA"});
}

TEST_CASE("a clock that is set back brings back who is on call then, and meets the boundary again") {
  Payments p;
  p.world.loop.run_until(p.boundary + 1min);
  CHECK(p.members() == Names{"UBO"});
  p.world.loop.set_wall(p.boundary - 20min);
  p.world.advance(3s);
  CHECK(p.members() == Names{"UADA"});
  p.world.loop.run_until(p.boundary - 1ms);
  CHECK(p.members() == Names{"UADA"});
  p.world.advance(1s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(5min);
  CHECK(announced(p) == Names{"UADA", "UBO", "UADA", "UBO"});
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a clock that is put right by a few seconds undoes no handoff") {
  Payments p;
  p.world.loop.run_until(p.boundary + 200ms);
  CHECK(p.members() == Names{"UBO"});
  p.world.loop.set_wall(p.boundary - 3s);
  p.world.advance(1min);
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.world.slack.writes.size() == 2);
  CHECK(announced(p) == Names{"UADA", "UBO"});
}

TEST_CASE("after a clock was set back by hours an override is still seen within a poll interval") {
  EngineWorld world;
  world.options.alerts.heartbeat = Secret("https://alive.example/beat");
  world.slack.add_user("UADA", "ada@example.com");
  world.slack.add_user("UBO", "bo@example.com");
  const auto start = world.loop.now();
  world.system.rotate("P1", {"ada"}, start - days{1}, days{30}, 1);
  const auto id = world.create(world.rotation("payments", {"P1"}));
  world.start();
  world.advance(10min);
  world.loop.set_wall(start - 5h);
  world.advance(90s);
  auto& shifts = world.system.truth["P1"];
  const auto beats = world.web.sent.size();
  shifts[0].end = world.loop.now();
  shifts.push_back(Shift{FakeSystem::person("bo"), shifts[0].end, start + days{30}});
  world.advance(61s);
  CHECK(world.slack.members("Spayments") == Names{"UBO"});
  world.slack.groups.at(GroupId{"Spayments"}).members = {UserId{"UADA"}};
  world.advance(61s);
  CHECK(world.slack.members("Spayments") == Names{"UBO"});
  CHECK(world.web.sent.size() >= beats + 2);
  CHECK(world.status(id).state == "in_sync");
}

TEST_CASE("an empty schedule is confirmed in time although the clock was set back meanwhile") {
  Payments p([](Rotation& r) { r.empty = Empty::disable; });
  p.world.system.truth["P1"].clear();
  p.world.advance(61s);
  p.world.loop.set_wall(p.world.loop.now() - 3h);
  p.world.advance(3min);
  CHECK(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
}

TEST_CASE("a lost answer is found in history although the clock was set back before it was looked for") {
  Payments p;
  p.world.slack.ahead = 20min;
  bool losing = true;
  p.world.slack.fate = [&](slack::Method method, const std::string&) {
    return losing && method == slack::Method::chat_post_message ? FakeSlack::Fate::lost
                                                                : FakeSlack::Fate::normal;
  };
  p.world.system.truth["P1"][0] = {FakeSystem::person("cy"), p.boundary - 3h, p.boundary};
  while (p.messages().size() < 2) p.world.advance(1s);
  losing = false;
  p.world.slack.ahead = 0ms;
  p.world.loop.set_wall(p.world.loop.now() - 20min);
  p.world.advance(5min);
  CHECK(announced(p) == Names{"UADA", "UCY"});
  CHECK(p.world.engine->figures().outbox == 0);
}
