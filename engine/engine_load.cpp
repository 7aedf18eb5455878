#include <algorithm>

#include "engine/decide/open_problems.hpp"
#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"

namespace watchbill::engine {

namespace {

/// So many of a rotation's last announcements tell whether its channels take them.
constexpr std::size_t kRowsLookedAt = 100;
/// Evidence that was stored together with an edit is read within seconds.
constexpr auto kHandedOver = 5min;

}  // namespace

Result<void> Engine::Impl::load() {
  auto users = ports_.store.people().users();
  if (!users) return users.error();
  directory_.load(seen_users(*users));
  auto mappings = ports_.store.people().mappings();
  if (!mappings) return mappings.error();
  matcher_.set_mappings(*mappings);
  const auto now = ports_.loop.now();
  if (auto loaded = load_rotations(true); !loaded) return loaded;
  if (auto loaded = load_deletions(now); !loaded) return loaded;
  if (auto loaded = load_connections(); !loaded) return loaded;
  if (auto loaded = journal_.load(ports_.lease); !loaded) return loaded;
  if (auto loaded = after_restore_.load(ports_.store, now); !loaded) return loaded;
  if (after_restore_.catching_up()) {
    for (auto& [id, entry] : model_.rotations) entry.quiet_before = now;
  }
  if (auto loaded = decider_.load(ports_.store, now); !loaded) return loaded;
  if (auto loaded = alerter_.load(ports_.store); !loaded) return loaded;
  status_writer_.load(ports_.store);
  if (auto recalled = recall_problems(); !recalled) return recalled;
  auto generation = ports_.store.generation();
  if (!generation) return generation.error();
  generation_ = *generation;
  for (auto& [ref, entry] : model_.schedules) {
    if (forget_future(entry.state, now)) entry.changed(Unsaved::notes);
    // Who was on call at the end may have come after the state was stored.
    if (const auto horizon = entry.state.timeline.horizon; horizon > kAlways)
      hold_people(entry.state, std::min(now, horizon - 1ms));
    if (entry.state.doubt) deadlines_.add({now + 1s, Deadline::Kind::confirm, ref, now + 1s});
    if (entry.state.doubt) entry.confirm_at = now + 1s;
  }
  return {};
}

Result<void> Engine::Impl::recall_problems() {
  const auto steady = ports_.loop.steady_now();
  for (const auto& [key, known] : alerter_.open()) {
    auto* entry = known.problem.rotation ? model_.find(*known.problem.rotation) : nullptr;
    const bool own = entry && key.starts_with(fmt::format("rotation:{}:", entry->rotation.id.value));
    if (own && !known.ended_at) recall_problem(*entry, known.problem, steady);
  }
  for (auto& [id, entry] : model_.rotations) {
    if (auto done = forget_reached_channels(entry); !done) return done;
  }
  announcer_.note_loaded();
  return {};
}

Result<void> Engine::Impl::forget_reached_channels(RotationEntry& entry) {
  auto& problems = entry.problems;
  const auto first = problems.lower_bound(std::string(kChannelProblem));
  if (first == problems.end() || !first->first.starts_with(kChannelProblem)) return {};
  auto rows = ports_.store.outbox().of_rotation(entry.rotation.id, kRowsLookedAt);
  if (!rows) return rows.error();
  std::erase_if(problems, [&](const auto& problem) {
    if (!problem.first.starts_with(kChannelProblem)) return false;
    const ChannelId channel{problem.first.substr(kChannelProblem.size())};
    const auto last = std::find_if(rows->begin(), rows->end(),
                                   [&](const OutboxRow& row) { return row.channel == channel; });
    const bool open = last != rows->end() && is_open(last->state);
    const bool sent = last != rows->end() && last->state == OutboxState::sent;
    return sent || (!open && !announces_in(entry.rotation, channel));
  });
  return {};
}

Result<void> Engine::Impl::reload() {
  auto version = ports_.store.data_version();
  if (!version || *version == data_version_) return version ? Result<void>{} : version.error();
  if (auto looked = desk_.look(); !looked) return looked;
  auto generation = ports_.store.generation();
  if (!generation) return generation.error();
  if (*generation != generation_) {
    auto mappings = ports_.store.people().mappings();
    if (!mappings) return mappings.error();
    note_mapped(matcher_.set_mappings(*mappings));
    if (auto loaded = load_rotations(false); !loaded) return loaded;
    if (auto loaded = load_deletions(ports_.loop.now()); !loaded) return loaded;
    if (auto loaded = load_connections(); !loaded) return loaded;
    generation_ = *generation;
    keeper_.kick();
    reader_.read_soon();
    announcer_.kick();
    mark_all();
  }
  data_version_ = *version;
  return {};
}

/// Whose place in a group may go to another account by that.
void Engine::Impl::note_mapped(const std::vector<std::string>& changed) {
  for (const auto& mapped : changed) {
    for (auto& [id, entry] : model_.rotations) {
      for (const auto& person : entry.record.people) {
        const auto& who = person.responder;
        if (who.email == mapped || who.connection + "/" + who.id == mapped)
          entry.rematch = Rematch{fmt::format("the mapping of {} changed", who.name), last_editor(mapped)};
      }
    }
  }
}

std::string Engine::Impl::last_editor(const std::string& object) const {
  store::HistoryFilter latest;
  latest.object = object;
  latest.limit = 1;
  auto audit = ports_.store.history().audit(latest);
  return audit && !audit->empty() ? audit->front().actor : "watchbill";
}

Result<void> Engine::Impl::load_rotations(bool at_start) {
  auto rotations = ports_.store.rotations().list();
  if (!rotations) return rotations.error();
  auto stored_records = ports_.store.engine().records();
  if (!stored_records) return stored_records.error();
  Records records;
  for (auto& record : *stored_records) records.emplace(record.rotation, &record);

  std::set<RotationId> present;
  for (auto& rotation : *rotations) {
    const auto id = rotation.id;
    present.insert(id);
    auto* entry = model_.find(id);
    if (!entry) {
      if (!at_start) log_edit(nullptr, &rotation, last_editor(rotation.name));
      adopt_rotation(std::move(rotation), records);
      continue;
    }
    rotation.handle = entry->rotation.handle;
    if (!(entry->rotation == rotation)) {
      const auto by = last_editor(rotation.name);
      log_edit(&entry->rotation, &rotation, by);
      replace_rotation(*entry, std::move(rotation), records, by);
    }
  }
  std::vector<RotationId> gone;
  for (const auto& [id, entry] : model_.rotations) {
    if (!present.contains(id)) gone.push_back(id);
  }
  for (const auto id : gone) {
    const auto& rotation = model_.find(id)->rotation;
    log_edit(&rotation, nullptr, last_editor(rotation.name));
    drop_rotation(id);
  }
  model_.by_group.clear();
  for (const auto& [id, entry] : model_.rotations) model_.by_group.insert_or_assign(entry.rotation.group, id);

  auto stored = at_start ? ports_.store.engine().states() : handed_over();
  if (!stored) return stored.error();
  ScheduleStates states;
  for (auto& state : *stored) states.emplace(state.schedule, &state);
  rebuild_schedules(states);
  return {};
}

/// What whoever edited the rotations (`connection migrate`) learned a moment ago of schedules that are new
/// here. What is older was left behind by a rotation of before.
Result<std::vector<ScheduleState>> Engine::Impl::handed_over() {
  const auto now = ports_.loop.now();
  std::vector<ScheduleState> found;
  std::set<ScheduleRef> looked;
  for (const auto& [id, entry] : model_.rotations) {
    for (const auto& schedule : entry.rotation.schedules) {
      if (model_.find(schedule.ref) || !looked.insert(schedule.ref).second) continue;
      auto state = ports_.store.engine().state(schedule.ref);
      if (!state) return state.error();
      if (*state && (*state)->last_answer && now - *(*state)->last_answer <= kHandedOver)
        found.push_back(**std::move(state));
    }
  }
  return found;
}

void Engine::Impl::adopt_rotation(Rotation rotation, const Records& records) {
  const auto id = rotation.id;
  auto& entry = model_.rotations[id];
  entry.rotation = std::move(rotation);
  const auto record = records.find(id);
  if (record != records.end()) entry.record = std::move(*record->second);
  entry.record.rotation = id;
}

void Engine::Impl::replace_rotation(RotationEntry& entry, Rotation rotation, const Records& records,
                                    const std::string& by) {
  if (entry.rotation.group != rotation.group) {
    // Another group: what was remembered of the old one is of no use.
    entry.group = GroupEntry{};
    entry.write.reset();
    entry.open_changes.clear();
    entry.refused_before.reset();
    entry.problems.clear();
    entry.open.clear();
    entry.refusal.reset();
    const auto record = records.find(rotation.id);
    entry.record = record == records.end() ? RotationRecord{} : std::move(*record->second);
    entry.record.rotation = rotation.id;
  } else if (const auto record = records.find(rotation.id); record != records.end()) {
    // The group may have been taken over anew.
    entry.record.former = record->second->former;
  }
  entry.rotation = std::move(rotation);
  entry.edited_by = by;
  entry.group.drifts.clear();
  entry.group.reported.reset();
  if (auto done = forget_reached_channels(entry); !done) store_error_ = done.error().message;
}

void Engine::Impl::drop_rotation(RotationId id) {
  model_.rotations.erase(id);
  decider_.forget(id);
  marked_.erase(id);
  disabled_.erase(id);
  told_writes_.erase(id);
}

Result<void> Engine::Impl::load_deletions(Instant now) {
  auto deletions = ports_.store.rotations().deletions();
  if (!deletions) return deletions.error();
  std::map<RotationId, Deletion> noted;
  Instant first_end = kNever;
  for (auto& deletion : *deletions) {
    if (deletion.until > now) first_end = std::min(first_end, deletion.until);
    noted.emplace(deletion.rotation, std::move(deletion));
  }
  for (auto& [id, entry] : model_.rotations) {
    const auto found = noted.find(id);
    if (found != noted.end() && found->second.until > now) {
      entry.deletion = std::move(found->second);
      continue;
    }
    if (found != noted.end()) {
      if (auto ended = ports_.store.rotations().end_deletion(found->second); !ended) return ended;
      entry.deletion = std::move(found->second);
    }
    if (!entry.deletion) continue;
    Event("deletion_ended")
        .with("rotation", entry.rotation.name)
        .with("by", entry.deletion->by)
        .log(spdlog::level::info);
    // Its group may be as it was before the rotation. That is no drift: somebody had it put back.
    entry.edited_by = entry.deletion->by;
    entry.deletion.reset();
    entry.group.must_read = true;
    entry.group.reported.reset();
  }
  first_deletion_ends_ = first_end;
  return {};
}

void Engine::Impl::give_up_deletions(Instant now) {
  if (now < first_deletion_ends_) return;
  // A store that is blocked is asked again a second later.
  if (auto loaded = load_deletions(now); !loaded) {
    store_error_ = loaded.error().message;
    return;
  }
  reader_.read_soon();
  mark_all();
}

void Engine::Impl::rebuild_schedules(const ScheduleStates& states) {
  for (auto& [ref, entry] : model_.schedules) entry.rotations.clear();
  const auto now = ports_.loop.now();
  std::set<std::string> with_new;
  for (const auto& [id, rotation] : model_.rotations) {
    for (const auto& schedule : rotation.rotation.schedules) {
      auto [it, fresh] = model_.schedules.try_emplace(schedule.ref);
      auto& entry = it->second;
      entry.rotations.push_back(id);
      if (!fresh) continue;
      const auto known = states.find(schedule.ref);
      if (known != states.end()) entry.state = std::move(*known->second);
      entry.state.schedule = schedule.ref;
      entry.watched_since = now;
      // An answer may have cut the future off, and the process died before it asked for it anew.
      const auto cut = [&](const std::optional<Instant>& looked, milliseconds window) {
        return !looked || entry.state.timeline.horizon < *looked + window - days{1};
      };
      entry.want_look_ahead = cut(entry.state.looked_ahead, days{8});
      entry.want_look_far = cut(entry.state.looked_far, days{60});
      with_new.insert(schedule.ref.connection);
      // A boundary that passed while nobody watched is due now, as one that was foreseen.
      const Instant since = entry.state.last_answer.value_or(now);
      entry.boundary = next_boundary(entry.state.timeline, since);
      if (entry.boundary && *entry.boundary > now) {
        deadlines_.add({*entry.boundary, Deadline::Kind::boundary, schedule.ref, *entry.boundary});
        if (*entry.boundary - 5s > now) {
          deadlines_.add({*entry.boundary - 5s, Deadline::Kind::poll_before, schedule.ref, *entry.boundary});
        }
      }
    }
  }
  for (auto it = model_.schedules.begin(); it != model_.schedules.end();) {
    if (!it->second.rotations.empty()) {
      ++it;
      continue;
    }
    // Harmless if it cannot be removed now: a state without a rotation is not used, and is replaced later.
    if (auto removed = ports_.store.engine().remove_schedule_state(it->first); !removed)
      store_error_ = removed.error().message;
    it = model_.schedules.erase(it);
  }
  for (const auto& name : with_new) {
    const auto state = connections_.find(name);
    if (state == connections_.end() || !state->second.poller) continue;
    state->second.poller->hurry();
    state->second.poller->look_ahead_now();
  }
}

Result<void> Engine::Impl::load_connections() {
  auto stored = ports_.store.connections().list();
  if (!stored) return stored.error();
  auto statuses = ports_.store.connections().statuses();
  if (!statuses) return statuses.error();
  std::map<std::string, Connection> present;
  for (auto& connection : *stored) present.emplace(connection.name, std::move(connection));
  std::erase_if(connections_, [&](const auto& item) { return !present.contains(item.first); });

  for (const auto& [name, connection] : present) {
    const auto known = known_connections_.find(name);
    const bool same = known != known_connections_.end() && connections_.contains(name) &&
                      known->second.kind == connection.kind &&
                      known->second.settings == connection.settings &&
                      known->second.secrets == connection.secrets;
    if (same) continue;
    ConnectionState state;
    state.kind = connection.kind;
    for (const auto& [status_name, status] : *statuses) {
      if (status_name != name) continue;
      state.last_success = status.last_success;
      state.recalled = status;
    }
    const auto [doubtful, watched] = doubtful_of(name);
    state.emptied = emptied_together(doubtful, watched);
    auto provider = make_provider_(connection);
    if (provider) {
      state.poller = std::make_unique<Poller>(ports_.loop, connection, std::move(*provider), *this,
                                              options_.poll_interval);
    } else {
      state.error = provider.error();
      state.failing_since = ports_.loop.now();
    }
    auto& placed = connections_.insert_or_assign(name, std::move(state)).first->second;
    if (running_ && placed.poller) placed.poller->start();
  }
  for (auto& [name, state] : connections_) state.asked = false;
  for (const auto& [ref, entry] : model_.schedules) {
    if (const auto state = connections_.find(ref.connection); state != connections_.end())
      state->second.asked = true;
  }
  known_connections_ = std::move(present);
  return {};
}

}  // namespace watchbill::engine
