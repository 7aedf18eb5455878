#include <set>

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

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

namespace {

/// Sets this host's clock `off` ahead of everybody else's.
void set_clock(Payments& p, milliseconds off) {
  const auto right = p.world.loop.now() - p.world.slack.ahead;
  p.world.slack.ahead = p.world.system.ahead = p.world.system.lag = off;
  p.world.loop.set_wall(right + off);
}

engine::EngineOptions with_heartbeat() {
  engine::EngineOptions options;
  options.alerts.heartbeat = Secret("https://alive.example/beat");
  return options;
}

}  // namespace

TEST_CASE("a clock that Slack and a system contradict hands nothing off, and heals when it is right again") {
  const milliseconds off = GENERATE(milliseconds{1h}, milliseconds{5h}, milliseconds{days{40}},
                                    milliseconds{-1h}, milliseconds{-6min});
  const bool moments = GENERATE(false, true);
  CAPTURE(off.count(), moments);
  Payments p({}, with_heartbeat());
  p.world.system.moments = moments;
  p.world.advance(90s);
  set_clock(p, off);
  p.world.advance(10s);
  CHECK(p.state() == "stale");
  CHECK(p.problems() == "who is on call now is not known: this host's clock is wrong\n");
  const auto shown = p.status();
  CHECK(shown.unknown == std::vector<ScheduleRef>{{"pd", "P1"}});
  REQUIRE(shown.on_call.size() == 1);
  CHECK(shown.on_call[0].last_known);
  // How wrong, and by whose word, is told once.
  const auto told = p.world.store->problems().list();
  REQUIRE(told);
  REQUIRE(told->size() == 1);
  CHECK(told->front().problem.text.find("connection pd") != std::string::npos);
  CHECK(p.world.engine->figures().open_problems == 1);
  // Past the true boundary where the clock is behind: then, too, nobody is moved by it.
  const auto beats = p.world.web.sent.size();
  p.world.advance(off < 0ms ? 40min : 10min);
  CHECK(p.world.engine->figures().open_problems == 1);
  CHECK(p.world.web.sent.size() == beats);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.world.slack.writes.size() == 1);
  CHECK(p.messages().size() == 1);
  CHECK(p.world.history().size() == 1);

  set_clock(p, 0ms);
  p.world.advance(10s);
  CHECK(p.state() == "in_sync");
  CHECK(p.problems().empty());
  CHECK(p.world.engine->figures().open_problems == 0);
  if (off > 0ms) {
    p.world.loop.run_until(p.boundary - 1ms);
    CHECK(p.members() == Names{"UADA"});
  }
  p.world.advance(30s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(5min);
  CHECK(announced(p) == Names{"UADA", "UBO"});
  CHECK(p.world.slack.writes.size() == 2);
  CHECK(p.world.web.sent.size() > beats);
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a daemon that starts with a wrong clock hands nothing off") {
  const bool moments = GENERATE(false, true);
  Payments p;
  p.world.system.moments = moments;
  p.world.advance(90s);
  p.world.kill();
  set_clock(p, 1h);
  p.world.start();
  p.world.advance(5min);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "stale");
  CHECK(p.world.slack.writes.size() == 1);
  CHECK(p.messages().size() == 1);
  CHECK(p.world.history().size() == 1);
  const bool restarted = GENERATE(false, true);
  if (restarted) p.world.kill();
  set_clock(p, 0ms);
  if (restarted) p.world.start();
  p.world.advance(10s);
  CHECK(p.state() == "in_sync");
  p.world.loop.run_until(p.boundary - 1ms);
  CHECK(p.members() == Names{"UADA"});
  p.world.advance(1s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(1min);
  CHECK(announced(p) == Names{"UADA", "UBO"});
}

TEST_CASE("a clock that one other alone contradicts is followed, and told") {
  const bool slack = GENERATE(false, true);
  Payments p;
  (slack ? p.world.slack.ahead : p.world.system.ahead) = 1h;
  p.world.advance(2min);
  CHECK(p.state() == "in_sync");
  CHECK(p.world.engine->figures().open_problems == 1);
  p.world.loop.run_until(p.boundary + 1s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(1min);
  (slack ? p.world.slack.ahead : p.world.system.ahead) = 0ms;
  p.world.advance(2min);
  CHECK(p.world.engine->figures().open_problems == 0);
}

TEST_CASE("an announcement does not become too late by a wrong clock") {
  Payments p;
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::chat_post_message ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 30s);
  set_clock(p, days{1});
  p.world.advance(2min);
  p.world.slack.fate = {};
  p.world.advance(20min);
  set_clock(p, 0ms);
  p.world.advance(20min);
  CHECK(announced(p) == Names{"UADA", "UBO"});
}
