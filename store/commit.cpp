#include "store/commit.hpp"

#include <charconv>

namespace watchbill::store {

namespace {

/// The place of the last commit, as "EPOCH SEQ".
constexpr const char* kLastCommit = "last_commit";

/// Records the parts of commits in the transaction that is open.
class Recorder {
 public:
  explicit Recorder(Store& store) : store_(store) {}

  Result<void> record(const Commit& commit);
  /// Whoever recorded this commit has not heard what of it was refused.
  Result<void> refuse_again(const Commit& commit);
  [[nodiscard]] std::set<RotationId> take_refused() { return std::move(refused_); }

 private:
  /// The rotation's group; nothing if there is no such rotation (any more).
  Result<std::optional<GroupId>> group_of(RotationId rotation);
  /// Whether something of this rotation, made for this group, is still to be recorded.
  Result<bool> wanted(RotationId rotation, const GroupId& group);
  /// Whether an announcement in that state may be recorded.
  Result<bool> wanted(const OutboxRow& row);
  Result<void> record_decision(const Commit& commit);
  Result<void> record_rows(const Commit& commit);
  Result<void> record_figures(const Commit& commit);

  Store& store_;
  std::map<RotationId, std::optional<GroupId>> groups_;
  std::set<RotationId> refused_;
};

/// What was removed meanwhile has nothing to be told of.
Result<void> unless_gone(Result<void> put) {
  if (!put && put.error().kind == ErrorKind::not_found) return {};
  return put;
}

Result<std::optional<GroupId>> Recorder::group_of(RotationId rotation) {
  const auto known = groups_.find(rotation);
  if (known != groups_.end()) return known->second;
  auto group = store_.rotations().group_of(rotation);
  if (group) groups_.emplace(rotation, *group);
  return group;
}

Result<bool> Recorder::wanted(RotationId rotation, const GroupId& group) {
  auto there = group_of(rotation);
  if (!there) return there.error();
  if (*there == group) return true;
  refused_.insert(rotation);
  return false;
}

Result<bool> Recorder::wanted(const OutboxRow& row) {
  if (!is_open(row.state)) return true;
  auto there = group_of(row.rotation);
  if (!there) return there.error();
  if (*there) return true;
  refused_.insert(row.rotation);
  return false;
}

Result<void> Recorder::record_decision(const Commit& commit) {
  for (const auto& closing : commit.closings) {
    if (auto done = store_.history().close(closing.change, closing.result); !done) return done;
  }
  for (const auto& change : commit.changes) {
    auto fits = wanted(change.rotation, change.group);
    if (!fits) return fits.error();
    if (!*fits) continue;
    if (auto added = store_.history().add(change); !added) return added.error();
  }
  for (const auto& [record, group] : commit.records) {
    auto fits = wanted(record.rotation, group);
    if (!fits) return fits.error();
    if (!*fits) continue;
    if (auto done = store_.engine().put_record(record); !done) return done;
  }
  for (const auto& schedule : commit.forgotten_schedules) {
    if (auto done = store_.engine().remove_schedule_state(schedule); !done) return done;
  }
  for (const auto& deletion : commit.ended_deletions) {
    if (auto done = store_.rotations().end_deletion(deletion); !done) return done;
  }
  for (const auto& state : commit.evidence) {
    if (auto done = unless_gone(store_.engine().put_schedule_state(state)); !done) return done;
  }
  return {};
}

Result<void> Recorder::record_rows(const Commit& commit) {
  for (const auto& row : commit.new_rows) {
    if (refused_.contains(row.rotation)) continue;
    auto fits = wanted(row);
    if (!fits) return fits.error();
    if (!*fits) continue;
    if (auto added = store_.outbox().add(row); !added) return added.error();
  }
  for (const auto& row : commit.rows) {
    auto fits = wanted(row);
    if (!fits) return fits.error();
    if (!*fits) continue;
    // One of a rotation that was refused was never there.
    if (auto done = unless_gone(store_.outbox().update(row)); !done) return done;
  }
  return {};
}

Result<void> Recorder::record_figures(const Commit& commit) {
  for (const auto& status : commit.statuses) {
    if (auto done = unless_gone(store_.engine().put_status(status)); !done) return done;
  }
  for (const auto& group : commit.groups) {
    if (auto done = store_.engine().put_group(group); !done) return done;
  }
  for (const auto& [name, status] : commit.connections) {
    if (auto done = unless_gone(store_.connections().put_status(name, status)); !done) return done;
  }
  for (const auto& problem : commit.problems) {
    if (auto done = store_.problems().put(problem); !done) return done;
  }
  for (const auto& key : commit.told_problems) {
    if (auto done = store_.problems().remove(key); !done) return done;
  }
  if (commit.unmatched) {
    if (auto done = store_.people().replace_unmatched(*commit.unmatched); !done) return done;
  }
  if (!commit.users.empty()) {
    if (auto done = store_.people().put_users(commit.users); !done) return done;
  }
  for (const auto& [key, value] : commit.meta) {
    if (auto done = store_.set_meta(key, value); !done) return done;
  }
  return {};
}

Result<void> Recorder::record(const Commit& commit) {
  if (auto done = record_decision(commit); !done) return done;
  if (auto done = record_rows(commit); !done) return done;
  return record_figures(commit);
}

Result<void> Recorder::refuse_again(const Commit& commit) {
  std::vector<Result<bool>> looked;
  for (const auto& change : commit.changes) looked.push_back(wanted(change.rotation, change.group));
  for (const auto& [record, group] : commit.records) looked.push_back(wanted(record.rotation, group));
  for (const auto& row : commit.new_rows) looked.push_back(wanted(row));
  for (const auto& row : commit.rows) looked.push_back(wanted(row));
  for (const auto& one : looked) {
    if (!one) return one.error();
  }
  return {};
}

/// Zeros for what is no place.
CommitPlace parse_place(const std::string& text) {
  CommitPlace place;
  const char* end = text.data() + text.size();
  const auto epoch = std::from_chars(text.data(), end, place.epoch);
  if (epoch.ec != std::errc() || epoch.ptr == end) return {};
  const auto seq = std::from_chars(epoch.ptr + 1, end, place.seq);
  return seq.ec == std::errc() ? place : CommitPlace{};
}

}  // namespace

bool Commit::empty() const {
  return closings.empty() && changes.empty() && records.empty() && forgotten_schedules.empty() &&
         evidence.empty() && new_rows.empty() && rows.empty() && statuses.empty() && groups.empty() &&
         connections.empty() && problems.empty() && told_problems.empty() && !unmatched && users.empty() &&
         ended_deletions.empty() && meta.empty();
}

Result<CommitPlace> last_commit(Store& store) {
  auto text = store.meta(kLastCommit);
  if (!text) return text.error();
  return parse_place(text->value_or(""));
}

Result<std::set<RotationId>> record(Store& store, CommitPlace first, const std::vector<Commit>& commits,
                                    Durability durability) {
  Recorder recorder(store);
  const auto body = [&]() -> Result<void> {
    auto last = last_commit(store);
    if (!last) return last.error();
    auto place = first;
    for (const auto& commit : commits) {
      const bool recorded = last->epoch == place.epoch && last->seq >= place.seq;
      auto done = recorded ? recorder.refuse_again(commit) : recorder.record(commit);
      if (!done) return done;
      ++place.seq;
    }
    --place.seq;
    return store.set_meta(kLastCommit, fmt::format("{} {}", place.epoch, place.seq));
  };
  auto done = durability == Durability::disk ? store.transaction(body) : store.relaxed_transaction(body);
  if (!done) return done.error();
  return recorder.take_refused();
}

}  // namespace watchbill::store
