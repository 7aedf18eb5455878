// Loaded into a program (LD_PRELOAD), counts what it writes into SQLite's write-ahead log: commits, bytes,
// and the syncs of each thread. COUNT_SYNCS names the file that the figures are kept in; SYNC_MS makes each
// sync take that long.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace {

std::atomic<long> commits{0};
std::atomic<long> bytes{0};
std::atomic<long> syncs_of_main{0};
std::atomic<long> syncs_of_others{0};

/// The frame header of a write-ahead log has 24 bytes; its second word is not 0 in the last frame of a commit
/// (https://sqlite.org/fileformat2.html#the_write_ahead_log).
constexpr std::size_t kFrameHeader = 24;

void keep() {
  static std::mutex lock;
  const char* path = std::getenv("COUNT_SYNCS");
  if (path == nullptr) return;
  const std::lock_guard<std::mutex> guard(lock);
  char text[160];
  const int size = std::snprintf(
      text, sizeof text, "{\"commits\": %ld, \"bytes\": %ld, \"syncs_main\": %ld, \"syncs_others\": %ld}\n",
      commits.load(), bytes.load(), syncs_of_main.load(), syncs_of_others.load());
  const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (write(fd, text, static_cast<std::size_t>(size)) < 0 || ftruncate(fd, size) < 0) std::abort();
  close(fd);
}

bool is_log(int fd) {
  char link[64];
  char target[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const auto size = readlink(link, target, sizeof target);
  return size > 4 && std::memcmp(target + size - 4, "-wal", 4) == 0;
}

void count_sync() {
  (getpid() == gettid() ? syncs_of_main : syncs_of_others)++;
  keep();
  const char* takes = std::getenv("SYNC_MS");
  if (takes != nullptr) usleep(static_cast<useconds_t>(std::atoi(takes)) * 1000U);
}

void count_write(int fd, const void* data, ssize_t written) {
  if (written <= 0 || !is_log(fd)) return;
  bytes += written;
  static constexpr char kNone[4] = {};
  const bool ends = static_cast<std::size_t>(written) == kFrameHeader &&
                    std::memcmp(static_cast<const char*>(data) + 4, kNone, 4) != 0;
  if (!ends) return;
  commits++;
  keep();
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  count_sync();
  return real(fd);
}

int fdatasync(int fd) {
  static const auto real = next<int (*)(int)>("fdatasync");
  count_sync();
  return real(fd);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  const auto written = real(fd, data, size, at);
  count_write(fd, data, written);
  return written;
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  const auto written = real(fd, data, size, at);
  count_write(fd, data, written);
  return written;
}
}
