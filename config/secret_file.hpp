#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/secret_text.hpp"

namespace watchbill::config {

/// Where a secret may be: a systemd credential, else a file that the configuration names.
struct SecretSource {
  std::string key;         ///< the configuration's key: "slack.bot_token_file"
  std::string credential;  ///< the credential's name: "slack-bot-token"
  SecretKind kind = SecretKind::system_key;
  std::optional<std::string> file{};  ///< the key's value
  /// What `find_secret` said when `hold_secret` asked it.
  std::shared_ptr<const Result<std::optional<Secret>>> held{};
  bool operator==(const SecretSource& other) const {
    return key == other.key && credential == other.credential && kind == other.kind && file == other.file;
  }
};

/// The secret, or nothing if neither a credential of that name is given (`$CREDENTIALS_DIRECTORY`,
/// systemd.exec(5)) nor a file configured. The credential goes first: so the service gets from systemd what
/// the command line, run by root, reads from the file. Line breaks at the end are dropped; an empty secret,
/// one of several lines, what `check_secret_text` refuses, and a file that others may read are refused:
/// readable by its owner alone, or owned by root and readable by a group, or a credential. Errors name key
/// and file, never content.
Result<std::optional<Secret>> find_secret(const SecretSource& source);

/// Looks for the secret now and remembers what came of it: who runs as root may not be able to read it any
/// more once the store is open (store/files.hpp).
void hold_secret(SecretSource& source);

/// The same where the secret is needed: `not_found` says how to give it.
Result<Secret> read_secret(const SecretSource& source);

/// The key that seals the store, if systemd gives it as the credential "watchbill-key": 32 bytes as they are,
/// or a line of text.
Result<std::optional<Secret>> find_key_credential();

}  // namespace watchbill::config
