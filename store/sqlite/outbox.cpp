#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

const std::string kOutboxColumns =
    "SELECT id, rotation, coalesce(change, 0), channel, key, state, facts, group_confirmed, confirm_by, "
    "attempts, "
    "attempt_at, probes, next_try, possibly_repeated, ts, error FROM outbox ";

Result<void> read_row(const Row& row, OutboxRow& out) {
  Columns columns(row);
  columns.plain(out.id).plain(out.rotation).plain(out.change).plain(out.channel).plain(out.key);
  columns.word("state", out.state, parse_outbox_state).json("facts", out.facts).plain(out.group_confirmed);
  columns.plain(out.confirm_by).plain(out.attempts).plain(out.attempt_at).plain(out.probes);
  columns.plain(out.next_try).plain(out.possibly_repeated).plain(out.ts).plain(out.error);
  return columns.done("outbox", out.id.value);
}

std::optional<ChangeId> change_of(const OutboxRow& row) {
  if (row.change.value == 0) return std::nullopt;
  return row.change;
}

class SqliteOutbox : public Outbox {
 public:
  explicit SqliteOutbox(Database& database) : db_(database) {}

  Result<OutboxId> add(const OutboxRow& row) override;
  Result<OutboxId> last_id() override;
  Result<void> update(const OutboxRow& row) override;
  Result<std::vector<OutboxRow>> open_rows() override;
  Result<std::vector<OutboxRow>> of_rotation(RotationId id, std::size_t limit) override;

 private:
  Result<void> refuse_orphan(const OutboxRow& row);

  Database& db_;
};

/// The daemon may still hold a row of a rotation that the CLI has just deleted: nothing may be posted for it.
Result<void> SqliteOutbox::refuse_orphan(const OutboxRow& row) {
  if (!is_open(row.state)) return {};
  auto there = db_.value<std::int64_t>("SELECT id FROM rotations WHERE id = ?1", row.rotation);
  if (!there) return there.error();
  if (*there) return {};
  return fail(ErrorKind::not_found, "rotation {} is not in the store (any more): its announcement is dropped",
              row.rotation.value);
}

Result<OutboxId> SqliteOutbox::add(const OutboxRow& row) {
  OutboxId id;
  auto done = db_.transaction([&]() -> Result<void> {
    if (auto good = refuse_orphan(row); !good) return good;
    auto inserted = db_.execute(
        "INSERT INTO outbox(team_id, rotation, change, channel, key, state, facts, at, group_confirmed, "
        "confirm_by, "
        "attempts, attempt_at, probes, next_try, possibly_repeated, ts, error, id) VALUES (" WATCHBILL_TEAM
        ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, nullif(?17, 0))",
        row.rotation, change_of(row), row.channel, row.key, name_of(row.state), encode(row.facts),
        row.facts.at, row.group_confirmed, row.confirm_by, row.attempts, row.attempt_at, row.probes,
        row.next_try, row.possibly_repeated, row.ts, row.error, row.id);
    if (inserted) id = OutboxId{db_.last_id()};
    return inserted;
  });
  if (!done) return done.error();
  return id;
}

Result<OutboxId> SqliteOutbox::last_id() {
  auto id = last_id_of(db_, "outbox");
  if (!id) return id.error();
  return OutboxId{*id};
}

Result<void> SqliteOutbox::update(const OutboxRow& row) {
  return db_.transaction([&]() -> Result<void> {
    if (auto good = refuse_orphan(row); !good) return good;
    auto done = db_.execute(
        "UPDATE outbox SET rotation = ?2, change = ?3, channel = ?4, key = ?5, state = ?6, facts = ?7, at = "
        "?8, "
        "group_confirmed = ?9, confirm_by = ?10, attempts = ?11, attempt_at = ?12, probes = ?13, next_try = "
        "?14, "
        "possibly_repeated = ?15, ts = ?16, error = ?17 WHERE id = ?1",
        row.id, row.rotation, change_of(row), row.channel, row.key, name_of(row.state), encode(row.facts),
        row.facts.at, row.group_confirmed, row.confirm_by, row.attempts, row.attempt_at, row.probes,
        row.next_try, row.possibly_repeated, row.ts, row.error);
    if (!done) return done;
    if (db_.changes() == 1) return {};
    return fail(ErrorKind::not_found, "announcement {} is not in the store (any more)", row.id.value);
  });
}

Result<std::vector<OutboxRow>> SqliteOutbox::open_rows() {
  std::vector<OutboxRow> found;
  auto done = db_.query(kOutboxColumns + "WHERE state NOT IN ('sent', 'superseded', 'expired') ORDER BY id",
                        [&found](const Row& row) { return read_row(row, found.emplace_back()); });
  if (!done) return done.error();
  return found;
}

Result<std::vector<OutboxRow>> SqliteOutbox::of_rotation(RotationId id, std::size_t limit) {
  std::vector<OutboxRow> found;
  auto done = db_.query(
      kOutboxColumns + "WHERE rotation = ?1 ORDER BY id DESC LIMIT ?2",
      [&found](const Row& row) { return read_row(row, found.emplace_back()); }, id,
      static_cast<std::int64_t>(limit));
  if (!done) return done.error();
  return found;
}

}  // namespace

Result<void> supersede_open(Database& database, RotationId rotation, bool announcements) {
  auto done = database.execute(
      "UPDATE changes SET result = 'superseded' WHERE rotation = ?1 AND result IS NULL", rotation);
  if (!done || !announcements) return done;
  return database.execute(
      "UPDATE outbox SET state = 'superseded' WHERE rotation = ?1 AND state NOT IN ('sent', 'superseded', "
      "'expired')",
      rotation);
}

std::unique_ptr<Outbox> make_outbox(Database& database) {
  return std::make_unique<SqliteOutbox>(database);
}

}  // namespace watchbill::store
