#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "store/store.hpp"

namespace watchbill::engine {

/// In words how the group is not what it should be, with the people's names: "ada is missing". Empty if
/// it is, or is not known.
std::string difference_of(const RotationEntry& entry);

/// The state of a rotation, first that applies: paused, observing, error (a person must act), stale, pending,
/// in_sync. `source_silent`: one of its schedules has not answered for three intervals.
std::string state_of(const RotationEntry& entry, bool source_silent);

/// What `watchbill status` shows, as far as it changed since it was recorded.
class StatusWriter {
 public:
  explicit StatusWriter(Model& model) : model_(model) {}
  /// What an earlier run wrote.
  void load(std::vector<store::RotationStatus> statuses);
  void mark(RotationId rotation) { dirty_.insert(rotation); }
  void mark_all();
  /// What of its sources is silent, one sentence each: told beside the problems of the rotation itself.
  using WhySilent = std::function<std::vector<std::string>(const RotationEntry& entry)>;
  /// Adds the marked ones. `silent`: rotations with a source that has not answered for three intervals.
  /// `time_known`: false while nobody can tell which shift now is in; all are the last known then.
  void add_to(store::Commit& commit, const std::set<RotationId>& silent, const WhySilent& why,
              bool time_known, Instant now);

 private:
  Model& model_;
  std::set<RotationId> dirty_;
  std::map<RotationId, store::RotationStatus> written_;
  std::map<GroupId, GroupNow> groups_;
};

}  // namespace watchbill::engine
