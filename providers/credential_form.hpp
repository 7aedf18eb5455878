#pragma once

#include <string>
#include <vector>

/// What a form asks for when a connection gets its credentials. An adapter says it once for all forms.
namespace watchbill::providers {

struct FieldChoice {
  std::string label;
  std::string value;
};

/// One input. Whether it is a secret says the option.
struct CredentialField {
  std::string flag;  ///< of the adapter's option ("api-key-file")
  std::string label;
  std::string placeholder{};
  std::string hint{};
  std::vector<FieldChoice> choices{};  ///< one of these instead of text; the first, unless another is set
};
/// The hint of a form's first secret.
inline constexpr const char* kSecretHint = "It is tried at once, kept encrypted, and never shown again.";

/// One of the ways in which a system lets Watchbill in.
struct CredentialWay {
  std::string name;                       ///< "app_token"; kept in open forms
  std::string label{};                    ///< "App token"; of the only way it is not shown
  std::string description{};              ///< the same
  std::vector<CredentialField> fields{};  ///< none: it is the sign-in with a browser
  /// The flag of the field at which a refusal of the credentials is shown.
  std::string refused_at{};
  /// And that nobody answered; empty: the same.
  std::string unreachable_at{};
  /// A connection made so gets the configuration's identity URL.
  bool takes_identity_url = false;

  [[nodiscard]] bool in_browser() const { return fields.empty(); }
};

}  // namespace watchbill::providers
