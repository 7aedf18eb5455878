#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "store/sqlite/database.hpp"
#include "store/store.hpp"

namespace watchbill::test {

/// The files of a store, and what is left of them when the process dies at a commit or the power fails.
class Disk {
 public:
  /// What becomes of the process at a commit. Once it is dead, nothing more is committed.
  enum class Fate {
    normal,
    dies_before,  ///< the commit has not happened
    dies_after,   ///< it has, and nothing after it
    fails,        ///< the commit is undone, and the process goes on
    unheard,      ///< it has happened, and the process hears of an error
  };

  explicit Disk(std::string database_path) : path_(std::move(database_path)) {}

  /// Decides about the commits of the process, which are counted from 1.
  std::function<Fate(std::size_t commit)> fate;
  /// Told each commit that happens, and whether it waits for the disk.
  std::function<void(bool durable)> on_committed;
  /// Called when it dies.
  std::function<void()> on_death;

  /// From now on every commit of the process's own store is asked for here.
  void watch_own(store::Store& store);
  /// The same of a store that belongs to another process, which does not die.
  void watch_other(store::Store& store);

  [[nodiscard]] std::size_t commits() const { return commits_; }
  /// A power failure would lose nothing of what was committed.
  [[nodiscard]] bool safe() const { return !copied_; }
  [[nodiscard]] bool dead() const { return dead_; }
  void live() { dead_ = false; }
  /// The power fails: what was committed without waiting for the disk since the last commit that did is lost,
  /// all of it. No store may be open.
  void lose_relaxed();

 private:
  store::Database::CommitFate on_commit(bool durable);
  void note(bool durable);

  std::string path_;
  std::size_t commits_ = 0;
  bool dead_ = false;
  /// What is on the disk for sure was copied, as there is something that is not.
  bool copied_ = false;
};

}  // namespace watchbill::test
