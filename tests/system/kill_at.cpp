// Ends the process as `kill -9` would, right before its Nth call that changes a file: preloaded into a
// program (LD_PRELOAD) with KILL_AT=N, every point at which it can be killed is tried, one run each. A run
// that ends by itself says that N was past the last one.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace {

std::atomic<long> calls{0};

void count() {
  static const char* limit = std::getenv("KILL_AT");
  if (limit != nullptr && ++calls == std::atol(limit)) kill(getpid(), SIGKILL);
}

}  // namespace

#define WATCHED(result, name, parameters, arguments)                                               \
  extern "C" result name parameters {                                                              \
    static result(*known) parameters = nullptr;                                                    \
    if (known == nullptr) known = reinterpret_cast<result(*) parameters>(dlsym(RTLD_NEXT, #name)); \
    count();                                                                                       \
    return known arguments;                                                                        \
  }

WATCHED(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size))
WATCHED(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at))
WATCHED(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at), (fd, data, size, at))
WATCHED(int, ftruncate, (int fd, off_t size), (fd, size))
WATCHED(int, ftruncate64, (int fd, off64_t size), (fd, size))
WATCHED(int, fsync, (int fd), (fd))
WATCHED(int, fdatasync, (int fd), (fd))
WATCHED(int, rename, (const char* from, const char* to), (from, to))
WATCHED(int, renameat2, (int a, const char* from, int b, const char* to, unsigned flags),
        (a, from, b, to, flags))
WATCHED(int, link, (const char* from, const char* to), (from, to))
WATCHED(int, unlink, (const char* path), (path))
