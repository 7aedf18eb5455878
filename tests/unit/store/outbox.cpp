#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

struct World {
  TempFolder folder;
  std::unique_ptr<Store> store = open_store(folder);
  RotationId rotation;

  World() {
    must(store->connections().add(pagerduty(), "cli:root"));
    rotation = must(store->rotations().add(plain_rotation("one", "S1"), false, {}, "cli:root"));
  }
  Outbox& outbox() { return store->outbox(); }
};

bool same(const OutboxRow& a, const OutboxRow& b) {
  return a.id == b.id && a.rotation == b.rotation && a.change == b.change && a.channel == b.channel &&
         a.key == b.key && a.state == b.state && a.facts == b.facts &&
         a.group_confirmed == b.group_confirmed && a.confirm_by == b.confirm_by && a.attempts == b.attempts &&
         a.attempt_at == b.attempt_at && a.probes == b.probes && a.next_try == b.next_try &&
         a.possibly_repeated == b.possibly_repeated && a.ts == b.ts && a.error == b.error;
}

}  // namespace

TEST_CASE("an announcement survives with all that is known of it") {
  World world;
  OutboxRow row = announcement(world.rotation, "k1");
  row.id = must(world.outbox().add(row));
  CHECK(same(must(world.outbox().open_rows()).at(0), row));

  row.change = must(world.store->history().add(open_change(world.rotation)));
  row.channel = ChannelId("C2");
  row.key = "k2";
  row.state = OutboxState::unknown;
  row.facts = {"Payments",
               GroupId("S1"),
               "payments",
               true,
               at(3),
               {person("1")},
               {person("2")},
               {{"Cy", UserId("U3"), at(9)}},
               "the group is kept"};
  row.group_confirmed = true;
  row.confirm_by = at(4);
  row.attempts = 3;
  row.attempt_at = at(5);
  row.probes = 2;
  row.next_try = at(6);
  row.possibly_repeated = true;
  row.ts = "1700000000.000100";
  row.error = "internal_error";
  must(world.outbox().update(row));
  world.store = open_store(world.folder);
  CHECK(same(must(world.outbox().open_rows()).at(0), row));
  row.id = OutboxId{99};
  CHECK(error_of(world.outbox().update(row)).kind == ErrorKind::not_found);
}

TEST_CASE("open rows are those whose end is not known, oldest first") {
  World world;
  std::string expected;
  for (const auto state :
       {OutboxState::waiting, OutboxState::sent, OutboxState::ready, OutboxState::superseded,
        OutboxState::sending, OutboxState::expired, OutboxState::unknown, OutboxState::blocked}) {
    OutboxRow row = announcement(world.rotation, std::string(name_of(state)));
    row.state = state;
    (void)must(world.outbox().add(row));
    if (is_open(state)) expected += row.key + " ";
  }
  std::string found;
  for (const auto& row : must(world.outbox().open_rows())) found += row.key + " ";
  CHECK(found == expected);
  const auto newest = must(world.outbox().of_rotation(world.rotation, 2));
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].key == "blocked");
  CHECK(newest[1].key == "unknown");
}

TEST_CASE("a key names one announcement") {
  World world;
  (void)must(world.outbox().add(announcement(world.rotation, "k")));
  CHECK(error_of(world.outbox().add(announcement(world.rotation, "k"))).kind == ErrorKind::conflict);
}

TEST_CASE("a row of a change that is not in history is refused") {
  World world;
  OutboxRow row = announcement(world.rotation, "k");
  row.change = ChangeId{4711};
  CHECK(error_of(world.outbox().add(row)).kind == ErrorKind::conflict);
  CHECK(must(world.outbox().open_rows()).empty());
}

TEST_CASE("a damaged announcement is reported with its row") {
  World world;
  const auto id = must(world.outbox().add(announcement(world.rotation, "k")));
  for (const auto& [column, junk] : {std::pair("state", "lost"), std::pair("facts", "{}")}) {
    auto done = world.store->transaction([&, column = column, junk = junk]() -> Result<void> {
      must(database_of(*world.store).execute(fmt::format("UPDATE outbox SET {} = ?1", column), junk));
      const auto error = error_of(world.outbox().open_rows());
      CHECK(error.code == "corrupt");
      CHECK(mentions(error.message, fmt::format("table outbox, row {}, column {}", id.value, column)));
      return fail(ErrorKind::cancelled, "back to how it was");
    });
    CHECK_FALSE(done);
  }
}
