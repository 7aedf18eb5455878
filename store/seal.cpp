#include "store/seal.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "store/bytes.hpp"
#include "store/files.hpp"

namespace watchbill::store {

namespace {

constexpr std::size_t kKeySize = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kNonceSize = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagSize = crypto_aead_xchacha20poly1305_ietf_ABYTES;
/// A key file is 65 bytes; more than this is something else.
constexpr std::size_t kMostKeyFile = 200;

void start_sodium() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
}

/// The 32 bytes that `text` stands for; empty if it is no key.
Secret parse_key(const std::string& text) {
  if (text.size() == kKeySize) return Secret(text);
  const auto first = text.find_first_not_of(" \t\r\n");
  const auto last = text.find_last_not_of(" \t\r\n");
  if (first == std::string::npos || last - first + 1 != kKeySize * 2) return Secret();
  std::string key(kKeySize, '\0');
  std::size_t written = 0;
  if (sodium_hex2bin(bytes_of(key), key.size(), text.data() + first, kKeySize * 2, nullptr, &written,
                     nullptr) != 0 ||
      written != kKeySize) {
    return Secret();
  }
  return Secret(std::move(key));
}

std::string id_of(const Secret& key) {
  constexpr std::string_view kContext = "watchbill key id";
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash(bytes_of(digest), digest.size(), bytes_of(kContext), kContext.size(),
                     bytes_of(key.reveal()), key.reveal().size());
  return hex(std::string_view(digest).substr(0, 8));
}

/// Each part has its length in front, so that no two rows of parts look alike.
void append(std::string& text, std::string_view part) {
  text += fmt::format("|{}:", part.size());
  text += part;
}

/// The place as bytes in which no two places look alike.
std::string describe(const SecretPlace& place) {
  std::string text = place.purpose ? "watchbill:2" : "watchbill:1";
  for (const auto part : {place.table, place.row, place.column}) append(text, part);
  if (place.purpose) append(text, *place.purpose);
  return text;
}

}  // namespace

std::string purpose_of(const Connection& connection) {
  std::string text = connection.kind;
  for (const auto& [key, value] : addresses_of(connection)) {
    append(text, key);
    append(text, value);
  }
  return text;
}

Result<Sealer> Sealer::from_key(const Secret& key, std::string origin) {
  start_sodium();
  Secret parsed = parse_key(key.reveal());
  if (parsed.empty()) {
    return fail(ErrorKind::invalid, "{} is not a key: 32 bytes, or 64 hexadecimal digits, are expected",
                origin);
  }
  std::string id = id_of(parsed);
  return Sealer(std::move(parsed), std::move(id), std::move(origin));
}

Result<Secret> read_key_file(const std::string& path) {
  return read_key_file(path, geteuid());
}

Result<Secret> read_key_file(const std::string& path, uid_t owner) {
  if (auto good = check_private_file(path, owner); !good) return good.error();
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) {
    if (errno == ENOENT) return fail(ErrorKind::not_found, "the key file {} is missing", path);
    return file_error("read the key file", path);
  }
  if (auto good = check_key_folder(path, owner); !good) return good.error();
  std::string text(kMostKeyFile, '\0');
  const auto size = read(file.fd(), text.data(), text.size());
  if (size < 0) return file_error("read the key file", path);
  text.resize(static_cast<std::size_t>(size));
  return Secret(std::move(text));
}

Result<Sealer> Sealer::from_file(const std::string& path) {
  auto key = read_key_file(path);
  if (!key) return key.error();
  return from_key(*key, "the key file " + path);
}

Result<Sealer> Sealer::write_file(const std::string& path) {
  start_sodium();
  if (auto good = check_key_folder(path, geteuid()); !good) return good.error();
  std::string key(kKeySize, '\0');
  randombytes_buf(key.data(), key.size());
  const Secret text(hex(key) + "\n");
  sodium_memzero(key.data(), key.size());
  const FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() < 0) return file_error("create the key file", path);
  if (!write_all(file.fd(), text.reveal())) {
    const Error error = file_error("write the key file", path);
    unlink(path.c_str());
    return error;
  }
  sync_folder(folder_of(path));
  return from_file(path);
}

Result<Sealer> Sealer::create_file(const std::string& path) {
  start_sodium();
  // Written beside it and linked into place, so that nobody ever reads half a key.
  std::array<unsigned char, 8> suffix{};
  randombytes_buf(suffix.data(), suffix.size());
  const std::string draft =
      path + "." + hex(std::string_view(reinterpret_cast<const char*>(suffix.data()), suffix.size()));
  if (auto written = write_file(draft); !written) return written;
  const bool linked = link(draft.c_str(), path.c_str()) == 0;
  const int code = errno;
  unlink(draft.c_str());
  if (!linked && code != EEXIST) {
    errno = code;
    return file_error("create the key file", path);
  }
  sync_folder(folder_of(path));
  return from_file(path);
}

Secret Sealer::derive(std::string_view use) const {
  const std::string context = fmt::format("watchbill key for {}", use);
  std::string key(kKeySize, '\0');
  crypto_generichash(bytes_of(key), key.size(), bytes_of(std::string_view(context)), context.size(),
                     bytes_of(key_.reveal()), key_.reveal().size());
  return Secret(std::move(key));
}

Sealed Sealer::seal(const Secret& value, const SecretPlace& place) const {
  const std::string about = describe(place);
  std::string sealed(kNonceSize + value.reveal().size() + kTagSize, '\0');
  randombytes_buf(sealed.data(), kNonceSize);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(sealed) + kNonceSize, nullptr, bytes_of(value.reveal()),
                                             value.reveal().size(), bytes_of(about), about.size(), nullptr,
                                             bytes_of(sealed), bytes_of(key_.reveal()));
  return {key_id_, std::move(sealed)};
}

Result<Secret> Sealer::open(const Sealed& sealed, const SecretPlace& place) const {
  if (sealed.key_id != key_id_) {
    return fail(ErrorKind::conflict,
                "{} \"{}\" was sealed with the key {}, but {} is the key {}: put the right key back",
                place.table, place.row, sealed.key_id, origin_, key_id_);
  }
  Error damaged = fail(
      ErrorKind::storage,
      "table {}, row {}, column {}: the sealed value was changed or moved, or the address that it is for "
      "was changed: restore a backup",
      place.table, place.row, place.column);
  damaged.code = "corrupt";
  if (sealed.bytes.size() < kNonceSize + kTagSize) return damaged;
  const std::string about = describe(place);
  std::string value(sealed.bytes.size() - kNonceSize - kTagSize, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          bytes_of(value), nullptr, nullptr, bytes_of(sealed.bytes) + kNonceSize,
          sealed.bytes.size() - kNonceSize, bytes_of(about), about.size(), bytes_of(sealed.bytes),
          bytes_of(key_.reveal())) != 0) {
    return damaged;
  }
  return Secret(std::move(value));
}

}  // namespace watchbill::store
