#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "store/files.hpp"
#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

struct stat stat_of(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) FAIL("no " + path);
  return found;
}

mode_t mode_of(const std::string& path) {
  return stat_of(path).st_mode & 07777U;
}

/// Runs `body` in a process of its own, whose user may change. True if it returned true.
bool in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    bool good = false;
    try {
      good = body();
    } catch (...) {
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

constexpr uid_t kStranger = 54321;
constexpr gid_t kStrangersGroup = 54322;

bool is_root() {
  return geteuid() == 0;
}

}  // namespace

TEST_CASE("a new store and all its files are private, whatever the umask") {
  TempFolder folder;
  const auto old = umask(0);
  OpenOptions options = folder.options();
  options.path = folder.path() + "/new/deeper/watchbill.db";
  options.key_file = folder.path() + "/new/deeper/key";
  auto store = must(Store::open(options));
  must(store->set_meta("a", "b"));
  umask(old);
  CHECK(mode_of(folder.path() + "/new") == 0700);
  CHECK(mode_of(folder.path() + "/new/deeper") == 0700);
  for (const char* suffix : {"", "-wal", "-shm"}) CHECK(mode_of(options.path + suffix) == 0600);
  CHECK(mode_of(options.key_file) == 0600);
}

TEST_CASE("anything looser is refused with the command that mends it, and opens once it was run") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->set_meta("a", "b"));  // so that there is a -wal
  const auto check = [&](const std::string& path, mode_t loose, const std::string& command, mode_t good) {
    INFO(path);
    REQUIRE(chmod(path.c_str(), loose) == 0);
    const auto error = error_of(Store::open(folder.options()));
    CHECK(error.kind == ErrorKind::forbidden);
    CHECK(mentions(error.message, "`" + command + " " + path + "`"));
    REQUIRE(chmod(path.c_str(), good) == 0);
    CHECK(Store::open(folder.options()).ok());
  };
  check(folder.path(), 0750, "chmod 700", 0700);
  check(folder.path(), 0701, "chmod 700", 0700);
  check(folder.database(), 0640, "chmod 600", 0600);
  check(folder.database(), 0604, "chmod 600", 0600);
  check(folder.database() + "-wal", 0644, "chmod 600", 0600);
  check(folder.database() + "-shm", 0660, "chmod 600", 0600);
  check(folder.key(), 0640, "chmod 600", 0600);
}

TEST_CASE("a folder where the database should be is refused") {
  TempFolder folder;
  REQUIRE(mkdir(folder.database().c_str(), 0700) == 0);
  CHECK(mentions(error_of(Store::open(folder.options())).message, "not an ordinary file"));
}

TEST_CASE("a store that must exist is not created") {
  TempFolder folder;
  OpenOptions options = folder.options();
  options.path = folder.path() + "/sub/watchbill.db";
  options.must_exist = true;
  const auto error = error_of(Store::open(options));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(mentions(error.message, options.path));
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/sub"));
  CHECK_FALSE(std::filesystem::exists(folder.key()));
}

TEST_CASE("the given key is used, and no key file is made") {
  TempFolder folder;
  OpenOptions options = folder.options();
  options.key = Secret(std::string(64, 'a'));
  {
    auto store = must(Store::open(options));
    must(store->connections().add(pagerduty(), "cli:root"));
  }
  CHECK_FALSE(std::filesystem::exists(folder.key()));
  CHECK(must(must(Store::open(options))->connections().get("pd")).secrets == pagerduty().secrets);
}

TEST_CASE("a wrong or missing key is refused as long as something is sealed") {
  TempFolder folder;
  {
    auto store = open_store(folder);
    must(store->connections().add(pagerduty(), "cli:root"));
  }
  const auto right = folder.path() + "/right";
  std::filesystem::rename(folder.key(), right);

  SECTION("missing: nothing is created in its place") {
    const auto error = error_of(Store::open(folder.options()));
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, folder.key()));
    CHECK(mentions(error.message, "backup"));
    CHECK_FALSE(std::filesystem::exists(folder.key()));
  }
  SECTION("another key") {
    (void)must(Sealer::create_file(folder.key()));
    const auto error = error_of(Store::open(folder.options()));
    CHECK(error.kind == ErrorKind::conflict);
    CHECK(mentions(error.message, folder.key()));
    CHECK(mentions(error.message, must(Sealer::from_file(right)).key_id()));
    std::filesystem::remove(folder.key());
  }
  SECTION("no key at all in the file") {
    std::ofstream(folder.key()) << "oops";
    std::filesystem::permissions(folder.key(), std::filesystem::perms(0600));
    CHECK(error_of(Store::open(folder.options())).kind == ErrorKind::invalid);
    std::filesystem::remove(folder.key());
  }
  std::filesystem::rename(right, folder.key());
  CHECK(must(open_store(folder)->connections().get("pd")).secrets == pagerduty().secrets);
}

TEST_CASE("while nothing is sealed, the key may still change") {
  TempFolder folder;
  open_store(folder).reset();
  std::filesystem::remove(folder.key());
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  CHECK(std::filesystem::exists(folder.key()));
}

TEST_CASE("two processes that seal with different keys do not mix them") {
  TempFolder folder;
  OpenOptions one = folder.options();
  one.key = Secret(std::string(64, 'a'));
  OpenOptions two = folder.options();
  two.key = Secret(std::string(64, 'b'));
  auto first = must(Store::open(one));
  auto second = must(Store::open(two));
  must(first->connections().add(pagerduty(), "cli:root"));
  Connection other = pagerduty();
  other.name = "pd2";
  CHECK(error_of(second->connections().add(other, "cli:root")).kind == ErrorKind::conflict);
  CHECK(must(first->connections().list()).size() == 1);
}

TEST_CASE("run as root, the owner of the store's folder owns what is created") {
  if (!is_root()) return;
  TempFolder folder;
  REQUIRE(chown(folder.path().c_str(), kStranger, kStrangersGroup) == 0);
  CHECK(in_child([&] {
    auto store = Store::open(folder.options());
    auto lock = WriterLock::take(folder.database(), "test");
    return store.ok() && lock.ok() && (*store)->set_meta("a", "b").ok() && geteuid() == kStranger;
  }));
  for (const char* name : {"/watchbill.db", "/watchbill.db.lock", "/key"}) {
    INFO(name);
    CHECK(stat_of(folder.path() + name).st_uid == kStranger);
    CHECK(stat_of(folder.path() + name).st_gid == kStrangersGroup);
  }
  CHECK(geteuid() == 0);
}

TEST_CASE("run as root, nothing of root is left once the store is open") {
  if (!is_root()) return;
  TempFolder folder;
  REQUIRE(chown(folder.path().c_str(), kStranger, kStrangersGroup) == 0);
  CHECK(in_child([&] {
    const auto store = Store::open(folder.options());
    std::ifstream file("/proc/self/status");
    std::stringstream status;
    status << file.rdbuf();
    const auto text = status.str();
    const auto ids = [](unsigned id) { return fmt::format("\t{0}\t{0}\t{0}\t{0}\n", id); };
    const std::string none(16, '0');
    return store.ok() && mentions(text, "Uid:" + ids(kStranger)) &&
           mentions(text, "Gid:" + ids(kStrangersGroup)) &&
           (mentions(text, "Groups:\t\n") || mentions(text, "Groups:\t \n")) &&
           mentions(text, "CapPrm:\t" + none) && mentions(text, "CapEff:\t" + none) && setuid(0) != 0;
  }));
}

TEST_CASE("run as root, no program that is started later gets a right of root back") {
  if (!is_root()) return;
  TempFolder folder;
  REQUIRE(chown(folder.path().c_str(), kStranger, kStrangersGroup) == 0);
  CHECK(in_child([&] {
    // Some containers do not let root drop them.
    if (prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0) != 0) return true;
    const auto store = Store::open(folder.options());
    for (unsigned long capability = 0;; ++capability) {
      const int is = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
      if (is < 0) return store.ok() && capability > CAP_SYS_BOOT;
      if (is > 0) return false;
    }
  }));
}

TEST_CASE("root without the right to become the owner is refused before anything is created") {
  if (!is_root()) return;
  TempFolder folder;
  REQUIRE(chown(folder.path().c_str(), kStranger, kStrangersGroup) == 0);
  CHECK(in_child([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (syscall(SYS_capget, &header, data) != 0) return false;
    data[0].effective &= ~(1U << CAP_SETUID);
    data[0].permitted &= ~(1U << CAP_SETUID);
    if (syscall(SYS_capset, &header, data) != 0) return false;
    const auto store = Store::open(folder.options());
    return !store.ok() && store.error().kind == ErrorKind::forbidden &&
           mentions(store.error().message, fmt::format("{}", kStranger)) &&
           mentions(store.error().message, "runuser");
  }));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("another user is told whose store it is") {
  if (!is_root()) return;
  TempFolder folder;
  open_store(folder).reset();
  CHECK(in_child([&] {
    if (setegid(kStrangersGroup) != 0 || seteuid(kStranger) != 0) return false;
    const auto store = Store::open(folder.options());
    return !store.ok() && store.error().kind == ErrorKind::forbidden &&
           mentions(store.error().message, folder.path()) &&
           mentions(store.error().message, ": run it as root, or give it away");
  }));
}

TEST_CASE("a folder without a slash is the current one") {
  CHECK(folder_of("watchbill.db") == ".");
  CHECK(folder_of("/watchbill.db") == "/");
  CHECK(folder_of("/var/lib/watchbill/watchbill.db") == "/var/lib/watchbill");
}
