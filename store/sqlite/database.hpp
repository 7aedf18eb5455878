#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

/// SQLite with values instead of handles. Only store/sqlite/database.cpp includes sqlite3.h.
namespace watchbill::store {

/// Milliseconds of a duration from outside: at most 10,000 years, so that no sum overflows.
milliseconds stored_duration(std::int64_t count);
/// The same of a moment. `kAlways` and `kNever` stay what they are.
Instant stored_moment(std::int64_t count);

/// A value of a BLOB column.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

/// The columns of the row that a query stands on, from 0. Valid inside the query's callback only.
///
/// What no program of ours has written is read as something that does no harm: broken UTF-8 as U+FFFD,
/// moments and durations as `stored_moment` and `stored_duration` say.
class Row {
 public:
  [[nodiscard]] bool is_null(int column) const;

  void read(int column, std::int64_t& out) const;
  void read(int column, int& out) const;
  void read(int column, bool& out) const;
  void read(int column, std::string& out) const;
  void read(int column, Blob& out) const;
  void read(int column, Instant& out) const;
  void read(int column, milliseconds& out) const;
  void read(int column, seconds& out) const;
  template <class Tag>
  void read(int column, Id<Tag>& out) const {
    read(column, out.value);
  }
  template <class Tag>
  void read(int column, RowId<Tag>& out) const {
    read(column, out.value);
  }
  template <class T>
  void read(int column, std::optional<T>& out) const {
    if (is_null(column)) {
      out.reset();
    } else {
      read(column, out.emplace());
    }
  }
  template <class T>
  [[nodiscard]] T get(int column) const {
    T out{};
    read(column, out);
    return out;
  }

 private:
  friend class Database;
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
};

/// One connection to a database file, with its prepared statements kept for the next use. Errors are of kind
/// `storage` (code "busy", "full", "readonly", "corrupt", "io"); a violated constraint is a `conflict` (code
/// "unique", "foreign_key", "constraint"); a wrong statement is `internal`.
class Database {
 public:
  using RowHandler = std::function<Result<void>(const Row&)>;

  /// Opens a file that exists; nothing is created.
  static Result<Database> open(const std::string& path, milliseconds busy_timeout);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  void set_busy_timeout(milliseconds timeout);
  /// The file's name stands for another file now, or for none (SQLITE_FCNTL_HAS_MOVED,
  /// https://sqlite.org/c3ref/c_fcntl_begin_atomic_write.html).
  [[nodiscard]] bool has_moved() const;

  /// Runs one statement that answers no rows.
  template <class... Args>
  Result<void> execute(std::string_view sql, const Args&... args) {
    return query(sql, nullptr, args...);
  }
  /// Runs one statement and calls `handler` with each row; an error from it ends the query.
  template <class... Args>
  Result<void> query(std::string_view sql, const RowHandler& handler, const Args&... args) {
    auto statement = borrow(sql);
    if (!statement) return statement.error();
    int index = 0;
    const bool bound = (bind(*statement, ++index, args) && ...);
    return run(sql, *statement, bound, handler);
  }
  /// The first column of the first row; nothing if there is no row.
  template <class T, class... Args>
  Result<std::optional<T>> value(std::string_view sql, const Args&... args) {
    std::optional<T> found;
    auto done = query(
        sql,
        [&found](const Row& row) -> Result<void> {
          if (!found) found = row.get<T>(0);
          return {};
        },
        args...);
    if (!done) return done.error();
    return found;
  }
  /// Runs several statements, separated by semicolons.
  Result<void> script(const std::string& sql);

  /// Runs `body` between BEGIN IMMEDIATE and COMMIT. An error or exception from it undoes everything it did.
  /// A nested call joins the outer transaction, and undoes only its own part when it fails.
  Result<void> transaction(const std::function<Result<void>()>& body);
  /// One whose commit does not wait for the disk (synchronous=NORMAL).
  Result<void> relaxed_transaction(const std::function<Result<void>()>& body);

  /// What becomes of a commit.
  enum class CommitFate {
    happens,
    undone,   ///< a `conflict` is answered
    unheard,  ///< it happens, and an error is answered
  };
  /// Asked before each commit, with true if it waits for the disk. For tests that break things.
  using CommitGuard = std::function<CommitFate(bool durable)>;
  void guard_commits(CommitGuard guard);

  /// Runs `body`, which only reads, so that all its queries see one moment of the database.
  Result<void> snapshot(const std::function<Result<void>()>& body);

  /// Writes all of it, as it is at one moment, to `path`: a file that is there and empty. What was deleted is
  /// not in it. Others may go on reading and writing.
  Result<void> copy_to_file(const std::string& path);
  /// Replaces all content by that of `source`, in one step: after a crash it is the old or the new. Others
  /// may be reading.
  Result<void> replace_by(Database& source);
  /// Rewrites the file without what was deleted, and empties the write-ahead log: old values leave the disk.
  Result<void> scrub();

  /// The id of the row inserted last.
  [[nodiscard]] std::int64_t last_id() const;
  /// How many rows the last statement changed.
  [[nodiscard]] std::int64_t changes() const;

 private:
  struct CloseDatabase {
    void operator()(sqlite3* handle) const;
  };
  struct EndStatement {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, EndStatement>;

  /// At a fixed address, which SQLite keeps.
  struct Commits {
    CommitGuard guard;
    bool durable = true;
    bool unheard = false;
  };

  Database(sqlite3* handle, std::string path) : path_(std::move(path)), handle_(handle) {}

  Result<Statement> borrow(std::string_view sql);
  Result<Statement> prepare(std::string_view sql);
  Result<void> run(std::string_view sql, Statement& statement, bool bound, const RowHandler& handler);
  Result<void> step_all(Statement& statement, const RowHandler& handler);
  Result<void> outer_transaction(const char* begin, const std::function<Result<void>()>& body);
  Result<void> nested_transaction(const std::function<Result<void>()>& body);
  void undo(const char* statement);
  [[nodiscard]] bool rolled_back_by_sqlite() const;
  [[nodiscard]] Error last_error() const;

  static bool bind(Statement& statement, int index, std::int64_t value);
  static bool bind(Statement& statement, int index, int value) {
    return bind(statement, index, std::int64_t{value});
  }
  static bool bind(Statement& statement, int index, bool value) {
    return bind(statement, index, std::int64_t{value ? 1 : 0});
  }
  static bool bind(Statement& statement, int index, std::string_view value);
  static bool bind(Statement& statement, int index, const std::string& value) {
    return bind(statement, index, std::string_view(value));
  }
  static bool bind(Statement& statement, int index, const char* value) {
    return bind(statement, index, std::string_view(value));
  }
  static bool bind(Statement& statement, int index, const Blob& value);
  static bool bind(Statement& statement, int index, std::nullptr_t);
  static bool bind(Statement& statement, int index, Instant value) {
    return bind(statement, index, std::int64_t{value.time_since_epoch().count()});
  }
  static bool bind(Statement& statement, int index, milliseconds value) {
    return bind(statement, index, std::int64_t{value.count()});
  }
  static bool bind(Statement& statement, int index, seconds value) {
    return bind(statement, index, std::int64_t{value.count()});
  }
  template <class Tag>
  static bool bind(Statement& statement, int index, const Id<Tag>& value) {
    return bind(statement, index, std::string_view(value.value));
  }
  template <class Tag>
  static bool bind(Statement& statement, int index, const RowId<Tag>& value) {
    return bind(statement, index, value.value);
  }
  template <class T>
  static bool bind(Statement& statement, int index, const std::optional<T>& value) {
    return value ? bind(statement, index, *value) : bind(statement, index, nullptr);
  }

  std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
  /// Statements not in use, by their text. After `handle_`: they must be finalized before it closes.
  std::map<std::string, Statement, std::less<>> idle_;
  int depth_ = 0;
  std::unique_ptr<Commits> commits_ = std::make_unique<Commits>();
  /// Why SQLite itself ended the open transaction; what follows in it must not be committed piecemeal.
  std::optional<Error> doomed_;
};

}  // namespace watchbill::store
