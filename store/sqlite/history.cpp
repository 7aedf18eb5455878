#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

/// What one call of `prune` may delete: a commit of this size stays well under a poll interval.
constexpr std::int64_t kPruneBatch = 5000;

const std::string kChangeColumns =
    "SELECT id, at, rotation, rotation_name, group_id, cause, before, after, disabled, said, held_since, "
    "seen_at, "
    "done_by, result, note FROM changes ";

/// A filter as SQL: parameters 1 to 4 are rotation, since, until and limit.
std::string filter_sql(const HistoryFilter& filter, std::string where = "") {
  const auto also = [&where](const char* condition) {
    where += where.empty() ? "WHERE " : " AND ";
    where += condition;
  };
  if (filter.rotation) also("rotation = ?1");
  if (filter.since) also("at >= ?2");
  if (filter.until) also("at < ?3");
  return where + " ORDER BY at DESC, id DESC LIMIT ?4";
}

std::int64_t limit_of(const HistoryFilter& filter) {
  constexpr std::size_t kMost = INT64_MAX;
  return static_cast<std::int64_t>(filter.limit < kMost ? filter.limit : kMost);
}

Result<void> read_change(const Row& row, Change& change) {
  Columns columns(row);
  columns.plain(change.id).plain(change.at).plain(change.rotation).plain(change.rotation_name);
  columns.plain(change.group).word("cause", change.cause, parse_cause).json("before", change.before);
  columns.json("after", change.after).plain(change.disabled).json("said", change.said);
  columns.plain(change.held_since).plain(change.seen_at).plain(change.by).plain(change.result);
  columns.plain(change.note);
  return columns.done("changes", change.id.value);
}

class SqliteHistory : public History {
 public:
  explicit SqliteHistory(Database& database) : db_(database) {}

  Result<ChangeId> add(const Change& change) override;
  Result<ChangeId> last_id() override;
  Result<void> close(ChangeId id, const std::string& result) override;
  Result<std::vector<Change>> open_changes() override;
  Result<std::vector<Change>> list(const HistoryFilter& filter) override;
  Result<void> add_audit(const AuditEntry& entry) override;
  Result<std::vector<AuditEntry>> audit(const HistoryFilter& filter) override;
  Result<std::size_t> prune(Instant before) override;

 private:
  Result<void> prune_table(const std::string& table, const std::string& condition, Instant before,
                           std::int64_t& left);

  Database& db_;
};

Result<ChangeId> SqliteHistory::add(const Change& change) {
  auto done = db_.execute(
      "INSERT INTO changes(team_id, at, rotation, rotation_name, group_id, cause, before, after, disabled, "
      "said, "
      "held_since, seen_at, done_by, result, note, id) VALUES (" WATCHBILL_TEAM
      ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, nullif(?15, 0))",
      change.at, change.rotation, change.rotation_name, change.group, name_of(change.cause),
      encode(change.before), encode(change.after), change.disabled, encode(change.said), change.held_since,
      change.seen_at, change.by, change.result, change.note, change.id);
  if (!done) return done.error();
  return ChangeId{db_.last_id()};
}

Result<ChangeId> SqliteHistory::last_id() {
  auto id = last_id_of(db_, "changes");
  if (!id) return id.error();
  return ChangeId{*id};
}

Result<void> SqliteHistory::close(ChangeId id, const std::string& result) {
  return db_.execute("UPDATE changes SET result = ?2 WHERE id = ?1 AND result IS NULL", id, result);
}

Result<std::vector<Change>> SqliteHistory::open_changes() {
  std::vector<Change> found;
  auto done = db_.query(kChangeColumns + "WHERE result IS NULL ORDER BY id",
                        [&found](const Row& row) { return read_change(row, found.emplace_back()); });
  if (!done) return done.error();
  return found;
}

Result<std::vector<Change>> SqliteHistory::list(const HistoryFilter& filter) {
  std::vector<Change> found;
  auto done = db_.query(
      kChangeColumns + filter_sql(filter),
      [&found](const Row& row) { return read_change(row, found.emplace_back()); }, filter.rotation,
      filter.since, filter.until, limit_of(filter));
  if (!done) return done.error();
  return found;
}

Result<void> SqliteHistory::add_audit(const AuditEntry& entry) {
  std::optional<RotationId> rotation;
  if (entry.action.starts_with("rotation.")) {
    auto found =
        db_.value<RotationId>("SELECT id FROM rotations WHERE folded_name = ?1", fold_name(entry.object));
    if (!found) return found.error();
    rotation = *found;
  }
  return write_audit(db_, entry, rotation);
}

Result<std::vector<AuditEntry>> SqliteHistory::audit(const HistoryFilter& filter) {
  std::vector<AuditEntry> found;
  auto done = db_.query(
      "SELECT at, actor, action, object, before, after FROM audit " +
          filter_sql(filter, "WHERE (?5 IS NULL OR object = ?5)"),
      [&found](const Row& row) -> Result<void> {
        auto& entry = found.emplace_back();
        Columns columns(row);
        columns.plain(entry.at).plain(entry.actor).plain(entry.action).plain(entry.object);
        columns.plain(entry.before).plain(entry.after);
        return {};
      },
      filter.rotation, filter.since, filter.until, limit_of(filter), filter.object);
  if (!done) return done.error();
  return found;
}

Result<void> SqliteHistory::prune_table(const std::string& table, const std::string& condition,
                                        Instant before, std::int64_t& left) {
  if (left <= 0) return {};
  auto done = db_.execute("DELETE FROM " + table + " WHERE id IN (SELECT id FROM " + table +
                              " WHERE at < ?1 AND " + condition + " ORDER BY at LIMIT ?2)",
                          before, left);
  if (done) left -= db_.changes();
  return done;
}

Result<std::size_t> SqliteHistory::prune(Instant before) {
  std::int64_t left = kPruneBatch;
  auto done = db_.transaction([&]() -> Result<void> {
    auto pruned = prune_table("outbox", "state IN ('sent', 'superseded', 'expired')", before, left);
    if (pruned) pruned = prune_table("changes", "result IS NOT NULL", before, left);
    if (pruned) pruned = prune_table("audit", "1", before, left);
    if (pruned) pruned = prune_table("requests", "answer IS NOT NULL", before, left);
    return pruned;
  });
  if (!done) return done.error();
  return static_cast<std::size_t>(kPruneBatch - left);
}

}  // namespace

Result<void> write_audit(Database& database, const AuditEntry& entry, std::optional<RotationId> rotation) {
  return database.execute(
      "INSERT INTO audit(at, actor, action, object, rotation, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
      "?7)",
      entry.at, entry.actor, entry.action, entry.object, rotation, entry.before, entry.after);
}

std::unique_ptr<History> make_history(Database& database) {
  return std::make_unique<SqliteHistory>(database);
}

}  // namespace watchbill::store
