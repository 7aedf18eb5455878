#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/seal.hpp"

/// The line at the end of a backup by which the holder of the store's key knows that nobody changed it: the
/// key's id, and a keyed hash (BLAKE2b) of all bytes before. SQLite does not read that far.
namespace watchbill::store {

/// Whether a backup is as `watchbill backup` wrote it.
enum class Proof {
  genuine,    ///< its hash is right
  none,       ///< it has none: from a release before, or from a host where the key could not be read
  other_key,  ///< made with another key: nobody can tell
};

/// What stands in a backup's file.
struct BackupContent {
  Proof proof = Proof::none;
  std::string key_id{};    ///< of the key that its hash was made with; empty without one
  std::int64_t bytes = 0;  ///< how much of the file is the database
};

/// Adds the line to a complete backup.
Result<void> append_mac(const std::string& path, const Sealer& sealer);

/// Looks at a backup that is open for reading, whose name is `path`; `keys` are those of this host. `storage`
/// (code "corrupt") if it has the line and the hash is wrong; `invalid` for what is no database, or larger
/// than 4 GiB. Reads no more than that.
Result<BackupContent> check_mac(int fd, const std::string& path, const std::vector<Sealer>& keys);

}  // namespace watchbill::store
