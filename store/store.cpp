#include "store/store.hpp"

#include <array>

#include "store/keys.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

Result<std::unique_ptr<Store>> Store::open(const OpenOptions& given) {
  auto options = with_key_of_root(given);
  if (!options) return options.error();
  if (auto done = prepare_files(*options); !done) return done.error();
  auto database = open_database(*options);
  if (!database) return database.error();
  auto sealer = open_sealer(*database, *options);
  if (!sealer) return sealer.error();
  if (auto done = renew_seals(*database, *sealer); !done) return done.error();
  database->set_busy_timeout(options->busy_timeout);
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

Result<void> SqliteStore::relaxed_transaction(const std::function<Result<void>()>& body) {
  return database_.relaxed_transaction(body);
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
