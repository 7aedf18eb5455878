#include "store/keys.hpp"

#include "store/sqlite/opening.hpp"
#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

/// Two connections, so that more than one row is sealed.
void fill_secrets(const TempFolder& folder) {
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "test"));
  auto other = pagerduty();
  other.name = "pd2";
  other.secrets = {{"api_key", Secret("second-secret")}, {"refresh_token", Secret("third-secret")}};
  must(store->connections().add(other, "test"));
}

void check_secrets(Store& store) {
  CHECK(must(store.connections().get("pd")).secrets.at("api_key") == Secret("u+very-secret-key"));
  CHECK(must(store.connections().get("pd2")).secrets.at("refresh_token") == Secret("third-secret"));
}

std::vector<std::string> sealed_values(const TempFolder& folder) {
  auto store = open_store(folder);
  std::vector<std::string> values;
  must(database_of(*store).query("SELECT sealed FROM connection_secrets",
                                 [&values](const Row& row) -> Result<void> {
                                   values.push_back(row.get<Blob>(0).bytes);
                                   return {};
                                 }));
  return values;
}

}  // namespace

TEST_CASE("a change of key seals every secret again and leaves nothing that the old key opens") {
  TempFolder folder;
  fill_secrets(folder);
  const auto old_key = read(folder.key());
  const auto old_values = sealed_values(folder);
  REQUIRE(old_values.size() == 3);
  // A store that stays open must not keep the old values in the write-ahead log either.
  const auto change = must(change_key(folder.options(), std::nullopt, "", "test"));
  CHECK(change.secrets == 3);
  CHECK(change.before != change.after);
  CHECK(read(folder.key()) != old_key);
  CHECK_FALSE(fs::exists(folder.key() + ".next"));
  const auto disk = bytes_on_disk(folder);
  for (const auto& value : old_values) CHECK_FALSE(mentions(disk, value));
  auto store = open_store(folder);
  check_secrets(*store);
  const auto audit = must(store->history().audit({})).front();
  CHECK(audit.action == "key.rotate");
  CHECK(audit.before == change.before);
  CHECK(audit.after == change.after);
  store.reset();
  // The old key is useless now.
  std::ofstream(folder.key()) << old_key;
  CHECK(mentions(error_of(Store::open(folder.options())).message, "put the right key back"));
}

TEST_CASE("a change of key that was interrupted before its transaction is forgotten") {
  TempFolder folder;
  fill_secrets(folder);
  const auto old_key = read(folder.key());
  must(make_key_file(folder.key() + ".next"));
  check_secrets(*open_store(folder));
  CHECK(read(folder.key()) == old_key);
  const auto left_over = read(folder.key() + ".next");
  must(change_key(folder.options(), std::nullopt, "", "test"));
  CHECK(read(folder.key()) != left_over);
  check_secrets(*open_store(folder));
}

TEST_CASE(
    "a change of key that was interrupted after its transaction is finished by whoever opens the store") {
  TempFolder folder;
  fill_secrets(folder);
  const auto old_key = read(folder.key());
  const auto old_values = sealed_values(folder);
  must(change_key(folder.options(), std::nullopt, "", "test"));
  const auto new_key = read(folder.key());
  // As it is between the commit and the renaming.
  fs::rename(folder.key(), folder.key() + ".next");
  std::ofstream(folder.key()) << old_key;
  fs::permissions(folder.key(), fs::perms(0600));
  SECTION("by the next program") {
    check_secrets(*open_store(folder));
    CHECK(read(folder.key()) == new_key);
    CHECK_FALSE(fs::exists(folder.key() + ".next"));
  }
  SECTION("by the next change") {
    const auto change = must(change_key(folder.options(), std::nullopt, "", "test"));
    CHECK(change.secrets == 3);
    CHECK(read(folder.key()) != new_key);
    check_secrets(*open_store(folder));
  }
  SECTION("and if somebody reads the database meanwhile, the pair works as it is") {
    auto reader = must(Database::open(folder.database(), 0ms));
    must(reader.execute("BEGIN"));
    must(reader.value<std::int64_t>("SELECT count(*) FROM rotations"));
    check_secrets(*open_store(folder));
    CHECK(fs::exists(folder.key() + ".next"));
    must(reader.execute("COMMIT"));
    check_secrets(*open_store(folder));
    CHECK_FALSE(fs::exists(folder.key() + ".next"));
  }
}

TEST_CASE("a foreign key beside a foreign new key is refused as before") {
  TempFolder folder;
  fill_secrets(folder);
  fs::remove(folder.key());
  must(make_key_file(folder.key()));
  must(make_key_file(folder.key() + ".next"));
  CHECK(error_of(Store::open(folder.options())).kind == ErrorKind::conflict);
}

TEST_CASE("a key that is given as a credential is changed for one that is given, and again after a crash") {
  TempFolder folder;
  const std::string old_text(64, 'a');
  const std::string new_text(64, 'b');
  auto options = folder.options();
  options.key = Secret(old_text);
  {
    auto store = must(Store::open(options));
    must(store->connections().add(pagerduty(), "test"));
  }
  const auto change = must(change_key(options, Secret(new_text), "--new-key-file", "test"));
  CHECK(change.secrets == 1);
  CHECK_FALSE(fs::exists(folder.key()));
  // The same command once more, with the old credential still in place.
  const auto again = must(change_key(options, Secret(new_text), "--new-key-file", "test"));
  CHECK(again.before == again.after);
  CHECK(again.secrets == 0);
  CHECK(error_of(Store::open(options)).kind == ErrorKind::conflict);
  options.key = Secret(new_text);
  CHECK(must(must(Store::open(options))->connections().get("pd")).secrets.size() == 1);
}

TEST_CASE("what is no key is refused before anything is touched") {
  TempFolder folder;
  fill_secrets(folder);
  auto options = folder.options();
  CHECK(error_of(change_key(options, Secret("too short"), "--new-key-file", "test")).kind ==
        ErrorKind::invalid);
  check_secrets(*open_store(folder));
}

TEST_CASE("a store without secrets changes its key too") {
  TempFolder folder;
  open_store(folder).reset();
  const auto old_key = read(folder.key());
  CHECK(must(change_key(folder.options(), std::nullopt, "", "test")).secrets == 0);
  CHECK(read(folder.key()) != old_key);
  open_store(folder).reset();
}
