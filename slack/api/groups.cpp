#include "slack/api/call.hpp"
#include "slack/api/decode.hpp"

/// User groups. Writes go out with the user token if there is one, since many workspaces let only admins edit
/// groups (docs.slack.dev/reference/methods/usergroups.users.update). All are sent as forms: in JSON the
/// accepted type of list arguments is not stable.
namespace watchbill::slack {

namespace {

constexpr std::size_t kLargestList = std::size_t{32} << 20U;

Call write(Method method, net::Fields form) {
  Call call{method};
  call.form = std::move(form);
  call.token = TokenKind::user;
  return call;
}

Result<UserGroup> changed_group(Method method, const Answer& answer) {
  auto group = decode_group(answer.body.root()["usergroup"]);
  if (!group) return unreadable_answer(method, group.error());
  return group;
}

constexpr const char* kForEditors = "it says who may edit in Slack (slack.editors.group)";

}  // namespace

Result<void> WebClient::Impl::may_write(const GroupId& group) const {
  if (options.editors_group != group) return {};
  auto error =
      fail(ErrorKind::forbidden,
           "the group {} says who may edit in Slack (slack.editors.group): it is never written", group);
  error.code = "editors_group";
  return error;
}

net::Task<Result<std::vector<UserGroup>>> WebClient::list_groups(Permit permit) {
  const auto impl = impl_;
  Call call{Method::usergroups_list};
  call.form =
      impl->with_team({{"include_users", "true"}, {"include_disabled", "true"}, {"include_count", "true"}});
  call.deadlines = 2;
  call.max_body = kLargestList;
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto groups = decode_groups(answer->body.root());
  if (!groups) co_return unreadable_answer(Method::usergroups_list, groups.error());
  for (auto& group : *groups) {
    if (impl->options.editors_group == group.id) group.unwritable = kForEditors;
  }
  co_return groups;
}

net::Task<Result<std::vector<UserId>>> WebClient::set_members(Permit permit, GroupId group,
                                                              std::vector<UserId> members) {
  constexpr auto kMethod = Method::usergroups_users_update;
  if (members.empty()) {
    auto error = fail(ErrorKind::invalid, "{}: a user group cannot be emptied", method_name(kMethod));
    error.code = "no_users_provided";
    co_return error;
  }
  const auto impl = impl_;
  if (auto ok = impl->may_write(group); !ok) co_return ok.error();
  auto call = write(kMethod, impl->with_team({{"usergroup", group.value}, {"users", comma_joined(members)}}));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto now = decode_members(answer->body.root()["usergroup"]["users"]);
  if (!now) co_return unreadable_answer(kMethod, now.error());
  co_return now;
}

net::Task<Result<void>> WebClient::enable_group(Permit permit, GroupId group) {
  const auto impl = impl_;
  if (auto ok = impl->may_write(group); !ok) co_return ok.error();
  auto call = write(Method::usergroups_enable, impl->with_team({{"usergroup", group.value}}));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer && answer.error().code != "already_enabled") co_return answer.error();
  co_return Result<void>{};
}

net::Task<Result<void>> WebClient::disable_group(Permit permit, GroupId group) {
  const auto impl = impl_;
  if (auto ok = impl->may_write(group); !ok) co_return ok.error();
  auto call = write(Method::usergroups_disable, impl->with_team({{"usergroup", group.value}}));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer && answer.error().code != "already_disabled") co_return answer.error();
  co_return Result<void>{};
}

net::Task<Result<UserGroup>> WebClient::create_group(Permit permit, std::string name, std::string handle,
                                                     std::string description) {
  const auto impl = impl_;
  net::Fields form{{"name", name}, {"handle", handle}};
  if (!description.empty()) form.emplace_back("description", description);
  auto call = write(Method::usergroups_create, impl->with_team(std::move(form)));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  co_return changed_group(Method::usergroups_create, *answer);
}

net::Task<Result<UserGroup>> WebClient::update_group(Permit permit, GroupId group, GroupChanges changes) {
  const auto impl = impl_;
  if (auto ok = impl->may_write(group); !ok) co_return ok.error();
  net::Fields form{{"usergroup", group.value}};
  if (changes.name) form.emplace_back("name", *changes.name);
  if (changes.handle) form.emplace_back("handle", *changes.handle);
  if (changes.description) form.emplace_back("description", *changes.description);
  auto call = write(Method::usergroups_update, impl->with_team(std::move(form)));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  co_return changed_group(Method::usergroups_update, *answer);
}

}  // namespace watchbill::slack
