#include "engine/request_desk.hpp"

#include <utility>

#include "json/json.hpp"

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

net::Task<Result<void>> restore(slack::Groups& groups, slack::Gate& gate, GroupId group,
                                std::vector<UserId> members, bool disabled) {
  if (!members.empty()) {
    auto permit = co_await gate.acquire(slack::Method::usergroups_users_update, slack::Priority::edit);
    auto set = co_await groups.set_members(std::move(permit), group, std::move(members));
    if (!set) co_return set.error();
  }
  if (!disabled) co_return Result<void>{};
  auto permit = co_await gate.acquire(slack::Method::usergroups_disable, slack::Priority::edit);
  co_return co_await groups.disable_group(std::move(permit), std::move(group));
}

}  // namespace

net::Task<std::string> carry_out_group_request(slack::Groups& groups, slack::Gate& gate, std::string kind,
                                               std::string payload) {
  auto document = json::parse(payload);
  if (!document) co_return refusal(document.error());
  const auto root = document->root();
  if (kind == kCreateGroupRequest) {
    auto permit = co_await gate.acquire(slack::Method::usergroups_create, slack::Priority::edit);
    auto created =
        co_await groups.create_group(std::move(permit), root["name"].string_or(""),
                                     root["handle"].string_or(""), root["description"].string_or(""));
    if (!created) co_return refusal(created.error());
    json::Writer writer;
    writer.begin_object().field("ok", true).key("group").begin_object();
    writer.field("id", created->id.value).field("handle", created->handle).end_object().end_object();
    co_return writer.take();
  }
  GroupId group{root["group"].string_or("")};
  if (kind == kEnableGroupRequest) {
    auto permit = co_await gate.acquire(slack::Method::usergroups_enable, slack::Priority::edit);
    auto enabled = co_await groups.enable_group(std::move(permit), group);
    co_return answer_of(enabled);
  }
  if (kind == kRestoreGroupRequest) {
    std::vector<UserId> members;
    for (const auto member : root["members"].items()) members.emplace_back(member.string_or(""));
    auto restored =
        co_await restore(groups, gate, group, std::move(members), root["disabled"].boolean_or(false));
    co_return answer_of(restored);
  }
  co_return refusal(fail(ErrorKind::invalid, "request of unknown kind \"{}\"", kind));
}

RequestDesk::RequestDesk(store::Store& store, slack::Groups& groups, slack::Gate& gate,
                         std::function<net::Task<bool>()> sync)
    : store_(store), groups_(groups), gate_(gate), sync_(std::move(sync)) {}

Result<void> RequestDesk::look() {
  auto requests = store_.requests().open_requests();
  if (!requests) return requests.error();
  for (auto& request : *requests) {
    if (!busy_.insert(request.id).second) continue;
    tasks_.spawn(handle(std::move(request)));
  }
  return {};
}

net::Task<void> RequestDesk::handle(store::Request request) {
  const auto id = request.id;
  std::string answer;
  if (request.kind == kSyncRequest) {
    const bool complete = co_await sync_();
    answer = complete
                 ? success()
                 : refusal(fail(ErrorKind::timeout, "the pass is not complete yet: see `watchbill status`"));
  } else {
    answer = co_await carry_out_group_request(groups_, gate_, request.kind, request.payload);
  }
  // A request that cannot be answered now stays open and is carried out again: each of them is idempotent.
  if (auto saved = store_.requests().answer(id, answer); !saved) answer.clear();
  busy_.erase(id);
}

}  // namespace watchbill::engine
