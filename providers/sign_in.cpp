#include "providers/sign_in.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace watchbill::providers {

namespace {

constexpr std::size_t kRandomBytes = 32;
using RandomBytes = std::array<unsigned char, kRandomBytes>;

void need_sodium() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not work on this host");
}

std::string base64url(const unsigned char* bytes, std::size_t size) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(size, kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, size, kVariant);
  text.pop_back();  // the terminating zero
  return text;
}

std::string random_text() {
  need_sodium();
  RandomBytes bytes;
  randombytes_buf(bytes.data(), bytes.size());
  return base64url(bytes.data(), bytes.size());
}

bool same_secret(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string first_value(const net::Fields& query, std::string_view name) {
  const auto found =
      std::find_if(query.begin(), query.end(), [&](const auto& field) { return field.first == name; });
  return found == query.end() ? std::string() : found->second;
}

}  // namespace

Authorization begin_authorization(std::string redirect_uri, Instant now) {
  return {random_text(), Secret(random_text()), std::move(redirect_uri), now + kAuthorizationLife};
}

std::string challenge_of(const Secret& verifier) {
  need_sodium();
  const auto& text = verifier.reveal();
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return base64url(hash.data(), hash.size());
}

Result<Secret> read_callback(std::string_view title, const Authorization& authorization,
                             const net::Fields& query, Instant now) {
  if (!same_secret(first_value(query, "state"), authorization.state)) {
    return fail(ErrorKind::invalid,
                "this answer does not belong to the connecting that was begun here: connect again");
  }
  if (now >= authorization.expires_at) {
    return fail(ErrorKind::invalid, "connecting took longer than {}: connect again",
                format_duration(kAuthorizationLife));
  }
  if (const auto refusal = first_value(query, "error"); !refusal.empty()) {
    const bool said_no = refusal == "access_denied";
    Error error = said_no ? fail(ErrorKind::cancelled, "access was refused at {}: nothing was changed", title)
                          : fail(ErrorKind::invalid, "{} did not let you connect: {}", title,
                                 first_value(query, "error_description").substr(0, 200));
    error.code = refusal.substr(0, 64);
    return error;
  }
  auto code = first_value(query, "code");
  if (code.empty()) return fail(ErrorKind::invalid, "{} sent no code back: connect again", title);
  return Secret(std::move(code));
}

}  // namespace watchbill::providers
