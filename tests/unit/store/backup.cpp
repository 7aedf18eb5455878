#include "store/backup.hpp"

#include <sys/stat.h>

#include "base/text.hpp"
#include "store/sqlite/migrations.hpp"
#include "tests/unit/store/support.hpp"

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
  }
  CHECK(restore(folder, file).open_announcements == 2);
  auto store = open_store(folder);
  const auto rows = must(store->outbox().open_rows());
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row.state == OutboxState::unknown);
    CHECK(row.probes == 0);
    // History is read from the handoff on: a later attempt of the lost hours is found too.
    CHECK(row.attempt_at == row.facts.at);
  }
  CHECK(must(store->requests().open_requests()).empty());
  CHECK(mentions(must(store->requests().answer_of(request)).value_or(""), "restored from a backup"));
  CHECK(must(store->meta(kRestoredAt)) == format_rfc3339(at(5000)));
  CHECK(must(store->meta(kRestoredFrom)).value_or("") != "");
  const auto audit = must(store->history().audit({}));
  CHECK(std::any_of(audit.begin(), audit.end(), [&](const AuditEntry& entry) {
    return entry.action == "store.restore" && entry.object == file;
  }));
}

TEST_CASE("a restore refuses what is no backup of ours") {
  TempFolder folder;
  fill(*open_store(folder));
  const auto file = folder.path() + "/b.db";
  must(back_up(folder.options(), file, false));
  const auto before = must(open_store(folder)->rotations().list()).size();
  SECTION("a file that is not there") {
    CHECK(refusal(folder, folder.path() + "/none").kind == ErrorKind::not_found);
  }
  SECTION("an empty file") {
    std::ofstream(file, std::ios::trunc).close();
    CHECK(refusal(folder, file).kind == ErrorKind::invalid);
  }
  SECTION("something else") {
    std::ofstream(file) << "This is a letter to my aunt, and longer than one hundred bytes, so that it could "
                           "be taken for a header of something.";
    const auto error = refusal(folder, file);
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(mentions(error.message, file));
  }
  SECTION("another program's database") {
    fs::remove(file);
    std::ofstream(file).close();
    must(must(Database::open(file, 0ms)).script("CREATE TABLE theirs(x)"));
    CHECK(refusal(folder, file).kind == ErrorKind::conflict);
  }
  SECTION("a newer schema") {
    without_proof(file);
    must(must(Database::open(file, 0ms)).script("PRAGMA user_version = 4711"));
    const auto error = refusal(folder, file);
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, "4711"));
    CHECK(mentions(error.message, file));
    CHECK(mentions(error.message, "install the newer version"));
  }
  SECTION("half of it") {
    fs::resize_file(file, fs::file_size(file) / 2);
    const auto error = refusal(folder, file);
    CHECK(error.kind == ErrorKind::storage);
    CHECK(mentions(error.message, file));
  }
  SECTION("a live store's file") {
    std::ofstream(file + "-wal") << "something";
    const auto error = refusal(folder, file);
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(mentions(error.message, "watchbill --store"));
  }
  SECTION("a daemon is running") {
    auto lock = must(WriterLock::take(folder.database(), "watchbilld"));
    const auto error = refusal(folder, file);
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, "watchbilld"));
  }
  CHECK(must(open_store(folder)->rotations().list()).size() == before);
  CHECK_FALSE(fs::exists(folder.database() + ".restoring"));
}

TEST_CASE("a damaged database is moved aside, and the backup takes its place") {
  TempFolder folder;
  const auto file = folder.path() + "/b.db";
  fill(*open_store(folder));
  must(back_up(folder.options(), file, false));
  SECTION("its header") {
    std::ofstream(folder.database(), std::ios::trunc) << std::string(9000, 'x');
  }
  SECTION("its middle") {
    std::fstream broken(folder.database(), std::ios::in | std::ios::out | std::ios::binary);
    broken.seekp(8192);
    broken << std::string(20'000, 'x');
  }
  {
    auto prepared = must(Restore::prepare(folder.options(), file));
    CHECK_FALSE(prepared->current());
  }
  const auto restored = restore(folder, file);
  CHECK(mentions(content(restored.replaced), "xxxxxxxx"));
  CHECK(must(open_store(folder)->rotations().list()).size() == 1);
}

TEST_CASE("another program's database in the store's place is refused, not replaced") {
  TempFolder folder;
  TempFolder elsewhere;
  fill(*open_store(elsewhere));
  const auto file = elsewhere.path() + "/b.db";
  must(back_up(elsewhere.options(), file, false));
  std::ofstream(folder.database()).close();
  must(must(Database::open(folder.database(), 0ms)).script("CREATE TABLE theirs(x)"));
  fs::copy_file(elsewhere.key(), folder.key());
  CHECK(refusal(folder, file).kind == ErrorKind::conflict);
}

TEST_CASE("a restore works while another program has the store open, and both see the backup") {
  TempFolder folder;
  const auto file = folder.path() + "/b.db";
  auto other = open_store(folder);
  fill(*other);
  must(back_up(folder.options(), file, false));
  must(other->rotations().add(plain_rotation("Later", "S2"), false, std::nullopt, "test"));
  restore(folder, file);
  CHECK(must(other->rotations().list()).size() == 1);
  other.reset();
  CHECK(must(open_store(folder)->rotations().list()).size() == 1);
}

TEST_CASE("a backup that was changed anywhere is refused") {
  TempFolder folder;
  TempFolder elsewhere;
  fill(*open_store(folder));
  const auto file = elsewhere.path() + "/b.db";
  CHECK(must(back_up(folder.options(), file, false)).proven);
  CHECK(must(Restore::prepare(folder.options(), file))->proof() == Proof::genuine);
  const auto good = content(file);
  const auto refuse = [&](const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    CHECK(refusal(folder, file).code == "corrupt");
  };
  const auto flip = [&](std::size_t at) {
    auto bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  for (std::size_t at = 100; at < good.size() - 102; at += 8191) refuse(flip(at));
  // Its hash, which stands at the end.
  for (std::size_t at = good.size() - 65; at < good.size(); at += 7) refuse(flip(at));
  refuse(good.substr(0, 8192) + good.substr(4096));
  SECTION("also by SQLite itself") {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << good;
    must(must(Database::open(file, 0ms)).script("UPDATE connections SET settings = '{}'"));
    CHECK(refusal(folder, file).code == "corrupt");
  }
  SECTION("the hash of another host's key says nothing") {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << good;
    without_proof(file);
    CHECK(must(Restore::prepare(folder.options(), file))->proof() == Proof::none);
    fs::remove(folder.key());
    CHECK(refusal(folder, file).kind == ErrorKind::conflict);
  }
}

TEST_CASE("the database in a backup is sound for every program that reads SQLite") {
  TempFolder folder;
  TempFolder elsewhere;
  fill(*open_store(folder));
  const auto file = elsewhere.path() + "/b.db";
  must(back_up(folder.options(), file, false));
  auto database = must(Database::open(file, 0ms));
  CHECK(must(database.value<std::string>("PRAGMA integrity_check")) == "ok");
  CHECK(must(database.value<std::int64_t>("SELECT count(*) FROM rotations")) == 1);
}

TEST_CASE("without a key a backup is made all the same, and says that nobody can vouch for it") {
  TempFolder folder;
  TempFolder elsewhere;
  open_store(folder).reset();
  fs::remove(folder.key());
  const auto file = elsewhere.path() + "/b.db";
  CHECK_FALSE(must(back_up(folder.options(), file, false)).proven);
  CHECK_FALSE(fs::exists(folder.key()));
  CHECK(must(Restore::prepare(folder.options(), file))->proof() == Proof::none);
}

TEST_CASE("run as root a backup has the hash by the store's own key") {
  if (geteuid() != 0) return;
  TempFolder folder;
  TempFolder elsewhere;
  open_store(folder).reset();
  for (const auto& path : {folder.path(), folder.database(), folder.key()})
    REQUIRE(chown(path.c_str(), 54321, 54322) == 0);
  CHECK(must(back_up(folder.options(), elsewhere.path() + "/b.db", false)).proven);
}

TEST_CASE("a restore tells every address that differs from what is there") {
  TempFolder folder;
  TempFolder elsewhere;
  const auto file = elsewhere.path() + "/b.db";
  {
    auto store = open_store(folder);
    fill(*store);
    must(store->connections().add({"og", "opsgenie", {{"region", "us"}}, {}}, "test"));
    must(back_up(folder.options(), file, false));
    CHECK(must(Restore::prepare(folder.options(), file))->address_changes().empty());
    auto changed = must(store->connections().get("og"));
    changed.settings = {{"region", "eu"}, {"base_url", "https://b"}, {"note", "x"}};
    must(store->connections().update(changed, "test"));
  }
  const auto told = [&](const TempFolder& host) {
    std::vector<std::string> lines;
    auto prepared = must(Restore::prepare(host.options(), file));
    for (const auto& change : prepared->address_changes()) {
      lines.push_back(fmt::format("{} {} {} {}", change.connection, change.setting,
                                  change.before.value_or("-"), change.after.value_or("-")));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  CHECK(told(folder) == std::vector<std::string>{"og base_url https://b -", "og region eu us"});
  TempFolder fresh;
  fs::copy_file(folder.key(), fresh.key());
  const auto all = told(fresh);
  CHECK(std::find(all.begin(), all.end(), "og region - us") != all.end());
  CHECK(std::find(all.begin(), all.end(), "og kind - opsgenie") != all.end());
  CHECK(std::any_of(all.begin(), all.end(), [](const auto& line) { return line.starts_with("pd "); }));
}
