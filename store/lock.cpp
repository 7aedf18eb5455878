#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "store/files.hpp"
#include "store/store.hpp"

namespace watchbill::store {

namespace {

// A lock of the open file description (fcntl(2), F_OFD_SETLK) rather than flock(2): it can be asked about
// without being taken, so that `holder` never makes another process's `take` fail.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string lock_path(const std::string& database_path) {
  return database_path + ".lock";
}

/// What the holder wrote: "PID WHO"; empty in the moment before it did.
std::string read_note(int fd) {
  std::array<char, 200> buffer{};
  const auto size = pread(fd, buffer.data(), buffer.size(), 0);
  std::string note(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  if (const auto end = note.find('\n'); end != std::string::npos) {
    note.resize(end);
  } else {
    note.clear();
  }
  return note;
}

std::string holder_text(const std::string& note) {
  const auto space = note.find(' ');
  if (space == std::string::npos) return "another process that is just starting";
  return fmt::format("{} (pid {})", note.substr(space + 1), note.substr(0, space));
}

}  // namespace

Result<std::unique_ptr<WriterLock>> WriterLock::take(const std::string& database_path,
                                                     const std::string& who) {
  const std::string path = lock_path(database_path);
  if (auto done = become_owner_of(folder_of(path)); !done) return done.error();
  if (auto done = prepare_folder(folder_of(path)); !done) return done.error();
  if (auto done = prepare_private_file(path); !done) return done.error();
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return file_error("open", path);
  std::unique_ptr<WriterLock> held(new WriterLock(fd));

  struct flock lock = whole_file();
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return file_error("lock", path);
    return fail(
        ErrorKind::conflict,
        "{} is in use by {}: only one process may write groups and announcements; stop that one first",
        database_path, holder_text(read_note(fd)));
  }
  const std::string note = fmt::format("{} {}\n", getpid(), who);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, note.data(), note.size(), 0) < 0) return file_error("write", path);
  return held;
}

std::optional<int> WriterLock::holder(const std::string& database_path) {
  const int fd = open(lock_path(database_path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  struct flock lock = whole_file();
  const bool asked = fcntl(fd, F_OFD_GETLK, &lock) == 0;
  const std::string note = read_note(fd);
  close(fd);
  if (!asked || lock.l_type == F_UNLCK) return std::nullopt;
  int pid = 0;
  std::from_chars(note.data(), note.data() + note.size(), pid);
  return pid;
}

WriterLock::~WriterLock() {
  close(fd_);
}

}  // namespace watchbill::store
