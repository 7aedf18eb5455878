#pragma once

#include <string>
#include <string_view>

/// Texts as libsodium takes and shows them.
namespace watchbill::store {

/// The text's bytes, as long as it lives.
inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// The same, to be written into.
inline unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

/// Hexadecimal digits in lower case.
std::string hex(std::string_view bytes);

}  // namespace watchbill::store
