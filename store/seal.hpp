#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "core/connection_address.hpp"

namespace watchbill::store {

/// Where a sealed value lives, and what it is for. A value that was moved, or whose purpose was changed, does
/// not open.
struct SecretPlace {
  std::string_view table;
  std::string_view row;
  std::string_view column;
  /// What it may be used for: of a connection's secret its kind and addresses (`purpose_of`). Nothing: as it
  /// was sealed by releases that bound the place alone.
  std::optional<std::string> purpose{};
};

/// Kind and addresses of a connection as one text in which no two look alike.
std::string purpose_of(const Connection& connection);

/// A value encrypted with XChaCha20-Poly1305: a random nonce (24 bytes), then ciphertext and tag.
struct Sealed {
  std::string key_id;
  std::string bytes;
};

/// What is in a key file (0600) of this user's, or of `owner`. `not_found` if there is none, `forbidden` if
/// others can read it, or may put another one in its place (`check_key_folder`).
Result<Secret> read_key_file(const std::string& path);
Result<Secret> read_key_file(const std::string& path, uid_t owner);

/// Encrypts single values with one key (libsodium).
class Sealer {
 public:
  /// `key`: 32 bytes, or 64 hexadecimal digits (white space around them is ignored). `origin` says in errors
  /// where it came from. `invalid` if it is neither.
  static Result<Sealer> from_key(const Secret& key, std::string origin);
  /// The key in a file, as `read_key_file`.
  static Result<Sealer> from_file(const std::string& path);
  /// Writes a new random key to a file that does not exist yet, and returns what is in the file then: if
  /// another process was faster, its key.
  static Result<Sealer> create_file(const std::string& path);

  /// The same where nobody else may do so: written in place, so that after a crash there may be half a key.
  /// An error if the file exists.
  static Result<Sealer> write_file(const std::string& path);

  /// Names the key without giving it away: 16 hexadecimal digits of its hash.
  [[nodiscard]] const std::string& key_id() const { return key_id_; }
  /// Where the key came from, for errors.
  [[nodiscard]] const std::string& origin() const { return origin_; }

  /// A key of 32 bytes for another use, which gives this one not away. Each `use` has its own.
  [[nodiscard]] Secret derive(std::string_view use) const;

  [[nodiscard]] Sealed seal(const Secret& value, const SecretPlace& place) const;
  /// `conflict` if another key sealed it; `storage` (code "corrupt") if it was changed or moved, or
  /// its purpose was.
  [[nodiscard]] Result<Secret> open(const Sealed& sealed, const SecretPlace& place) const;

 private:
  Sealer(Secret key, std::string key_id, std::string origin)
      : key_(std::move(key)), key_id_(std::move(key_id)), origin_(std::move(origin)) {}

  Secret key_;
  std::string key_id_;
  std::string origin_;
};

}  // namespace watchbill::store
