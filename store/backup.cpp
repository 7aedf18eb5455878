#include "store/backup.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/text.hpp"
#include "store/copies.hpp"
#include "store/files.hpp"
#include "store/sqlite/opening.hpp"

namespace watchbill::store {

namespace {

bool same_file(const std::string& a, const std::string& b) {
  struct stat left {};
  struct stat right {};
  return stat(a.c_str(), &left) == 0 && stat(b.c_str(), &right) == 0 && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

Result<void> check_target(const std::string& database, const std::string& file, bool replace) {
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    const auto ours = database + suffix;
    if (file == ours || same_file(file, ours))
      return fail(ErrorKind::invalid, "{} is a file of the live store: name another one for the backup",
                  file);
  }
  struct stat found {};
  if (stat(file.c_str(), &found) != 0) return {};
  if (!S_ISREG(found.st_mode)) return fail(ErrorKind::invalid, "{} is not an ordinary file", file);
  if (replace) return {};
  return fail(ErrorKind::conflict, "{} exists: name another file, or replace it with --force", file);
}

/// Writers of backups in one folder take turns, so that nobody else's draft is taken for a left-over. Where
/// the file system knows no locks it is left to the one who starts them.
Result<void> lock_folder(const FileHandle& folder, const std::string& path) {
  if (folder.fd() < 0) return file_error("open the folder", path);
  if (flock(folder.fd(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
  return fail(ErrorKind::conflict, "another backup is being written in {}: try again when it is done", path);
}

/// A file that goes when it was not given its name.
class Draft {
 public:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  ~Draft() {
    if (!kept_) unlink(path_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  Result<void> create() {
    // What a killed backup left; a journal beside the new file would be played into it.
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) unlink((path_ + suffix).c_str());
    const FileHandle file(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd() < 0) return file_error("create", path_);
    return {};
  }
  Result<void> move_to(const std::string& file, bool replace) {
    int moved = renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, file.c_str(), replace ? 0U : RENAME_NOREPLACE);
    // A file system that cannot refuse: nobody else was there a moment ago.
    if (moved != 0 && errno == EINVAL) moved = rename(path_.c_str(), file.c_str());
    if (moved != 0 && errno == EEXIST)
      return fail(ErrorKind::conflict, "{} exists: name another file, or replace it with --force", file);
    if (moved != 0) return file_error("write", file);
    kept_ = true;
    sync_folder(folder_of(file));
    return {};
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool kept_ = false;
};

/// As root: of the store's owner, unless the key is root's own.
uid_t owner_of_key(const OpenOptions& store) {
  struct stat database {};
  struct stat key {};
  const bool of_owner = geteuid() == 0 && stat(store.path.c_str(), &database) == 0 &&
                        stat(store.key_file.c_str(), &key) == 0 && key.st_uid != 0;
  return of_owner ? database.st_uid : geteuid();
}

/// The key that the secrets are sealed with, or would be.
Result<std::optional<Sealer>> key_for(const OpenOptions& store, const DatabaseFacts& facts) {
  auto keys = keys_at_hand(store, owner_of_key(store));
  if (!keys) return keys.error();
  for (auto& key : *keys) {
    if (!facts.key_id || key.key_id() == *facts.key_id) return std::optional(std::move(key));
  }
  return std::optional<Sealer>();
}

/// The hash by which nobody can change it unnoticed.
Result<void> prove(const OpenOptions& store, const std::string& copy, DatabaseFacts& facts) {
  auto key = key_for(store, facts);
  if (!key) return key.error();
  if (!*key) return {};
  if (auto done = append_mac(copy, **key); !done) return done;
  facts.proven = true;
  struct stat is {};
  if (stat(copy.c_str(), &is) == 0) facts.bytes = is.st_size;
  return {};
}

Result<DatabaseFacts> write_copy(const OpenOptions& store, const std::string& copy) {
  auto database = open_copy(store.path);
  if (!database) return database.error();
  // A little early, so that nothing can be missing from what is called known.
  const auto now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  if (auto done = database->copy_to_file(copy); !done) return done.error();
  auto written = open_copy(copy);
  if (!written) return written.error();
  if (auto done = written->execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)", kBackupMoment,
                                   format_rfc3339(now));
      !done) {
    return done.error();
  }
  if (auto sound = check_sound(*written, copy); !sound) return sound.error();
  auto facts = facts_of(*written, copy);
  if (!facts) return facts;
  // Nothing more is written through SQLite, which knows nothing of the hash.
  { const Database closed = *std::move(written); }
  if (auto proven = prove(store, copy, *facts); !proven) return proven.error();
  if (auto on_disk = sync_file(copy); !on_disk) return on_disk.error();
  return facts;
}

}  // namespace

Result<DatabaseFacts> back_up(const OpenOptions& store, const std::string& file, bool replace) {
  const auto& database = store.path;
  const int access_denied = access(database.c_str(), R_OK | W_OK);
  if (access_denied != 0 && errno == ENOENT)
    return fail(ErrorKind::not_found, "there is no store at {}: nothing to back up", database);
  if (access_denied != 0) return file_error("read", database);
  if (auto good = check_target(database, file, replace); !good) return good.error();
  const FileHandle folder(::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (auto locked = lock_folder(folder, folder_of(file)); !locked) return locked.error();
  Draft draft(file + ".partial");
  if (auto created = draft.create(); !created) return created.error();
  auto facts = write_copy(store, draft.path());
  if (!facts) return facts.error().in("backup to {}", file);
  if (auto moved = draft.move_to(file, replace); !moved) return moved.error();
  return facts;
}

}  // namespace watchbill::store
