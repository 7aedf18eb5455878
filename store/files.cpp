#include "store/files.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

namespace watchbill::store {

namespace {

std::string user_name(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return entry.pw_name;
  }
  return fmt::format("{}", uid);
}

Error not_ours(const std::string& path, uid_t owner) {
  const std::string us = user_name(geteuid());
  return fail(ErrorKind::forbidden,
              "{} belongs to user {}, and this runs as {}: run it as {}, or give it away with `chown {} {}`",
              path, user_name(owner), us, owner == 0 ? "root" : user_name(owner) + " or as root", us, path);
}

Error too_open(const std::string& path, mode_t mode, std::string_view wanted) {
  return fail(ErrorKind::forbidden, "{} is open to other users (mode {:04o}): run `chmod {} {}`", path,
              mode & 07777U, wanted, path);
}

/// What is at `path`, or nothing if there is nothing.
Result<std::optional<struct stat>> look(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) == 0) return std::optional(found);
  if (errno == ENOENT) return std::optional<struct stat>();
  return file_error("look at", path);
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) close(fd_);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(fd) == 0;
}

void sync_folder(const std::string& folder) {
  const FileHandle handle(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.fd() >= 0) fsync(handle.fd());
}

Error file_error(const std::string& what, const std::string& path) {
  const int code = errno;
  if (code == EACCES || code == EPERM) {
    return fail(ErrorKind::forbidden,
                "cannot {} {}: {}; run this as the owner of the store's folder, or as root", what, path,
                std::strerror(code));
  }
  Error error = fail(ErrorKind::storage, "cannot {} {}: {}", what, path, std::strerror(code));
  error.code = code == ENOSPC || code == EDQUOT ? "full" : code == EROFS ? "readonly" : "io";
  return error;
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

namespace {

/// Whoever may write a folder may put another thing in place of what is in it, whatever that thing's mode. A
/// sticky folder, like /tmp, lets only the owner of a thing do that; it is refused unless `sticky_is_good`.
Result<void> check_writers(const std::string& folder, uid_t owner, bool sticky_is_good) {
  auto found = look(folder);
  if (!found) return found.error();
  if (!*found) return {};
  const auto& is = **found;
  if (is.st_uid != 0 && is.st_uid != owner) {
    return fail(ErrorKind::forbidden,
                "{} belongs to user {}, who could replace what is in it: run `chown {} {}`", folder,
                user_name(is.st_uid), user_name(owner), folder);
  }
  if ((is.st_mode & 022U) != 0 && !(sticky_is_good && (is.st_mode & S_ISVTX) != 0)) {
    return fail(ErrorKind::forbidden,
                "{} can be written by other users (mode {:04o}), who could replace what is in it: run "
                "`chmod go-w {}`",
                folder, is.st_mode & 07777U, folder);
  }
  return {};
}

/// The folders above `folder`, up to the root: by its name, and by where its links lead.
Result<void> check_folders_above(const std::string& folder, uid_t owner) {
  std::error_code unknown;
  for (auto path : {std::filesystem::absolute(folder, unknown).lexically_normal(),
                    std::filesystem::canonical(folder, unknown)}) {
    while (path.has_relative_path()) {
      path = path.parent_path();
      if (auto good = check_writers(path.string(), owner, true); !good) return good;
    }
  }
  return {};
}

/// What no program that is started from here can get again (capabilities(7)). Without the right to drop it,
/// it stays: this process loses its own capabilities in any case.
void drop_bounding_set() {
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
}

}  // namespace

/// The group of the folder's owner. Not root's, which a folder that was only handed over may still have.
gid_t group_of(const struct stat& owner) {
  if (owner.st_gid != 0) return owner.st_gid;
  const auto* user = getpwuid(owner.st_uid);
  return user != nullptr ? user->pw_gid : static_cast<gid_t>(owner.st_uid);
}

Result<void> become_owner_of(const std::string& folder) {
  if (geteuid() != 0) return {};
  auto found = look(folder);
  if (!found) return found.error();
  if (!*found || (*found)->st_uid == 0) return {};
  const auto& owner = **found;
  const auto group = group_of(owner);
  drop_bounding_set();
  // The groups first: once the user id is gone, so is the right to change them. With the last user id of root
  // the kernel takes the capabilities (capabilities(7)).
  if (setgroups(0, nullptr) != 0 || setresgid(group, group, group) != 0 ||
      setresuid(owner.st_uid, owner.st_uid, owner.st_uid) != 0) {
    const int code = errno;
    return fail(
        ErrorKind::forbidden,
        "{} belongs to user {}, and root may not become that user here ({}): run this as {} yourself, "
        "for example with `runuser -u {} -- …`",
        folder, user_name(owner.st_uid), std::strerror(code), user_name(owner.st_uid),
        user_name(owner.st_uid));
  }
  // The system's own rule for a process that changes its user may be another one (fs.suid_dumpable, proc(5)).
  keep_memory_private();
  return {};
}

void keep_memory_private() {
  prctl(PR_SET_DUMPABLE, 0);
}

Result<void> prepare_folder(const std::string& folder) {
  auto found = look(folder);
  if (!found) return found.error();
  if (!*found) {
    const auto parent = folder_of(folder);
    if (parent != folder) {
      auto outer = look(parent);
      if (!outer) return outer.error();
      if (!*outer) {
        if (auto made = prepare_folder(parent); !made) return made;
      }
    }
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return file_error("create the folder", folder);
    found = look(folder);
    if (!found) return found.error();
    if (!*found) return fail(ErrorKind::storage, "{} disappeared while it was created", folder);
  }
  const auto& is = **found;
  if (!S_ISDIR(is.st_mode)) return fail(ErrorKind::forbidden, "{} is not a folder", folder);
  if (is.st_uid != geteuid()) return not_ours(folder, is.st_uid);
  if ((is.st_mode & 077U) != 0) return too_open(folder, is.st_mode, "700");
  return check_folders_above(folder, geteuid());
}

Result<void> check_private_file(const std::string& path) {
  return check_private_file(path, geteuid());
}

Result<void> check_private_file(const std::string& path, uid_t owner) {
  auto found = look(path);
  if (!found) return found.error();
  if (!*found) return {};
  const auto& is = **found;
  if (!S_ISREG(is.st_mode)) return fail(ErrorKind::forbidden, "{} is not an ordinary file", path);
  if (is.st_uid != owner) return not_ours(path, is.st_uid);
  if ((is.st_mode & 077U) != 0) return too_open(path, is.st_mode, "600");
  return {};
}

Result<void> check_key_folder(const std::string& path, uid_t owner) {
  std::vector<std::string> folders{folder_of(path)};
  std::error_code failed;
  const auto real = std::filesystem::canonical(path, failed).parent_path().string();
  if (!failed && real != folders.front()) folders.push_back(real);
  for (const auto& folder : folders) {
    if (auto good = check_writers(folder, owner, false); !good) return good;
    if (auto good = check_folders_above(folder, owner); !good) return good;
  }
  return {};
}

Result<void> prepare_private_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
  } else if (errno != EEXIST) {
    return file_error("create", path);
  }
  return check_private_file(path);
}

}  // namespace watchbill::store
