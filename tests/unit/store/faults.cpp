#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

/// Starts a process that runs `body(report)` and then waits to be killed; `report` writes one byte to us.
class Child {
 public:
  explicit Child(const std::function<void(const std::function<void()>&)>& body) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      try {
        body([&ends] {
          if (write(ends[1], "x", 1) != 1) _exit(1);
        });
      } catch (...) {
        _exit(1);
      }
      for (;;) pause();
    }
    close(ends[1]);
    from_child_ = ends[0];
  }
  ~Child() {
    end();
    close(from_child_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// True once the child has reported; false if it died instead.
  bool wait() const {
    char byte = 0;
    return read(from_child_, &byte, 1) == 1;
  }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  int from_child_ = -1;
};

std::string integrity(Store& store) {
  return must(database_of(store).value<std::string>("PRAGMA integrity_check")).value_or("");
}

}  // namespace

TEST_CASE("what was committed survives a kill, what was not is gone") {
  TempFolder folder;
  {
    Child child([&](const std::function<void()>& report) {
      auto store = std::move(*Store::open(folder.options()));
      if (!store->set_meta("committed", "yes")) _exit(1);
      if (!store->relaxed_transaction([&] { return store->set_meta("relaxed", "yes"); })) _exit(1);
      (void)store->transaction([&]() -> Result<void> {
        if (!store->set_meta("open", "yes")) _exit(1);
        report();
        for (;;) pause();
      });
    });
    REQUIRE(child.wait());
  }
  REQUIRE(std::filesystem::exists(folder.database() + "-wal"));
  auto store = open_store(folder);
  CHECK(must(store->meta("committed")) == "yes");
  CHECK(must(store->meta("relaxed")) == "yes");
  CHECK(must(store->meta("open")) == std::nullopt);
  CHECK(integrity(*store) == "ok");
  must(store->set_meta("after", "yes"));
}

TEST_CASE("killed at any moment, changes are there as a whole or not at all") {
  TempFolder folder;
  open_store(folder).reset();
  for (int round = 0; round < 10; ++round) {
    Child child([&](const std::function<void()>& report) {
      auto store = std::move(*Store::open(folder.options()));
      report();
      for (;;) {
        (void)store->transaction([&]() -> Result<void> {
          auto change = open_change(RotationId{1});
          change.note = std::string(3000, 'x');
          if (!store->history().add(change)) _exit(1);
          return store->history().add_audit({at(1), "a", "b", "c"}).ok() ? Result<void>()
                                                                         : fail(ErrorKind::internal, "");
        });
      }
    });
    REQUIRE(child.wait());
    usleep(static_cast<useconds_t>(1000 + 1700 * round));
    child.end();
    auto store = open_store(folder);
    CHECK(integrity(*store) == "ok");
    HistoryFilter all;
    all.limit = SIZE_MAX;
    CHECK(must(store->history().list(all)).size() == must(store->history().audit(all)).size());
  }
}

TEST_CASE("another process's writes are noticed, our own are not") {
  TempFolder folder;
  auto daemon = open_store(folder);
  auto cli = open_store(folder);
  const auto version = must(daemon->data_version());
  must(daemon->set_meta("a", "b"));
  CHECK(must(daemon->data_version()) == version);
  const auto generation = must(daemon->generation());
  must(cli->connections().add(pagerduty(), "cli:root"));
  CHECK(must(daemon->data_version()) != version);
  CHECK(must(daemon->generation()) == generation + 1);
  CHECK(must(daemon->connections().list()).size() == 1);
}

TEST_CASE("a blocked store says busy at once, still reads, and works when the other is done") {
  TempFolder folder;
  auto daemon = open_store(folder);
  auto cli = open_store(folder);
  must(cli->transaction([&]() -> Result<void> {
    bool ran = false;
    for (const auto& error :
         {error_of(daemon->set_meta("a", "b")), error_of(daemon->connections().add(pagerduty(), "cli:root")),
          error_of(daemon->transaction([&]() -> Result<void> {
            ran = true;
            return {};
          }))}) {
      CHECK(error.kind == ErrorKind::storage);
      CHECK(error.code == "busy");
      CHECK(mentions(error.message, folder.database()));
    }
    CHECK_FALSE(ran);
    CHECK(must(daemon->meta("a")) == std::nullopt);
    CHECK(must(daemon->rotations().list()).empty());
    // Opening does not need to write either.
    CHECK(Store::open(folder.options()).ok());
    return cli->set_meta("cli", "was here");
  }));
  must(daemon->set_meta("a", "b"));
  CHECK(must(daemon->meta("cli")) == "was here");
}

TEST_CASE("two processes write side by side when each waits a little, and nothing is lost") {
  TempFolder folder;
  OpenOptions patient = folder.options();
  patient.busy_timeout = 20s;
  auto ours = must(Store::open(patient));
  constexpr int kEach = 100;
  Child child([&](const std::function<void()>& report) {
    auto theirs = std::move(*Store::open(patient));
    report();
    for (int i = 0; i < kEach; ++i) {
      if (!theirs->history().add(open_change(RotationId{2}))) _exit(1);
    }
    report();
  });
  REQUIRE(child.wait());
  for (int i = 0; i < kEach; ++i) (void)must(ours->history().add(open_change(RotationId{1})));
  REQUIRE(child.wait());
  CHECK(must(ours->history().list({.rotation = RotationId{1}})).size() == kEach);
  CHECK(must(ours->history().list({.rotation = RotationId{2}})).size() == kEach);
}

TEST_CASE("processes that open a new store at the same time all get the same one") {
  TempFolder folder;
  const auto opener = [&](const std::function<void()>& report) {
    auto store = Store::open(folder.options());
    if (!store) {
      fmt::print(stderr, "{}\n", store.error().message);
      _exit(1);
    }
    report();
  };
  Child one(opener);
  Child two(opener);
  Child three(opener);
  CHECK(one.wait());
  CHECK(two.wait());
  CHECK(three.wait());
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  CHECK(integrity(*store) == "ok");
}

TEST_CASE("a full disk is an error, undoes the transaction, and ends when there is room") {
  TempFolder folder;
  auto store = open_store(folder);
  auto& database = database_of(*store);
  must(store->set_meta("before", "yes"));
  const auto pages = must(database.value<std::int64_t>("PRAGMA page_count")).value();
  must(database.query(fmt::format("PRAGMA max_page_count = {}", pages + 1), nullptr));

  const std::string large(20000, 'x');
  auto done = store->transaction([&]() -> Result<void> {
    if (auto small = store->set_meta("small", "yes"); !small) return small;
    return store->set_meta("large", large);
  });
  CHECK(error_of(done).kind == ErrorKind::storage);
  CHECK(error_of(done).code == "full");
  CHECK(mentions(error_of(done).message, "free some space"));
  CHECK(must(store->meta("small")) == std::nullopt);
  CHECK(must(store->meta("before")) == "yes");
  // Small writes still fit: a state that changes takes no room.
  must(store->set_meta("before", "no"));
  CHECK(error_of(store->set_meta("large", large)).code == "full");

  must(database.query(fmt::format("PRAGMA max_page_count = {}", pages + 1000), nullptr));
  must(store->set_meta("large", large));
  CHECK(must(store->meta("large")) == large);
  CHECK(integrity(*store) == "ok");
}

TEST_CASE("a full disk in the middle of a change of many tables leaves none of it") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  auto& database = database_of(*store);
  const auto generation = must(store->generation());
  const auto pages = must(database.value<std::int64_t>("PRAGMA page_count")).value();
  must(database.query(fmt::format("PRAGMA max_page_count = {}", pages), nullptr));
  Rotation rotation = full_rotation();
  for (int i = 0; i < 3000; ++i) rotation.owners.push_back(fmt::format("U{:08}", i));
  CHECK(error_of(store->rotations().add(rotation, false, {}, "cli:root")).code == "full");
  CHECK(must(store->rotations().list()).empty());
  CHECK(must(store->generation()) == generation);
  must(database.query("PRAGMA max_page_count = 1000000", nullptr));
  (void)must(store->rotations().add(rotation, false, {}, "cli:root"));
}

TEST_CASE("a database overwritten with noise is corrupt, not a crash") {
  TempFolder folder;
  {
    auto store = open_store(folder);
    must(store->connections().add(pagerduty(), "cli:root"));
  }
  SECTION("from its first byte") {
    std::ofstream(folder.database()) << std::string(50000, '#');
    CHECK(error_of(Store::open(folder.options())).code == "corrupt");
  }
  SECTION("in its pages") {
    std::fstream file(folder.database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(200000, '#');
    file.close();
    auto store = Store::open(folder.options());
    if (store) {
      CHECK(error_of((*store)->connections().list()).code == "corrupt");
    } else {
      CHECK(store.error().code == "corrupt");
    }
  }
}

TEST_CASE("the database is durable and strict about references") {
  TempFolder folder;
  auto store = open_store(folder);
  auto& database = database_of(*store);
  const auto pragma = [&](const std::string& name) {
    return must(database.value<std::string>("PRAGMA " + name)).value_or("");
  };
  CHECK(pragma("journal_mode") == "wal");
  CHECK(pragma("synchronous") == "2");
  must(store->relaxed_transaction([&]() -> Result<void> {
    CHECK(pragma("synchronous") == "1");
    return {};
  }));
  CHECK(pragma("synchronous") == "2");
  CHECK_FALSE(store->relaxed_transaction([]() -> Result<void> { return fail(ErrorKind::internal, "no"); }));
  CHECK(pragma("synchronous") == "2");
  CHECK_THROWS(store->relaxed_transaction([]() -> Result<void> { throw std::runtime_error("broken"); }));
  CHECK(pragma("synchronous") == "2");
  must(store->transaction([&] {
    return store->relaxed_transaction([&]() -> Result<void> {
      CHECK(pragma("synchronous") == "2");
      return {};
    });
  }));
  CHECK(pragma("foreign_keys") == "1");
  CHECK(pragma("busy_timeout") == "0");
  CHECK(pragma("temp_store") == "2");
  OpenOptions patient = folder.options();
  patient.busy_timeout = 1500ms;
  auto other = must(Store::open(patient));
  CHECK(must(database_of(*other).value<std::string>("PRAGMA busy_timeout")) == "1500");
}
