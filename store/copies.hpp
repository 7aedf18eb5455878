#pragma once

#include <string>

#include "store/backup.hpp"
#include "store/sqlite/database.hpp"

/// What backups and restores have in common: databases that are not opened as the store.
namespace watchbill::store {

/// In the `meta` of a backup: the moment that it shows.
inline constexpr const char* kBackupMoment = "backed_up_at";

/// Opens a database of ours as it is: nothing is migrated. `conflict` for another program's, `invalid` for an
/// empty file or what is no database, `storage` for one of another shape (store/sqlite/schema_check.hpp).
Result<Database> open_copy(const std::string& path);

/// Reads all of it. `storage` (code "corrupt") if anything is damaged.
Result<void> check_sound(Database& database, const std::string& path);

/// Its connections, without their secrets.
Result<std::vector<Connection>> connections_of(Database& database);

Result<DatabaseFacts> facts_of(Database& database, const std::string& path);

/// Waits until the file's content is on the disk.
Result<void> sync_file(const std::string& path);

}  // namespace watchbill::store
