#include "config/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/text.hpp"

namespace watchbill::config {

namespace {

constexpr std::size_t kLongestSecret = 65'536;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// "/run/credentials/watchbill.service", or empty.
std::string credentials_directory() {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  return directory == nullptr ? "" : directory;
}

/// systemd makes these for the service alone; their mode depends on how it does.
bool is_credential(std::string_view path) {
  const auto directory = credentials_directory();
  return !directory.empty() && path.starts_with(directory + "/") &&
         path.find("/../") == std::string_view::npos;
}

Result<void> check_file(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(ErrorKind::storage, "{}: {}", path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, "{} is not a file", path);
  if (is_credential(path)) return {};
  // root:watchbill 0640 is how a package keeps a secret that its service may read but not change.
  const unsigned forbidden = info.st_uid == 0 ? 0037 : 0077;
  if ((info.st_mode & forbidden) != 0) {
    return fail(ErrorKind::forbidden, "{} may be read by others (mode {:04o}): run `chmod 600 {}`", path,
                static_cast<unsigned>(info.st_mode & 07777), path);
  }
  return {};
}

/// The file's bytes. ENOENT is `not_found`.
Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const auto kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::storage;
    return fail(kind, "{}: {}", path, std::strerror(errno));
  }
  if (auto good = check_file(file.get(), path); !good) return good.error();
  std::string content(kLongestSecret + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    const auto got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorKind::storage, "{}: {}", path, std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > kLongestSecret)
      return fail(ErrorKind::invalid, "{} is longer than {} bytes: no secret is", path, kLongestSecret);
  }
  content.resize(size);
  return content;
}

Result<Secret> read_line(const std::string& path, SecretKind kind) {
  auto content = read_file(path);
  if (!content) return content.error();
  auto secret = secret_of_file(*std::move(content), kind);
  if (!secret) return Error{secret.error().kind, fmt::format("{} {}", path, secret.error().message)};
  return secret;
}

std::string credential_path(const std::string& name) {
  const auto directory = credentials_directory();
  return directory.empty() ? "" : directory + "/" + name;
}

}  // namespace

void hold_secret(SecretSource& source) {
  source.held = std::make_shared<const Result<std::optional<Secret>>>(find_secret(source));
}

Result<std::optional<Secret>> find_secret(const SecretSource& source) {
  if (source.held) return *source.held;
  if (const auto given = credential_path(source.credential); !given.empty()) {
    auto secret = read_line(given, source.kind);
    if (secret) return std::optional<Secret>(*std::move(secret));
    if (secret.error().kind != ErrorKind::not_found)
      return secret.error().in("credential {}", source.credential);
  }
  if (!source.file) return std::optional<Secret>{};
  auto secret = read_line(*source.file, source.kind);
  if (!secret) return secret.error().in("{}", source.key);
  return std::optional<Secret>(*std::move(secret));
}

Result<Secret> read_secret(const SecretSource& source) {
  auto secret = find_secret(source);
  if (!secret) return secret.error();
  if (*secret) return **std::move(secret);
  return fail(ErrorKind::not_found,
              "{} is not set: name a file (mode 0600), or give the systemd credential \"{}\"", source.key,
              source.credential);
}

Result<std::optional<Secret>> find_key_credential() {
  constexpr std::size_t raw_key = 32;
  const std::string name = "watchbill-key";
  const auto path = credential_path(name);
  if (path.empty()) return std::optional<Secret>{};
  auto content = read_file(path);
  if (!content) {
    if (content.error().kind == ErrorKind::not_found) return std::optional<Secret>{};
    return content.error().in("credential {}", name);
  }
  // Raw bytes may end with what looks like a line break.
  if (content->size() != raw_key) {
    auto line = read_line(path, SecretKind::system_key);
    if (!line) return line.error().in("credential {}", name);
    return std::optional<Secret>(*std::move(line));
  }
  return std::optional<Secret>(Secret(*std::move(content)));
}

}  // namespace watchbill::config
