#include "store/backup.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

engine::EngineOptions with_alerts() {
  engine::EngineOptions options;
  options.alerts.channel = ChannelId{"CALERTS"};
  options.history_probe = true;
  return options;
}

/// A rotation that hands off every hour, in a world whose store can be set back.
struct RestoreWorld : EngineWorld {
  RestoreWorld() : EngineWorld(with_alerts()) {
    for (const std::string name : {"ada", "bo", "cy"}) slack.add_user("U" + name, name + "@example.com");
    first = loop.now() + 30min;
    system.rotate("P1", {"ada", "bo", "cy"}, first - 1h, 1h);
    id = create(rotation("one", {"P1"}));
    start();
    advance(1min);
  }

  [[nodiscard]] std::string file() const { return folder + "/backup.db"; }
  [[nodiscard]] std::string database() const { return folder + "/watchbill.db"; }
  void back_up() { REQUIRE(store::back_up({database(), folder + "/key"}, file(), true)); }
  /// The daemon is stopped, the backup restored, and a daemon started after `pause`.
  void restore_and_start(milliseconds pause = 1min) {
    kill();
    store.reset();
    {
      auto restore = store::Restore::prepare({database(), folder + "/key"}, file());
      REQUIRE(restore);
      REQUIRE((*restore)->carry_out("test", loop.now()));
    }
    advance(pause);
    store = std::move(*store::Store::open({database(), folder + "/key"}));
    start();
  }
  [[nodiscard]] std::size_t said() const { return slack.messages("Cone").size(); }
  [[nodiscard]] std::string alerts() const {
    std::string all;
    for (const auto& message : slack.messages("CALERTS")) all += message.text + "\n";
    return all;
  }

  Instant first;
  RotationId id;
};

}  // namespace

TEST_CASE("after a restore every group is right within one pass, and what was announced is not told again") {
  RestoreWorld world;
  world.back_up();
  world.advance(3h);
  REQUIRE(world.slack.members("Sone") == Names{"Uada"});
  const auto before = world.said();
  REQUIRE(before == 4);
  world.restore_and_start(20min);
  world.advance(20s);
  CHECK(world.slack.members("Sone") == Names{"Uada"});
  CHECK(world.status(world.id).state == "in_sync");
  CHECK(world.said() == before);
  // The next handoff is told as always.
  world.advance(1h);
  CHECK(world.slack.members("Sone") == Names{"Ubo"});
  CHECK(world.said() == before + 1);
}

TEST_CASE("what changed while nobody watched is in history after a restore, with why it was not announced") {
  RestoreWorld world;
  world.back_up();
  world.kill();
  world.advance(1h);
  const auto before = world.said();
  world.restore_and_start();
  world.advance(20s);
  CHECK(world.slack.members("Sone") == Names{"Ubo"});
  CHECK(world.said() == before);
  const auto history = world.history();
  CHECK(history.front().cause == Cause::handoff);
  CHECK(history.front().note.find("after a restore") != std::string::npos);
}

TEST_CASE("a handoff after the start is announced although its source has not answered since the restore") {
  RestoreWorld world;
  world.back_up();
  world.system.down = true;
  const auto before = world.said();
  world.restore_and_start(10min);
  world.advance(30min);
  CHECK(world.slack.members("Sone") == Names{"Ubo"});
  CHECK(world.said() == before + 1);
}

TEST_CASE("a rotation whose source answers late after a restore catches up without announcing") {
  RestoreWorld world;
  world.back_up();
  world.system.down = true;
  world.restore_and_start(1min);
  // Unforeseen: the backup's timeline does not know of it.
  world.system.rotate("P1", {"cy"}, world.loop.now() - 30min, 48h);
  const auto before = world.said();
  world.advance(5min);
  SECTION("at once") {}
  SECTION("also when the daemon is restarted before") {
    world.kill();
    world.start();
  }
  world.system.down = false;
  world.advance(3min);
  CHECK(world.slack.members("Sone") == Names{"Ucy"});
  CHECK(world.said() == before);
  // From then on what changes is told.
  world.system.rotate("P1", {"bo"}, world.loop.now() - 30min, 48h);
  world.advance(3min);
  CHECK(world.said() == before + 1);
}

TEST_CASE("an announcement that was open in the backup is looked for, not posted blindly") {
  RestoreWorld world;
  world.slack.fate = [](slack::Method method, const std::string& what) {
    return method == slack::Method::chat_post_message && what == "Cone" ? FakeSlack::Fate::refused
                                                                        : FakeSlack::Fate::normal;
  };
  world.slack.error = fail(ErrorKind::unreachable, "no route");
  world.advance(30min);
  world.back_up();
  const auto before = world.said();
  world.slack.fate = nullptr;
  SECTION("it was sent after the backup: nothing is repeated") {
    world.advance(5min);
    REQUIRE(world.said() == before + 1);
    world.restore_and_start();
    world.advance(5min);
    CHECK(world.said() == before + 1);
  }
  SECTION("it was never sent: it is sent now") {
    world.restore_and_start();
    world.advance(5min);
    CHECK(world.said() == before + 1);
  }
}

TEST_CASE("the alert channel hears since when announcements cannot be vouched for, and that it is over") {
  RestoreWorld world;
  world.back_up();
  world.advance(2h);
  world.restore_and_start(10min);
  const auto started = world.loop.now();
  world.advance(1min);
  const auto alerts = world.alerts();
  CHECK(alerts.find("restored from a backup") != std::string::npos);
  CHECK(alerts.find(format_minutes(started)) != std::string::npos);
  // Once, also across a restart.
  world.kill();
  world.start();
  world.advance(10min);
  CHECK(world.alerts() == alerts);
  world.advance(1h);
  CHECK(world.alerts().find("over after 1 h") != std::string::npos);
  const auto over = world.alerts();
  world.kill();
  world.start();
  world.advance(10min);
  CHECK(world.alerts() == over);
}
