#include <set>

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

constexpr auto kUpdate = slack::Method::usergroups_users_update;
constexpr std::size_t kRotations = 500;
constexpr std::size_t kPerMinute = 20;

/// 500 rotations that all hand off from Ada to Bo at one boundary, and back half an hour later, in a
/// workspace with Slack's limits. `scale`: both sides count minutes as so much shorter, so that a test takes
/// less.
struct Storm {
  EngineWorld world;
  Instant boundary;

  explicit Storm(int scale) {
    world.slack.rate_scale = scale;
    world.slack.limits = {{slack::Method::usergroups_list, 20},
                          {kUpdate, kPerMinute},
                          {slack::Method::users_lookup_by_email, 50},
                          {slack::Method::chat_post_message, 200}};
    world.slack.add_user("UADA", "ada@example.com");
    world.slack.add_user("UBO", "bo@example.com");
    boundary = world.loop.now() + 2min;
    for (std::size_t i = 0; i < kRotations; ++i) {
      const auto name = std::to_string(i);
      world.system.rotate("P" + name, {"ada", "bo"}, boundary - 30min, 30min, 4);
      world.slack.add_group("S" + name, name, {"UADA"});
      world.create(world.rotation(name, {"P" + name}), true);
    }
    world.start();
    world.loop.run_until(boundary - 1ms);
    REQUIRE(world.slack.writes.empty());
  }

  /// The writes since `since`, by time.
  [[nodiscard]] std::vector<Instant> writes(Instant since) const {
    std::vector<Instant> times;
    for (const auto& write : world.slack.writes) {
      if (write.at >= since) times.push_back(write.at);
    }
    std::sort(times.begin(), times.end());
    return times;
  }
  [[nodiscard]] std::size_t groups_of(const std::string& user) const {
    return static_cast<std::size_t>(
        std::count_if(world.slack.groups.begin(), world.slack.groups.end(),
                      [&](const auto& item) { return item.second.members == std::vector{UserId{user}}; }));
  }
  [[nodiscard]] std::string meta(const std::string& key) {
    return world.store->meta(key).value().value_or("none");
  }
};

/// Promise 1: the k-th (from 1) leaves within a second and as many minutes as the limit takes for k - 1.
Instant latest(Instant boundary, std::size_t k, int scale = 1) {
  return boundary + 1s + milliseconds{1min} * ((k - 1) / kPerMinute) / scale;
}

}  // namespace

TEST_CASE("500 handoffs at one boundary end as fast as Slack allows, and `status` says when") {
  Storm storm(1);
  auto& world = storm.world;
  world.loop.run_until(storm.boundary + 5min + 30s);
  const auto figures = world.engine->figures();
  CHECK(figures.queued_writes == kRotations - 6 * kPerMinute);
  CHECK(storm.meta("queue_writes") == std::to_string(kRotations - 6 * kPerMinute));
  REQUIRE(figures.writes_done_at);
  const auto told = parse_rfc3339(storm.meta("queue_done_at"));
  REQUIRE(told);

  world.loop.run_until(storm.boundary + 28min);
  const auto writes = storm.writes(storm.boundary);
  REQUIRE(writes.size() == kRotations);
  for (std::size_t k = 1; k <= kRotations; ++k) {
    INFO("the write number " << k << " left " << format_duration(writes[k - 1] - storm.boundary) << " late");
    REQUIRE(writes[k - 1] <= latest(storm.boundary, k));
  }
  CHECK(storm.groups_of("UBO") == kRotations);
  CHECK(world.slack.too_many == 0);
  // What was told in the middle is what happened, to the second.
  CHECK(*figures.writes_done_at <= writes.back());
  CHECK(writes.back() - *figures.writes_done_at < 1s);
  CHECK(*told <= writes.back());
  CHECK(writes.back() - *told < 2s);
  CHECK(world.engine->figures().queued_writes == 0);
  CHECK(storm.meta("queue_done_at").empty());

  std::set<std::string> keys;
  std::map<ChannelId, int> announced;
  for (const auto& message : world.slack.posted) {
    CHECK(keys.insert(message.key).second);
    ++announced[message.channel];
  }
  CHECK(announced.size() == kRotations);
  CHECK(world.slack.posted.size() == kRotations);
  CHECK(world.engine->figures().outbox == 0);
  for (const auto& change : world.history()) CHECK(change.result == "ok");
}

TEST_CASE("20 groups that Slack refuses take nothing from 480 others in a storm") {
  constexpr int kScale = 20;
  constexpr milliseconds kMinute = milliseconds{1min} / kScale;
  Storm storm(kScale);
  auto& world = storm.world;
  std::set<std::string> refused;
  for (std::size_t i = 0; i < kRotations; i += 25) refused.insert("S" + std::to_string(i));
  std::size_t tries = 0;
  world.slack.fate = [&](slack::Method method, const std::string& what) {
    if (method != kUpdate || !refused.contains(what)) return FakeSlack::Fate::normal;
    ++tries;
    return FakeSlack::Fate::refused;
  };
  world.slack.error.code = "permission_denied";
  world.loop.run_until(storm.boundary + 10 * kMinute);
  // Nobody can know beforehand that they are refused: each costs one place, once.
  CHECK(tries <= refused.size());
  CHECK(world.engine->figures().queued_writes + storm.writes(storm.boundary).size() + tries == kRotations);
  world.loop.run_until(storm.boundary + 24 * kMinute + 1s);
  CHECK(storm.groups_of("UBO") == 480);

  // At the next boundary it is known.
  const auto next = storm.boundary + 30min;
  world.loop.run_until(next - 1ms);
  const auto tries_before = tries;
  CHECK(tries_before > refused.size());
  world.loop.run_until(next + 24 * kMinute + 1s);
  auto writes = storm.writes(next);
  REQUIRE(writes.size() == 480);
  for (std::size_t k = 1; k <= 480; ++k) REQUIRE(writes[k - 1] <= latest(next, k, kScale));
  CHECK(tries == tries_before);
  CHECK(world.slack.too_many == 0);
  const auto figures = world.engine->figures();
  CHECK(figures.queued_writes == 0);
  CHECK_FALSE(figures.writes_done_at);

  // Every channel heard of both handoffs, those of the refused groups too (they wait two minutes for it).
  world.loop.run_until(next + 5min);
  std::map<ChannelId, int> announced;
  for (const auto& message : world.slack.posted) ++announced[message.channel];
  CHECK(announced.size() == kRotations);
  CHECK(world.slack.posted.size() == 2 * kRotations);
}
