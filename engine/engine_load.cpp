#include <algorithm>

#include "engine/decide/open_problems.hpp"
#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"
#include "engine/steady_wait.hpp"
#include "engine/stored.hpp"

namespace watchbill::engine {

namespace {

constexpr auto kLookForEdits = 1s;
/// Evidence that was stored together with an edit is read within seconds.
constexpr auto kHandedOver = 5min;

/// What somebody else changed: nothing if nobody did.
struct News {
  std::int64_t version = -1;
  std::int64_t generation = -1;
  std::vector<store::Request> requests;
};

/// What a look at the store tells.
struct Look {
  bool moved = false;
  std::optional<News> news;
};

Result<Look> look_into(store::Store& store, std::int64_t known_version, bool edited) {
  Look look;
  look.moved = store.has_moved();
  auto version = store.data_version();
  if (!version) return version.error();
  if (*version == known_version && !edited) return look;
  auto requests = store.requests().open_requests();
  if (!requests) return requests.error();
  auto generation = store.generation();
  if (!generation) return generation.error();
  look.news = News{*version, *generation, std::move(*requests)};
  return look;
}

std::string editor_of(const std::map<std::string, store::Actor>& editors, const std::string& object) {
  const auto known = editors.find(object);
  return known == editors.end() ? "watchbill" : known->second;
}

}  // namespace

void Engine::Impl::load(Remembered& remembered) {
  directory_.load(seen_users(remembered.users));
  matcher_.set_mappings(remembered.configured.mappings);
  const auto now = ports_.loop.now();
  auto& configured = remembered.configured;
  journal_.start(ports_.lease, remembered.journal);
  load_rotations(configured, {});
  load_deletions(configured.deletions, now);
  load_connections(configured);
  after_restore_.load(remembered.restore, now);
  if (after_restore_.catching_up()) {
    for (auto& [id, entry] : model_.rotations) entry.quiet_before = now;
  }
  decider_.load(remembered, now);
  alerter_.load(std::move(remembered.problems));
  status_writer_.load(std::move(remembered.statuses));
  recall_problems();
  generation_ = configured.generation;
}

void Engine::Impl::recall_problems() {
  const auto steady = ports_.loop.steady_now();
  for (const auto& [key, known] : alerter_.open()) {
    auto* entry = known.problem.rotation ? model_.find(*known.problem.rotation) : nullptr;
    const bool own = entry && key.starts_with(fmt::format("rotation:{}:", entry->rotation.id.value));
    if (own && !known.ended_at) recall_problem(*entry, known.problem, steady);
  }
  for (auto& [id, entry] : model_.rotations) forget_reached_channels(entry);
  announcer_.note_loaded();
}

void Engine::Impl::forget_reached_channels(RotationEntry& entry) {
  std::erase_if(entry.problems, [&](const auto& problem) {
    if (!problem.first.starts_with(kChannelProblem)) return false;
    const ChannelId channel{problem.first.substr(kChannelProblem.size())};
    const auto* last = decider_.last_announcement(entry.rotation.id, channel);
    const bool open = last != nullptr && is_open(last->state);
    const bool sent = last != nullptr && last->state == OutboxState::sent;
    return sent || (!open && !announces_in(entry.rotation, channel));
  });
}

net::Task<void> Engine::Impl::follow_edits() {
  auto look_at = ports_.loop.steady_now() + kLookForEdits;
  while (true) {
    co_await wait_steady(ports_.loop, edits_, look_at);
    look_at = ports_.loop.steady_now() + kLookForEdits;
    if (stopping_) continue;
    if (auto loaded = co_await reload(); !loaded) {
      store_error_ = loaded.error().message;
    } else if (edited_) {
      // Changed meanwhile, when nobody waited for it.
      look_at = ports_.loop.steady_now();
    }
  }
}

net::Task<Result<void>> Engine::Impl::reload() {
  const bool edited = std::exchange(edited_, false);
  const auto look = [known = data_version_, edited](store::Store& store) {
    return look_into(store, known, edited);
  };
  auto seen = co_await ports_.store.run(look);
  if (!seen) {
    edited_ = edited_ || edited;
    co_return seen.error();
  }
  store_moved_ = seen->moved;
  auto& news = seen->news;
  if (!news || stopping_) co_return Result<void>{};
  job_runner_.take(std::move(news->requests));
  if (news->generation != generation_) {
    if (auto loaded = co_await load_edits(); !loaded) {
      edited_ = edited_ || edited;
      co_return loaded;
    }
  }
  data_version_ = news->version;
  co_return Result<void>{};
}

net::Task<Result<void>> Engine::Impl::load_edits() {
  std::set<ScheduleRef> known;
  for (const auto& [ref, entry] : model_.schedules) known.insert(ref);
  const auto read = [known = std::move(known)](store::Store& store) { return read_configured(store, known); };
  auto configured = co_await ports_.store.run(read);
  if (!configured) co_return configured.error();
  const auto read_who = [objects = edited_objects(*configured)](store::Store& store) {
    return read_editors(store, objects);
  };
  auto editors = co_await ports_.store.run(read_who);
  if (!editors) co_return editors.error();
  if (!stopping_) take(*configured, *editors);
  co_return Result<void>{};
}

void Engine::Impl::take(Configured& configured, const Editors& editors) {
  // What whoever edited the rotations (`connection migrate`) learned a moment ago of schedules that are new
  // here. What is older was left behind by a rotation of before.
  std::erase_if(configured.schedules, [now = ports_.loop.now()](const ScheduleState& state) {
    return !state.last_answer || now - *state.last_answer > kHandedOver;
  });
  note_mapped(matcher_.remapped(configured.mappings), editors);
  matcher_.set_mappings(configured.mappings);
  load_rotations(configured, editors);
  load_deletions(configured.deletions, ports_.loop.now());
  load_connections(configured);
  generation_ = configured.generation;
  keeper_.kick();
  reader_.read_soon();
  announcer_.kick();
  mark_all();
}

std::set<std::string> Engine::Impl::edited_objects(const Configured& configured) const {
  std::set<std::string> objects;
  for (auto& person : matcher_.remapped(configured.mappings)) objects.insert(std::move(person));
  std::set<RotationId> present;
  for (auto rotation : configured.rotations) {
    present.insert(rotation.id);
    const auto known = model_.rotations.find(rotation.id);
    if (known != model_.rotations.end()) rotation.handle = known->second.rotation.handle;
    if (known == model_.rotations.end() || !(known->second.rotation == rotation))
      objects.insert(rotation.name);
  }
  for (const auto& [id, entry] : model_.rotations) {
    if (!present.contains(id)) objects.insert(entry.rotation.name);
  }
  return objects;
}

/// Whose place in a group may go to another account by that.
void Engine::Impl::note_mapped(const std::vector<std::string>& changed, const Editors& editors) {
  for (const auto& mapped : changed) {
    for (auto& [id, entry] : model_.rotations) {
      for (const auto& person : entry.record.people) {
        const auto& who = person.responder;
        if (who.email == mapped || who.connection + "/" + who.id == mapped)
          entry.rematch =
              Rematch{fmt::format("the mapping of {} changed", who.name), editor_of(editors, mapped)};
      }
    }
  }
}

void Engine::Impl::load_rotations(Configured& configured, const Editors& editors) {
  Records records;
  for (auto& record : configured.records) records.emplace(record.rotation, &record);

  std::set<RotationId> present;
  for (auto& rotation : configured.rotations) {
    const auto id = rotation.id;
    present.insert(id);
    auto* entry = model_.find(id);
    if (!entry) {
      if (running_) log_edit(nullptr, &rotation, editor_of(editors, rotation.name));
      adopt_rotation(std::move(rotation), records);
      continue;
    }
    rotation.handle = entry->rotation.handle;
    if (!(entry->rotation == rotation)) {
      const auto by = editor_of(editors, rotation.name);
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
    log_edit(&rotation, nullptr, editor_of(editors, rotation.name));
    drop_rotation(id);
  }
  model_.by_group.clear();
  for (const auto& [id, entry] : model_.rotations) model_.by_group.insert_or_assign(entry.rotation.group, id);

  ScheduleStates states;
  for (auto& state : configured.schedules) states.emplace(state.schedule, &state);
  rebuild_schedules(states);
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
  forget_reached_channels(entry);
}

void Engine::Impl::drop_rotation(RotationId id) {
  model_.rotations.erase(id);
  decider_.forget(id);
  marked_.erase(id);
  disabled_.erase(id);
  told_writes_.erase(id);
}

void Engine::Impl::load_deletions(const std::vector<Deletion>& deletions, Instant now) {
  std::map<RotationId, Deletion> noted;
  for (const auto& deletion : deletions) noted.emplace(deletion.rotation, deletion);
  std::erase_if(given_up_, [&](const auto& item) {
    const auto found = noted.find(item.first);
    return found == noted.end() || !(found->second == item.second);
  });
  for (auto& [id, entry] : model_.rotations) {
    const auto found = noted.find(id);
    if (found != noted.end() && !given_up_.contains(id)) {
      entry.deletion = found->second;
      if (found->second.until <= now) give_up_deletion(entry);
    } else if (entry.deletion) {
      end_deletion(entry);
    }
  }
}

void Engine::Impl::give_up_deletion(RotationEntry& entry) {
  given_up_.insert_or_assign(entry.deletion->rotation, *entry.deletion);
  store::Commit commit;
  commit.ended_deletions.push_back(*entry.deletion);
  journal_.append(std::move(commit), Pace::now);
  end_deletion(entry);
}

void Engine::Impl::end_deletion(RotationEntry& entry) {
  const auto deletion = *std::exchange(entry.deletion, std::nullopt);
  Event("deletion_ended")
      .with("rotation", entry.rotation.name)
      .with("by", deletion.by)
      .log(spdlog::level::info);
  // Its group may be as it was before the rotation. That is no drift: somebody had it put back.
  entry.edited_by = deletion.by;
  entry.group.must_read = true;
  entry.group.reported.reset();
}

void Engine::Impl::give_up_deletions(Instant now) {
  bool any = false;
  for (auto& [id, entry] : model_.rotations) {
    if (!entry.deletion || entry.deletion->until > now) continue;
    give_up_deletion(entry);
    any = true;
  }
  if (!any) return;
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
      if (known != states.end()) note_recalled(entry, now);
    }
  }
  store::Commit forgotten;
  for (auto it = model_.schedules.begin(); it != model_.schedules.end();) {
    if (!it->second.rotations.empty()) {
      ++it;
      continue;
    }
    forgotten.forgotten_schedules.push_back(it->first);
    it = model_.schedules.erase(it);
  }
  if (!forgotten.empty()) journal_.append(std::move(forgotten), Pace::with_next);
  for (const auto& name : with_new) {
    const auto state = connections_.find(name);
    if (state == connections_.end() || !state->second.poller) continue;
    state->second.poller->hurry();
    state->second.poller->look_ahead_now();
  }
}

void Engine::Impl::note_recalled(ScheduleEntry& entry, Instant now) {
  if (forget_future(entry.state, now)) entry.changed(Unsaved::notes);
  // Who was on call at the end may have come after the state was stored.
  if (const auto horizon = entry.state.timeline.horizon; horizon > kAlways)
    hold_people(entry.state, std::min(now, horizon - 1ms));
  if (!entry.state.doubt) return;
  entry.confirm_at = now + 1s;
  deadlines_.add({now + 1s, Deadline::Kind::confirm, entry.state.schedule, now + 1s});
}

void Engine::Impl::load_connections(Configured& configured) {
  std::map<std::string, Connection> present;
  for (auto& connection : configured.connections) present.emplace(connection.name, std::move(connection));
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
    for (const auto& [status_name, status] : configured.statuses) {
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
}

}  // namespace watchbill::engine
