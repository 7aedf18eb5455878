#include "store/sqlite/opening.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "store/files.hpp"
#include "store/sqlite/migrations.hpp"
#include "store/sqlite/schema_check.hpp"

namespace watchbill::store {

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
  if (auto done = check_schema(*opened, options.path); !done) return done.error();
  if (auto done = configure(*opened, options.path); !done) return done.error();
  if (auto done = migrate(*opened, options.path); !done) return done.error();
  if (auto done = opened->execute("PRAGMA foreign_keys = ON"); !done) return done.error();
  return opened;
}

}  // namespace watchbill::store
