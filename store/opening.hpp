#pragma once

#include "store/seal.hpp"
#include "store/sqlite.hpp"
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

}  // namespace watchbill::store
