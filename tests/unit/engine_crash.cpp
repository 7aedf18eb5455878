#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/unit/engine_judge.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// Who goes on call in each handoff, as the channel shows it: the mention of whoever comes on.
std::vector<std::string> announced(const EngineWorld& world, const std::string& channel) {
  std::vector<std::string> people;
  for (const auto& message : world.slack.messages(channel)) {
    const auto at = message.text.find("<@");
    people.push_back(at == std::string::npos
                         ? "nobody"
                         : message.text.substr(at + 2, message.text.find('>', at) - at - 2));
  }
  return people;
}

struct Trouble {
  bool kills = false;
  bool lost_answers = false;
  bool history_readable = true;
};

/// Three rotations hand off every ten minutes for two hours, while `trouble` strikes at random moments.
void run_through(unsigned seed, Trouble trouble) {
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto chance = [&](int of) { return std::uniform_int_distribution<>(1, of)(random) == 1; };
  EngineWorld world;
  const Names people{"ada", "bo", "cy"};
  for (const auto& name : people) world.slack.add_user("U" + name, name + "@example.com");
  const Instant first = world.loop.now() + 5min;
  for (const std::string name : {"one", "two", "three"}) {
    world.system.rotate("P" + name, people, first - 10min, 10min);
    world.create(world.rotation(name, {"P" + name}));
  }
  world.slack.history_readable = trouble.history_readable;
  world.slack.fate = [&](slack::Method method, const std::string&) {
    const bool write =
        method == slack::Method::usergroups_users_update || method == slack::Method::chat_post_message;
    return trouble.lost_answers && write && chance(3) ? FakeSlack::Fate::lost : FakeSlack::Fate::normal;
  };
  Judge judge(world);
  world.start();
  const Instant end = first + 2h;
  while (world.loop.now() < end) {
    // Small steps around the boundaries, where it matters.
    const auto since = (world.loop.now() - first) % 10min;
    const bool near = since < 20s || since > 10min - 2s;
    world.advance(near ? milliseconds(std::uniform_int_distribution<>(5, 900)(random)) : milliseconds{7s});
    if (trouble.kills && chance(near ? 8 : 40)) {
      world.kill();
      world.start();
    }
    if (!near) judge.look();
  }
  trouble.lost_answers = false;
  world.advance(3min);

  CHECK(world.slack.violations.empty());
  CHECK(judge.wrong == Names{});
  CHECK(judge.judged > 100);
  for (const std::string name : {"one", "two", "three"}) {
    CHECK(world.slack.members("S" + name) == Names{"Ubo"});
    auto seen = announced(world, "C" + name);
    if (trouble.history_readable) {
      std::set<std::string> keys;
      for (const auto& message : world.slack.messages("C" + name)) CHECK(keys.insert(message.key).second);
    } else {
      seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    }
    // "ada is now on call", then twelve handoffs, and once more round.
    REQUIRE(seen.size() == 14);
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == "U" + people[i % 3]);
  }
  std::size_t handoffs = 0;
  for (const auto& change : world.history()) {
    handoffs += change.cause == Cause::handoff ? 1U : 0U;
    CHECK(change.result == "ok");
  }
  CHECK(handoffs == 3 * 13);
}

}  // namespace

TEST_CASE("every handoff is announced exactly once, in order, when the daemon is killed at random moments") {
  for (unsigned seed = 1; seed <= 2; ++seed) run_through(seed, {.kills = true});
}

TEST_CASE("every handoff is announced exactly once when Slack's answers get lost") {
  for (unsigned seed = 11; seed <= 11; ++seed) run_through(seed, {.lost_answers = true});
}

TEST_CASE("kills and lost answers together lose and double nothing") {
  for (unsigned seed = 21; seed <= 22; ++seed) run_through(seed, {.kills = true, .lost_answers = true});
}

TEST_CASE("where history cannot be read nothing is lost, and what may be doubled says so") {
  run_through(31, {.kills = true, .lost_answers = true, .history_readable = false});
}
