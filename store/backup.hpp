#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/backup_mac.hpp"
#include "store/store.hpp"

namespace watchbill::store {

/// Rows of the store's `meta` after a restore: the moment that the backup shows (RFC 3339; empty if it does
/// not tell) and the moment of the restore. engine/ takes them away when the restore is over and told.
inline constexpr const char* kRestoredFrom = "restored_from";
inline constexpr const char* kRestoredAt = "restored_at";

/// What a database file is.
struct DatabaseFacts {
  int schema = 0;
  std::int64_t rotations = 0;
  std::int64_t bytes = 0;
  /// Of a backup: the moment it shows. Of a copy that was made otherwise, and of a live database: the last
  /// complete pass.
  std::optional<Instant> as_of{};
  /// The key that seals its secrets; nothing if there are none.
  std::optional<std::string> key_id{};
  /// Of a backup that was just written: whether it ends with the hash by which nobody can change it
  /// unnoticed.
  bool proven = false;
};

/// Writes the database, as it is at one moment, to `file` (0600), whoever else uses it meanwhile. It appears
/// under its name when it is complete, verified and on the disk; before that it is FILE.partial. An existing
/// file is kept (`conflict`) unless `replace`. It ends with a hash by the store's key (store/backup_mac.hpp);
/// without one where there is no key. The database is not changed, migrated or even created. Run as root the
/// backup belongs to root.
Result<DatabaseFacts> back_up(const OpenOptions& store, const std::string& file, bool replace);

/// A setting that decides where a connection's credentials go, and is another one in the backup.
struct AddressChange {
  std::string connection;
  std::string setting;                  ///< "base_url", "host", …; "kind"
  std::optional<std::string> before{};  ///< in the store; nothing: it is not there
  std::optional<std::string> after{};   ///< in the backup
};

/// What became of a restore.
struct Restored {
  /// Where the replaced database is now; empty if there was none.
  std::string replaced{};
  /// Announcements whose fate the restored database does not know: they are looked up in Slack.
  std::int64_t open_announcements = 0;
};

/// A backup on its way into the store. It holds the writer's lock, so that no daemon runs meanwhile.
class Restore {
 public:
  /// Copies `file` beside the store's database and checks it there: `conflict` for a newer schema, a foreign
  /// key, a running daemon or another program's database; `invalid` for what is no backup, or too large for
  /// one; `storage` for one that is damaged, was changed, or has another shape than a store of ours;
  /// `not_found`. Nothing is replaced yet.
  static Result<std::unique_ptr<Restore>> prepare(const OpenOptions& store, const std::string& file);
  virtual ~Restore() = default;

  [[nodiscard]] virtual const DatabaseFacts& backup() const = 0;
  /// Whether it is known to be as it was made. Who restores one that is not trusts whoever could write it.
  [[nodiscard]] virtual Proof proof() const = 0;
  /// Where credentials would go after the restore, and do not go now. Of connections that are not in the
  /// store: all their addresses.
  [[nodiscard]] virtual const std::vector<AddressChange>& address_changes() const = 0;
  /// The database that will be replaced; nothing if there is none, or it is damaged.
  [[nodiscard]] virtual const std::optional<DatabaseFacts>& current() const = 0;
  /// Replaces the database in one step and keeps the old one as PATH.replaced-TIME. All open announcements of
  /// the backup are then `unknown`, open requests are refused, and the next daemon's first pass is quiet
  /// (docs/backup.md).
  virtual Result<Restored> carry_out(const Actor& actor, Instant now) = 0;
};

}  // namespace watchbill::store
