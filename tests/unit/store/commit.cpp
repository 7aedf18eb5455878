#include "store/commit.hpp"

#include "store/lease.hpp"
#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

struct World {
  TempFolder folder;
  std::unique_ptr<Store> store = open_store(folder);
  RotationId one;
  RotationId two;

  World() {
    must(store->connections().add(pagerduty(), "cli:root"));
    one = must(store->rotations().add(plain_rotation("one", "S1"), false, {}, "cli:root"));
    two = must(store->rotations().add(plain_rotation("two", "S2"), false, {}, "cli:root"));
  }

  Commit handoff(RotationId rotation, const std::string& group, std::int64_t change, std::int64_t row) {
    Commit commit;
    auto& changed = commit.changes.emplace_back(open_change(rotation));
    changed.id = ChangeId{change};
    changed.group = GroupId{group};
    RotationRecord record;
    record.rotation = rotation;
    record.decided = true;
    commit.records.push_back({record, GroupId{group}});
    auto& told = commit.new_rows.emplace_back(announcement(rotation, "k" + std::to_string(row)));
    told.id = OutboxId{row};
    told.change = changed.id;
    return commit;
  }
  std::set<RotationId> record(std::int64_t seq, const std::vector<Commit>& commits) {
    return must(store::record(*store, {1, seq}, commits, Durability::disk));
  }
  std::size_t changes() { return must(store->history().list({})).size(); }
  std::size_t rows() { return must(store->outbox().open_rows()).size(); }
};

}  // namespace

TEST_CASE("a commit is recorded whole, and where it stands is known") {
  World world;
  CHECK(must(last_commit(*world.store)) == CommitPlace{});
  CHECK(
      world.record(1, {world.handoff(world.one, "S1", 7, 9), world.handoff(world.two, "S2", 8, 10)}).empty());
  CHECK(must(last_commit(*world.store)) == CommitPlace{1, 2});
  CHECK(world.changes() == 2);
  CHECK(world.rows() == 2);
  CHECK(must(world.store->history().last_id()) == ChangeId{8});
  CHECK(must(world.store->outbox().last_id()) == OutboxId{10});
}

TEST_CASE("a commit that was recorded already is left out, and those that follow are not") {
  World world;
  const auto first = world.handoff(world.one, "S1", 1, 1);
  world.record(1, {first});
  world.record(1, {first, world.handoff(world.two, "S2", 2, 2)});
  CHECK(world.changes() == 2);
  CHECK(must(last_commit(*world.store)) == CommitPlace{1, 2});
}

TEST_CASE("the next holder's commits are others, though they are counted anew") {
  World world;
  world.record(1, {world.handoff(world.one, "S1", 1, 1)});
  const auto lease = must(HostLease::begin(*world.store));
  CHECK(lease.epoch() == 2);
  must(record(*world.store, {lease.epoch(), 1}, {world.handoff(world.two, "S2", 2, 2)}, Durability::process));
  CHECK(world.changes() == 2);
}

TEST_CASE("an id that is taken is a conflict, and nothing of the transaction is recorded") {
  World world;
  world.record(1, {world.handoff(world.one, "S1", 1, 1)});
  const auto again =
      record(*world.store, {1, 2},
             {world.handoff(world.two, "S2", 2, 2), world.handoff(world.two, "S2", 1, 3)}, Durability::disk);
  CHECK(error_of(again).kind == ErrorKind::conflict);
  CHECK(world.changes() == 1);
  CHECK(world.rows() == 1);
  CHECK(must(last_commit(*world.store)) == CommitPlace{1, 1});
}

TEST_CASE("what belongs to a rotation that was deleted is refused, and the rest is recorded") {
  World world;
  must(world.store->rotations().remove(world.one, "cli:root"));
  auto gone = world.handoff(world.one, "S1", 1, 1);
  auto closed = announcement(world.one, "k3");
  closed.id = OutboxId{30};
  closed.state = OutboxState::superseded;
  gone.rows.push_back(closed);
  CHECK(world.record(1, {gone, world.handoff(world.two, "S2", 2, 2)}) == std::set{world.one});
  CHECK(world.changes() == 1);
  CHECK(world.rows() == 1);
}

TEST_CASE("what was refused is told again to whoever did not hear of it") {
  World world;
  const auto of_one = world.handoff(world.one, "S1", 1, 1);
  Commit begun;
  begun.rows.push_back(of_one.new_rows.front());
  world.record(1, {of_one});
  must(world.store->rotations().remove(world.one, "cli:root"));
  for (int i = 0; i < 2; ++i) CHECK(world.record(2, {begun}) == std::set<RotationId>{world.one});
}

TEST_CASE("what was decided for a group that the rotation no longer has is refused") {
  World world;
  auto rotations = must(world.store->rotations().list());
  auto& moved = rotations.front();
  REQUIRE(moved.id == world.one);
  moved.group = GroupId("S3");
  must(world.store->rotations().update(moved, "cli:root"));
  CHECK(world.record(1, {world.handoff(world.one, "S1", 1, 1)}) == std::set{world.one});
  CHECK(world.changes() == 0);
  CHECK(must(world.store->engine().records()).size() <= 2);
  CHECK(world.rows() == 0);
}

TEST_CASE("what tells of a connection or a schedule that was removed is dropped") {
  World world;
  Commit commit;
  commit.connections.emplace_back("gone", ConnectionStatus{});
  auto& state = commit.evidence.emplace_back();
  state.schedule = {"gone", "P1"};
  commit.meta.emplace("last_pass", "now");
  CHECK(world.record(1, {commit}).empty());
  CHECK(must(world.store->meta("last_pass")) == "now");
}
