#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

std::vector<std::int64_t> ids(const std::vector<Change>& changes) {
  std::vector<std::int64_t> out;
  for (const auto& change : changes) out.push_back(change.id.value);
  return out;
}

std::int64_t count(Store& store, const std::string& table) {
  return must(database_of(store).value<std::int64_t>("SELECT count(*) FROM " + table)).value_or(-1);
}

}  // namespace

TEST_CASE("a change keeps both truths: what the source said, and what became of the group") {
  TempFolder folder;
  auto store = open_store(folder);
  Change change;
  change.at = at(100);
  change.rotation = RotationId{7};
  change.rotation_name = "Payments";
  change.group = GroupId("S1");
  change.cause = Cause::drift;
  change.before = {UserId("U1"), UserId("U2")};
  change.after = {UserId("U2"), UserId("U1")};
  change.disabled = true;
  change.said = {person("1")};
  change.held_since = at(90);
  change.seen_at = at(95);
  change.by = "cli:root";
  change.note = "a human had changed it";
  const auto id = must(store->history().add(change));
  store = open_store(folder);
  const auto found = must(store->history().list({})).at(0);
  CHECK(found.id == id);
  CHECK(found.at == change.at);
  CHECK(found.rotation == change.rotation);
  CHECK(found.rotation_name == change.rotation_name);
  CHECK(found.group == change.group);
  CHECK(found.cause == change.cause);
  CHECK(found.before == change.before);
  CHECK(found.after == change.after);
  CHECK(found.disabled);
  CHECK(found.said == change.said);
  CHECK(found.held_since == change.held_since);
  CHECK(found.seen_at == change.seen_at);
  CHECK(found.by == change.by);
  CHECK(found.result == std::nullopt);
  CHECK(found.note == change.note);
}

TEST_CASE("an open change is closed once") {
  TempFolder folder;
  auto store = open_store(folder);
  const auto one = must(store->history().add(open_change(RotationId{1})));
  const auto two = must(store->history().add(open_change(RotationId{1})));
  CHECK(ids(must(store->history().open_changes())) == std::vector{one.value, two.value});
  must(store->history().close(one, "superseded"));
  must(store->history().close(one, "ok"));
  CHECK(ids(must(store->history().open_changes())) == std::vector{two.value});
  CHECK(must(store->history().list({})).at(1).result == "superseded");
}

TEST_CASE("history is filtered by rotation and time, newest first, up to a limit") {
  TempFolder folder;
  auto store = open_store(folder);
  for (int i = 1; i <= 6; ++i) {
    // Two at each second: the later row is the newer.
    (void)must(store->history().add(open_change(RotationId{i % 2 + 1}, at((i + 1) / 2))));
  }
  auto& history = store->history();
  CHECK(ids(must(history.list({}))) == std::vector<std::int64_t>{6, 5, 4, 3, 2, 1});
  CHECK(ids(must(history.list({.limit = 2}))) == std::vector<std::int64_t>{6, 5});
  CHECK(must(history.list({.limit = 0})).empty());
  CHECK(must(history.list({.limit = SIZE_MAX})).size() == 6);
  CHECK(ids(must(history.list({.rotation = RotationId{2}}))) == std::vector<std::int64_t>{5, 3, 1});
  CHECK(ids(must(history.list({.since = at(2)}))) == std::vector<std::int64_t>{6, 5, 4, 3});
  CHECK(ids(must(history.list({.until = at(2)}))) == std::vector<std::int64_t>{2, 1});
  CHECK(ids(must(history.list({.rotation = RotationId{1}, .since = at(2), .until = at(3)}))) ==
        std::vector<std::int64_t>{4});
}

TEST_CASE("an audit entry about a rotation is found by that rotation") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  const auto id = must(store->rotations().add(plain_rotation("One", "S1"), false, {}, "cli:root"));
  must(store->history().add_audit({at(5), "U1", "rotation.restore", "one", "{}", "{\"members\":[]}"}));
  must(store->history().add_audit({at(6), "U1", "key.change", "one", "", ""}));
  CHECK(must(store->history().audit({})).size() == 4);
  const auto found = must(store->history().audit({.rotation = id, .until = at(100)}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].at == at(5));
  CHECK(found[0].actor == "U1");
  CHECK(found[0].action == "rotation.restore");
  CHECK(found[0].object == "one");
  CHECK(found[0].before == "{}");
  CHECK(found[0].after == "{\"members\":[]}");
}

TEST_CASE("pruning forgets what is old and closed, and nothing else") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  const auto rotation = must(store->rotations().add(plain_rotation("one", "S1"), false, {}, "cli:root"));
  const auto open = must(store->history().add(open_change(rotation, at(1))));
  const auto old = must(store->history().add(open_change(rotation, at(2))));
  const auto fresh = must(store->history().add(open_change(rotation, at(10))));
  must(store->history().close(old, "ok"));
  must(store->history().close(fresh, "ok"));
  OutboxRow waiting = announcement(rotation, "waiting");
  waiting.change = old;
  waiting.id = must(store->outbox().add(waiting));
  OutboxRow sent = announcement(rotation, "sent");
  sent.change = old;
  sent.state = OutboxState::sent;
  (void)must(store->outbox().add(sent));
  must(store->history().add_audit({at(3), "U1", "x", "y"}));

  CHECK(must(store->history().prune(at(10))) == 3);
  CHECK(ids(must(store->history().list({}))) == std::vector{fresh.value, open.value});
  // The announcement that is still to be sent outlives its change.
  const auto rows = must(store->outbox().of_rotation(rotation, 10));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key == "waiting");
  CHECK(rows[0].change == ChangeId{});
  CHECK(must(store->history().audit({})).size() == 2);
  CHECK(must(store->history().prune(at(10))) == 0);
}

TEST_CASE("pruning goes by small batches until nothing is left") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->transaction([&]() -> Result<void> {
    for (int i = 0; i < 7000; ++i) {
      Change change = open_change(RotationId{1});
      change.result = "ok";
      (void)must(store->history().add(change));
    }
    return {};
  }));
  CHECK(must(store->history().prune(at(100))) == 5000);
  CHECK(count(*store, "changes") == 2000);
  CHECK(must(store->history().prune(at(100))) == 2000);
  CHECK(must(store->history().prune(at(100))) == 0);
}

TEST_CASE("a cause that is no word is reported with its row") {
  TempFolder folder;
  auto store = open_store(folder);
  const auto id = must(store->history().add(open_change(RotationId{1})));
  must(database_of(*store).execute("UPDATE changes SET cause = 'whim'"));
  const auto error = error_of(store->history().list({}));
  CHECK(error.code == "corrupt");
  CHECK(mentions(error.message, fmt::format("table changes, row {}, column cause", id.value)));
  CHECK(mentions(error.message, "whim"));
}
