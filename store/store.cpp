#include "store/store.hpp"

#include <sys/stat.h>

#include <array>

#include "store/files.hpp"
#include "store/migrations.hpp"
#include "store/sqlite_store.hpp"
#include "store/tables.hpp"

namespace watchbill::store {

namespace {

/// Opening waits for others (who may be opening, migrating or recovering) whatever the caller wants later.
constexpr milliseconds kOpenTimeout = 5s;

Result<void> prepare_files(const OpenOptions& options) {
  const auto folder = folder_of(options.path);
  if (auto done = become_owner_of(folder); !done) return done;
  struct stat found {};
  if (options.must_exist && stat(options.path.c_str(), &found) != 0 && errno == ENOENT) {
    return fail(
        ErrorKind::not_found,
        "there is no store at {}: start watchbilld, or add a connection with `watchbill connection add`",
        options.path);
  }
  if (auto done = prepare_folder(folder); !done) return done;
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    if (auto done = check_private_file(options.path + suffix); !done) return done;
  }
  return prepare_private_file(options.path);
}

Result<void> configure(Database& database, const std::string& path) {
  auto mode = database.value<std::string>("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (mode->value_or("") != "wal") {
    return fail(ErrorKind::storage, "{}: write-ahead logging does not work here; use a local file system",
                path);
  }
  // FULL: an announcement marked as being sent, and a renewed token, must survive a power cut.
  if (auto done = database.execute("PRAGMA synchronous = FULL"); !done) return done;
  // Nothing of ours in /tmp.
  if (auto done = database.execute("PRAGMA temp_store = MEMORY"); !done) return done;
  return database.execute("PRAGMA journal_size_limit = 16777216");
}

Result<Database> open_database(const OpenOptions& options) {
  auto opened = Database::open(options.path, kOpenTimeout);
  if (!opened) return opened;
  if (auto done = configure(*opened, options.path); !done) return done.error();
  if (auto done = migrate(*opened, options.path); !done) return done.error();
  if (auto done = opened->execute("PRAGMA foreign_keys = ON"); !done) return done.error();
  return opened;
}

Result<Sealer> load_key(const OpenOptions& options, bool something_sealed) {
  if (options.key) return Sealer::from_key(*options.key, "the given key");
  auto sealer = Sealer::from_file(options.key_file);
  if (sealer || sealer.error().kind != ErrorKind::not_found) return sealer;
  if (something_sealed) {
    return fail(ErrorKind::conflict, "{}, but secrets in {} are sealed with it: put it back from your backup",
                sealer.error().message, options.path);
  }
  return Sealer::create_file(options.key_file);
}

Result<Sealer> open_sealer(Database& database, const OpenOptions& options) {
  auto used = database.value<std::string>("SELECT key_id FROM connection_secrets LIMIT 1");
  if (!used) return used.error();
  auto sealer = load_key(options, used->has_value());
  if (!sealer) return sealer;
  auto other = database.value<std::string>("SELECT key_id FROM connection_secrets WHERE key_id <> ?1 LIMIT 1",
                                           sealer->key_id());
  if (!other) return other.error();
  if (*other) {
    return fail(ErrorKind::conflict,
                "{} (key {}) is not the key that sealed the secrets in {} (key {}): put the right key back",
                sealer->origin(), sealer->key_id(), options.path, **other);
  }
  return sealer;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const OpenOptions& options) {
  if (auto done = prepare_files(options); !done) return done.error();
  auto database = open_database(options);
  if (!database) return database.error();
  auto sealer = open_sealer(*database, options);
  if (!sealer) return sealer.error();
  database->set_busy_timeout(options.busy_timeout);
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(*database), std::move(*sealer)));
}

SqliteStore::SqliteStore(Database database, Sealer sealer)
    : database_(std::move(database)),
      sealer_(std::move(sealer)),
      connections_(make_connections(database_, sealer_)),
      rotations_(make_rotations(database_)),
      engine_(make_engine_state(database_)),
      history_(make_history(database_)),
      outbox_(make_outbox(database_)),
      people_(make_people(database_)),
      requests_(make_requests(database_)),
      problems_(make_problems(database_)) {}

Result<void> SqliteStore::transaction(const std::function<Result<void>()>& body) {
  return database_.transaction(body);
}

Result<std::int64_t> SqliteStore::data_version() {
  auto version = database_.value<std::int64_t>("PRAGMA data_version");
  if (!version) return version.error();
  return version->value_or(0);
}

Result<std::int64_t> SqliteStore::generation() {
  auto value = database_.value<std::int64_t>("SELECT value FROM counters WHERE name = 'generation'");
  if (!value) return value.error();
  return value->value_or(0);
}

Result<std::optional<std::string>> SqliteStore::meta(const std::string& key) {
  return database_.value<std::string>("SELECT value FROM meta WHERE key = ?1", key);
}

Result<void> SqliteStore::set_meta(const std::string& key, const std::string& value) {
  return database_.transaction([&]() -> Result<void> {
    if (key == "team_id") {
      if (auto done = claim_team(value); !done) return done;
    }
    return database_.execute(
        "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key, value);
  });
}

Result<void> SqliteStore::claim_team(const std::string& team) {
  auto known = meta("team_id");
  if (!known) return known.error();
  if (known->value_or("") == team) return {};
  if (!known->value_or("").empty()) {
    return fail(
        ErrorKind::conflict,
        "this store belongs to the Slack workspace {}, and the token to {}: use that workspace's token, or "
        "another store",
        **known, team);
  }
  // What was stored before the workspace was known.
  static constexpr std::array kTables{"rotations", "slack_groups", "changes",
                                      "outbox",    "mappings",     "slack_users"};
  for (const char* table : kTables) {
    auto done = database_.execute(fmt::format("UPDATE {} SET team_id = ?1 WHERE team_id = ''", table), team);
    if (!done) return done;
  }
  return {};
}

Instant wall_clock() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

Result<void> bump_generation(Database& database) {
  return database.execute("UPDATE counters SET value = value + 1 WHERE name = 'generation'");
}

}  // namespace watchbill::store
