#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

/// Whose the store's files are, and who may read them.
namespace watchbill::store {

/// Owns a file descriptor; -1 for none.
class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// Writes all of `text`, onto the disk itself. False: `errno` says why not.
bool write_all(int fd, std::string_view text);

/// Makes names that were created, renamed or removed in `folder` survive a power cut, where the system can.
void sync_folder(const std::string& folder);

/// The folder of `path`; "." if it names none.
std::string folder_of(const std::string& path);

/// If this process runs as root and `folder` belongs to somebody else, it becomes that owner, for good: all
/// user and group ids, no other groups, no capabilities (nor, where it may, a way to get any). So what is
/// created stays readable for the daemon, and root's rights are gone before anything of the store is read.
/// Nothing for other users, or while the folder is missing. `forbidden` if refused: the process should end.
Result<void> become_owner_of(const std::string& folder);

/// Keeps this process's memory, where secrets are, out of core dumps and from debuggers of the same user
/// (PR_SET_DUMPABLE, prctl(2)). Both programs begin with it.
void keep_memory_private();

/// Creates `folder` (0700) if it is missing. `forbidden` if others may enter it, it is not ours, or others
/// may write a folder above it (but a sticky one, like /tmp): the message has the command that mends it.
Result<void> prepare_folder(const std::string& folder);

/// Nothing if `path` does not exist. `forbidden` if it is not an ordinary file of ours that nobody else can
/// read or write: the message has the command that mends it.
Result<void> check_private_file(const std::string& path);
/// The same for a file of `owner`'s.
Result<void> check_private_file(const std::string& path, uid_t owner);

/// Whoever may write the folder of a key file may put another key in its place: `forbidden` if that is
/// somebody else than root and `owner`. So it is with every folder above it, unless it is sticky. The message
/// has the command that mends it. A link's own folder counts, too.
Result<void> check_key_folder(const std::string& path, uid_t owner);

/// Creates `path` (0600) if it is missing; then the same as `check_private_file`.
Result<void> prepare_private_file(const std::string& path);

/// What the system says about `path` now (`errno`), as an error: `forbidden` or `storage` with its code.
Error file_error(const std::string& what, const std::string& path);

}  // namespace watchbill::store
