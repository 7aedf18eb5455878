// A store that is slow: what others do meanwhile.

#include <random>

#include "control/connections.hpp"
#include "control/people.hpp"
#include "control/rotation_json.hpp"
#include "control/save.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

constexpr unsigned kSeeds = 25;

/// Each piece of work takes between nothing and 5 s, before and after it is done.
void slow_down(ManageWorld& world, unsigned seed) {
  auto random = std::make_shared<std::mt19937>(seed);
  world.executor.pace = [random] {
    std::uniform_int_distribution<int> span(0, 5000);
    return SimExecutor::Pace{milliseconds(span(*random)), milliseconds(span(*random))};
  };
}

std::size_t edits_of(ManageWorld& world, const std::string& action) {
  std::size_t count = 0;
  for (const auto& entry : good(world.store->history().audit({}))) count += entry.action == action ? 1 : 0;
  return count;
}

net::Task<Result<void>> save_one(ManageWorld& world, Caller caller, RotationDraft wanted) {
  co_return co_await save(*world.context, std::move(caller), wanted, false);
}

net::Task<Result<void>> delete_one(ManageWorld& world, Caller caller, RotationId id) {
  auto deleted = co_await delete_rotation(*world.context, std::move(caller), id, false);
  if (!deleted) co_return deleted.error();
  co_return Result<void>{};
}

/// Both at once; the results in this order.
std::vector<Result<void>> both(ManageWorld& world, net::Task<Result<void>> one,
                               net::Task<Result<void>> other) {
  std::vector<net::Task<Result<void>>> tasks;
  tasks.push_back(std::move(one));
  tasks.push_back(std::move(other));
  return world.run(net::all(world.loop, std::move(tasks)));
}

RotationDraft edited(const Rotation& before, const std::string& name, const std::string& channel) {
  RotationDraft draft;
  draft.before = before;
  draft.rotation = before;
  draft.rotation.name = name;
  draft.rotation.channels = {ChannelId(channel)};
  return draft;
}

}  // namespace

TEST_CASE("of two people who save a rotation at once one is told, and nothing is half written") {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    INFO("seed " << seed);
    ManageWorld world;
    world.connection();
    const auto before = world.stored("payments");
    slow_down(world, seed);
    const auto done = both(world, save_one(world, world.editor, edited(before, "Ours", "COURS")),
                           save_one(world, world.owner, edited(before, "Theirs", "CTHEIRS")));
    REQUIRE(done[0].ok() != done[1].ok());
    const auto& lost = done[0].ok() ? done[1] : done[0];
    CHECK(bad(lost).kind == ErrorKind::conflict);
    CHECK(says(bad(lost), "was changed meanwhile by"));
    const auto now = good(world.store->rotations().list()).front();
    CHECK(now.name == (done[0].ok() ? "Ours" : "Theirs"));
    CHECK(now.channels == std::vector{ChannelId(done[0].ok() ? "COURS" : "CTHEIRS")});
    CHECK(edits_of(world, "rotation.update") == 1);
  }
}

TEST_CASE("a rotation that is saved and deleted at once is deleted, and whoever was later is told") {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    INFO("seed " << seed);
    ManageWorld world;
    world.connection();
    const auto before = world.stored("payments");
    slow_down(world, seed);
    const auto done = both(world, save_one(world, world.editor, edited(before, "Ours", "COURS")),
                           delete_one(world, world.cli, before.id));
    CHECK(done[1].ok());
    CHECK(good(world.store->rotations().list()).empty());
    if (!done[0].ok()) CHECK(says(bad(done[0]), "was deleted by ada on the host"));
    CHECK(edits_of(world, "rotation.update") == (done[0].ok() ? 1 : 0));
    CHECK(edits_of(world, "rotation.delete") == 1);
  }
}

TEST_CASE("what two people delete, or make under one name, at once is done once") {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    INFO("seed " << seed);
    ManageWorld world;
    world.connection();
    const auto rotation = world.stored("payments");
    RotationDraft fresh;
    fresh.rotation = rotation;
    fresh.rotation.id = {};
    fresh.rotation.name = "Search";
    fresh.rotation.group = GroupId("SONE");
    auto other = fresh;
    other.rotation.group = GroupId("STWO");
    slow_down(world, seed);
    auto done = both(world, save_one(world, world.editor, fresh), save_one(world, world.cli, other));
    CHECK(done[0].ok() != done[1].ok());
    CHECK(bad(done[0].ok() ? done[1] : done[0]).kind == ErrorKind::conflict);
    CHECK(edits_of(world, "rotation.create") == 2);
    done =
        both(world, delete_one(world, world.editor, rotation.id), delete_one(world, world.cli, rotation.id));
    CHECK(done[0].ok() != done[1].ok());
    CHECK(says(bad(done[0].ok() ? done[1] : done[0]), "was deleted by"));
    CHECK(edits_of(world, "rotation.delete") == 1);
  }
}

TEST_CASE("whoever gives up waiting for the store leaves the whole of a change, or nothing of it") {
  for (const auto patience : {0ms, 100ms, 2500ms, 3500ms, 6000ms}) {
    INFO("after " << patience.count() << " ms");
    ManageWorld world;
    world.connection();
    const auto before = world.stored("payments");
    world.executor.pace = [] { return SimExecutor::Pace{3s, 2s}; };
    {
      net::TaskScope scope;
      struct Save {
        static net::Task<void> run(ManageWorld& world, RotationDraft draft) {
          (void)co_await save_one(world, world.editor, std::move(draft));
        }
      };
      scope.spawn(Save::run(world, edited(before, "Ours", "COURS")));
      world.loop.advance(patience);
    }
    world.loop.advance(1min);
    const auto now = good(world.store->rotations().list()).front();
    CHECK(now.name == "Ours");
    CHECK(now.channels == std::vector{ChannelId("COURS")});
  }
}

TEST_CASE("a rotation that was changed after somebody agreed to its resumption is not resumed") {
  ManageWorld world;
  world.connection();
  auto rotation = world.stored("payments");
  rotation.paused = true;
  good(world.store->rotations().update(rotation, "cli:ada"));
  const auto seen = version_of(rotation);
  rotation.schedules = {{{"pd", "PTWO"}}};
  good(world.store->rotations().update(rotation, "cli:bo"));
  const auto refused = bad(world.run(set_paused(*world.context, world.cli, rotation.id, false, seen)));
  CHECK(refused.kind == ErrorKind::conflict);
  CHECK(says(refused, "was changed meanwhile by cli:bo"));
  CHECK(world.now("payments").paused);
  CHECK(good(world.run(set_paused(*world.context, world.cli, rotation.id, false, version_of(rotation)))));
  CHECK_FALSE(world.now("payments").paused);
}

TEST_CASE("a person is not mapped into a connection that was removed while Slack was asked") {
  ManageWorld world;
  world.connection();
  world.executor.pace = [] { return SimExecutor::Pace{1s, 1s}; };
  struct Map {
    static net::Task<Result<void>> run(ManageWorld& world) {
      Workspace workspace(*world.context);
      auto mapped = co_await map_person(workspace, world.cli, "pd/PKIM", "UOTTO");
      if (!mapped) co_return mapped.error();
      co_return Result<void>{};
    }
  };
  const auto done = both(world, Map::run(world), remove_connection(*world.context, world.cli, "pd"));
  CHECK(done[1].ok());
  CHECK(bad(done[0]).kind == ErrorKind::not_found);
  CHECK(good(world.store->people().mappings()).empty());
}
