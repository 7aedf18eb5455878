#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "store/store.hpp"

namespace watchbill::store {

/// Root, who becomes the owner of the store's folder, can then not read a key file of its own any more: it is
/// read here, before, and becomes `key`. Otherwise the options as they are.
Result<OpenOptions> with_key_of_root(OpenOptions options);

/// Makes a file with a new random key (0600), if there is none yet.
Result<void> make_key_file(const std::string& path);

/// What a change of the sealing key did.
struct KeyChange {
  std::string before;  ///< key ids: hashes that give nothing away
  std::string after;
  std::int64_t secrets = 0;  ///< how many were sealed again
};

/// Seals every secret of the store again with a new key, in one transaction, and makes the old key useless:
/// nothing that it opens is left in the database's files. The caller holds the `WriterLock`.
///
/// Without `fresh` (and without `options.key`) a random key is made and replaces `options.key_file`. The new
/// key is on disk (KEY_FILE.next) before the transaction and takes the old one's place after it; whichever of
/// the two files opens the database is found by the next `Store::open`, so that a crash at any point leaves a
/// usable pair.
///
/// With `fresh` (32 bytes, or 64 hexadecimal digits; `origin` says in errors where it came from) key files
/// are left alone: whoever gives the key as a credential puts the new one there. If the secrets are sealed
/// with it already (a crash after the transaction), `before` is `after`.
Result<KeyChange> change_key(const OpenOptions& options, const std::optional<Secret>& fresh,
                             const std::string& origin, const Actor& actor);

}  // namespace watchbill::store
