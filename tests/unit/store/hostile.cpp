#include <sys/stat.h>

#include <algorithm>

#include "base/text.hpp"
#include "store/backup.hpp"
#include "store/sqlite/migrations.hpp"
#include "tests/unit/store/released.hpp"

// Whoever can write the store's file, or a backup, is not its owner yet: nothing that stands in it may crash
// a program, or send a secret elsewhere.

using namespace watchbill;
using namespace watchbill::store;

namespace {

namespace fs = std::filesystem;

Connection opsgenie() {
  Connection connection{"og", "opsgenie"};
  connection.settings = {{"region", "us"}, {"base_url", "https://api.opsgenie.com"}};
  connection.secrets.emplace("api_key", Secret("the-opsgenie-key"));
  return connection;
}

/// Changes the file without Watchbill's rules.
void edit(const std::string& path, const std::string& sql) {
  must(must(Database::open(path, 1s)).script(sql));
}

Error refused_open(const TempFolder& folder) {
  return error_of(Store::open(folder.options()));
}

/// As if a release had written it that added no hash.
void without_proof(const std::string& file) {
  fs::resize_file(file, fs::file_size(file) - 102);
}

/// Moments are reckoned with and shown; those that stand for "never" are known as such.
std::size_t use(Instant moment) {
  const bool is_moment = moment != kNever && moment != kAlways;
  return format_rfc3339(is_moment ? moment + 24h : moment).size();
}

void read_rotations(Store& store) {
  if (auto all = store.rotations().list()) {
    for (const auto& rotation : *all) (void)store.rotations().find(rotation.name).ok();
  }
  (void)store.engine().records().ok();
  (void)store.engine().statuses().ok();
}

void read_history(Store& store) {
  if (auto all = store.history().list({})) {
    for (const auto& change : *all) {
      use(change.at);
      CHECK(is_utf8(change.rotation_name));
    }
  }
  (void)store.history().open_changes().ok();
  (void)store.history().audit({}).ok();
  if (auto all = store.outbox().open_rows()) {
    for (const auto& row : *all) use(row.next_try);
  }
}

void read_engine_state(Store& store) {
  (void)store.engine().states().ok();
  if (auto all = store.engine().groups()) {
    for (const auto& group : *all) use(group.seen_at);
  }
}

void read_people(Store& store) {
  (void)store.people().mappings().ok();
  (void)store.people().users().ok();
  (void)store.people().unmatched().ok();
}

void read_the_rest(Store& store) {
  (void)store.problems().list().ok();
  (void)store.requests().open_requests().ok();
  (void)store.connections().statuses().ok();
  (void)store.generation().ok();
  (void)store.meta("last_pass").ok();
}

/// Reads all that there is, as the programs do. What it says does not matter; that it ends does.
void read_everything(Store& store) {
  for (const auto part : {read_rotations, read_history, read_engine_state, read_people, read_the_rest})
    part(store);
}

/// Reads what has something of that table.
void read_table(Store& store, const std::string& table) {
  if (table.starts_with("rotation")) return read_rotations(store);
  if (table == "changes" || table == "audit" || table == "outbox") return read_history(store);
  if (table == "watches" || table == "slack_groups") return read_engine_state(store);
  if (table == "mappings" || table == "slack_users" || table == "unmatched") return read_people(store);
  read_the_rest(store);
}

/// Every secret that still opens is one of `before`'s, of the same connection, for the same addresses.
void check_no_secret_left(Store& store, const std::vector<Connection>& before) {
  auto now = store.connections().list();
  if (!now) return;
  for (const auto& connection : *now) {
    for (const auto& [name, secret] : connection.secrets) {
      const auto was = std::find_if(before.begin(), before.end(),
                                    [&](const Connection& one) { return one.name == connection.name; });
      REQUIRE(was != before.end());
      CHECK(was->kind == connection.kind);
      CHECK(addresses_of(*was) == addresses_of(connection));
      CHECK(was->secrets.at(name) == secret);
    }
  }
}

struct Column {
  std::string table;
  std::string name;
};

std::vector<Column> all_columns(Database& database) {
  std::vector<Column> columns;
  must(
      database.query("SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = "
                     "'table' AND m.name NOT LIKE 'sqlite_%'",
                     [&](const Row& row) -> Result<void> {
                       columns.push_back({row.get<std::string>(0), row.get<std::string>(1)});
                       return {};
                     }));
  return columns;
}

/// SQL of values that no program of ours writes there.
constexpr std::array kStrange{"NULL",
                              "-9223372036854775808",
                              "9223372036854775807",
                              "-1",
                              "4294967297",
                              "9e999",
                              "''",
                              "x'00ff'",
                              "char(0) || 'x' || char(0)",
                              "CAST(x'61fffe80' AS TEXT)",
                              "'[[[['",
                              "'{\"base_url\":\"https://evil.example\",\"host\":\"evil.example\"}'",
                              "replace(hex(zeroblob(50000)), '00', '[')"};

/// The tables without their types and constraints, so that anything can be put into them.
void loosen(Database& database, const std::vector<Column>& columns) {
  std::string last;
  for (const auto& column : columns) {
    if (column.table == last) continue;
    last = column.table;
    must(database.script(
        fmt::format("CREATE TABLE loose AS SELECT * FROM {0}; DROP TABLE {0}; ALTER TABLE loose "
                    "RENAME TO {0};",
                    column.table)));
  }
}

}  // namespace

TEST_CASE("whoever changes a connection's address in the store is not sent its secrets") {
  TempFolder folder;
  must(open_store(folder)->connections().add(opsgenie(), "test"));
  const auto change =
      GENERATE(as<std::string>{}, "settings = replace(settings, 'api.opsgenie', 'evil.example')",
               "settings = replace(settings, '\"us\"', '\"eu\"')",
               R"(settings = '{"region":"us","base_url":"https://api.opsgenie.com","host":"e"}')",
               R"(settings = '{"region":"us"}')", "kind = 'xmatters'", "name = 'other'");
  INFO(change);
  edit(folder.database(), "PRAGMA foreign_keys = OFF; UPDATE connections SET " + change);
  auto store = open_store(folder);
  for (const auto& error :
       {error_of(store->connections().list()), error_of(store->connections().get("og")),
        error_of(store->connections().keep_tokens("og", {}, {{"api_key", Secret("new")}}))}) {
    CHECK((error.code == "corrupt" || change.starts_with("name")));
    CHECK_FALSE(mentions(error.message, "the-opsgenie-key"));
  }
}

TEST_CASE("renewed tokens leave a connection's addresses alone") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(opsgenie(), "test"));
  must(store->connections().keep_tokens("og", {{"token_for", "x"}}, {{"token", Secret("t")}}));
  CHECK(error_of(store->connections().keep_tokens("og", {{"base_url", "https://e.example"}}, {})).kind ==
        ErrorKind::internal);
  CHECK(must(store->connections().get("og")).settings.at("base_url") == "https://api.opsgenie.com");
  CHECK(must(store->connections().get("og")).secrets.size() == 2);
}

TEST_CASE("secrets of a release before are sealed for their addresses when the store is opened") {
  TempFolder folder;
  put_back_released(folder, 1);
  std::string old;
  {
    auto database = must(Database::open(folder.database(), 0ms));
    old = must(database.value<Blob>("SELECT sealed FROM connection_secrets WHERE connection = 'opsgenie'"))
              ->bytes;
  }
  REQUIRE(mentions(bytes_on_disk(folder), old));
  const auto connections = must(open_store(folder)->connections().list());
  REQUIRE(connections.size() == 3);
  CHECK_FALSE(mentions(bytes_on_disk(folder), old));
  SECTION("an old seal among the new ones is refused") {
    {
      auto database = must(Database::open(folder.database(), 0ms));
      must(
          database.execute("UPDATE connection_secrets SET sealed = ?1, seal_version = 1 WHERE connection = "
                           "'opsgenie'",
                           Blob{old}));
    }
    CHECK(refused_open(folder).code == "corrupt");
  }
  SECTION("a new seal is not taken for an old one") {
    edit(folder.database(), "UPDATE connection_secrets SET seal_version = 1");
    CHECK(refused_open(folder).code == "corrupt");
  }
  SECTION("an old seal that was moved does not become a new one") {
    TempFolder other;
    put_back_released(other, 1);
    edit(other.database(), "UPDATE connection_secrets SET name = 'api_secret' WHERE connection = 'opsgenie'");
    CHECK(refused_open(other).code == "corrupt");
  }
}

TEST_CASE("a schema's version that no program has written is refused") {
  const auto version = GENERATE(as<std::string>{}, "-1", "-2147483648", "0", "1");
  TempFolder folder;
  TempFolder elsewhere;
  const auto file = elsewhere.path() + "/b.db";
  open_store(folder).reset();
  must(back_up(folder.options(), file, false));
  edit(folder.database(), "PRAGMA user_version = " + version);
  without_proof(file);
  edit(file, "PRAGMA user_version = " + version);
  CHECK(refused_open(folder).code == "corrupt");
  TempFolder fresh;
  fs::copy_file(folder.key(), fresh.key());
  CHECK(error_of(Restore::prepare(fresh.options(), file)).code == "corrupt");
}

TEST_CASE("a database of another shape is refused, by the store and by a restore") {
  const auto change = GENERATE(
      as<std::string>{}, "DROP TABLE meta; CREATE VIEW meta AS SELECT 'a' AS key, 'b' AS value",
      ("DROP TABLE meta; CREATE VIEW meta AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
       "SELECT i AS key, i AS value FROM n"),
      "CREATE TRIGGER t AFTER INSERT ON meta BEGIN UPDATE connections SET kind = 'x'; END",
      "CREATE TABLE extra(a)", "ALTER TABLE meta ADD COLUMN extra TEXT",
      "ALTER TABLE meta ADD COLUMN extra TEXT GENERATED ALWAYS AS (value) VIRTUAL", "DROP TABLE problems",
      "CREATE INDEX extra ON meta(hex(value))", "DROP INDEX changes_open",
      "DROP TABLE counters; CREATE TABLE counters(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) "
      "STRICT");
  INFO(change);
  TempFolder folder;
  TempFolder elsewhere;
  const auto file = elsewhere.path() + "/b.db";
  open_store(folder).reset();
  must(back_up(folder.options(), file, false));
  without_proof(file);
  edit(folder.database(), change);
  edit(file, change);
  const auto error = refused_open(folder);
  CHECK(error.code == "corrupt");
  CHECK(mentions(error.message, folder.database()));
  CHECK(mentions(error.message, "restore a backup"));
  CHECK(error_of(back_up(folder.options(), elsewhere.path() + "/c.db", false)).code == "corrupt");
  TempFolder fresh;
  fs::copy_file(folder.key(), fresh.key());
  const auto refused = error_of(Restore::prepare(fresh.options(), file));
  CHECK(refused.code == "corrupt");
  CHECK(mentions(refused.message, file));
}

TEST_CASE("what ANALYZE keeps is no other shape") {
  TempFolder folder;
  must(open_store(folder)->connections().add(opsgenie(), "test"));
  edit(folder.database(), "ANALYZE");
  CHECK(must(open_store(folder)->connections().list()).size() == 1);
}

TEST_CASE("a restore reads ordinary files of a bounded size, and waits for none") {
  TempFolder folder;
  TempFolder elsewhere;
  open_store(folder).reset();
  const auto file = elsewhere.path() + "/b.db";
  const auto refusal = [&](const std::string& path) {
    return error_of(Restore::prepare(folder.options(), path));
  };
  SECTION("a pipe") {
    REQUIRE(mkfifo(file.c_str(), 0600) == 0);
    CHECK(refusal(file).kind == ErrorKind::invalid);
    CHECK(error_of(back_up({file, folder.key()}, elsewhere.path() + "/c.db", false)).kind ==
          ErrorKind::invalid);
  }
  SECTION("a folder") {
    CHECK(refusal(elsewhere.path()).kind == ErrorKind::invalid);
  }
  SECTION("a device") {
    CHECK(refusal("/dev/zero").kind == ErrorKind::invalid);
    fs::create_symlink("/dev/zero", file);
    CHECK(refusal(file).kind == ErrorKind::invalid);
  }
  SECTION("twenty gigabytes of nothing") {
    std::ofstream(file).close();
    fs::resize_file(file, std::uintmax_t{20'000'000'000});
    CHECK(refusal(file).kind == ErrorKind::invalid);
  }
  SECTION("a backup that says it has as much") {
    must(back_up(folder.options(), file, false));
    without_proof(file);
    fs::resize_file(file, std::uintmax_t{20'000'000'000});
    std::fstream header(file, std::ios::in | std::ios::out | std::ios::binary);
    header.seekp(28);
    header << '\x00' << '\x48' << '\x00' << '\x00';
    header.close();
    const auto error = refusal(file);
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(mentions(error.message, "larger than any backup"));
  }
  SECTION("a backup with nothing of that size behind it is what it is") {
    must(back_up(folder.options(), file, false));
    without_proof(file);
    fs::resize_file(file, std::uintmax_t{20'000'000'000});
    CHECK(must(Restore::prepare(folder.options(), file))->proof() == Proof::none);
  }
  CHECK_FALSE(fs::exists(folder.database() + ".restoring"));
}

TEST_CASE("what is no ordinary file in the store's place is refused at once") {
  TempFolder folder;
  SECTION("a pipe") {
    REQUIRE(mkfifo(folder.database().c_str(), 0600) == 0);
  }
  SECTION("a pipe beside it") {
    open_store(folder).reset();
    fs::remove(folder.database() + "-wal");
    REQUIRE(mkfifo((folder.database() + "-wal").c_str(), 0600) == 0);
  }
  SECTION("a device") {
    fs::create_symlink("/dev/zero", folder.database());
  }
  CHECK(mentions(refused_open(folder).message, "not an ordinary file"));
}

TEST_CASE("a key that is a pipe is refused at once") {
  TempFolder folder;
  REQUIRE(mkfifo(folder.key().c_str(), 0600) == 0);
  CHECK(mentions(refused_open(folder).message, "not an ordinary file"));
}

TEST_CASE("what no program wrote is read as something that does no harm") {
  TempFolder folder;
  std::ofstream(folder.database()).close();
  auto database = must(Database::open(folder.database(), 0ms));
  const auto text = [&](const std::string& sql) {
    return must(database.value<std::string>("SELECT " + sql));
  };
  CHECK(text("CAST(x'5a6fc3ab' AS TEXT)") == "Zo\xc3\xab");
  CHECK(text("CAST(x'61fffe62c3' AS TEXT)") ==
        "a\xef\xbf\xbd\xef\xbf\xbd"
        "b\xef\xbf\xbd");
  const auto moment = [&](const std::string& sql) {
    return must(database.value<Instant>("SELECT " + sql)).value();
  };
  CHECK(format_rfc3339(moment("9223372036854775806")) == "9999-12-31T23:59:59Z");
  CHECK(moment("9223372036854775807") == kNever);
  CHECK(moment("-9223372036854775808") == kAlways);
  CHECK(must(database.value<seconds>("SELECT -9223372036854775808")).value() + 1h < 0s);
}

TEST_CASE("every column of every row may hold anything: no secret leaves, and reading it ends") {
  TempFolder folder;
  put_back_released(folder, 1);
  const auto before = must(open_store(folder)->connections().list());
  auto store = open_store(folder);
  std::vector<Column> columns;
  {
    auto other = must(Database::open(folder.database(), 1s));
    columns = all_columns(other);
    loosen(other, columns);
  }
  REQUIRE(columns.size() > 120);
  auto& database = database_of(*store);
  const auto try_out = [&](const std::string& table, const std::string& sql) {
    INFO(sql);
    // Undone by its error.
    const auto undone = store->transaction([&]() -> Result<void> {
      must(database.script(sql));
      read_table(*store, table);
      if (table.starts_with("connection")) check_no_secret_left(*store, before);
      return fail(ErrorKind::cancelled, "that was it");
    });
    CHECK(error_of(undone).kind == ErrorKind::cancelled);
  };
  for (const auto& [table, column] : columns) {
    const auto rows = must(database.value<std::int64_t>("SELECT count(*) FROM " + table)).value_or(0);
    for (std::int64_t row = 1; row <= rows; ++row) {
      for (const char* strange : kStrange)
        try_out(table, fmt::format("UPDATE {} SET {} = {} WHERE rowid = {}", table, column, strange, row));
    }
  }
  CHECK(must(store->connections().list()).size() == before.size());
}

TEST_CASE(
    "a store in which a column was altered opens or is refused, and a backup of it is restored or refused") {
  TempFolder folder;
  TempFolder elsewhere;
  const auto file = elsewhere.path() + "/b.db";
  put_back_released(folder, 1);
  const auto before = must(open_store(folder)->connections().list());
  must(back_up(folder.options(), file, false));
  without_proof(file);
  const auto altered = elsewhere.path() + "/altered.db";
  std::vector<Column> columns;
  {
    auto database = must(Database::open(file, 0ms));
    for (auto& column : all_columns(database)) {
      if (column.table.starts_with("connection") || column.table == "meta" || column.table == "counters" ||
          column.table == "outbox")
        columns.push_back(std::move(column));
    }
  }
  for (const auto& [table, column] : columns) {
    for (const char* strange : kStrange) {
      INFO(table << "." << column << ": " << strange);
      fs::copy_file(file, altered, fs::copy_options::overwrite_existing);
      // What its type forbids cannot be written this way.
      if (!must(Database::open(altered, 0ms))
               .script(fmt::format("PRAGMA synchronous = OFF; UPDATE OR REPLACE {0} SET {1} = {2}", table,
                                   column, strange))
               .ok())
        continue;
      if (auto prepared = Restore::prepare(folder.options(), altered)) {
        // A counter at its end is refused here.
        if (!(*prepared)->carry_out("test", at(5000))) continue;
        prepared->reset();
        if (auto store = Store::open(folder.options())) {
          read_everything(**store);
          check_no_secret_left(**store, before);
        }
      }
    }
  }
}
