#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

/// Secrets as people save and paste them: with marks of editors, quotes, and names in front of them.
namespace watchbill::config {

/// What a secret is for. Tokens of Slack are told apart by how they begin
/// (docs.slack.dev/authentication/tokens); nothing else of them is looked at.
enum class SecretKind { system_key, bot_token, user_token, app_token, signing_secret, url };

/// What surely is not the secret alone, or a secret for something else, is refused before it is sent to
/// anybody. The error is a fragment ("stands in quotes: …") that says what to write, and has nothing of the
/// secret.
Result<void> check_secret_text(std::string_view text, SecretKind kind);

/// The secret in a file of `content`: line breaks at its end are dropped. Refused, with a fragment as above:
/// an empty one ("is empty"), one of several lines, and what `check_secret_text` refuses.
Result<Secret> secret_of_file(std::string content, SecretKind kind);

/// The secret in what somebody pasted: without byte order mark, blanks, quotes, "Bearer " and "NAME=" around
/// it.
std::string pasted_secret(std::string_view text);

}  // namespace watchbill::config
