#include "store/sqlite/migrations.hpp"

#include <array>

#include "store/sqlite/tables.hpp"
#include "store/store.hpp"

namespace watchbill::store {

namespace {

// A migration is never changed once it was released: databases out there have run it.

constexpr std::string_view k0001 = R"sql(
CREATE TABLE meta(
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters(
  name TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connections(
  name TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connection_secrets(
  connection TEXT NOT NULL REFERENCES connections(name) ON DELETE CASCADE,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE connection_status(
  connection TEXT PRIMARY KEY NOT NULL REFERENCES connections(name) ON DELETE CASCADE,
  state TEXT NOT NULL,
  last_success INTEGER,
  interval_seconds INTEGER NOT NULL,
  problem TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE rotations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  team_id TEXT NOT NULL,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL,
  group_id TEXT NOT NULL,
  handle TEXT NOT NULL,
  mode TEXT NOT NULL,
  membership TEXT NOT NULL,
  drift TEXT NOT NULL,
  paused INTEGER NOT NULL,
  empty TEXT NOT NULL,
  empty_alert INTEGER,
  announce INTEGER NOT NULL,
  template TEXT,
  mention TEXT NOT NULL,
  max_age_ms INTEGER NOT NULL,
  alert_channel TEXT,
  managed_by TEXT NOT NULL,
  UNIQUE (folded_name, team_id),
  UNIQUE (group_id, team_id)
) STRICT;

CREATE TABLE rotation_schedules(
  rotation INTEGER NOT NULL REFERENCES rotations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  connection TEXT NOT NULL REFERENCES connections(name),
  schedule TEXT NOT NULL,
  label TEXT NOT NULL,
  required INTEGER NOT NULL,
  PRIMARY KEY (rotation, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX rotation_schedules_by_schedule ON rotation_schedules(connection, schedule);

CREATE TABLE rotation_channels(
  rotation INTEGER NOT NULL REFERENCES rotations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  channel TEXT NOT NULL,
  PRIMARY KEY (rotation, position)
) STRICT, WITHOUT ROWID;

-- role: permanent, fallback (Slack users), owner (Slack users and groups)
CREATE TABLE rotation_people(
  rotation INTEGER NOT NULL REFERENCES rotations(id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  position INTEGER NOT NULL,
  person TEXT NOT NULL,
  PRIMARY KEY (rotation, role, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE rotation_records(
  rotation INTEGER PRIMARY KEY NOT NULL REFERENCES rotations(id) ON DELETE CASCADE,
  decided INTEGER NOT NULL,
  quiet INTEGER NOT NULL,
  people TEXT NOT NULL,
  people_since INTEGER NOT NULL,
  target TEXT,
  placed TEXT NOT NULL,
  former TEXT,
  adopted INTEGER NOT NULL
) STRICT;

CREATE TABLE rotation_status(
  rotation INTEGER PRIMARY KEY NOT NULL REFERENCES rotations(id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  on_call TEXT NOT NULL,
  next TEXT NOT NULL,
  next_boundary INTEGER,
  problems TEXT NOT NULL
) STRICT;

CREATE TABLE watches(
  connection TEXT NOT NULL REFERENCES connections(name) ON DELETE CASCADE,
  schedule TEXT NOT NULL,
  name TEXT NOT NULL,
  timeline TEXT NOT NULL,
  presence TEXT NOT NULL,
  held TEXT NOT NULL,
  doubt TEXT,
  turn TEXT,
  last_answer INTEGER,
  failing_since INTEGER,
  failure TEXT NOT NULL,
  looked_ahead INTEGER,
  looked_far INTEGER,
  PRIMARY KEY (connection, schedule)
) STRICT, WITHOUT ROWID;

CREATE TABLE slack_groups(
  team_id TEXT NOT NULL,
  id TEXT NOT NULL,
  handle TEXT NOT NULL,
  members TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (team_id, id)
) STRICT, WITHOUT ROWID;

-- rotation is no foreign key: what happened outlives the rotation
CREATE TABLE changes(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  team_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  rotation INTEGER NOT NULL,
  rotation_name TEXT NOT NULL,
  group_id TEXT NOT NULL,
  cause TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  said TEXT NOT NULL,
  held_since INTEGER,
  seen_at INTEGER,
  done_by TEXT,
  result TEXT,
  note TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_time ON changes(at);
CREATE INDEX changes_by_rotation ON changes(rotation, at);
CREATE INDEX changes_open ON changes(id) WHERE result IS NULL;

CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  rotation INTEGER,
  before TEXT NOT NULL,
  after TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit(at);
CREATE INDEX audit_by_rotation ON audit(rotation, at) WHERE rotation IS NOT NULL;

CREATE TABLE outbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  team_id TEXT NOT NULL,
  rotation INTEGER NOT NULL,
  change INTEGER REFERENCES changes(id) ON DELETE SET NULL,
  channel TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  facts TEXT NOT NULL,
  at INTEGER NOT NULL,
  group_confirmed INTEGER NOT NULL,
  confirm_by INTEGER,
  attempts INTEGER NOT NULL,
  attempt_at INTEGER,
  probes INTEGER NOT NULL,
  next_try INTEGER NOT NULL,
  possibly_repeated INTEGER NOT NULL,
  ts TEXT NOT NULL,
  error TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_open ON outbox(id) WHERE state NOT IN ('sent', 'superseded', 'expired');
CREATE INDEX outbox_by_rotation ON outbox(rotation, id);
CREATE INDEX outbox_by_change ON outbox(change);
CREATE INDEX outbox_by_time ON outbox(at);

CREATE TABLE mappings(
  team_id TEXT NOT NULL,
  person TEXT NOT NULL,
  user TEXT NOT NULL,
  at INTEGER NOT NULL,
  mapped_by TEXT NOT NULL,
  PRIMARY KEY (team_id, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE slack_users(
  team_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT,
  deleted INTEGER NOT NULL,
  bot INTEGER NOT NULL,
  guest INTEGER NOT NULL,
  admin INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (team_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE unmatched(
  connection TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT,
  why TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  at INTEGER NOT NULL,
  answer TEXT,
  answered_at INTEGER
) STRICT;
CREATE INDEX requests_open ON requests(id) WHERE answer IS NULL;

CREATE TABLE problems(
  key TEXT PRIMARY KEY NOT NULL,
  text TEXT NOT NULL,
  rotation INTEGER,
  connection TEXT NOT NULL,
  alert INTEGER NOT NULL,
  since INTEGER NOT NULL,
  ended_at INTEGER,
  alerted_channel INTEGER NOT NULL,
  alerted_webhook INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters(name, value) VALUES ('generation', 0);
)sql";

// A request that an older program left has no end: nobody waits for it any more. Seals of before bind the
// place alone; store/keys.cpp seals them again.
constexpr std::string_view k0002 = R"sql(
ALTER TABLE requests ADD COLUMN until INTEGER NOT NULL DEFAULT 0;

CREATE TABLE rotation_deletions(
  rotation INTEGER PRIMARY KEY NOT NULL REFERENCES rotations(id) ON DELETE CASCADE,
  by TEXT NOT NULL,
  at INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;

ALTER TABLE connection_secrets ADD COLUMN seal_version INTEGER NOT NULL DEFAULT 1;

ALTER TABLE rotation_status ADD COLUMN unknown TEXT NOT NULL DEFAULT '[]';
)sql";

constexpr std::array kMigrations{k0001, k0002};

}  // namespace

std::span<const std::string_view> migrations() {
  return kMigrations;
}

int schema_version() {
  return static_cast<int>(kMigrations.size());
}

Error newer_schema(const std::string& path, std::int64_t version, std::int64_t newest) {
  return fail(ErrorKind::conflict,
              "{} was written by a newer Watchbill (its schema is version {}, this program knows up to {}): "
              "install the newer version again, or restore a backup from before the upgrade",
              path, version, newest);
}

Error other_program(const std::string& path) {
  return fail(ErrorKind::conflict, "{} is a database of another program: name another file as the store",
              path);
}

namespace {

/// True for a file in which nothing is yet; an error for somebody else's database.
Result<bool> is_empty(Database& database, const std::string& path) {
  auto tables = number_of(database, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*tables == 0) return true;
  auto application = number_of(database, "PRAGMA application_id");
  if (!application) return application.error();
  if (*application != kApplicationId) return other_program(path);
  return false;
}

/// A version is a place in the list of migrations.
Error no_version(const std::string& path, std::int64_t version) {
  Error error =
      fail(ErrorKind::storage, "{} has a schema of version {}, which no Watchbill has: restore a backup",
           path, version);
  error.code = "corrupt";
  return error;
}

Result<void> check_references(Database& database, const std::string& path) {
  auto broken = database.value<std::string>("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1");
  if (!broken) return broken.error();
  if (!*broken) return {};
  Error error = fail(ErrorKind::storage, "{}: rows of table {} point to nothing", path, **broken);
  error.code = "corrupt";
  return error;
}

Result<void> apply_steps(Database& database, const std::string& path, const Steps& steps) {
  const auto newest = static_cast<std::int64_t>(steps.migrations.size());
  auto empty = is_empty(database, path);
  if (!empty) return empty.error();
  // Read again inside the transaction: another process may have been faster.
  auto version = number_of(database, "PRAGMA user_version");
  if (!version) return version.error();
  if (*version < 0) return no_version(path, *version);
  if (*version >= newest) return {};
  if (*empty && !steps.schema.empty()) {
    if (auto done = database.script(std::string(steps.schema)); !done) return done.error().in("schema");
  } else {
    for (auto next = *version; next < newest; ++next) {
      const std::string sql(steps.migrations[static_cast<std::size_t>(next)]);
      if (auto done = database.script(sql); !done) return done.error().in("migration {}", next + 1);
    }
    if (auto done = check_references(database, path); !done) return done;
  }
  return database.script(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, newest));
}

}  // namespace

Result<void> migrate(Database& database, const std::string& path, const Steps& steps) {
  const auto newest = static_cast<std::int64_t>(steps.migrations.size());
  if (auto empty = is_empty(database, path); !empty) return empty.error();
  auto version = number_of(database, "PRAGMA user_version");
  if (!version) return version.error();
  if (*version > newest) return newer_schema(path, *version, newest);
  if (*version < 0) return no_version(path, *version);
  if (*version == newest) return {};
  // A migration that rebuilds a table must not fire the references to it; they are checked at its end.
  if (auto done = database.execute("PRAGMA foreign_keys = OFF"); !done) return done;
  return database.transaction([&] { return apply_steps(database, path, steps); });
}

}  // namespace watchbill::store
