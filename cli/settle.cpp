#include "cli/settle.hpp"

#include <algorithm>
#include <map>

#include "engine/request_desk.hpp"

namespace watchbill::cli {

namespace {

/// More members than this are counted, not named.
constexpr std::size_t kNamed = 20;

std::string at(const Wanted& wanted) {
  return wanted.place.empty() ? fmt::format("rotation \"{}\"", wanted.rotation.name)
                              : fmt::format("{}: rotation \"{}\"", wanted.place, wanted.rotation.name);
}

/// What was resolved before is not asked for again.
template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// The rotation with those names only that the stored one does not have.
Result<void> resolve_new_names(Workspace& workspace, Wanted& wanted) {
  auto& r = wanted.rotation;
  const Rotation before = wanted.before.value_or(Rotation{});
  Rotation fresh;
  for (const auto& channel : r.channels)
    if (!contains(before.channels, channel)) fresh.channels.push_back(channel);
  for (const auto& member : r.permanent_members)
    if (!contains(before.permanent_members, member)) fresh.permanent_members.push_back(member);
  for (const auto& member : r.fallback_members)
    if (!contains(before.fallback_members, member)) fresh.fallback_members.push_back(member);
  for (const auto& owner : r.owners)
    if (!contains(before.owners, owner)) fresh.owners.push_back(owner);
  if (r.alert_channel != before.alert_channel) fresh.alert_channel = r.alert_channel;
  const Rotation asked = fresh;
  if (auto done = resolve_names(workspace, fresh); !done) return done;

  const auto replace = [](auto& list, const auto& from, const auto& to) {
    for (std::size_t i = 0; i < from.size(); ++i) std::replace(list.begin(), list.end(), from[i], to[i]);
  };
  replace(r.channels, asked.channels, fresh.channels);
  replace(r.permanent_members, asked.permanent_members, fresh.permanent_members);
  replace(r.fallback_members, asked.fallback_members, fresh.fallback_members);
  replace(r.owners, asked.owners, fresh.owners);
  if (fresh.alert_channel) r.alert_channel = fresh.alert_channel;
  return {};
}

/// The rotation without what still has to be looked up, for rules about the rest.
Rotation without_names(Rotation rotation) {
  rotation.channels.clear();
  rotation.permanent_members.clear();
  rotation.owners.clear();
  rotation.alert_channel.reset();
  if (!rotation.fallback_members.empty()) rotation.fallback_members = {UserId("U0")};
  return rotation;
}

/// What the store would refuse, before anything is done in Slack.
Result<void> refuse_taken(Session& session, const std::vector<Wanted>& all, const Wanted& wanted) {
  auto store = session.store();
  if (!store) return store.error();
  const auto& r = wanted.rotation;
  // Another rotation of this run may be about to give the name or group away.
  const auto frees = [&](RotationId id, const auto& keeps) {
    return std::any_of(all.begin(), all.end(), [&](const Wanted& other) {
      return other.before && other.before->id == id && !keeps(other.rotation);
    });
  };
  auto named = (*store)->rotations().find(r.name);
  if (!named && named.error().kind != ErrorKind::not_found) return named.error();
  if (named && named->id != r.id &&
      !frees(named->id, [&](const Rotation& o) { return fold_name(o.name) == fold_name(r.name); })) {
    return fail(ErrorKind::conflict,
                "the name is taken by rotation \"{}\" (upper and lower case count as the same): choose "
                "another, or change that one with `watchbill rotation edit`",
                named->name);
  }
  if (r.group.empty()) return {};
  auto grouped = (*store)->rotations().find_by_group(r.group);
  if (!grouped) return grouped.error();
  if (*grouped && (*grouped)->id != r.id &&
      !frees((*grouped)->id, [&](const Rotation& o) { return o.group == r.group; })) {
    return fail(
        ErrorKind::conflict,
        "the group @{} ({}) belongs to rotation \"{}\", and a group belongs to one rotation: edit that "
        "one, or choose another group",
        r.handle, r.group, (*grouped)->name);
  }
  return {};
}

Result<void> check_rights(Session& session, const SettleOptions& options, const Wanted& wanted) {
  auto config = session.config();
  if (!config) return config.error();
  const auto permissions = (*config)->permissions();
  if (!wanted.before)
    return may(options.principal, Action::create, {nullptr, wanted.rotation.group}, permissions);
  const Object object{&*wanted.before, wanted.rotation.group};
  if (wanted.takes_group()) {
    if (auto allowed = may(options.principal, Action::move_to_another_group, object, permissions); !allowed)
      return allowed;
  }
  return may(options.principal, Action::edit, object, permissions);
}

std::string people_line(Workspace& workspace, std::string_view word, const std::vector<UserId>& people) {
  std::string out;
  for (std::size_t i = 0; i < people.size() && i < kNamed; ++i)
    out += (i > 0 ? ", " : "") + workspace.name_of(people[i]);
  if (people.size() > kNamed) out += fmt::format(" and {} more", people.size() - kNamed);
  return fmt::format("  {}: {}\n", word, out.empty() ? "nobody" : out);
}

std::string preview_of(Workspace& workspace, const slack::UserGroup& group, const MemberChange& change,
                       const std::string& unsure) {
  auto text = fmt::format("@{} ({}) has other members than who is on call:\n", group.handle, group.id);
  text += people_line(workspace, "goes", change.goes);
  text += unsure.empty() ? people_line(workspace, "comes", change.comes) : "  comes: " + unsure + "\n";
  if (!group.updated_by.empty()) {
    text += fmt::format("  last edited by: {}, {}\n", workspace.name_of(group.updated_by),
                        format_minutes(group.updated_at));
  }
  std::string channels;
  for (const auto& channel : group.default_channels)
    channels += (channels.empty() ? "" : ", ") + workspace.name_of(channel);
  text += fmt::format("  Slack adds new members to: {}\n",
                      channels.empty() ? "no channels (the group has no default channels)" : channels);
  return text;
}

/// Whether the group's members stay as they are, go or come.
std::optional<Adoption> adoption_of(Workspace& workspace, const Rotation& rotation,
                                    const slack::UserGroup& group, const LivePlan* live) {
  if (rotation.mode == Mode::observe || rotation.membership == Membership::merge || group.members.empty())
    return std::nullopt;
  std::string unsure;
  MemberChange change;
  if (!live) {
    unsure = "not known, since the scheduling systems were not asked";
  } else if (!live->plan.decided || live->plan.pending) {
    unsure = "not known: " + (live->failures.empty() ? "the systems gave no answer yet" : live->failures[0]);
  } else if (!live->plan.target) {
    unsure = "nobody yet: nobody is on call, or nobody of them is in Slack";
  } else if (live->plan.target->disable) {
    unsure = "nobody: nobody is on call, and the group will be disabled";
  } else {
    change = change_of(*live->plan.target, {group.members, group.disabled});
    if (change.goes.empty() && change.comes.empty()) return std::nullopt;
  }
  if (!unsure.empty()) change.goes = group.members;
  return Adoption{change, preview_of(workspace, group, change, unsure)};
}

/// Looks at the groups that rotations of this run take over.
Result<void> look_at_groups(Workspace& workspace, std::vector<Wanted>& all, bool verify) {
  std::vector<Wanted*> taken;
  std::vector<Rotation> rotations;
  for (auto& wanted : all) {
    if (!wanted.takes_group() || wanted.create_group) continue;
    taken.push_back(&wanted);
    rotations.push_back(wanted.rotation);
  }
  if (taken.empty()) return {};
  std::vector<LivePlan> plans;
  if (verify) {
    auto live = plan_live(workspace, rotations, std::vector<RotationRecord>(rotations.size()));
    if (!live) return live.error();
    plans = *std::move(live);
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    auto& wanted = *taken[i];
    auto group = workspace.find_group(wanted.rotation.group, wanted.rotation.handle);
    if (!group) return group.error();
    if (*group == nullptr) continue;
    wanted.former = FormerGroup{(*group)->members, (*group)->disabled, workspace.session().now()};
    // Nobody relies on the members of a group that was disabled and is asked for as a new one.
    if (wanted.enable_group) continue;
    wanted.adoption = adoption_of(workspace, wanted.rotation, **group, verify ? &plans[i] : nullptr);
  }
  return {};
}

}  // namespace

Result<void> settle_group(Workspace& workspace, Wanted& wanted, bool create_groups) {
  auto& r = wanted.rotation;
  auto found = workspace.find_group(r.group, r.handle);
  if (!found) return found.error();
  if (*found == nullptr) {
    if (!r.group.empty()) {
      return fail(ErrorKind::not_found, "Slack has no user group {}: check the id, or write @handle", r.group)
          .in("{}", at(wanted));
    }
    if (!create_groups) {
      return fail(ErrorKind::not_found,
                  "Slack has no user group @{}: check it, or create it with "
                  "--create-group",
                  r.handle)
          .in("{}", at(wanted));
    }
    auto handle = check_handle(r.handle);
    if (!handle) return handle.error().in("{}", at(wanted));
    r.handle = *handle;
    wanted.create_group = true;
    return {};
  }
  const auto& group = **found;
  r.group = group.id;
  r.handle = group.handle;
  if (group.unwritable) {
    return fail(ErrorKind::forbidden, "@{} ({}) cannot be managed: {}; choose another group", group.handle,
                group.id, *group.unwritable)
        .in("{}", at(wanted));
  }
  wanted.enable_group = group.disabled && create_groups;
  return {};
}

Result<void> settle(Workspace& workspace, std::vector<Wanted>& all, const SettleOptions& options) {
  auto& session = workspace.session();
  for (auto& wanted : all) {
    if (auto allowed = check_rights(session, options, wanted); !allowed) return allowed.error();
    if (auto free = refuse_taken(session, all, wanted); !free) return free.error().in("{}", at(wanted));
  }
  for (auto& wanted : all) {
    // The rules that need no call go first.
    if (auto good = validate(without_names(wanted.rotation)); !good) return good.error().in("{}", at(wanted));
  }
  for (auto& wanted : all) {
    if (auto resolved = resolve_new_names(workspace, wanted); !resolved)
      return resolved.error().in("{}", at(wanted));
    if (auto good = validate(wanted.rotation); !good) return good.error().in("{}", at(wanted));
  }
  std::vector<Rotation> to_check;
  for (const auto& wanted : all) {
    Rotation fresh;
    for (const auto& schedule : wanted.rotation.schedules) {
      const auto known = [&](const RotationSchedule& other) { return other.ref == schedule.ref; };
      const bool stored = wanted.before && std::any_of(wanted.before->schedules.begin(),
                                                       wanted.before->schedules.end(), known);
      if (!stored) fresh.schedules.push_back(schedule);
    }
    to_check.push_back(std::move(fresh));
  }
  if (auto good = check_schedules(session, to_check, options.verify); !good) return good;
  return look_at_groups(workspace, all, options.verify);
}

namespace {

Result<void> make_group(Session& session, Wanted& wanted) {
  auto& r = wanted.rotation;
  json::Writer w;
  if (wanted.create_group) {
    w.begin_object().field("name", r.name).field("handle", r.handle);
    w.field("description", fmt::format("On call: {}. Kept by Watchbill.", r.name)).end_object();
    auto answer = session.group_request(engine::kCreateGroupRequest, w.take());
    if (!answer) {
      // Slack gives no more than a code. Handles are shared with channels and people.
      const bool taken =
          answer.error().code == "handle_already_exists" || answer.error().code == "name_already_exists";
      Error error = answer.error().in("creating the group @{}", r.handle);
      if (taken) error.kind = ErrorKind::conflict;
      return error;
    }
    r.group = GroupId((*answer).root()["group"]["id"].string_or(""));
    r.handle = (*answer).root()["group"]["handle"].string_or(r.handle);
    return {};
  }
  w.begin_object().field("group", r.group.value).end_object();
  auto answer = session.group_request(engine::kEnableGroupRequest, w.take());
  if (!answer) return answer.error().in("enabling the group @{}", r.handle);
  return {};
}

}  // namespace

Result<void> make_groups(Session& session, std::vector<Wanted>& all) {
  for (auto& wanted : all) {
    if (!wanted.create_group && !wanted.enable_group) continue;
    if (auto made = make_group(session, wanted); !made) return made.error().in("{}", at(wanted));
  }
  return {};
}

}  // namespace watchbill::cli
