#include "engine/stored.hpp"

#include <algorithm>

#include "engine/decide/decider.hpp"
#include "engine/decide/late_handoffs.hpp"

namespace watchbill::engine {

namespace {

/// So many of a rotation's last announcements tell whether its channels take them.
constexpr std::size_t kRowsLookedAt = 100;

/// Puts what was read into its place.
template <class T>
Result<void> put(Result<T> read, T& place) {
  if (!read) return read.error();
  place = std::move(*read);
  return {};
}

/// What is remembered of schedules: of all, or of those that rotations use beside the `known` ones.
Result<void> read_schedules(store::Store& store, const std::optional<std::set<ScheduleRef>>& known,
                            Configured& configured) {
  if (!known) return put(store.engine().states(), configured.schedules);
  std::set<ScheduleRef> fresh;
  for (const auto& rotation : configured.rotations) {
    for (const auto& schedule : rotation.schedules) {
      if (!known->contains(schedule.ref)) fresh.insert(schedule.ref);
    }
  }
  for (const auto& ref : fresh) {
    auto state = store.engine().state(ref);
    if (!state) return state.error();
    if (*state) configured.schedules.push_back(**std::move(state));
  }
  return {};
}

Result<void> read_announcements(store::Store& store, Remembered& remembered) {
  for (const auto& rotation : remembered.configured.rotations) {
    // A change adds a row for each channel, but for those where it led to silence.
    const auto enough = std::max(kRowsLookedAt, 2 * rotation.channels.size());
    auto rows = store.outbox().of_rotation(rotation.id, enough);
    if (!rows) return rows.error();
    remembered.announcements.emplace(rotation.id, std::move(*rows));
  }
  return put(store.outbox().open_rows(), remembered.open_announcements);
}

Result<void> read_changes(store::Store& store, Remembered& remembered) {
  for (const auto& rotation : remembered.configured.rotations) {
    store::HistoryFilter latest;
    latest.rotation = rotation.id;
    latest.limit = 1;
    auto last = store.history().list(latest);
    if (!last) return last.error();
    if (!last->empty()) remembered.last_changes.push_back(std::move(last->front()));
  }
  return put(store.history().open_changes(), remembered.open_changes);
}

Result<void> read_handoffs(store::Store& store, Remembered& remembered) {
  store::HistoryFilter since;
  since.limit = kHandoffsKept;
  for (const auto& problem : remembered.problems) {
    if (!tells_of_silence(problem)) continue;
    since.since = since.since ? std::min(*since.since, problem.since) : problem.since;
  }
  if (!since.since) return {};
  return put(store.history().list(since), remembered.handoffs);
}

}  // namespace

Result<Configured> read_configured(store::Store& store, const std::optional<std::set<ScheduleRef>>& known) {
  Configured out;
  // First: what changes meanwhile is read again.
  if (auto read = put(store.generation(), out.generation); !read) return read.error();
  if (auto read = put(store.rotations().list(), out.rotations); !read) return read.error();
  if (auto read = put(store.engine().records(), out.records); !read) return read.error();
  if (auto read = read_schedules(store, known, out); !read) return read.error();
  if (auto read = put(store.rotations().deletions(), out.deletions); !read) return read.error();
  if (auto read = put(store.people().mappings(), out.mappings); !read) return read.error();
  if (auto read = put(store.connections().list(), out.connections); !read) return read.error();
  if (auto read = put(store.connections().statuses(), out.statuses); !read) return read.error();
  return out;
}

Result<std::map<std::string, store::Actor>> read_editors(store::Store& store,
                                                         const std::set<std::string>& objects) {
  std::map<std::string, store::Actor> editors;
  for (const auto& object : objects) {
    store::HistoryFilter latest;
    latest.object = object;
    latest.limit = 1;
    auto audit = store.history().audit(latest);
    if (!audit) return audit.error();
    if (!audit->empty()) editors.emplace(object, std::move(audit->front().actor));
  }
  return editors;
}

Result<Remembered> read_remembered(store::Store& store) {
  Remembered out;
  if (auto read = put(read_configured(store, std::nullopt), out.configured); !read) return read.error();
  if (auto read = put(read_journal_start(store), out.journal); !read) return read.error();
  if (auto read = put(read_restore_marks(store), out.restore); !read) return read.error();
  if (auto read = put(store.people().users(), out.users); !read) return read.error();
  if (auto read = put(store.problems().list(), out.problems); !read) return read.error();
  if (auto read = read_announcements(store, out); !read) return read.error();
  if (auto read = read_changes(store, out); !read) return read.error();
  if (auto read = read_handoffs(store, out); !read) return read.error();
  // What cannot be read of these is written anew.
  if (auto statuses = store.engine().statuses()) out.statuses = std::move(*statuses);
  if (auto writes = store.meta(kGroupWrites)) out.group_writes = writes->value_or("");
  return out;
}

}  // namespace watchbill::engine
