#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "net/http.hpp"

/// Foreign text without our credentials: whoever is sent one may repeat it, in an error, a header or a name.
namespace watchbill::net {

/// Takes credentials out of text that somebody else wrote, before anything reads it. Not for text of our own:
/// that has none. One thread at a time. To make one takes longer than to search a small text.
class Redactor {
 public:
  /// A credential in the shapes in which systems repeat what they were sent: as it is, percent-encoded,
  /// base64 (RFC 4648, sections 4 and 5; also in the middle of something longer), hexadecimal, escaped as in
  /// HTML. Seven eighths of one, from its beginning, and at least 12 bytes count as the whole: what is
  /// repeated may be cut off. Shorter than 6 bytes it is none: every text would be full of it. A text in
  /// which one is hidden otherwise (`decoded`) is given up as a whole.
  void add(const Secret& secret);
  /// The credential of an `Authorization` header: what follows the scheme ("Bearer X", "Token token=X").
  void add_authorization(const Secret& value);
  /// The credentials in a form body of OAuth (RFC 6749): codes, verifiers, tokens, client secrets.
  void add_form(std::string_view body);

  /// Replaces every credential in it by "…".
  void redact(std::string& text) const;
  void redact(Error& error) const;
  /// Its body and the values of its headers. Letters that JSON wrote as escapes (`\u0061`, `\/`) are written
  /// out first, or a credential would pass in them.
  void redact(HttpResponse& response) const;

 private:
  void make_steps();
  /// One of the shapes is in it. One pass, whatever their number.
  [[nodiscard]] bool finds_in(std::string_view text) const;
  void cut_out(std::string& text) const;
  /// One is there once the text is decoded.
  [[nodiscard]] bool hidden_in(const std::string& text) const;
  std::vector<Secret> shapes_;
  /// For `finds_in`: bytes of each shape's beginning that count, and for each pair of bytes how far one may
  /// go on after it. Secret, since it has the shapes' letters.
  std::size_t beginning_ = 0;
  Secret steps_;
};

/// What a reader makes of a text in the end: percent-encoding, HTML's entities and JSON's escapes are undone,
/// as often as they were done (at least four times).
std::string decoded(std::string text);

}  // namespace watchbill::net
