#include <filesystem>

#include "store/sqlite/sqlite_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

constexpr const char* kWebhook = "https://hooks.example.com/alert";

engine::EngineOptions with_webhook() {
  engine::EngineOptions options;
  options.alerts.webhook = Secret(kWebhook);
  return options;
}

bool told(const EngineWorld& world, const std::string& part) {
  const auto sent = world.web.sent_to(kWebhook);
  return std::any_of(sent.begin(), sent.end(),
                     [&](const auto& request) { return request.body.find(part) != std::string::npos; });
}

/// As a disk without any room: the database cannot grow by a page.
class FullDisk {
 public:
  explicit FullDisk(store::Store& store) : database_(static_cast<store::SqliteStore&>(store).database()) {
    limit("PRAGMA page_count");
  }
  ~FullDisk() { limit(""); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void limit(const std::string& pragma) {
    std::int64_t pages = 1'000'000;
    if (!pragma.empty()) pages = **database_.value<std::int64_t>(pragma);
    (void)database_.query(fmt::format("PRAGMA max_page_count = {}", pages), nullptr);
  }
  store::Database& database_;
};

/// The handoff from Ada to Bo stands in history, right and finished, and was announced once.
void check_followed(Payments& p) {
  const auto history = p.world.history();
  REQUIRE(history.size() == 2);
  CHECK(history[0].cause == Cause::handoff);
  CHECK(history[0].before == std::vector{UserId{"UADA"}});
  CHECK(history[0].after == std::vector{UserId{"UBO"}});
  CHECK(history[0].held_since == p.boundary);
  CHECK(history[0].result == "ok");
  REQUIRE(p.messages().size() == 2);
  CHECK(p.messages()[1].text.find("<@UBO> takes over from ada") != std::string::npos);
  CHECK(p.state() == "in_sync");
}

}  // namespace

TEST_CASE("a store that is locked for a moment delays a handoff by that moment") {
  Payments p;
  p.world.loop.run_until(p.boundary - 100ms);
  p.world.lock_store(350ms);
  p.world.loop.run_until(p.boundary + 1s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(30s);
  check_followed(p);
}

TEST_CASE("while the store is blocked handoffs are written, posts and edits wait, and it is told") {
  Payments p({}, with_webhook());
  auto idle = p.world.rotation("idle", {"P1"});
  p.world.slack.add_group("Sidle", "idle", {"UCY"});
  p.world.loop.run_until(p.boundary - 10s);
  REQUIRE(p.world.as_cli()->rotations().add(idle, false, std::nullopt, "cli:root"));
  p.world.lock_store(10s + 3s);
  // Two seconds of patience, then the group is right although nothing could be recorded.
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.messages().size() == 1);
  CHECK_FALSE(p.world.engine->figures().store_usable);
  p.world.lock_store(60s);
  CHECK(p.messages().size() == 1);
  CHECK(p.world.history().size() == 1);
  CHECK(p.world.slack.members("Sidle") == Names{"UCY"});  // an adoption waits
  CHECK(told(p.world, "the store cannot be written since"));
  CHECK(p.world.slack.writes.size() == 2);

  p.world.advance(10s);
  CHECK(p.world.engine->figures().store_usable);
  CHECK(told(p.world, R"("state":"resolved")"));
  CHECK(p.world.slack.members("Sidle") == Names{"UBO"});
  REQUIRE(p.world.as_cli()->rotations().remove(p.world.store->rotations().find("idle")->id, "test"));
  std::erase_if(p.world.slack.posted, [](const auto& message) { return message.channel.value == "Cidle"; });
  auto history = p.world.history();
  std::erase_if(history, [](const Change& change) { return change.rotation_name == "idle"; });
  REQUIRE(history.size() == 2);
  CHECK(history[0].before == std::vector{UserId{"UADA"}});
  CHECK(history[0].held_since == p.boundary);
  CHECK(history[0].result == "ok");
  CHECK(p.messages().size() == 2);
}

TEST_CASE("a handoff and back while the store is blocked leave the group right, and nothing to say") {
  Payments p;
  p.world.loop.run_until(p.boundary - 3min);
  p.world.system.rotate("P1", {"ada", "bo"}, p.boundary - 3h, 3h, 2);
  p.world.system.truth["P1"].push_back({FakeSystem::person("ada"), p.boundary + 1min, p.boundary + 3h});
  p.world.system.truth["P1"][1].end = p.boundary + 1min;
  p.world.loop.run_until(p.boundary - 5s);
  p.world.lock_store(35s);
  CHECK(p.members() == Names{"UBO"});
  p.world.lock_store(40s);
  CHECK(p.members() == Names{"UADA"});
  p.world.advance(10s);
  // Ada, Bo, Ada: who was in the group stands in history, and nothing is said: nobody changed in the end.
  const auto history = p.world.history();
  REQUIRE(history.size() == 3);
  CHECK(history[0].after == std::vector{UserId{"UADA"}});
  CHECK(history[1].after == std::vector{UserId{"UBO"}});
  for (const auto& change : history) CHECK(change.result == "ok");
  CHECK(p.messages().size() == 1);
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a kill while the store is blocked loses no handoff") {
  Payments p;
  p.world.loop.run_until(p.boundary - 5s);
  p.world.lock_store(20s);
  CHECK(p.members() == Names{"UBO"});
  p.world.kill();
  p.world.start();
  p.world.advance(1min);
  const auto history = p.world.history();
  REQUIRE(history.size() == 2);
  CHECK(history[0].cause == Cause::handoff);
  CHECK(history[0].result == "ok");
  CHECK(p.messages().size() == 2);
}

TEST_CASE("on a full disk handoffs are written, and history and announcement follow when there is room") {
  Payments p({}, with_webhook());
  p.world.loop.run_until(p.boundary - 10s);
  {
    const FullDisk full(*p.world.store);
    // Nothing fits any more, not even in pages that have room left.
    while (p.world.store->history().add_audit({p.world.loop.now(), "test", "fill", std::string(500, 'x')})) {
    }
    ChangeId filler{1'000'000};
    while (p.world.store->history().add(Change{filler, p.world.loop.now(), {}, "filler", GroupId{"Sother"}}))
      ++filler.value;
    p.world.loop.run_until(p.boundary + 3s);
    CHECK(p.members() == Names{"UBO"});
    CHECK(p.messages().size() == 1);
    p.world.advance(1min);
    CHECK(p.messages().size() == 1);
    CHECK(told(p.world, "free some space"));
    CHECK_FALSE(p.world.engine->figures().store_usable);
  }
  p.world.advance(1min);
  CHECK(p.world.engine->figures().store_usable);
  auto history = p.world.history();
  std::erase_if(history, [](const Change& change) { return change.rotation_name == "filler"; });
  REQUIRE(history.size() == 2);
  CHECK(history[0].before == std::vector{UserId{"UADA"}});
  CHECK(history[0].after == std::vector{UserId{"UBO"}});
  CHECK(history[0].result == "ok");
  CHECK(p.messages().size() == 2);
}

TEST_CASE("a store that cannot be written is told although nothing had to be decided") {
  Payments p({}, with_webhook());
  p.world.lock_store(70s);
  p.world.lock_store(5s);
  CHECK_FALSE(p.world.engine->figures().store_usable);
  CHECK(told(p.world, "the store cannot be written since"));
  p.world.advance(5s);
  CHECK(p.world.engine->figures().store_usable);
}

TEST_CASE("an edit has its editor's name, however many others were made in the same second") {
  Payments p;
  {
    const auto cli = p.world.as_cli();
    auto rotation = cli->rotations().find("payments");
    REQUIRE(rotation);
    rotation->permanent_members = {UserId{"UCY"}};
    REQUIRE(cli->rotations().update(*rotation, "cli:ada"));
    // The store writes down an edit with the time of this host.
    const Instant later = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()) + 1s;
    for (int i = 0; i < 150; ++i)
      REQUIRE(cli->history().add_audit({later, "cli:bo", "mapping.create", fmt::format("p{}", i)}));
  }
  p.world.advance(10s);
  const auto history = p.world.history();
  REQUIRE(history.size() == 2);
  CHECK(history[0].cause == Cause::edit);
  CHECK(history[0].by == "cli:ada");
}

TEST_CASE("a store whose file was taken away is told, and groups are kept right meanwhile") {
  Payments p({}, with_webhook());
  const std::string file = p.world.folder + "/watchbill.db";
  REQUIRE(std::filesystem::exists(file));
  p.world.loop.run_until(p.boundary - 10s);
  std::filesystem::rename(file, file + ".away");
  p.world.advance(10s + 3s);
  CHECK(told(p.world, "was deleted or replaced while the daemon runs"));
  CHECK(p.members() == Names{"UBO"});
  std::filesystem::rename(file + ".away", file);
  p.world.advance(10s);
  CHECK(told(p.world, R"("key":"store:moved","state":"resolved")"));
}
