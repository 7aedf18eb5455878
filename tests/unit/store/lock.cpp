#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

TEST_CASE("the writer's lock is held once, and the refusal names who holds it") {
  TempFolder folder;
  CHECK_FALSE(WriterLock::holder(folder.database()));
  auto first = must(WriterLock::take(folder.database(), "watchbilld"));
  CHECK(WriterLock::holder(folder.database()) == getpid());
  const auto error = error_of(WriterLock::take(folder.database(), "watchbill sync"));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, fmt::format("watchbilld (pid {})", getpid())));
  CHECK(mentions(error.message, folder.database()));

  first.reset();
  CHECK_FALSE(WriterLock::holder(folder.database()));
  CHECK(WriterLock::take(folder.database(), "watchbill sync").ok());
}

TEST_CASE("asking who holds the lock does not take it") {
  TempFolder folder;
  must(WriterLock::take(folder.database(), "watchbilld")).reset();
  for (int i = 0; i < 100; ++i) CHECK_FALSE(WriterLock::holder(folder.database()));
  auto lock = must(WriterLock::take(folder.database(), "watchbilld"));
  for (int i = 0; i < 100; ++i) CHECK(WriterLock::holder(folder.database()) == getpid());
}

TEST_CASE("the lock's file is private") {
  TempFolder folder;
  auto lock = must(WriterLock::take(folder.database(), "watchbilld"));
  struct stat found {};
  REQUIRE(stat((folder.database() + ".lock").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0600U);
}

TEST_CASE("a killed process frees its lock, and another's pid takes its place") {
  TempFolder folder;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto lock = WriterLock::take(folder.database(), "watchbilld");
    const char ok = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &ok, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char ok = 0;
  REQUIRE(read(ready[0], &ok, 1) == 1);
  REQUIRE(ok == 'y');
  CHECK(WriterLock::holder(folder.database()) == child);
  const auto error = error_of(WriterLock::take(folder.database(), "second"));
  CHECK(mentions(error.message, fmt::format("pid {}", child)));

  kill(child, SIGKILL);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK_FALSE(WriterLock::holder(folder.database()));
  auto lock = must(WriterLock::take(folder.database(), "watchbill sync"));
  CHECK(WriterLock::holder(folder.database()) == getpid());
  close(ready[0]);
  close(ready[1]);
}
