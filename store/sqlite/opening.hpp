#pragma once

#include <sys/types.h>

#include <vector>

#include "store/seal.hpp"
#include "store/sqlite/database.hpp"
#include "store/store.hpp"

/// The steps of opening a store, for those who look after its files.
namespace watchbill::store {

/// Opening waits for others (who may be opening, migrating or recovering) whatever the caller wants later.
inline constexpr milliseconds kOpenTimeout = 5s;

/// "watchbill.db" of the options, private and ours; created empty unless `must_exist`.
Result<void> prepare_files(const OpenOptions& options);

/// How every connection to the store behaves: WAL, and commits that survive a power cut.
Result<void> configure(Database& database, const std::string& path);

/// Opens, configures and migrates.
Result<Database> open_database(const OpenOptions& options);

/// The key that opens the secrets of `database`; makes one if there are none yet. A change of key that was
/// interrupted is finished. `conflict` if the key is missing or another one: the message names both.
Result<Sealer> open_sealer(Database& database, const OpenOptions& options);

/// The keys that there are, without making one or changing anything: the given one, or the key file (of this
/// user's, or of `owner`) and the next one beside it. Empty if there is none.
Result<std::vector<Sealer>> keys_at_hand(const OpenOptions& options, uid_t owner);

/// Success if every secret opens and all are sealed in one way. `storage` (code "corrupt") names the one that
/// does not.
Result<void> check_seals(Database& database, const Sealer& sealer);

/// Secrets that an earlier release sealed, for their place alone, are sealed for their connection's
/// addresses. In one transaction; nothing to do for a store of today.
Result<void> renew_seals(Database& database, const Sealer& sealer);

}  // namespace watchbill::store
