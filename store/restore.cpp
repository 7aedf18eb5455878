#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>

#include "base/text.hpp"
#include "store/copies.hpp"
#include "store/files.hpp"
#include "store/keys.hpp"
#include "store/sqlite/migrations.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

/// A moment as part of a file's name.
std::string name_of_moment(Instant now) {
  std::string name;
  for (const char c : format_rfc3339(std::chrono::floor<seconds>(now))) {
    if (c != '-' && c != ':') name += c;
  }
  return name;
}

/// The first `size` bytes.
Result<void> copy_bytes(int from, std::int64_t size, const std::string& from_path,
                        const std::string& to_path) {
  const FileHandle to(::open(to_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (to.fd() < 0) return file_error("create", to_path);
  std::array<char, 1 << 16> buffer{};
  while (size > 0) {
    const auto part = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(size));
    const auto got = read(from, buffer.data(), part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", from_path);
    if (got == 0) break;
    size -= got;
    std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
    while (!rest.empty()) {
      const auto written = write(to.fd(), rest.data(), rest.size());
      if (written <= 0 && errno != EINTR) return file_error("write", to_path);
      if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  return {};
}

Result<void> check_backup_file(int fd, const std::string& file) {
  if (fd < 0 && errno == ENOENT) return fail(ErrorKind::not_found, "there is no backup at {}", file);
  if (fd < 0) return fail(ErrorKind::forbidden, "{} cannot be read: run this as somebody who may", file);
  struct stat is {};
  if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode))
    return fail(ErrorKind::invalid, "{} is not an ordinary file", file);
  struct stat log {};
  if (stat((file + "-wal").c_str(), &log) == 0 && log.st_size > 0) {
    return fail(
        ErrorKind::invalid,
        "{} has a write-ahead log beside it, so it is part of a live store and not a backup: make one "
        "with `watchbill --store {} backup FILE`",
        file, file);
  }
  return {};
}

/// What a restored database must not take for the present. All in one transaction.
Result<std::int64_t> mark_restored(Database& copy, const DatabaseFacts& facts, const std::string& file,
                                   const Actor& actor, Instant now) {
  std::int64_t open = 0;
  auto done = copy.transaction([&]() -> Result<void> {
    // They may be in Slack since long. Each is looked for from the moment of its handoff on.
    auto marked = copy.execute(
        "UPDATE outbox SET state = 'unknown', attempt_at = min(at, coalesce(attempt_at, at)), probes = 0, "
        "next_try = ?1, confirm_by = NULL WHERE state NOT IN ('sent', 'superseded', 'expired')",
        now);
    if (!marked) return marked;
    open = copy.changes();
    // Who asked does not wait any more.
    marked = copy.execute(
        "UPDATE requests SET answer = ?1, answered_at = ?2 WHERE answer IS NULL",
        R"({"ok":false,"error":"the store was restored from a backup meanwhile: ask again","code":"","kind":"cancelled"})",
        now);
    if (!marked) return marked;
    const auto put = [&copy](const char* key, const std::string& value) {
      return copy.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)", key, value);
    };
    if (marked = put(kRestoredFrom, facts.as_of ? format_rfc3339(*facts.as_of) : ""); !marked) return marked;
    if (marked = put(kRestoredAt, format_rfc3339(now)); !marked) return marked;
    if (marked = copy.execute("DELETE FROM meta WHERE key = ?1", kBackupMoment); !marked) return marked;
    if (marked = bump_generation(copy); !marked) return marked;
    return write_audit(copy, {now, actor, "store.restore", file, "", ""}, std::nullopt);
  });
  if (!done) return done.error();
  return open;
}

class FileRestore final : public Restore {
 public:
  FileRestore(OpenOptions store, std::string file, std::unique_ptr<WriterLock> lock)
      : store_(std::move(store)), file_(std::move(file)), lock_(std::move(lock)) {}
  ~FileRestore() override { remove_copy(); }

  Result<void> take(int fd) {
    remove_copy();
    remove_drafts();
    auto keys = keys_at_hand(store_, geteuid());
    if (!keys) return keys.error();
    auto content = check_mac(fd, file_, *keys);
    if (!content) return content.error();
    proof_ = content->proof;
    if (auto copied = copy_bytes(fd, content->bytes, file_, copy_path()); !copied) return copied;
    auto copy = open_copy(copy_path());
    if (!copy) return renamed(copy.error());
    if (auto sound = check_sound(*copy, file_); !sound) return renamed(sound.error());
    if (auto migrated = migrate(*copy, file_); !migrated) return renamed(migrated.error());
    auto facts = facts_of(*copy, copy_path());
    if (!facts) return renamed(facts.error());
    backup_ = *facts;
    // The same questions as when the store is opened, asked of the backup.
    OpenOptions options = store_;
    options.path = file_;
    auto sealer = open_sealer(*copy, options);
    if (!sealer) return sealer.error();
    if (auto good = check_seals(*copy, *sealer); !good) return good;
    if (auto current = look_at_current(); !current) return current;
    return compare_addresses(*copy);
  }

  [[nodiscard]] const DatabaseFacts& backup() const override { return backup_; }
  [[nodiscard]] Proof proof() const override { return proof_; }
  [[nodiscard]] const std::vector<AddressChange>& address_changes() const override { return changes_; }
  [[nodiscard]] const std::optional<DatabaseFacts>& current() const override { return current_; }
  Result<Restored> carry_out(const Actor& actor, Instant now) override;

 private:
  [[nodiscard]] std::string copy_path() const { return store_.path + ".restoring"; }
  [[nodiscard]] std::string kept_prefix() const { return store_.path + ".replaced-"; }
  void remove_copy() const {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) unlink((copy_path() + suffix).c_str());
  }
  void remove_drafts() const;
  /// People know the backup by its own name.
  [[nodiscard]] Error renamed(Error error) const {
    if (const auto at = error.message.find(copy_path()); at != std::string::npos)
      error.message.replace(at, copy_path().size(), file_);
    return error;
  }
  Result<void> look_at_current();
  Result<void> compare_addresses(Database& copy);
  Result<std::string> keep_current(Instant now);
  Result<void> move_aside(const std::string& name);

  OpenOptions store_;
  std::string file_;
  std::unique_ptr<WriterLock> lock_;
  DatabaseFacts backup_;
  std::optional<DatabaseFacts> current_;
  std::vector<Connection> connections_;  ///< of the present store
  Proof proof_ = Proof::none;
  std::vector<AddressChange> changes_;
  bool damaged_ = false;
};

/// What a killed restore left of the database that it was to replace.
void FileRestore::remove_drafts() const {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(store_.path), ignored)) {
    const auto path = entry.path().string();
    if (path.find(kept_prefix()) != std::string::npos && path.find(".partial") != std::string::npos)
      unlink(path.c_str());
  }
}

Result<void> FileRestore::look_at_current() {
  struct stat is {};
  if (stat(store_.path.c_str(), &is) != 0 || is.st_size == 0) return {};
  auto database = open_copy(store_.path);
  if (!database) {
    // A ruin, and not somebody else's database.
    damaged_ = database.error().kind == ErrorKind::invalid || database.error().code == "corrupt";
    return damaged_ ? Result<void>() : database.error();
  }
  auto facts = facts_of(*database, store_.path);
  damaged_ = !facts || !check_sound(*database, store_.path);
  if (damaged_) return {};
  current_ = *facts;
  // Of a newer schema nobody knows them: then all of the backup's are told.
  if (auto connections = connections_of(*database)) connections_ = *std::move(connections);
  return {};
}

/// All that decides where a connection's credentials go.
std::map<std::string, std::string> where_it_goes(const Connection& connection) {
  auto settings = addresses_of(connection);
  settings["kind"] = connection.kind;
  return settings;
}

Result<void> FileRestore::compare_addresses(Database& copy) {
  auto connections = connections_of(copy);
  if (!connections) return connections.error();
  for (const auto& connection : *connections) {
    const auto there = std::find_if(connections_.begin(), connections_.end(),
                                    [&](const Connection& one) { return one.name == connection.name; });
    auto before = there == connections_.end() ? std::map<std::string, std::string>() : where_it_goes(*there);
    for (const auto& [setting, value] : where_it_goes(connection)) {
      const auto old = before.extract(setting);
      if (!old.empty() && old.mapped() == value) continue;
      changes_.push_back(
          {connection.name, setting, old.empty() ? std::nullopt : std::optional(old.mapped()), value});
    }
    for (const auto& [setting, value] : before)
      changes_.push_back({connection.name, setting, value, std::nullopt});
  }
  return {};
}

Result<void> FileRestore::move_aside(const std::string& name) {
  // The log first: a database must never be beside a log that is not its own.
  for (const char* suffix : {"-wal", "-shm", "-journal", ""}) {
    const auto from = store_.path + suffix;
    if (rename(from.c_str(), (name + suffix).c_str()) != 0 && errno != ENOENT)
      return file_error("move aside", from);
  }
  sync_folder(folder_of(store_.path));
  return {};
}

Result<std::string> FileRestore::keep_current(Instant now) {
  const auto first_name = kept_prefix() + name_of_moment(now);
  auto name = first_name;
  for (int n = 2; access(name.c_str(), F_OK) == 0; ++n) name = fmt::format("{}-{}", first_name, n);
  if (damaged_) {
    if (auto moved = move_aside(name); !moved) return moved.error();
    return name;
  }
  if (!current_) return std::string();
  if (auto kept = back_up(store_, name, false); !kept) return kept.error();
  return name;
}

Result<Restored> FileRestore::carry_out(const Actor& actor, Instant now) {
  Restored restored;
  auto copy = open_copy(copy_path());
  if (!copy) return renamed(copy.error());
  auto open = mark_restored(*copy, backup_, file_, actor, now);
  if (!open) return renamed(open.error());
  restored.open_announcements = *open;
  auto kept = keep_current(now);
  if (!kept) return kept.error();
  restored.replaced = *kept;
  OpenOptions place = store_;
  place.must_exist = false;
  if (auto done = prepare_files(place); !done) return done.error();
  auto database = Database::open(store_.path, kOpenTimeout);
  if (!database) return database.error();
  if (auto done = configure(*database, store_.path); !done) return done.error();
  if (auto done = database->replace_by(*copy); !done) return done.error();
  return restored;
}

}  // namespace

Result<std::unique_ptr<Restore>> Restore::prepare(const OpenOptions& store, const std::string& file) {
  // Read as whoever runs this; from the lock on, root is the owner of the store's folder.
  const FileHandle source(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (auto good = check_backup_file(source.fd(), file); !good) return good.error();
  auto options = with_key_of_root(store);
  if (!options) return options.error();
  auto lock = WriterLock::take(store.path, "watchbill restore");
  if (!lock) return lock.error();
  auto restore = std::make_unique<FileRestore>(std::move(*options), file, std::move(*lock));
  if (auto taken = restore->take(source.fd()); !taken) return taken.error();
  return std::unique_ptr<Restore>(std::move(restore));
}

}  // namespace watchbill::store
