#include "store/keys.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "store/files.hpp"
#include "store/sqlite/columns.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

/// Where a new key waits until the secrets are sealed with it.
std::string next_key_file(const std::string& key_file) {
  return key_file + ".next";
}

/// The new key takes the old one's place. Whoever else finishes the same change may be faster.
Result<void> install_next_key(const std::string& key_file) {
  const auto next = next_key_file(key_file);
  if (rename(next.c_str(), key_file.c_str()) != 0 && errno != ENOENT)
    return file_error("replace the key file", key_file);
  sync_folder(folder_of(key_file));
  return {};
}

Result<Sealer> load_key(const OpenOptions& options, bool something_sealed) {
  if (options.key) return Sealer::from_key(*options.key, "the given key");
  auto sealer = Sealer::from_file(options.key_file);
  if (sealer || sealer.error().kind != ErrorKind::not_found) return sealer;
  if (something_sealed) {
    return fail(ErrorKind::conflict, "{}, but secrets in {} are sealed with it: put it back from your backup",
                sealer.error().message, options.path);
  }
  return Sealer::create_file(options.key_file);
}

struct SealedRow {
  Connection connection;
  std::string name;
  int version = 0;
  Sealed sealed;
};

/// The secret in a row, whichever of the two seals it has.
Result<Secret> unseal(const Sealer& sealer, const SealedRow& row) {
  SecretPlace place = place_of_secret(row.connection, row.name);
  if (row.version == 1) place.purpose.reset();
  return sealer.open(row.sealed, place);
}

Result<std::vector<SealedRow>> sealed_rows(Database& database) {
  std::vector<SealedRow> rows;
  auto done = database.query(
      "SELECT s.connection, s.name, s.seal_version, s.key_id, s.sealed, c.kind, c.settings FROM "
      "connection_secrets s LEFT JOIN connections c ON c.name = s.connection",
      [&rows](const Row& row) -> Result<void> {
        auto& sealed = rows.emplace_back();
        Columns columns(row);
        columns.plain(sealed.connection.name).plain(sealed.name).plain(sealed.version);
        columns.plain(sealed.sealed.key_id);
        Blob bytes;
        columns.plain(bytes).plain(sealed.connection.kind).json("settings", sealed.connection.settings);
        sealed.sealed.bytes = std::move(bytes.bytes);
        return columns.done("connections", sealed.connection.name);
      });
  if (!done) return done.error();
  return rows;
}

/// Opens each row's secret with `before` and seals it with `after`, for its connection's present addresses.
Result<void> seal_rows(Database& database, const std::vector<SealedRow>& rows, const Sealer& before,
                       const Sealer& after) {
  for (const auto& row : rows) {
    auto secret = unseal(before, row);
    if (!secret) return secret.error();
    const auto sealed = after.seal(*secret, place_of_secret(row.connection, row.name));
    auto saved = database.execute(
        "UPDATE connection_secrets SET key_id = ?3, sealed = ?4, seal_version = ?5 WHERE connection = ?1 AND "
        "name = ?2",
        row.connection.name, row.name, sealed.key_id, Blob{sealed.bytes}, kSealVersion);
    if (!saved) return saved;
  }
  return {};
}

Result<std::int64_t> seal_again(Database& database, const Sealer& before, const Sealer& after,
                                const Actor& actor) {
  std::int64_t count = 0;
  auto done = database.transaction([&]() -> Result<void> {
    if (auto good = check_seals(database, before); !good) return good;
    auto rows = sealed_rows(database);
    if (!rows) return rows.error();
    if (auto sealed = seal_rows(database, *rows, before, after); !sealed) return sealed;
    count = static_cast<std::int64_t>(rows->size());
    const AuditEntry entry{wall_clock(), actor, "key.rotate", "key", before.key_id(), after.key_id()};
    return write_audit(database, entry, std::nullopt);
  });
  if (!done) return done.error();
  return count;
}

/// True if every secret is sealed with the key `id`, and there is one.
Result<bool> sealed_with(Database& database, const std::string& id) {
  auto ours = database.value<std::int64_t>("SELECT count(*) FROM connection_secrets WHERE key_id = ?1", id);
  if (!ours) return ours.error();
  auto others =
      database.value<std::int64_t>("SELECT count(*) FROM connection_secrets WHERE key_id <> ?1", id);
  if (!others) return others.error();
  return ours->value_or(0) > 0 && others->value_or(0) == 0;
}

/// The old values leave the disk; then the old key may go.
Result<void> finish_change(Database& database, const std::optional<std::string>& key_file) {
  if (auto done = database.scrub(); !done)
    return done.error().in("the secrets are sealed with the new key, but the old values are still on disk");
  return key_file ? install_next_key(*key_file) : Result<void>();
}

/// The key that an interrupted change has sealed with, if there is such a change.
std::optional<Sealer> interrupted_change(Database& database, const std::string& key_file,
                                         const std::string& used) {
  auto next = Sealer::from_file(next_key_file(key_file));
  if (!next || next->key_id() != used) return std::nullopt;
  // What cannot be done now is left for the next time: the pair works as it is.
  (void)finish_change(database, key_file).ok();
  return std::move(*next);
}

}  // namespace

Result<OpenOptions> with_key_of_root(OpenOptions options) {
  struct stat folder {};
  struct stat key {};
  const bool roots = !options.key && geteuid() == 0 && stat(folder_of(options.path).c_str(), &folder) == 0 &&
                     folder.st_uid != 0 && stat(options.key_file.c_str(), &key) == 0 && key.st_uid == 0;
  if (!roots) return options;
  auto content = read_key_file(options.key_file);
  if (!content) return content.error();
  options.key = *std::move(content);
  return options;
}

Result<void> make_key_file(const std::string& path) {
  auto made = Sealer::create_file(path);
  return made ? Result<void>() : made.error();
}

Result<Sealer> open_sealer(Database& database, const OpenOptions& options) {
  auto used = database.value<std::string>("SELECT key_id FROM connection_secrets LIMIT 1");
  if (!used) return used.error();
  auto sealer = load_key(options, used->has_value());
  if (!sealer) return sealer;
  auto other = database.value<std::string>("SELECT key_id FROM connection_secrets WHERE key_id <> ?1 LIMIT 1",
                                           sealer->key_id());
  if (!other) return other.error();
  if (!*other) return sealer;
  if (!options.key) {
    if (auto next = interrupted_change(database, options.key_file, **other)) return std::move(*next);
    // Another process may have changed it a moment ago.
    auto again = Sealer::from_file(options.key_file);
    if (again && again->key_id() == **other) return again;
  }
  return fail(ErrorKind::conflict,
              "{} (key {}) is not the key that sealed the secrets in {} (key {}): put the right key back",
              sealer->origin(), sealer->key_id(), options.path, **other);
}

Result<std::vector<Sealer>> keys_at_hand(const OpenOptions& options, uid_t owner) {
  std::vector<Sealer> keys;
  if (options.key) {
    auto given = Sealer::from_key(*options.key, "the given key");
    if (!given) return given.error();
    keys.push_back(*std::move(given));
    return keys;
  }
  for (const auto& file : {options.key_file, next_key_file(options.key_file)}) {
    auto content = read_key_file(file, owner);
    if (!content && content.error().kind == ErrorKind::not_found) continue;
    if (!content) return content.error();
    auto key = Sealer::from_key(*content, "the key file " + file);
    if (!key) return key.error();
    keys.push_back(*std::move(key));
  }
  return keys;
}

Result<void> check_seals(Database& database, const Sealer& sealer) {
  auto rows = sealed_rows(database);
  if (!rows) return rows.error();
  std::optional<int> version;
  for (const auto& row : *rows) {
    // All are sealed again in one transaction: an old one among new ones was put there.
    if (row.version != version.value_or(row.version) || row.version < 1 || row.version > kSealVersion)
      return corrupt(kSecretsTable, row.connection.name, "seal_version",
                     "this seal is none of this store's: restore a backup");
    version = row.version;
    if (auto secret = unseal(sealer, row); !secret) return secret.error();
  }
  return {};
}

Result<void> renew_seals(Database& database, const Sealer& sealer) {
  const auto old = [&database]() {
    return database.value<int>("SELECT 1 FROM connection_secrets WHERE seal_version <> ?1 LIMIT 1",
                               kSealVersion);
  };
  auto some = old();
  if (!some) return some.error();
  if (!*some) return {};
  bool done_here = false;
  auto done = database.transaction([&]() -> Result<void> {
    if (some = old(); !some || !*some) return some ? Result<void>() : some.error();
    if (auto good = check_seals(database, sealer); !good) return good;
    auto rows = sealed_rows(database);
    if (!rows) return rows.error();
    done_here = true;
    return seal_rows(database, *rows, sealer, sealer);
  });
  // The old values leave the disk as soon as nobody reads them.
  if (done && done_here) (void)database.scrub().ok();
  return done;
}

namespace {

/// A new key in a file, for secrets that are sealed with the one in the key file.
Result<KeyChange> change_key_file(Database& database, const OpenOptions& options, const Actor& actor) {
  auto before = open_sealer(database, options);
  if (!before) return before.error();
  // An interrupted change that could not be finished: its key must not be taken for a left-over.
  if (auto installed = Sealer::from_file(options.key_file);
      installed && installed->key_id() != before->key_id()) {
    if (auto done = finish_change(database, options.key_file); !done) return done.error();
  }
  const auto next = next_key_file(options.key_file);
  if (unlink(next.c_str()) != 0 && errno != ENOENT) return file_error("remove", next);
  auto after = Sealer::write_file(next);
  if (!after) return after.error();
  auto count = seal_again(database, *before, *after, actor);
  if (!count) return count.error();
  if (auto done = finish_change(database, options.key_file); !done) return done.error();
  return KeyChange{before->key_id(), after->key_id(), *count};
}

Result<KeyChange> change_given_key(Database& database, const OpenOptions& options, const Sealer& after,
                                   const Actor& actor) {
  auto done_before = sealed_with(database, after.key_id());
  if (!done_before) return done_before.error();
  if (*done_before) {
    if (auto done = finish_change(database, std::nullopt); !done) return done.error();
    return KeyChange{after.key_id(), after.key_id(), 0};
  }
  auto before = open_sealer(database, options);
  if (!before) return before.error();
  auto count = seal_again(database, *before, after, actor);
  if (!count) return count.error();
  if (auto done = finish_change(database, std::nullopt); !done) return done.error();
  return KeyChange{before->key_id(), after.key_id(), *count};
}

}  // namespace

Result<KeyChange> change_key(const OpenOptions& options, const std::optional<Secret>& fresh,
                             const std::string& origin, const Actor& actor) {
  if (auto done = prepare_files(options); !done) return done.error();
  auto database = open_database(options);
  if (!database) return database.error();
  if (!fresh) return change_key_file(*database, options, actor);
  auto after = Sealer::from_key(*fresh, origin);
  if (!after) return after.error();
  return change_given_key(*database, options, *after, actor);
}

}  // namespace watchbill::store
