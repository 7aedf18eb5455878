#include "store/sqlite/migrations.hpp"

#include <array>

#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

Database empty_database(const TempFolder& folder, const std::string& name) {
  const auto path = folder.path() + "/" + name;
  std::ofstream(path).close();
  return must(Database::open(path, 0ms));
}

/// Runs `sql`, whose one column is text, and appends its rows.
void append(Database& database, std::string& out, const std::string& title, const std::string& sql) {
  out += title + "\n";
  must(database.query(sql, [&out](const Row& row) -> Result<void> {
    out += "  " + row.get<std::string>(0) + "\n";
    return {};
  }));
}

/// All that a schema means, whatever the way in which its SQL was written or altered.
std::string describe(Database& database) {
  std::string out;
  append(
      database, out, "objects",
      "SELECT concat_ws FROM (SELECT type || ' ' || name || ' ' || tbl_name AS concat_ws FROM sqlite_schema) "
      "ORDER BY 1");
  append(database, out, "tables",
         "SELECT name || ' ' || type || ' ' || ncol || ' without rowid ' || wr || ' strict ' || strict "
         "FROM pragma_table_list WHERE schema = 'main' AND name <> 'sqlite_schema' ORDER BY name");
  append(database, out, "columns",
         "SELECT m.name || '.' || c.name || ' ' || c.cid || ' ' || c.type || ' null ' || c.\"notnull\" || ' "
         "default ' "
         "|| ifnull(c.dflt_value, '-') || ' key ' || c.pk || ' hidden ' || c.hidden FROM sqlite_schema m, "
         "pragma_table_xinfo(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid");
  append(database, out, "foreign keys",
         "SELECT m.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || ifnull(f.\"to\", '-') || ' ' || "
         "f.on_delete || ' ' || f.on_update FROM sqlite_schema m, pragma_foreign_key_list(m.name) f "
         "WHERE m.type = 'table' ORDER BY 1");
  append(database, out, "indexes",
         "SELECT i.name || ' ' || i.\"unique\" || i.origin || i.partial || ' ' || x.seqno || ' ' || "
         "ifnull(x.name, '-') || ' ' || x.desc || x.coll || x.key FROM sqlite_schema m, "
         "pragma_index_list(m.name) i, "
         "pragma_index_xinfo(i.name) x WHERE m.type = 'table' ORDER BY i.name, x.seqno");
  append(database, out, "conditions and programs",
         "SELECT type || ' ' || name || ' ' || sql FROM sqlite_schema WHERE type IN ('trigger', 'view') "
         "OR (type = 'index' AND sql IS NOT NULL) ORDER BY 1");
  append(database, out, "counters", "SELECT name || ' ' || value FROM counters ORDER BY name");
  append(database, out, "version", "SELECT user_version FROM pragma_user_version");
  append(database, out, "application", "SELECT application_id FROM pragma_application_id");
  return out;
}

constexpr std::string_view kFirst =
    "CREATE TABLE counters(name TEXT, value INTEGER) STRICT;"
    "CREATE TABLE parent(id INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE child(parent INTEGER REFERENCES parent(id)) STRICT;"
    "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);";

}  // namespace

TEST_CASE("all migrations in their order give exactly the schema") {
  TempFolder folder;
  Database stepwise = empty_database(folder, "stepwise.db");
  Database at_once = empty_database(folder, "at_once.db");
  must(migrate(stepwise, "stepwise.db", {migrations(), ""}));
  must(migrate(at_once, "at_once.db", {migrations(), schema()}));
  CHECK(describe(stepwise) == describe(at_once));
  CHECK(mentions(describe(at_once), "rotations.folded_name"));
  CHECK(schema_version() == static_cast<int>(migrations().size()));
}

TEST_CASE("the comparison of schemas sees small differences") {
  TempFolder folder;
  Database plain = empty_database(folder, "plain.db");
  must(migrate(plain, "plain.db"));
  const auto before = describe(plain);
  SECTION("a column") {
    must(plain.script("ALTER TABLE meta ADD COLUMN extra TEXT"));
  }
  SECTION("an index") {
    must(plain.script("CREATE INDEX extra ON changes(cause)"));
  }
  SECTION("a partial index's condition") {
    must(plain.script("DROP INDEX changes_open; CREATE INDEX changes_open ON changes(id) WHERE result = ''"));
  }
  SECTION("a missing index") {
    must(plain.script("DROP INDEX changes_open"));
  }
  CHECK(describe(plain) != before);
}

TEST_CASE("every table is STRICT") {
  TempFolder folder;
  Database database = empty_database(folder, "it.db");
  must(migrate(database, "it.db"));
  CHECK(must(database.value<std::string>(
                 "SELECT group_concat(name) FROM pragma_table_list WHERE schema = 'main' "
                 "AND NOT strict AND name NOT LIKE 'sqlite_%'"))
            .value_or("") == "");
}

TEST_CASE("a database of an older version keeps its rows and gets what is new") {
  TempFolder folder;
  Database database = empty_database(folder, "it.db");
  const std::array<std::string_view, 1> old{kFirst};
  must(migrate(database, "it.db", {old, ""}));
  const std::array<std::string_view, 2> now{kFirst, "ALTER TABLE child ADD COLUMN note TEXT"};
  must(migrate(database, "it.db", {now, ""}));
  CHECK(must(database.value<std::int64_t>("SELECT user_version FROM pragma_user_version")) == 2);
  CHECK(must(database.value<std::int64_t>("SELECT parent FROM child WHERE note IS NULL")) == 1);
  // Nothing happens a second time.
  must(migrate(database, "it.db", {now, ""}));
}

TEST_CASE("a migration that fails leaves the database as it was") {
  TempFolder folder;
  Database database = empty_database(folder, "it.db");
  const std::array<std::string_view, 1> old{kFirst};
  must(migrate(database, "it.db", {old, ""}));
  const auto before = describe(database);
  SECTION("wrong SQL after right SQL") {
    const std::array<std::string_view, 3> now{kFirst, "CREATE TABLE more(x INTEGER) STRICT",
                                              "DROP TABLE child; SELEKT 1"};
    CHECK(mentions(error_of(migrate(database, "it.db", {now, ""})).message, "migration 3"));
  }
  SECTION("rows that point to nothing") {
    const std::array<std::string_view, 2> now{kFirst, "DELETE FROM parent"};
    const auto error = error_of(migrate(database, "it.db", {now, ""}));
    CHECK(mentions(error.message, "table child"));
  }
  CHECK(describe(database) == before);
}

TEST_CASE("a newer database is refused by both versions' numbers and what to do") {
  TempFolder folder;
  open_store(folder).reset();
  {
    auto database = must(Database::open(folder.database(), 0ms));
    must(database.script("PRAGMA user_version = 4711"));
  }
  const auto error = error_of(Store::open(folder.options()));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, folder.database()));
  CHECK(mentions(error.message, "4711"));
  CHECK(mentions(error.message, fmt::format("up to {}", schema_version())));
  CHECK(mentions(error.message, "install the newer version"));
}

TEST_CASE("another program's database is left alone") {
  TempFolder folder;
  {
    Database database = empty_database(folder, "watchbill.db");
    must(database.script("CREATE TABLE theirs(x)"));
  }
  std::filesystem::permissions(folder.database(), std::filesystem::perms(0600));
  const auto error = error_of(Store::open(folder.options()));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, "another program"));
}
