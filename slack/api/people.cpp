#include "slack/api/call.hpp"
#include "slack/api/decode.hpp"

/// Who the tokens are, and the workspace's people.
namespace watchbill::slack {

namespace {

/// Slack advises 100 to 200 and takes 1000: each page is a call of a method that may be called 20 times a
/// minute.
constexpr auto* kUsersPageSize = "500";

Result<User> single_user(Method method, const Result<Answer>& answer) {
  if (!answer) return answer.error();
  auto user = decode_user(answer->body.root()["user"]);
  if (!user) return unreadable_answer(method, user.error());
  return user;
}

Result<Identity> identity(const Result<Answer>& answer) {
  if (!answer) return answer.error();
  auto who = decode_identity(answer->body.root());
  if (!who) return unreadable_answer(Method::auth_test, who.error());
  who->scopes = answer->scopes;
  return who;
}

}  // namespace

net::Task<Result<Identity>> WebClient::auth_test(Permit permit) {
  const auto impl = impl_;
  Call call{Method::auth_test};
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  auto who = identity(answer);
  // A token for a whole organization is not bound to a workspace.
  if (who && !who->organization && impl->options.team_id.empty()) impl->options.team_id = who->team_id;
  co_return who;
}

net::Task<Result<Identity>> WebClient::user_auth_test(Permit permit) {
  const auto impl = impl_;
  if (impl->options.user_token.empty()) {
    co_return fail(ErrorKind::not_found, "auth.test: there is no user token (slack.user_token_file)");
  }
  Call call{Method::auth_test};
  call.token = TokenKind::user;
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  co_return identity(answer);
}

net::Task<Result<User>> WebClient::lookup_by_email(Permit permit, std::string email) {
  const auto impl = impl_;
  Call call{Method::users_lookup_by_email};
  call.form = {{"email", email}};
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  co_return single_user(Method::users_lookup_by_email, answer);
}

net::Task<Result<User>> WebClient::user_info(Permit permit, UserId user) {
  const auto impl = impl_;
  Call call{Method::users_info};
  call.form = {{"user", user.value}};
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  co_return single_user(Method::users_info, answer);
}

net::Task<Result<UserPage>> WebClient::list_users(Permit permit, std::string cursor) {
  const auto impl = impl_;
  net::Fields form{{"limit", kUsersPageSize}};
  if (!cursor.empty()) form.emplace_back("cursor", cursor);
  Call call{Method::users_list};
  call.form = impl->with_team(std::move(form));
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto page = decode_user_page(answer->body.root());
  if (!page) co_return unreadable_answer(Method::users_list, page.error());
  co_return page;
}

}  // namespace watchbill::slack
