#include <sys/stat.h>

#include "core/text.hpp"
#include "store/backup.hpp"
#include "store/migrations.hpp"
#include "tests/unit/store_support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

namespace fs = std::filesystem;

/// A store with a connection, a rotation and one announcement in `state`.
RotationId fill(Store& store, OutboxState state = OutboxState::ready) {
  must(store.connections().add(pagerduty(), "test"));
  const auto id = must(store.rotations().add(plain_rotation("Payments", "S1"), false, std::nullopt, "test"));
  auto row = announcement(id, "k1");
  row.state = state;
  row.facts.at = at(1000);
  must(store.outbox().add(row));
  return id;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

unsigned mode_of(const std::string& path) {
  struct stat is {};
  REQUIRE(stat(path.c_str(), &is) == 0);
  return is.st_mode & 0777U;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// As if a release had written it that added no hash (store/backup_mac.cpp: one line at the end).
void without_proof(const std::string& file) {
  fs::resize_file(file, fs::file_size(file) - 102);
}

Restored restore(const TempFolder& folder, const std::string& file) {
  auto prepared = must(Restore::prepare(folder.options(), file));
  return must(prepared->carry_out("test", at(5000)));
}

Error refusal(const TempFolder& folder, const std::string& file) {
  return error_of(Restore::prepare(folder.options(), file));
}

}  // namespace

TEST_CASE("a backup shows one moment of a store that others go on using, and is its owner's alone") {
  TempFolder folder;
  TempFolder elsewhere;
  auto store = open_store(folder);
  fill(*store);
  const auto file = elsewhere.path() + "/b.db";
  const auto facts = must(back_up(folder.options(), file, false));
  CHECK(facts.rotations == 1);
  CHECK(facts.schema == schema_version());
  CHECK(facts.key_id.has_value());
  CHECK(facts.as_of.has_value());
  CHECK(facts.bytes == static_cast<std::int64_t>(fs::file_size(file)));
  CHECK(mode_of(file) == 0600);
  CHECK(names_in(elsewhere.path()) == std::vector<std::string>{"b.db"});
  CHECK_FALSE(mentions(content(file), "very-secret-key"));
  must(store->rotations().add(plain_rotation("Search", "S2"), false, std::nullopt, "test"));
  CHECK(must(store->rotations().list()).size() == 2);
}

TEST_CASE("a backup keeps an existing file unless it is told to replace it") {
  TempFolder folder;
  TempFolder elsewhere;
  fill(*open_store(folder));
  const auto file = elsewhere.path() + "/b.db";
  std::ofstream(file) << "somebody's";
  const auto error = error_of(back_up(folder.options(), file, false));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, "--force"));
  CHECK(content(file) == "somebody's");
  must(back_up(folder.options(), file, true));
  CHECK(content(file).starts_with("SQLite format 3"));
  CHECK(mode_of(file) == 0600);
}

TEST_CASE("a backup never overwrites the store itself, whatever it is called") {
  TempFolder folder;
  auto store = open_store(folder);
  fill(*store);
  for (const char* suffix : {"", "-wal", ".lock"}) {
    INFO(suffix);
    CHECK(error_of(back_up(folder.options(), folder.database() + suffix, true)).kind == ErrorKind::invalid);
  }
  const auto other = folder.path() + "/other";
  fs::create_symlink(folder.database(), other);
  CHECK(error_of(back_up(folder.options(), other, true)).kind == ErrorKind::invalid);
  CHECK(must(store->rotations().list()).size() == 1);
}

TEST_CASE("what a killed backup left neither stands in the way nor gets into the next one") {
  TempFolder folder;
  TempFolder elsewhere;
  fill(*open_store(folder));
  const auto file = elsewhere.path() + "/b.db";
  std::ofstream(file + ".partial") << std::string(5000, 'x');
  // A journal that SQLite would play back into the file of that name.
  std::ofstream(file + ".partial-journal") << std::string(5000, 'x');
  must(back_up(folder.options(), file, false));
  CHECK(names_in(elsewhere.path()) == std::vector<std::string>{"b.db"});
}

TEST_CASE("a backup does not migrate, so that it can be made before an upgrade") {
  TempFolder folder;
  TempFolder elsewhere;
  {
    fs::remove(folder.database());
    std::ofstream(folder.database()).close();
    auto database = must(Database::open(folder.database(), 0ms));
    must(migrate(database, "it", {migrations().first(1), ""}));
  }
  const auto facts = must(back_up(folder.options(), elsewhere.path() + "/b.db", false));
  CHECK(facts.schema == 1);
  auto database = must(Database::open(folder.database(), 0ms));
  CHECK(must(database.value<std::int64_t>("PRAGMA user_version")) == 1);
}

TEST_CASE("there is no backup of a store that is not there, or of another program's database") {
  TempFolder folder;
  CHECK(error_of(back_up(folder.options(), folder.path() + "/b", false)).kind == ErrorKind::not_found);
  CHECK(names_in(folder.path()).empty());
  std::ofstream(folder.database()).close();
  {
    auto database = must(Database::open(folder.database(), 0ms));
    must(database.script("CREATE TABLE theirs(x)"));
  }
  CHECK(error_of(back_up(folder.options(), folder.path() + "/b", false)).kind == ErrorKind::conflict);
}

TEST_CASE("a restore brings back what was, keeps what it replaces, and leaves nothing else behind") {
  TempFolder folder;
  TempFolder elsewhere;
  const auto file = elsewhere.path() + "/b.db";
  {
    auto store = open_store(folder);
    fill(*store);
    must(back_up(folder.options(), file, false));
    must(store->rotations().add(plain_rotation("Later", "S2"), false, std::nullopt, "test"));
  }
  const auto before = content(file);
  {
    auto prepared = must(Restore::prepare(folder.options(), file));
    CHECK(prepared->backup().rotations == 1);
    REQUIRE(prepared->current());
    CHECK(prepared->current()->rotations == 2);
  }
  // Asked and answered no: nothing happened.
  CHECK(must(open_store(folder)->rotations().list()).size() == 2);

  const auto restored = restore(folder, file);
  CHECK(content(file) == before);
  auto store = open_store(folder);
  CHECK(must(store->rotations().list()).size() == 1);
  CHECK(must(store->connections().get("pd")).secrets.at("api_key") == Secret("u+very-secret-key"));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"key", "watchbill.db", "watchbill.db-shm",
                                                            "watchbill.db-wal", "watchbill.db.lock",
                                                            fs::path(restored.replaced).filename()});
  // The one that was replaced is a backup too.
  store.reset();
  restore(folder, restored.replaced);
  CHECK(must(open_store(folder)->rotations().list()).size() == 2);
}

TEST_CASE("a restore builds a store where there is none, for the backup's key") {
  TempFolder folder;
  TempFolder host;
  const auto file = folder.path() + "/b.db";
  fill(*open_store(folder));
  must(back_up(folder.options(), file, false));
  SECTION("without the key it is refused") {
    const auto error = refusal(host, file);
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, host.key()));
    CHECK_FALSE(fs::exists(host.key()));
  }
  SECTION("with another key it is refused, and both are named") {
    must(open_store(host)->connections().add(pagerduty(), "test"));
    const auto error = refusal(host, file);
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, "put the right key back"));
    CHECK(must(open_store(host)->connections().list()).size() == 1);
  }
  SECTION("with the key it works") {
    fs::copy_file(folder.key(), host.key());
    CHECK(restore(host, file).replaced.empty());
    CHECK(must(open_store(host)->rotations().list()).size() == 1);
    CHECK(mode_of(host.database()) == 0600);
  }
}

TEST_CASE("after a restore open announcements and requests are not taken for the present") {
  TempFolder folder;
  const auto file = folder.path() + "/b.db";
  std::int64_t request = 0;
  {
    auto store = open_store(folder);
    const auto id = fill(*store, OutboxState::ready);
    auto blocked = announcement(id, "k2");
    blocked.state = OutboxState::blocked;
    blocked.attempt_at = at(3000);
    blocked.facts.at = at(2000);
    blocked.probes = 2;
    must(store->outbox().add(blocked));
    auto sent = announcement(id, "k3");
    sent.state = OutboxState::sent;
    must(store->outbox().add(sent));
    request = must(store->requests().ask("restore_group", "{}", kNever));
    must(back_up(folder.options(), file, false));
