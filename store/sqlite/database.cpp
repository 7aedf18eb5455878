#include "store/sqlite/database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.hpp"

namespace watchbill::store {

namespace {

/// Far beyond what Watchbill writes; a hostile file gets no further (sqlite.org/limits.html,
/// sqlite.org/security.html).
constexpr std::array<std::pair<int, int>, 5> kLimits{{{SQLITE_LIMIT_LENGTH, 64 << 20},
                                                      {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
                                                      {SQLITE_LIMIT_COLUMN, 100},
                                                      {SQLITE_LIMIT_EXPR_DEPTH, 100},
                                                      // VACUUM has one.
                                                      {SQLITE_LIMIT_ATTACHED, 1}}};

std::string_view storage_code(int primary, int system_errno) {
  // A full disk shows as SQLITE_IOERR when the file that cannot grow is the -shm.
  if (system_errno == ENOSPC || system_errno == EDQUOT) return "full";
  if (system_errno == EROFS) return "readonly";
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return "busy";
    case SQLITE_FULL:
      return "full";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "readonly";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "corrupt";
    default:
      return "io";
  }
}

std::string_view advice(std::string_view code) {
  if (code == "busy") return "another process is writing to it; try again";
  if (code == "full") return "the disk is full: free some space";
  if (code == "readonly") return "it cannot be written: check the file system and the files' owner";
  if (code == "corrupt") return "the file is damaged: stop watchbilld and restore a backup";
  return "the file system failed";
}

Error constraint_error(int extended, const std::string& path, const char* text) {
  Error error = fail(ErrorKind::conflict, "{}: {}", path, text);
  switch (extended) {
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      error.code = "foreign_key";
      break;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
      error.code = "unique";
      break;
    default:
      error.code = "constraint";
  }
  return error;
}

Error to_error(sqlite3* handle, const std::string& path) {
  const int extended = sqlite3_extended_errcode(handle);
  const int primary = extended & 0xff;
  const char* text = sqlite3_errmsg(handle);
  if (primary == SQLITE_CONSTRAINT) return constraint_error(extended, path, text);
  if (primary == SQLITE_ERROR || primary == SQLITE_MISUSE || primary == SQLITE_RANGE) {
    return fail(ErrorKind::internal, "{}: {}", path, text);
  }
  const bool system_failed = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  const auto code = storage_code(primary, system_failed ? sqlite3_system_errno(handle) : 0);
  Error error = fail(ErrorKind::storage, "{}: {} ({})", path, advice(code), text);
  error.code = code;
  return error;
}

}  // namespace

namespace {

/// To the end of the year 9999.
constexpr milliseconds kMostMilliseconds{253'402'300'799'999};

/// `text` with U+FFFD in the place of each byte that is not well-formed UTF-8.
std::string repaired(std::string_view text) {
  constexpr std::size_t kLongest = 4;
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < kLongest && !is_utf8(text.substr(0, length))) ++length;
    const bool whole = is_utf8(text.substr(0, length));
    if (!whole) length = 1;
    out += whole ? text.substr(0, length) : "\xef\xbf\xbd";
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

milliseconds stored_duration(std::int64_t count) {
  return std::clamp(milliseconds(count), -kMostMilliseconds, kMostMilliseconds);
}

Instant stored_moment(std::int64_t count) {
  const Instant told{milliseconds(count)};
  return told == kAlways || told == kNever ? told : Instant(stored_duration(count));
}

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Row::read(int column, std::int64_t& out) const {
  out = sqlite3_column_int64(statement_, column);
}

void Row::read(int column, int& out) const {
  out = sqlite3_column_int(statement_, column);
}

void Row::read(int column, bool& out) const {
  out = sqlite3_column_int64(statement_, column) != 0;
}

void Row::read(int column, std::string& out) const {
  // The text first: it may convert, which changes the number of bytes.
  const auto* text = sqlite3_column_text(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (text == nullptr) {
    out.clear();
  } else {
    const std::string_view found(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    out = is_utf8(found) ? std::string(found) : repaired(found);
  }
}

void Row::read(int column, Blob& out) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr) {
    out.bytes.clear();
  } else {
    out.bytes.assign(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
}

void Row::read(int column, Instant& out) const {
  out = stored_moment(get<std::int64_t>(column));
}

void Row::read(int column, milliseconds& out) const {
  out = stored_duration(get<std::int64_t>(column));
}

void Row::read(int column, seconds& out) const {
  constexpr auto kMost = std::chrono::floor<seconds>(kMostMilliseconds).count();
  out = seconds(std::clamp<std::int64_t>(get<std::int64_t>(column), -kMost, kMost));
}

void Database::CloseDatabase::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

void Database::EndStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::string& path, milliseconds busy_timeout) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (handle == nullptr) return fail(ErrorKind::storage, "{}: out of memory", path);
  Database database(handle, path);
  if (code != SQLITE_OK) return database.last_error();
  // A damaged or hostile file must not run SQL of its own, nor we damage it through its internals.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  for (const auto& [limit, value] : kLimits) sqlite3_limit(handle, limit, value);
  if (auto done = database.execute("PRAGMA cell_size_check = ON"); !done) return done.error();
  database.set_busy_timeout(busy_timeout);
  return database;
}

void Database::set_busy_timeout(milliseconds timeout) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(timeout.count()));
}

bool Database::has_moved() const {
  int moved = 0;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

Error Database::last_error() const {
  return to_error(handle_.get(), path_);
}

bool Database::rolled_back_by_sqlite() const {
  return depth_ > 0 && sqlite3_get_autocommit(handle_.get()) != 0;
}

Result<Database::Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return last_error();
  return Statement(statement);
}

Result<Database::Statement> Database::borrow(std::string_view sql) {
  if (doomed_) return *doomed_;
  // Taken out while in use: a nested query with the same text gets a statement of its own.
  if (auto found = idle_.find(sql); found != idle_.end()) {
    if (auto statement = std::move(found->second)) return statement;
  }
  return prepare(sql);
}

Result<void> Database::run(std::string_view sql, Statement& statement, bool bound,
                           const RowHandler& handler) {
  Result<void> done = bound ? step_all(statement, handler) : Result<void>(last_error());
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  if (auto found = idle_.find(sql); found != idle_.end()) {
    found->second = std::move(statement);
  } else {
    idle_.emplace(std::string(sql), std::move(statement));
  }
  return done;
}

Result<void> Database::step_all(Statement& statement, const RowHandler& handler) {
  const Row row(statement.get());
  for (;;) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) {
      const Error error = last_error();
      if (rolled_back_by_sqlite()) doomed_ = error;
      return error;
    }
    if (!handler) continue;
    if (auto handled = handler(row); !handled) return handled;
  }
}

Result<void> Database::script(const std::string& sql) {
  if (doomed_) return *doomed_;
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  const Error error = last_error();
  if (rolled_back_by_sqlite()) doomed_ = error;
  return error;
}

namespace {

/// Ends one level of a transaction whichever way it is left.
template <class Undo>
class Level {
 public:
  Level(int& depth, Undo undo) : depth_(depth), undo_(std::move(undo)) { ++depth_; }
  ~Level() {
    if (!kept_) undo_();
    --depth_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  void keep() { kept_ = true; }

 private:
  int& depth_;
  Undo undo_;
  bool kept_ = false;
};

}  // namespace

Result<void> Database::transaction(const std::function<Result<void>()>& body) {
  return depth_ == 0 ? outer_transaction("BEGIN IMMEDIATE", body) : nested_transaction(body);
}

Result<void> Database::relaxed_transaction(const std::function<Result<void>()>& body) {
  if (depth_ > 0) return nested_transaction(body);
  // SQLite refuses the change inside a transaction.
  if (auto set = execute("PRAGMA synchronous = NORMAL"); !set) return set;
  commits_->durable = false;
  Result<void> restored;
  Result<void> done;
  {
    int level = 0;
    const Level normal(level, [&] {
      restored = execute("PRAGMA synchronous = FULL");
      commits_->durable = true;
    });
    done = outer_transaction("BEGIN IMMEDIATE", body);
  }
  return restored ? done : restored;
}

void Database::guard_commits(CommitGuard guard) {
  commits_->guard = std::move(guard);
  const auto ask = [](void* commits) {
    auto* asked = static_cast<Commits*>(commits);
    const auto fate = asked->guard(asked->durable);
    asked->unheard = fate == CommitFate::unheard;
    return fate == CommitFate::undone ? 1 : 0;
  };
  sqlite3_commit_hook(handle_.get(), commits_->guard ? +ask : nullptr, commits_.get());
}

Result<void> Database::snapshot(const std::function<Result<void>()>& body) {
  return depth_ == 0 ? outer_transaction("BEGIN DEFERRED", body) : body();
}

void Database::undo(const char* statement) {
  // Nothing to undo if SQLite has rolled back by itself.
  if (sqlite3_get_autocommit(handle_.get()) == 0) {
    sqlite3_exec(handle_.get(), statement, nullptr, nullptr, nullptr);
  }
}

Result<void> Database::outer_transaction(const char* begin, const std::function<Result<void>()>& body) {
  if (auto begun = execute(begin); !begun) return begun;
  Level level(depth_, [this] {
    undo("ROLLBACK");
    doomed_.reset();
  });
  if (auto done = body(); !done) return done;
  if (doomed_) return *doomed_;
  if (auto committed = execute("COMMIT"); !committed) return committed;
  level.keep();
  if (std::exchange(commits_->unheard, false)) return Error{ErrorKind::storage, path_};
  return {};
}

Result<void> Database::nested_transaction(const std::function<Result<void>()>& body) {
  // The same name at every depth: ROLLBACK TO and RELEASE mean the innermost.
  if (auto begun = execute("SAVEPOINT part"); !begun) return begun;
  Level level(depth_, [this] {
    undo("ROLLBACK TO part");
    undo("RELEASE part");
  });
  if (auto done = body(); !done) return done;
  if (auto released = execute("RELEASE part"); !released) return released;
  level.keep();
  return {};
}

Result<void> Database::copy_to_file(const std::string& path) {
  return execute("VACUUM INTO ?1", path);
}

Result<void> Database::replace_by(Database& source) {
  idle_.clear();
  // The schema's name is "main" on both sides; -1: all pages in one step, so in one transaction.
  sqlite3_backup* copy = sqlite3_backup_init(handle_.get(), "main", source.handle_.get(), "main");
  if (copy == nullptr) return last_error();
  const int stepped = sqlite3_backup_step(copy, -1);
  const int finished = sqlite3_backup_finish(copy);
  if (stepped == SQLITE_DONE && finished == SQLITE_OK) return {};
  return last_error();
}

Result<void> Database::scrub() {
  if (auto done = execute("VACUUM"); !done) return done;
  auto held_up = value<std::int64_t>("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!held_up) return held_up.error();
  if (held_up->value_or(0) == 0) return {};
  Error busy = fail(ErrorKind::storage, "{}: another process is reading it; try again", path_);
  busy.code = "busy";
  return busy;
}

std::int64_t Database::last_id() const {
  return sqlite3_last_insert_rowid(handle_.get());
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_.get());
}

bool Database::bind(Statement& statement, int index, std::int64_t value) {
  return sqlite3_bind_int64(statement.get(), index, value) == SQLITE_OK;
}

bool Database::bind(Statement& statement, int index, std::string_view value) {
  // SQLite takes a null pointer for NULL, not for an empty text. The arguments outlive the statement's run.
  const char* bytes = value.data() == nullptr ? "" : value.data();
  return sqlite3_bind_text64(statement.get(), index, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8) ==
         SQLITE_OK;
}

bool Database::bind(Statement& statement, int index, const Blob& value) {
  return sqlite3_bind_blob64(statement.get(), index, value.bytes.data(), value.bytes.size(), SQLITE_STATIC) ==
         SQLITE_OK;
}

bool Database::bind(Statement& statement, int index, std::nullptr_t) {
  return sqlite3_bind_null(statement.get(), index) == SQLITE_OK;
}

}  // namespace watchbill::store
