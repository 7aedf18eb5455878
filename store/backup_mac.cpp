#include "store/backup_mac.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "store/bytes.hpp"
#include "store/files.hpp"

namespace watchbill::store {

namespace {

constexpr std::string_view kTitle = "\nwatchbill backup 1 ";
constexpr std::size_t kIdSize = 16;
constexpr std::size_t kHashBytes = crypto_generichash_BYTES;
/// Title, key id, a space, the hash in hexadecimal digits, a line break.
constexpr std::int64_t kLineSize = kTitle.size() + kIdSize + 1 + 2 * kHashBytes + 1;
/// Ten times the store of 10,000 rotations with its history (docs/sizing.md).
constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;
/// sqlite.org/fileformat2.html, "The Database Header"
constexpr std::size_t kHeaderSize = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

/// `size` bytes from `at` on, or as many as there are.
Result<std::string> read_at(int fd, std::int64_t at, std::size_t size, const std::string& path) {
  std::string text(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const auto part = pread(fd, text.data() + got, size - got, at + static_cast<std::int64_t>(got));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return file_error("read", path);
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  text.resize(got);
  return text;
}

/// The first `size` bytes of the file, hashed with the sealer's key for backups.
Result<std::string> hash_of(int fd, std::int64_t size, const std::string& path, const Sealer& sealer) {
  const Secret key = sealer.derive("backups");
  crypto_generichash_state state;
  crypto_generichash_init(&state, bytes_of(key.reveal()), key.reveal().size(), kHashBytes);
  for (std::int64_t at = 0; at < size;) {
    auto part = read_at(fd, at, static_cast<std::size_t>(std::min<std::int64_t>(size - at, 1 << 20)), path);
    if (!part) return part.error();
    if (part->empty()) break;
    crypto_generichash_update(&state, bytes_of(*part), part->size());
    at += static_cast<std::int64_t>(part->size());
  }
  std::string hash(kHashBytes, '\0');
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  return hex(hash);
}

std::uint32_t number_at(const std::string& header, std::size_t at, std::size_t bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) number = number << 8 | static_cast<unsigned char>(header[at + i]);
  return number;
}

/// How long the database says it is; nothing if it does not say.
std::optional<std::int64_t> told_size(const std::string& header) {
  if (number_at(header, 24, 4) != number_at(header, 92, 4)) return std::nullopt;
  const std::int64_t page = number_at(header, 16, 2);
  return (page == 1 ? 65536 : page) * std::int64_t{number_at(header, 28, 4)};
}

}  // namespace

Result<void> append_mac(const std::string& path, const Sealer& sealer) {
  const FileHandle file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat is {};
  if (file.fd() < 0 || fstat(file.fd(), &is) != 0) return file_error("write", path);
  auto hash = hash_of(file.fd(), is.st_size, path, sealer);
  if (!hash) return hash.error();
  const auto line = fmt::format("{}{} {}\n", kTitle, sealer.key_id(), *hash);
  if (lseek(file.fd(), 0, SEEK_END) < 0 || !write_all(file.fd(), line)) return file_error("write", path);
  return {};
}

Result<BackupContent> check_mac(int fd, const std::string& path, const std::vector<Sealer>& keys) {
  struct stat is {};
  if (fstat(fd, &is) != 0) return file_error("read", path);
  auto header = read_at(fd, 0, kHeaderSize, path);
  if (!header) return header.error();
  if (header->size() < kHeaderSize || !header->starts_with(kMagic))
    return fail(ErrorKind::invalid, "{} is not a database of Watchbill", path);
  const auto told = told_size(*header);
  BackupContent content;
  content.bytes = told && *told > 0 ? std::min<std::int64_t>(*told, is.st_size) : is.st_size;
  auto line = read_at(fd, std::max<std::int64_t>(0, is.st_size - kLineSize), kLineSize, path);
  if (!line) return line.error();
  const bool marked = line->starts_with(kTitle);
  if (marked) content.bytes = is.st_size - kLineSize;
  if (content.bytes > kMostBytes)
    return fail(ErrorKind::invalid, "{} is larger than any backup ({} bytes)", path, is.st_size);
  if (!marked) return content;
  content.key_id = line->substr(kTitle.size(), kIdSize);
  content.proof = Proof::other_key;
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const Sealer& one) { return one.key_id() == content.key_id; });
  if (key == keys.end()) return content;
  auto hash = hash_of(fd, content.bytes, path, *key);
  if (!hash) return hash.error();
  const auto told_hash = std::string_view(*line).substr(kTitle.size() + kIdSize + 1, 2 * kHashBytes);
  if (sodium_memcmp(hash->data(), told_hash.data(), told_hash.size()) != 0 || line->back() != '\n') {
    Error error = fail(ErrorKind::storage, "{} was changed after it was made: use another backup", path);
    error.code = "corrupt";
    return error;
  }
  content.proof = Proof::genuine;
  return content;
}

}  // namespace watchbill::store
