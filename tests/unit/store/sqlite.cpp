#include "store/sqlite/database.hpp"
#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

Database scratch(const TempFolder& folder) {
  std::ofstream(folder.database()).close();
  Database database = must(Database::open(folder.database(), 0ms));
  must(database.script("PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, v ANY) STRICT"));
  return database;
}

std::int64_t rows(Database& database) {
  return must(database.value<std::int64_t>("SELECT count(*) FROM t")).value_or(-1);
}

Result<void> insert(Database& database, int value) {
  return database.execute("INSERT INTO t(v) VALUES (?1)", value);
}

}  // namespace

TEST_CASE("values of every type come back as they were bound") {
  TempFolder folder;
  Database database = scratch(folder);
  const auto round = [&](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    return must(database.value<T>("SELECT ?1", value)).value();
  };
  CHECK(round(std::int64_t{INT64_MIN}) == INT64_MIN);
  CHECK(round(kNever) == kNever);
  CHECK(round(kAlways) == kAlways);
  CHECK(round(true));
  CHECK(round(1500ms) == 1500ms);
  CHECK(round(std::string("a\0b", 3)) == std::string("a\0b", 3));
  CHECK(round(UserId("U1")) == UserId("U1"));
  CHECK(round(RotationId{7}) == RotationId{7});
  CHECK(round(Blob{std::string("\0\xff", 2)}) == Blob{std::string("\0\xff", 2)});
  CHECK(round(std::optional<std::string>()) == std::nullopt);
  CHECK(round(std::optional<Instant>(kNever)) == kNever);
}

TEST_CASE("an empty text is an empty text, not NULL") {
  TempFolder folder;
  Database database = scratch(folder);
  CHECK(must(database.value<std::string>("SELECT typeof(?1)", std::string_view())) == "text");
  CHECK(must(database.value<std::string>("SELECT typeof(?1)", nullptr)) == "null");
}

TEST_CASE("a query may run inside the same query") {
  TempFolder folder;
  Database database = scratch(folder);
  must(insert(database, 1));
  must(insert(database, 2));
  int seen = 0;
  must(database.query("SELECT v FROM t", [&](const Row&) -> Result<void> {
    return database.query("SELECT v FROM t", [&](const Row&) -> Result<void> {
      ++seen;
      return {};
    });
  }));
  CHECK(seen == 4);
}

TEST_CASE("an error from a row's handler ends the query and leaves the statement usable") {
  TempFolder folder;
  Database database = scratch(folder);
  must(insert(database, 1));
  must(insert(database, 2));
  for (int round = 0; round < 2; ++round) {
    int seen = 0;
    auto done = database.query("SELECT v FROM t", [&](const Row&) -> Result<void> {
      ++seen;
      return fail(ErrorKind::invalid, "enough");
    });
    CHECK(error_of(done).message == "enough");
    CHECK(seen == 1);
  }
}

TEST_CASE("a transaction whose body fails or throws leaves nothing behind") {
  TempFolder folder;
  Database database = scratch(folder);
  auto failed = database.transaction([&]() -> Result<void> {
    must(insert(database, 1));
    return fail(ErrorKind::invalid, "no");
  });
  CHECK(error_of(failed).kind == ErrorKind::invalid);
  CHECK(rows(database) == 0);
  CHECK_THROWS_AS(
      [&] {
        (void)database.transaction([&]() -> Result<void> {
          must(insert(database, 1));
          throw std::logic_error("broken");
        });
      }(),
      std::logic_error);
  CHECK(rows(database) == 0);
  must(database.transaction([&] { return insert(database, 1); }));
  CHECK(rows(database) == 1);
}

TEST_CASE("a nested transaction joins the outer one") {
  TempFolder folder;
  Database database = scratch(folder);
  SECTION("it goes when the outer one fails") {
    auto failed = database.transaction([&]() -> Result<void> {
      must(database.transaction([&] { return insert(database, 1); }));
      return fail(ErrorKind::invalid, "no");
    });
    CHECK_FALSE(failed);
    CHECK(rows(database) == 0);
  }
  SECTION("its failure undoes only its own part if the outer body goes on") {
    must(database.transaction([&]() -> Result<void> {
      must(insert(database, 1));
      auto inner = database.transaction([&]() -> Result<void> {
        must(insert(database, 2));
        return fail(ErrorKind::conflict, "taken");
      });
      CHECK(error_of(inner).message == "taken");
      return insert(database, 3);
    }));
    CHECK(must(database.value<std::string>("SELECT group_concat(v) FROM t")) == "1,3");
  }
  SECTION("an exception passes through both and undoes all") {
    CHECK_THROWS_AS(
        [&] {
          (void)database.transaction([&] {
            must(insert(database, 1));
            return database.transaction([]() -> Result<void> { throw std::runtime_error("broken"); });
          });
        }(),
        std::runtime_error);
    CHECK(rows(database) == 0);
    must(database.transaction([&] { return insert(database, 1); }));
    CHECK(rows(database) == 1);
  }
}

TEST_CASE("violated constraints are conflicts, wrong SQL is a bug of ours") {
  TempFolder folder;
  Database database = scratch(folder);
  must(database.execute("INSERT INTO t(id, v) VALUES (1, 1)"));
  const auto taken = error_of(database.execute("INSERT INTO t(id, v) VALUES (1, 1)"));
  CHECK(taken.kind == ErrorKind::conflict);
  CHECK(taken.code == "unique");
  CHECK(error_of(database.execute("SELEKT")).kind == ErrorKind::internal);
  CHECK(error_of(database.execute("SELECT ?1", 1, 2)).kind == ErrorKind::internal);
  CHECK(rows(database) == 1);
}

TEST_CASE("a file that is no database is reported as corrupt") {
  TempFolder folder;
  std::ofstream(folder.database()) << std::string(8192, 'x');
  auto database = must(Database::open(folder.database(), 0ms));
  const auto error = error_of(database.value<std::int64_t>("SELECT count(*) FROM sqlite_schema"));
  CHECK(error.kind == ErrorKind::storage);
  CHECK(error.code == "corrupt");
}

TEST_CASE("a snapshot does not see what another connection writes meanwhile") {
  TempFolder folder;
  Database reader = scratch(folder);
  Database writer = must(Database::open(folder.database(), 0ms));
  must(reader.snapshot([&]() -> Result<void> {
    CHECK(rows(reader) == 0);
    must(insert(writer, 1));
    CHECK(rows(reader) == 0);
    return {};
  }));
  CHECK(rows(reader) == 1);
}

TEST_CASE("when SQLite itself ends a transaction, the rest of its body is not written piecemeal") {
  TempFolder folder;
  Database database = scratch(folder);
  auto done = database.transaction([&]() -> Result<void> {
    must(insert(database, 1));
    // OR ROLLBACK ends the whole transaction, as some I/O errors do.
    CHECK_FALSE(database.execute("INSERT OR ROLLBACK INTO t(id, v) VALUES (1, 1)"));
    CHECK_FALSE(insert(database, 2));
    return {};
  });
  CHECK(error_of(done).code == "unique");
  CHECK(rows(database) == 0);
  must(database.transaction([&] { return insert(database, 3); }));
  CHECK(rows(database) == 1);
}
