#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

class SqliteProblems : public Problems {
 public:
  explicit SqliteProblems(Database& database) : db_(database) {}

  Result<std::vector<OpenProblem>> list() override {
    std::vector<OpenProblem> found;
    auto done = db_.query(
        "SELECT key, text, rotation, connection, alert, since, ended_at, alerted_channel, alerted_webhook "
        "FROM problems ORDER BY since, key",
        [&found](const Row& row) -> Result<void> {
          auto& open = found.emplace_back();
          Columns columns(row);
          columns.plain(open.problem.key).plain(open.problem.text).plain(open.problem.rotation);
          columns.plain(open.problem.connection).plain(open.problem.alert).plain(open.since);
          columns.plain(open.ended_at).plain(open.alerted_channel).plain(open.alerted_webhook);
          return {};
        });
    if (!done) return done.error();
    return found;
  }

  Result<void> put(const OpenProblem& open) override {
    return db_.execute(
        "INSERT OR REPLACE INTO problems(key, text, rotation, connection, alert, since, ended_at, "
        "alerted_channel, "
        "alerted_webhook) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        open.problem.key, open.problem.text, open.problem.rotation, open.problem.connection,
        open.problem.alert, open.since, open.ended_at, open.alerted_channel, open.alerted_webhook);
  }

  Result<void> remove(const std::string& key) override {
    return db_.execute("DELETE FROM problems WHERE key = ?1", key);
  }

 private:
  Database& db_;
};

}  // namespace

std::unique_ptr<Problems> make_problems(Database& database) {
  return std::make_unique<SqliteProblems>(database);
}

}  // namespace watchbill::store
