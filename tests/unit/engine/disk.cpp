#include "tests/unit/engine/disk.hpp"

#include <array>
#include <filesystem>

#include "store/sqlite/sqlite_store.hpp"

namespace watchbill::test {

namespace {

using CommitFate = store::Database::CommitFate;

constexpr std::array kFiles{"", "-wal"};

std::string copy_of(const std::string& file) {
  return file + ".synced";
}

void copy(const std::string& from, const std::string& to) {
  std::filesystem::remove(to);
  if (std::filesystem::exists(from)) std::filesystem::copy_file(from, to);
}

store::Database& database_of(store::Store& store) {
  return static_cast<store::SqliteStore&>(store).database();
}

}  // namespace

void Disk::watch_own(store::Store& store) {
  database_of(store).guard_commits([this](bool durable) { return on_commit(durable); });
}

void Disk::watch_other(store::Store& store) {
  database_of(store).guard_commits([this](bool durable) {
    note(durable);
    return CommitFate::happens;
  });
}

CommitFate Disk::on_commit(bool durable) {
  if (dead_) return CommitFate::undone;
  ++commits_;
  const auto decided = fate ? fate(commits_) : Fate::normal;
  if (decided == Fate::fails) return CommitFate::undone;
  if (decided == Fate::dies_before || decided == Fate::dies_after) {
    dead_ = true;
    if (on_death) on_death();
  }
  if (decided == Fate::dies_before) return CommitFate::undone;
  note(durable);
  if (on_committed) on_committed(durable);
  return decided == Fate::unheard ? CommitFate::unheard : CommitFate::happens;
}

/// A commit that waits for the disk takes all before it there.
void Disk::note(bool durable) {
  if (!durable && !copied_) {
    for (const std::string ending : kFiles) copy(path_ + ending, copy_of(path_ + ending));
  }
  copied_ = !durable;
}

void Disk::lose_relaxed() {
  if (!copied_) return;
  copied_ = false;
  std::filesystem::remove(path_ + "-shm");
  for (const std::string ending : kFiles) copy(copy_of(path_ + ending), path_ + ending);
}

}  // namespace watchbill::test
