#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

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

/// If this process runs as root and `folder` belongs to somebody else, takes on that owner's effective group
/// and user id, so that whatever is created stays readable for the daemon. Does nothing for other users, or
/// while the folder does not exist. It keeps files' ownership right; it is no security boundary (the saved
/// user id stays root). `forbidden` if the system refuses.
Result<void> become_owner_of(const std::string& folder);

/// Creates `folder` (0700) if it is missing. `forbidden` if others may enter it, or it is not ours: the
/// message has the command that mends it.
Result<void> prepare_folder(const std::string& folder);

/// Nothing if `path` does not exist. `forbidden` if it is not an ordinary file of ours that nobody else can
/// read or write: the message has the command that mends it.
Result<void> check_private_file(const std::string& path);

/// Creates `path` (0600) if it is missing; then the same as `check_private_file`.
Result<void> prepare_private_file(const std::string& path);

/// What the system says about `path` now (`errno`), as an error: `forbidden` or `storage` with its code.
Error file_error(const std::string& what, const std::string& path);

}  // namespace watchbill::store
