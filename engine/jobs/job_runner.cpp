#include "engine/jobs/job_runner.hpp"

#include <utility>

#include "base/json.hpp"
#include "core/history.hpp"
#include "core/oncall/rotation_record.hpp"

namespace watchbill::engine {

namespace {

std::string success() {
  return R"({"ok":true})";
}

std::string refusal(const Error& error) {
  json::Writer writer;
  writer.begin_object().field("ok", false).field("error", error.message).field("code", error.code);
  writer.field("kind", std::string(name_of(error.kind))).end_object();
  return writer.take();
}

std::string answer_of(const Result<void>& result) {
  return result ? success() : refusal(result.error());
}

std::vector<UserId> members_now(store::Store& store, const GroupId& id) {
  auto groups = store.engine().groups();
  if (!groups) return {};
  for (const auto& group : *groups) {
    if (group.id == id) return group.members;
  }
  return {};
}

/// What `kRestoreGroupRequest` asks for.
struct Restoration {
  RotationId rotation{};
  GroupTarget target;
  GroupId group;
};

/// Who deletes the rotation, if it is being deleted with that group; else its group is kept, and not put
/// back.
Result<Change> change_of(store::Store& store, const Restoration& wanted, Instant now) {
  auto rotations = store.rotations().list();
  if (!rotations) return rotations.error();
  auto deletions = store.rotations().deletions();
  if (!deletions) return deletions.error();
  for (const auto& rotation : *rotations) {
    if (rotation.id != wanted.rotation || rotation.group != wanted.group) continue;
    for (const auto& deletion : *deletions) {
      if (deletion.rotation != rotation.id || deletion.until <= now) continue;
      Change change;
      change.at = now;
      change.rotation = rotation.id;
      change.rotation_name = rotation.name;
      change.group = rotation.group;
      change.cause = Cause::restore;
      change.before = members_now(store, rotation.group);
      change.after = wanted.target.members;
      change.disabled = wanted.target.disable;
      change.by = deletion.by;
      return change;
    }
    return fail(ErrorKind::conflict, "rotation \"{}\" is not being deleted any more: its group is kept",
                rotation.name);
  }
  return fail(ErrorKind::not_found, "the rotation does not exist any more");
}

net::Task<Result<Change>> ask_change(const JobPorts& ports, const Restoration& wanted) {
  const auto read = [wanted, now = ports.loop.now()](store::Store& store) {
    return change_of(store, wanted, now);
  };
  co_return co_await ports.store.run(read);
}

net::Task<Result<void>> put_back(JobPorts ports, slack::Permit permit, GroupId group, GroupTarget target) {
  if (!target.members.empty()) {
    auto set = co_await ports.groups.set_members(std::move(permit), group, target.members);
    if (!set) co_return set.error();
    if (!target.disable) co_return Result<void>{};
    permit = co_await ports.limiter.acquire(slack::Method::usergroups_disable, slack::Priority::edit);
  }
  co_return co_await ports.groups.disable_group(std::move(permit), std::move(group));
}

void close(Journal& journal, ChangeId change, std::string result) {
  store::Commit commit;
  commit.closings.push_back({change, std::move(result)});
  journal.append(std::move(commit), Pace::now);
}

net::Task<Result<void>> restore(JobPorts ports, Restoration wanted, StillWanted still_wanted) {
  const auto first = wanted.target.members.empty() ? slack::Method::usergroups_disable
                                                   : slack::Method::usergroups_users_update;
  auto permit = co_await ports.limiter.acquire(first, slack::Priority::edit);
  if (auto go_on = co_await still_wanted(); !go_on) co_return go_on;
  auto change = co_await ask_change(ports, wanted);
  if (!change) co_return change.error();
  change->id = ports.journal.next_change();
  store::Commit begun;
  begun.changes.push_back(*change);
  co_await ports.journal.durable(ports.journal.append(std::move(begun), Pace::now));
  auto go_on = co_await still_wanted();
  if (auto again = co_await ask_change(ports, wanted); go_on && !again) go_on = again.error();
  if (!go_on) {
    close(ports.journal, change->id, "superseded");
    co_return go_on;
  }
  auto done = co_await put_back(ports, std::move(permit), wanted.group, wanted.target);
  const auto result = done                        ? "ok"
                      : done.error().code.empty() ? std::string(name_of(done.error().kind))
                                                  : done.error().code;
  close(ports.journal, change->id, result);
  co_return done;
}

}  // namespace

net::Task<std::string> carry_out_group_request(JobPorts ports, std::string kind, std::string payload,
                                               StillWanted still_wanted) {
  auto document = json::parse(payload);
  if (!document) co_return refusal(document.error());
  const auto root = document->root();
  if (kind == kCreateGroupRequest) {
    auto permit = co_await ports.limiter.acquire(slack::Method::usergroups_create, slack::Priority::edit);
    if (auto go_on = co_await still_wanted(); !go_on) co_return refusal(go_on.error());
    auto created =
        co_await ports.groups.create_group(std::move(permit), root["name"].string_or(""),
                                           root["handle"].string_or(""), root["description"].string_or(""));
    if (!created) co_return refusal(created.error());
    json::Writer writer;
    writer.begin_object().field("ok", true).key("group").begin_object();
    writer.field("id", created->id.value).field("handle", created->handle).end_object().end_object();
    co_return writer.take();
  }
  GroupId group{root["group"].string_or("")};
  if (kind == kEnableGroupRequest) {
    auto permit = co_await ports.limiter.acquire(slack::Method::usergroups_enable, slack::Priority::edit);
    if (auto go_on = co_await still_wanted(); !go_on) co_return refusal(go_on.error());
    auto enabled = co_await ports.groups.enable_group(std::move(permit), group);
    co_return answer_of(enabled);
  }
  if (kind == kRestoreGroupRequest) {
    Restoration wanted;
    wanted.rotation = RotationId{root["rotation"].integer_or(0)};
    wanted.group = group;
    wanted.target.disable = root["disabled"].boolean_or(false);
    for (const auto member : root["members"].items())
      wanted.target.members.emplace_back(member.string_or(""));
    auto restored = co_await restore(ports, std::move(wanted), std::move(still_wanted));
    co_return answer_of(restored);
  }
  co_return refusal(fail(ErrorKind::invalid, "request of unknown kind \"{}\"", kind));
}

JobRunner::JobRunner(JobPorts ports, std::function<net::Task<bool>()> sync)
    : ports_(ports), sync_(std::move(sync)) {}

void JobRunner::take(std::vector<store::Request> requests) {
  for (auto& request : requests) {
    if (!busy_.insert(request.id).second) continue;
    tasks_.spawn(handle(std::move(request)));
  }
}

net::Task<Result<void>> JobRunner::still_wanted(std::int64_t id) const {
  const auto look = [id, now = ports_.loop.now()](store::Store& store) {
    return store.requests().is_waited_for(id, now);
  };
  auto waited_for = co_await ports_.store.run(look);
  if (!waited_for) co_return waited_for.error();
  if (*waited_for) co_return Result<void>{};
  co_return fail(ErrorKind::cancelled, "nobody waits for this any more");
}

net::Task<void> JobRunner::handle(store::Request request) {
  const auto id = request.id;
  std::string answer;
  if (auto wanted = co_await still_wanted(id); !wanted) {
    answer = refusal(wanted.error());
  } else if (request.kind == kSyncRequest) {
    const bool complete = co_await sync_();
    answer = complete
                 ? success()
                 : refusal(fail(ErrorKind::timeout, "the pass is not complete yet: see `watchbill status`"));
  } else {
    const StillWanted still = [this, id] { return still_wanted(id); };
    answer = co_await carry_out_group_request(ports_, request.kind, request.payload, still);
  }
  // A request that cannot be answered now stays open and is carried out again: each of them is idempotent.
  const auto write = [id, answer](store::Store& store) { return store.requests().answer(id, answer); };
  (void)co_await ports_.store.run(write);
  busy_.erase(id);
}

}  // namespace watchbill::engine
