#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

std::unique_ptr<Store> with_connection(const TempFolder& folder) {
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  return store;
}

RotationId add(Store& store, const Rotation& rotation) {
  return must(store.rotations().add(rotation, false, {}, "cli:root"));
}

}  // namespace

TEST_CASE("every field of a rotation comes back, lists in their order") {
  TempFolder folder;
  auto store = with_connection(folder);
  Rotation full = full_rotation();
  full.id = add(*store, full);
  Rotation plain = plain_rotation("plain", "S2");
  plain.id = add(*store, plain);
  CHECK(full.id != plain.id);
  store = open_store(folder);
  CHECK(must(store->rotations().list()) == std::vector{full, plain});
  CHECK(must(store->rotations().find("pAYMENTS")) == full);
  CHECK(must(store->rotations().find_by_group(GroupId("S2"))) == plain);
  CHECK(must(store->rotations().find_by_group(GroupId("S3"))) == std::nullopt);
  CHECK(error_of(store->rotations().find("nope")).kind == ErrorKind::not_found);
}

TEST_CASE("an update replaces every field") {
  TempFolder folder;
  auto store = with_connection(folder);
  Rotation full = full_rotation();
  full.id = add(*store, full);
  Rotation plain = plain_rotation("plain", "S1");
  plain.id = full.id;
  must(store->rotations().update(plain, "cli:root"));
  CHECK(must(store->rotations().list()) == std::vector{plain});
  must(store->rotations().update(full, "cli:root"));
  CHECK(must(store->rotations().list()) == std::vector{full});
  full.id = RotationId{99};
  CHECK(error_of(store->rotations().update(full, "cli:root")).kind == ErrorKind::not_found);
}

TEST_CASE("rotations are listed by name regardless of case") {
  TempFolder folder;
  auto store = with_connection(folder);
  for (const char* name : {"beta", "Alpha", "GAMMA"})
    add(*store, plain_rotation(name, fmt::format("S{}", name)));
  std::string names;
  for (const auto& rotation : must(store->rotations().list())) names += rotation.name + " ";
  CHECK(names == "Alpha beta GAMMA ");
}

TEST_CASE("a name or group that is taken is refused by the name of who has it") {
  TempFolder folder;
  auto store = with_connection(folder);
  add(*store, full_rotation("Payments", "S1"));
  const auto id = add(*store, plain_rotation("other", "S2"));
  const auto generation = must(store->generation());
  const auto check = [&](const Error& error, const std::string& part) {
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, "\"Payments\""));
    CHECK(mentions(error.message, part));
  };
  check(error_of(store->rotations().add(plain_rotation("PAYMENTS", "S9"), false, {}, "x")), "another name");
  auto same_group = plain_rotation("third", "S1");
  same_group.handle = "pay";
  check(error_of(store->rotations().add(same_group, false, {}, "x")), "@pay (S1)");
  auto renamed = plain_rotation("payments", "S2");
  renamed.id = id;
  check(error_of(store->rotations().update(renamed, "x")), "another name");
  auto moved = plain_rotation("other", "S1");
  moved.id = id;
  check(error_of(store->rotations().update(moved, "x")), "another group");
  CHECK(must(store->rotations().list()).size() == 2);
  CHECK(must(store->generation()) == generation);

  // Its own name in other letters is no conflict.
  auto own = plain_rotation("OTHER", "S2");
  own.id = id;
  must(store->rotations().update(own, "x"));
  CHECK(must(store->rotations().find("other")).name == "OTHER");
}

TEST_CASE("a schedule of a connection that is not there is refused, and nothing is left") {
  TempFolder folder;
  auto store = with_connection(folder);
  auto rotation = plain_rotation("one", "S1");
  rotation.schedules.push_back({{"gone", "X1"}});
  const auto error = error_of(store->rotations().add(rotation, false, {}, "x"));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(mentions(error.message, "gone/X1"));
  CHECK(must(store->rotations().list()).empty());
  CHECK(must(store->engine().records()).empty());
}

TEST_CASE("a new rotation starts with a record of how it began") {
  TempFolder folder;
  auto store = with_connection(folder);
  const FormerGroup former{{UserId("U1"), UserId("U2")}, true, at(5)};
  const auto one = must(store->rotations().add(plain_rotation("one", "S1"), true, former, "cli:root"));
  const auto two = add(*store, plain_rotation("two", "S2"));
  const auto records = must(store->engine().records());
  REQUIRE(records.size() == 2);
  CHECK(records[0] == RotationRecord{.rotation = one, .quiet = true, .former = former, .adopted = true});
  CHECK(records[1] == RotationRecord{.rotation = two});
}

TEST_CASE("a rotation that moves to another group forgets what it knew of the old one") {
  TempFolder folder;
  auto store = with_connection(folder);
  Rotation rotation = plain_rotation("one", "S1");
  rotation.id = add(*store, rotation);
  RotationRecord record{.rotation = rotation.id, .decided = true, .people = {person("1")}};
  record.former = FormerGroup{{UserId("U1")}, false, at(5)};
  must(store->engine().put_record(record));
  const auto change = must(store->history().add(open_change(rotation.id)));

  rotation.handle = "new-handle";
  must(store->rotations().update(rotation, "cli:root"));
  CHECK(must(store->engine().records()) == std::vector{record});
  CHECK(must(store->history().open_changes()).size() == 1);

  rotation.group = GroupId("S2");
  must(store->rotations().update(rotation, "cli:root"));
  CHECK(must(store->engine().records()) == std::vector{RotationRecord{.rotation = rotation.id}});
  CHECK(must(store->history().open_changes()).empty());
  CHECK(must(store->history().list({})).at(0).id == change);
  CHECK(must(store->history().list({})).at(0).result == "superseded");
}

TEST_CASE("deleting a rotation keeps its history and silences what it still had to say") {
  TempFolder folder;
  auto store = with_connection(folder);
  Rotation rotation = plain_rotation("one", "S1");
  rotation.id = add(*store, rotation);
  const auto other = add(*store, plain_rotation("two", "S2"));
  Change done = open_change(rotation.id);
  done.result = "ok";
  OutboxRow row = announcement(rotation.id, "k1");
  row.change = must(store->history().add(done));
  row.id = must(store->outbox().add(row));
  OutboxRow sent = row;
  sent.id = {};
  sent.key = "k2";
  sent.state = OutboxState::sent;
  sent.id = must(store->outbox().add(sent));
  const auto kept = must(store->outbox().add(announcement(other, "k3")));
  must(store->engine().put_status({.rotation = rotation.id, .state = "in_sync"}));

  must(store->rotations().remove(rotation.id, "U1"));
  CHECK(error_of(store->rotations().find("one")).kind == ErrorKind::not_found);
  CHECK(must(store->history().list({.rotation = rotation.id})).at(0).rotation_name == "one");
  const auto open = must(store->outbox().open_rows());
  REQUIRE(open.size() == 1);
  CHECK(open[0].id == kept);
  const auto rows = must(store->outbox().of_rotation(rotation.id, 10));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].state == OutboxState::sent);
  CHECK(rows[1].state == OutboxState::superseded);
  CHECK(must(store->engine().statuses()).empty());
  CHECK(must(store->engine().records()).size() == 1);
  CHECK(error_of(store->rotations().remove(rotation.id, "U1")).kind == ErrorKind::not_found);

  SECTION("the daemon, which still holds the row, cannot revive it") {
    row.state = OutboxState::sending;
    CHECK(error_of(store->outbox().update(row)).kind == ErrorKind::not_found);
    row.key = "k4";
    CHECK(error_of(store->outbox().add(row)).kind == ErrorKind::not_found);
    row.key = "k1";
    row.state = OutboxState::sent;
    must(store->outbox().update(row));
    CHECK(must(store->outbox().open_rows()).size() == 1);
  }
  SECTION("a new one of that name is another one") {
    const auto again = add(*store, plain_rotation("one", "S1"));
    CHECK(again.value > other.value);
    CHECK(must(store->history().list({.rotation = again})).empty());
  }
}

TEST_CASE("every change is in the audit with who, before and after, and counts up the generation") {
  TempFolder folder;
  auto store = with_connection(folder);
  auto generation = must(store->generation());
  Rotation rotation = full_rotation();
  rotation.id = must(store->rotations().add(rotation, false, {}, "cli:root"));
  CHECK(must(store->generation()) == ++generation);
  rotation.name = "Billing";
  must(store->rotations().update(rotation, "file:r.yaml"));
  CHECK(must(store->generation()) == ++generation);
  must(store->rotations().remove(rotation.id, "U42"));
  CHECK(must(store->generation()) == ++generation);

  const auto entries = must(store->history().audit({.rotation = rotation.id}));
  REQUIRE(entries.size() == 3);
  CHECK(entries[2].action == "rotation.create");
  CHECK(entries[2].object == "Payments");
  CHECK(entries[2].actor == "cli:root");
  CHECK(entries[2].before.empty());
  CHECK(entries[1].action == "rotation.update");
  CHECK(entries[1].actor == "file:r.yaml");
  CHECK(entries[1].before == entries[2].after);
  CHECK(mentions(entries[1].after, R"("name":"Billing")"));
  CHECK(entries[0].action == "rotation.delete");
  CHECK(entries[0].actor == "U42");
  CHECK(entries[0].before == entries[1].after);
  CHECK(entries[0].after.empty());
}

TEST_CASE("a change that rolls back leaves no audit entry and no generation") {
  TempFolder folder;
  auto store = with_connection(folder);
  const auto generation = must(store->generation());
  auto done = store->transaction([&]() -> Result<void> {
    add(*store, plain_rotation("one", "S1"));
    return fail(ErrorKind::invalid, "the second rotation of the file is wrong");
  });
  CHECK_FALSE(done);
  CHECK(must(store->rotations().list()).empty());
  CHECK(must(store->generation()) == generation);
  CHECK(must(store->history().audit({})).size() == 1);
}

TEST_CASE("a word that is no word is reported with table, row and column") {
  TempFolder folder;
  auto store = with_connection(folder);
  const auto id = add(*store, full_rotation());
  for (const char* column : {"mode", "membership", "drift", "empty", "mention"}) {
    must(store->transaction([&]() -> Result<void> {
      must(database_of(*store).execute(fmt::format("UPDATE rotations SET {} = 'nonsense'", column)));
      const auto error = error_of(store->rotations().list());
      CHECK(error.kind == ErrorKind::storage);
      CHECK(error.code == "corrupt");
      CHECK(mentions(error.message, fmt::format("table rotations, row {}, column {}", id.value, column)));
      return database_of(*store).execute(
          "UPDATE rotations SET mode = 'keep', membership = 'exact', drift = 'repair', empty = 'keep', "
          "mention = 'all'");
    }));
  }
  CHECK(store->rotations().list().ok());
}

TEST_CASE("in a list of many rotations each has its own schedules, channels and people") {
  TempFolder folder;
  auto store = with_connection(folder);
  must(store->transaction([&]() -> Result<void> {
    for (int i = 0; i < 300; ++i) {
      Rotation rotation = full_rotation(fmt::format("Team {:03}", i), fmt::format("S{}", i));
      rotation.channels.resize(static_cast<std::size_t>(i % 3));
      add(*store, rotation);
    }
    return {};
  }));
  const auto listed = must(store->rotations().list());
  REQUIRE(listed.size() == 300);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    Rotation expected = full_rotation(fmt::format("Team {:03}", i), fmt::format("S{}", i));
    expected.channels.resize(i % 3);
    expected.id = listed[i].id;
    CHECK(listed[i] == expected);
  }
}

TEST_CASE("a store belongs to one Slack workspace") {
  TempFolder folder;
  auto store = with_connection(folder);
  add(*store, plain_rotation("before the workspace was known", "S1"));
  must(store->set_meta("team_id", "T1"));
  must(store->set_meta("team_id", "T1"));
  add(*store, plain_rotation("after", "S2"));
  CHECK(must(database_of(*store).value<std::int64_t>(
            "SELECT count(*) FROM rotations WHERE team_id = 'T1'")) == 2);
  const auto error = error_of(store->set_meta("team_id", "T2"));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, "T1"));
  CHECK(mentions(error.message, "T2"));
  CHECK(must(store->meta("team_id")) == "T1");
}
