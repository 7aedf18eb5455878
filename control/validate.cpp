#include "control/validate.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "control/connections.hpp"
#include "control/save.hpp"
#include "core/announce/announcement.hpp"
#include "engine/jobs/job_runner.hpp"

namespace watchbill::control {

namespace {

void tell_progress(const Context& context, const RotationDraft& wanted,
                   const std::vector<RotationDraft>& all) {
  if (context.progress) context.progress(static_cast<std::size_t>(&wanted - all.data()) + 1, all.size());
}

/// What was resolved before is not asked for again.
template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

net::Task<Result<void>> resolve_people(Workspace& workspace, std::vector<UserId>& people,
                                       const std::vector<UserId>& known) {
  for (auto& person : people) {
    if (contains(known, person)) continue;
    auto found = co_await workspace.person(person.value);
    if (!found) co_return found.error();
    person = found->id;
  }
  co_return Result<void>{};
}

net::Task<Result<void>> resolve_channel(Workspace& workspace, RotationDraft& wanted, ChannelId& channel) {
  auto found = co_await workspace.channel(channel.value);
  if (!found) co_return found.error();
  if (!found->member) wanted.uninvited.push_back(*found);
  channel = found->id;
  co_return Result<void>{};
}

/// The id of a person (by id or e-mail address) or group (by id or "@handle") that Slack knows.
net::Task<Result<std::string>> resolve_owner(Workspace& workspace, std::string owner) {
  const bool handle = owner.starts_with('@');
  const bool group = handle || owner.starts_with('S');
  const bool person =
      owner.starts_with('U') || owner.starts_with('W') || owner.find('@') != std::string::npos;
  if (!group && !person) {
    co_return fail(ErrorKind::invalid,
                   "owner \"{}\": write an e-mail address or a Slack user's id (U…), or for a group its "
                   "@handle or id (S…)",
                   owner);
  }
  if (!group) {
    auto found = co_await workspace.person(owner);
    if (!found) co_return found.error();
    co_return found->id.value;
  }
  GroupId id(handle ? std::string() : owner);
  auto name = handle ? owner.substr(1) : std::string();
  auto found = co_await workspace.find_group(std::move(id), std::move(name));
  if (!found) co_return found.error();
  if (*found == nullptr)
    co_return fail(ErrorKind::not_found, "owner {}: Slack has no such user group; check it", owner);
  co_return (*found)->id.value;
}

/// Replaces what was written by what Slack calls it: channels by name, people by e-mail address, groups by
/// handle; what the stored rotation has already, and who makes it, is left alone. Refuses what is unknown,
/// archived or may not be in a group.
net::Task<Result<void>> resolve_names(Workspace& workspace, const store::Actor& actor,
                                      RotationDraft& wanted) {
  auto& r = wanted.rotation;
  const Rotation before = wanted.before.value_or(Rotation{});
  wanted.wrong_field = "channels";
  for (auto& channel : r.channels) {
    if (contains(before.channels, channel)) continue;
    if (auto done = co_await resolve_channel(workspace, wanted, channel); !done) co_return done;
  }
  wanted.wrong_field = "alert_channel";
  if (r.alert_channel && r.alert_channel != before.alert_channel) {
    if (auto done = co_await resolve_channel(workspace, wanted, *r.alert_channel); !done) co_return done;
  }
  wanted.wrong_field = "permanent_members";
  auto done = co_await resolve_people(workspace, r.permanent_members, before.permanent_members);
  if (!done) co_return done;
  wanted.wrong_field = "fallback_members";
  done = co_await resolve_people(workspace, r.fallback_members, before.fallback_members);
  if (!done) co_return done;
  wanted.wrong_field = "owners";
  for (auto& owner : r.owners) {
    if (contains(before.owners, owner) || owner == actor) continue;
    auto found = co_await resolve_owner(workspace, owner);
    if (!found) co_return found.error();
    owner = *found;
  }
  wanted.wrong_field.clear();
  co_return Result<void>{};
}

/// The rotation with something that may stand there in the place of schedules that were written by name
/// alone.
Rotation without_schedule_names(Rotation rotation) {
  std::size_t number = 0;
  for (auto& schedule : rotation.schedules) {
    if (schedule.ref.connection.empty()) schedule.ref = {"name", fmt::format("{}", ++number)};
  }
  return rotation;
}

/// The rotation without what still has to be looked up, for rules about the rest.
Rotation without_names(Rotation rotation) {
  rotation = without_schedule_names(std::move(rotation));
  rotation.channels.clear();
  rotation.permanent_members.clear();
  rotation.owners.clear();
  rotation.alert_channel.reset();
  if (!rotation.fallback_members.empty()) rotation.fallback_members = {UserId("U0")};
  return rotation;
}

/// `validate`, whose messages begin with the field.
Result<void> obey_rules(RotationDraft& wanted, const Rotation& rotation) {
  auto good = validate(rotation);
  if (!good) wanted.wrong_field = good.error().message.substr(0, good.error().message.find(':'));
  return good;
}

/// What the store would refuse, before anything is done in Slack.
Result<void> refuse_taken(store::Store& store, const std::vector<RotationDraft>& all, RotationDraft& wanted) {
  const auto& r = wanted.rotation;
  // Another rotation of this run may be about to give the name or group away.
  const auto frees = [&](RotationId id, const auto& keeps) {
    return std::any_of(all.begin(), all.end(), [&](const RotationDraft& other) {
      return other.before && other.before->id == id && !keeps(other.rotation);
    });
  };
  auto named = store.rotations().find(r.name);
  if (!named && named.error().kind != ErrorKind::not_found) return named.error();
  if (named && named->id != r.id &&
      !frees(named->id, [&](const Rotation& o) { return fold_name(o.name) == fold_name(r.name); })) {
    wanted.wrong_field = "name";
    return fail(ErrorKind::conflict,
                "the name is taken by rotation \"{}\" (upper and lower case count as the same): choose "
                "another, or change that one with `watchbill rotation edit`",
                named->name);
  }
  if (r.group.empty()) return {};
  auto grouped = store.rotations().find_by_group(r.group);
  if (!grouped) return grouped.error();
  if (*grouped && (*grouped)->id != r.id &&
      !frees((*grouped)->id, [&](const Rotation& o) { return o.group == r.group; })) {
    wanted.wrong_field = "group";
    return fail(
        ErrorKind::conflict,
        "the group @{} ({}) belongs to rotation \"{}\", and a group belongs to one rotation: edit that "
        "one, or choose another group",
        r.handle, r.group, (*grouped)->name);
  }
  return {};
}

/// All of them, in one piece of work.
net::Task<Result<void>> refuse_all_taken(Context& context, std::vector<RotationDraft>& all) {
  const auto drafts = std::make_shared<std::vector<RotationDraft>>(all);
  const auto look = [drafts](store::Store& store) -> Result<void> {
    for (auto& wanted : *drafts) {
      if (auto free = refuse_taken(store, *drafts, wanted); !free)
        return free.error().in("{}", place_of(wanted));
    }
    return {};
  };
  auto free = co_await context.store.run(look);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].wrong_field = (*drafts)[i].wrong_field;
  co_return free;
}

/// Whether the group's members stay as they are, go or come, so that somebody must agree to it.
std::optional<Adoption> adoption_of(const RotationDraft& wanted, Takeover kind, const RotationRecord& record,
                                    const slack::UserGroup& group, const PlanPreview* preview) {
  const auto& rotation = wanted.rotation;
  if (kind == Takeover::none || group.members.empty()) return std::nullopt;
  Adoption adoption{kind, rotation.paused, group.id, group.handle};
  adoption.edited_by = group.updated_by;
  adoption.edited_at = group.updated_at;
  adoption.default_channels = group.default_channels;
  auto& unsure = adoption.unsure;
  if (!preview) {
    unsure = "not known, since the scheduling systems were not asked";
  } else if (!preview->plan.decided || preview->plan.pending) {
    unsure =
        "not known: " + (preview->failures.empty() ? "the systems gave no answer yet" : preview->failures[0]);
  } else if (!preview->plan.target) {
    unsure = "nobody yet: nobody is on call, or nobody of them is in Slack";
  } else if (preview->plan.target->disable) {
    unsure = "nobody: nobody is on call, and the group will be disabled";
  } else {
    adoption.change = change_of(*preview->plan.target, {group.members, group.disabled});
    if (adoption.change.goes.empty() && adoption.change.comes.empty()) return std::nullopt;
  }
  if (!unsure.empty()) adoption.change.goes = group.members;
  if (kind == Takeover::again && unforeseen(adoption.change.goes, record, *wanted.before, rotation).empty())
    return std::nullopt;
  return adoption;
}

Takeover takeover_by(const RotationDraft& wanted) {
  return takeover_of(wanted.before ? &*wanted.before : nullptr, wanted.rotation);
}

/// What is remembered of these rotations, in their order; nothing where there is no id.
Result<std::vector<RotationRecord>> records_of(store::Store& store,
                                               const std::vector<std::optional<RotationId>>& ids) {
  auto stored = store.engine().records();
  if (!stored) return stored.error();
  std::vector<RotationRecord> records(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (const auto& record : *stored) {
      if (ids[i] == record.rotation) records[i] = record;
    }
  }
  return records;
}

/// Looks at the groups that rotations of this run take over, and at those that lose members by it.
net::Task<Result<void>> look_at_groups(Workspace& workspace, std::vector<RotationDraft>& all, bool verify) {
  std::vector<RotationDraft*> taken;
  std::vector<Rotation> rotations;
  // Of one that gets another group nothing is remembered.
  std::vector<std::optional<RotationId>> known;
  for (auto& wanted : all) {
    const bool stays = !wanted.takes_group() && takeover_by(wanted) == Takeover::none;
    if (stays || wanted.create_group) continue;
    taken.push_back(&wanted);
    rotations.push_back(wanted.rotation);
    known.push_back(wanted.takes_group() ? std::nullopt : std::optional(wanted.rotation.id));
  }
  if (taken.empty()) co_return Result<void>{};
  const auto read = [known](store::Store& store) { return records_of(store, known); };
  auto records = co_await workspace.context().store.run(read);
  if (!records) co_return records.error();
  std::vector<PlanPreview> plans;
  if (verify) {
    auto preview = co_await preview_plans(workspace, std::move(rotations), *records);
    if (!preview) co_return preview.error();
    plans = *std::move(preview);
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    auto& wanted = *taken[i];
    auto group = co_await workspace.find_group(wanted.rotation.group, wanted.rotation.handle);
    if (!group) co_return group.error();
    if (*group == nullptr) continue;
    const auto kind = takeover_by(wanted);
    if (wanted.takes_group() || kind == Takeover::first)
      wanted.former = FormerGroup{(*group)->members, (*group)->disabled, workspace.context().loop.now()};
    // Nobody relies on the members of a group that was disabled and is asked for as a new one.
    if (wanted.enable_group) continue;
    wanted.adoption = adoption_of(wanted, kind, (*records)[i], **group, verify ? &plans[i] : nullptr);
  }
  co_return Result<void>{};
}

/// The schedules that are not stored already.
std::vector<RotationSchedule*> new_schedules(std::vector<RotationDraft>& all) {
  std::vector<RotationSchedule*> fresh;
  for (auto& wanted : all) {
    for (auto& schedule : wanted.rotation.schedules) {
      const auto known = [&](const RotationSchedule& other) { return other.ref == schedule.ref; };
      const bool stored = wanted.before && std::any_of(wanted.before->schedules.begin(),
                                                       wanted.before->schedules.end(), known);
      if (!stored) fresh.push_back(&schedule);
    }
  }
  return fresh;
}

/// Each new schedule exists, and has its id where its name was written.
net::Task<Result<void>> resolve_schedules(Context& context, std::vector<RotationDraft>& all, bool verify) {
  const auto fresh = new_schedules(all);
  std::vector<ScheduleRef> refs;
  refs.reserve(fresh.size());
  for (const auto* schedule : fresh) refs.push_back(schedule->ref);
  auto found = co_await find_schedules(context, std::move(refs), verify);
  if (!found) {
    if (all.size() == 1) all.front().wrong_field = "schedules";
    co_return found.error();
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) fresh[i]->ref = std::move((*found)[i]);
  for (auto& wanted : all) {
    // Two names may be of one schedule.
    if (auto good = obey_rules(wanted, wanted.rotation); !good)
      co_return good.error().in("{}", place_of(wanted));
  }
  co_return Result<void>{};
}

}  // namespace

std::string place_of(const RotationDraft& wanted) {
  return wanted.place.empty() ? fmt::format("rotation \"{}\"", wanted.rotation.name)
                              : fmt::format("{}: rotation \"{}\"", wanted.place, wanted.rotation.name);
}

Rotation new_rotation(const Caller& caller) {
  Rotation rotation;
  if (const auto* user = std::get_if<SlackUser>(&caller.principal)) {
    rotation.managed_by = "slack";
    rotation.owners = {user->id.value};
  }
  return rotation;
}

Result<void> may_save(const Context& context, const Caller& caller, const RotationDraft& wanted) {
  const Object object{wanted.before ? &*wanted.before : nullptr, wanted.rotation.group};
  const auto& text = wanted.rotation.announce.text_template;
  const bool new_text = !wanted.before || wanted.before->announce.text_template != text;
  if (text && new_text && notifies_everyone(*text)) {
    if (auto ok = allowed(context, caller, Action::notify_everyone, object); !ok) return ok;
  }
  if (!wanted.before) return allowed(context, caller, Action::create, object);
  if (wanted.takes_group()) {
    if (auto ok = allowed(context, caller, Action::move_to_another_group, object); !ok) return ok;
  }
  return allowed(context, caller, Action::edit, object);
}

net::Task<Result<void>> resolve_group(Workspace& workspace, RotationDraft& wanted, bool create_groups) {
  auto& r = wanted.rotation;
  wanted.wrong_field = "group";
  auto found = co_await workspace.find_group(r.group, r.handle);
  if (!found) co_return found.error();
  if (*found == nullptr) {
    if (!r.group.empty()) {
      co_return fail(ErrorKind::not_found, "Slack has no user group {}: check the id, or write @handle",
                     r.group)
          .in("{}", place_of(wanted));
    }
    if (!create_groups) {
      co_return fail(ErrorKind::not_found,
                     "Slack has no user group @{}: check it, or create it with "
                     "--create-group",
                     r.handle)
          .in("{}", place_of(wanted));
    }
    auto handle = check_handle(r.handle);
    if (!handle) co_return handle.error().in("{}", place_of(wanted));
    r.handle = *handle;
    wanted.create_group = true;
    wanted.wrong_field.clear();
    co_return Result<void>{};
  }
  const auto& group = **found;
  r.group = group.id;
  r.handle = group.handle;
  if (group.unwritable) {
    co_return fail(ErrorKind::forbidden, "@{} ({}) cannot be managed: {}; choose another group", group.handle,
                   group.id, *group.unwritable)
        .in("{}", place_of(wanted));
  }
  wanted.enable_group = group.disabled && create_groups;
  wanted.wrong_field.clear();
  co_return Result<void>{};
}

net::Task<Result<void>> validate(Workspace& workspace, Caller caller, std::vector<RotationDraft>& all,
                                 ValidateOptions options) {
  auto& context = workspace.context();
  for (auto& wanted : all) {
    if (auto ok = may_save(context, caller, wanted); !ok) co_return ok.error();
  }
  if (auto free = co_await refuse_all_taken(context, all); !free) co_return free;
  for (auto& wanted : all) {
    // The rules that need no call go first.
    if (auto good = obey_rules(wanted, without_names(wanted.rotation)); !good)
      co_return good.error().in("{}", place_of(wanted));
  }
  for (auto& wanted : all) {
    tell_progress(context, wanted, all);
    auto good = co_await resolve_names(workspace, caller.actor, wanted);
    if (good) good = obey_rules(wanted, without_schedule_names(wanted.rotation));
    if (!good) co_return good.error().in("{}", place_of(wanted));
  }
  if (auto exist = co_await resolve_schedules(context, all, options.verify); !exist) co_return exist;
  co_return co_await look_at_groups(workspace, all, options.verify);
}

net::Task<Result<RotationDraft>> validate_resume(Workspace& workspace, Caller caller, RotationId id) {
  auto& context = workspace.context();
  auto stored = co_await read_rotation(context, caller, id);
  if (!stored) co_return stored.error();
  if (auto ok = allowed(context, caller, Action::pause, {&*stored, {}}); !ok) co_return ok.error();
  std::vector<RotationDraft> all(1);
  all.front().before = *stored;
  all.front().rotation = *std::move(stored);
  all.front().rotation.paused = false;
  if (auto looked = co_await look_at_groups(workspace, all, true); !looked) co_return looked.error();
  co_return std::move(all.front());
}

namespace {

/// What asks for a new group of that name.
std::string new_group(const Rotation& rotation, const std::string& name) {
  json::Writer w;
  w.begin_object().field("name", name).field("handle", rotation.handle);
  w.field("description", fmt::format("On call: {}. Kept by Watchbill.", rotation.name)).end_object();
  return w.take();
}

net::Task<Result<void>> make_group(Context& context, RotationDraft& wanted) {
  auto& r = wanted.rotation;
  json::Writer w;
  if (wanted.create_group && r.group.empty()) {
    auto answer = co_await context.group_request(engine::kCreateGroupRequest, new_group(r, r.name));
    // Another group is called like the rotation, perhaps the one that it kept so far. People choose handles.
    if (!answer && answer.error().code == "name_already_exists")
      answer = co_await context.group_request(engine::kCreateGroupRequest, new_group(r, r.handle));
    if (!answer) {
      // Slack gives no more than a code. Handles are shared with channels and people.
      const bool taken =
          answer.error().code == "handle_already_exists" || answer.error().code == "name_already_exists";
      Error error = answer.error().in("creating the group @{}", r.handle);
      if (taken) error.kind = ErrorKind::conflict;
      co_return error;
    }
    r.group = GroupId((*answer).root()["group"]["id"].string_or(""));
    r.handle = (*answer).root()["group"]["handle"].string_or(r.handle);
    co_return Result<void>{};
  }
  w.begin_object().field("group", r.group.value).end_object();
  auto answer = co_await context.group_request(engine::kEnableGroupRequest, w.take());
  if (!answer) co_return answer.error().in("enabling the group @{}", r.handle);
  co_return Result<void>{};
}

}  // namespace

net::Task<Result<void>> make_groups(Context& context, std::vector<RotationDraft>& all) {
  for (auto& wanted : all) {
    tell_progress(context, wanted, all);
    const bool missing = wanted.create_group && wanted.rotation.group.empty();
    // One that had members is enabled by its first write, which gives it those that it should have.
    const bool enable = wanted.enable_group && wanted.former && wanted.former->members.empty();
    if (!missing && !enable) continue;
    auto made = co_await make_group(context, wanted);
    if (!made) {
      wanted.wrong_field = "group";
      co_return made.error().in("{}", place_of(wanted));
    }
  }
  co_return Result<void>{};
}

}  // namespace watchbill::control
