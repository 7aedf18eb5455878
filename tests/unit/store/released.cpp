#include "tests/unit/store/released.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "store/sqlite/migrations.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

/// How many rows each table has.
std::map<std::string, std::int64_t> rows_by_table(Database& database) {
  std::map<std::string, std::int64_t> rows;
  must(database.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                      [&rows](const Row& row) -> Result<void> {
                        rows[row.get<std::string>(0)] = 0;
                        return {};
                      }));
  for (auto& [table, count] : rows)
    count = must(database.value<std::int64_t>("SELECT count(*) FROM " + table)).value_or(0);
  return rows;
}

/// The store of that release in `folder`, and what was in it.
std::map<std::string, std::int64_t> put_back(const TempFolder& folder, int version) {
  put_back_released(folder, version);
  auto database = must(Database::open(folder.database(), 0ms));
  return rows_by_table(database);
}

/// Every row can be read by the program of today.
void read_everything(Store& store) {
  const auto connections = must(store.connections().list());
  CHECK(connections.size() == 3);
  // The secrets open: a store of before is of use only with them.
  for (const auto& connection : connections) {
    REQUIRE_FALSE(connection.secrets.empty());
    for (const auto& [name, secret] : connection.secrets) CHECK_FALSE(secret.empty());
  }
  const auto rotations = must(store.rotations().list());
  REQUIRE(rotations.size() == 2);
  CHECK(rotations[0].name == "Edge & co");
  CHECK(rotations[0].fallback_members.size() == 1);
  CHECK(rotations[1].channels.size() == 2);
  CHECK(must(store.engine().records()).size() == 2);
  CHECK(must(store.engine().states()).size() == 2);
  CHECK(must(store.engine().groups()).size() == 2);
  CHECK(must(store.engine().statuses()).size() == 2);
  CHECK_FALSE(must(store.history().list({})).empty());
  CHECK_FALSE(must(store.history().audit({})).empty());
  CHECK_FALSE(must(store.outbox().open_rows()).empty());
  CHECK(must(store.people().mappings()).size() == 1);
  CHECK_FALSE(must(store.people().users()).empty());
  CHECK_FALSE(must(store.people().unmatched()).empty());
  CHECK_FALSE(must(store.problems().list()).empty());
}

}  // namespace

TEST_CASE("the store of every release opens, with all that is in it") {
  const auto files = std::distance(std::filesystem::directory_iterator(released_file(1).parent_path()), {});
  // Those before the present one are released; the present one may not be yet.
  REQUIRE(files >= schema_version() - 1);
  for (int version = 1; version <= files; ++version) {
    INFO("schema " << version);
    REQUIRE(std::filesystem::exists(released_file(version)));
    TempFolder folder;
    const auto before = put_back(folder, version);
    {
      auto store = open_store(folder);
      read_everything(*store);
    }
    auto database = must(Database::open(folder.database(), 0ms));
    CHECK(must(database.value<std::int64_t>("PRAGMA user_version")) == schema_version());
    const auto after = rows_by_table(database);
    for (const auto& [table, count] : before) {
      INFO(table);
      if (after.contains(table)) CHECK(after.at(table) == count);
    }
  }
}
