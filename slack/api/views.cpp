#include "slack/api/call.hpp"
#include "slack/transport/address.hpp"

/// Modals, the home tab, answers to commands, and where Socket Mode connects to.
namespace watchbill::slack {

namespace {

net::Task<Result<ViewRef>> send_view(std::shared_ptr<WebClient::Impl> impl, Permit permit, Method method,
                                     json::Writer body) {
  Call call{method};
  call.json = body.end_object().take();
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  const auto view = answer->body.root()["view"];
  auto id = view["id"].string();
  if (!id) co_return unreadable_answer(method, id.error());
  ViewRef ref{std::move(*id), view["hash"].string_or("")};
  co_return ref;
}

json::Writer view_body(std::string_view name, const std::string& value, const std::string& view) {
  json::Writer body;
  body.begin_object().field(name, value);
  body.key("view").raw(view);
  return body;
}

}  // namespace

net::Task<Result<ViewRef>> WebClient::open_view(Permit permit, std::string trigger, std::string view) {
  return send_view(impl_, std::move(permit), Method::views_open, view_body("trigger_id", trigger, view));
}

net::Task<Result<ViewRef>> WebClient::push_view(Permit permit, std::string trigger, std::string view) {
  return send_view(impl_, std::move(permit), Method::views_push, view_body("trigger_id", trigger, view));
}

net::Task<Result<ViewRef>> WebClient::update_view(Permit permit, std::string id, std::string view,
                                                  std::string hash) {
  auto body = view_body("view_id", id, view);
  if (!hash.empty()) body.field("hash", hash);
  return send_view(impl_, std::move(permit), Method::views_update, std::move(body));
}

net::Task<Result<ViewRef>> WebClient::publish_home(Permit permit, UserId user, std::string view) {
  return send_view(impl_, std::move(permit), Method::views_publish, view_body("user_id", user.value, view));
}

net::Task<Result<void>> WebClient::respond(std::string response_url, std::string message) {
  const auto impl = impl_;
  if (auto allowed = check_address(response_url, impl->options.api_url); !allowed) {
    co_return allowed.error().in("response_url");
  }
  net::HttpRequest request;
  request.method = "POST";
  request.url = std::move(response_url);
  request.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  request.body = std::move(message);
  request.deadline = impl->options.deadline;
  net::Redactor redactor = impl->redactor;
  redactor.add(Secret(request.url));
  auto response = co_await impl->http.send(std::move(request));
  if (!response) {
    auto error = response.error().in("response_url");
    redactor.redact(error);
    co_return error;
  }
  redactor.redact(*response);
  co_return interpret_response_url(*response);
}

net::Task<Result<std::string>> WebClient::open_connection(Permit permit) {
  const auto impl = impl_;
  Call call{Method::apps_connections_open};
  call.token = TokenKind::app;
  const auto answer = co_await impl->send(std::move(permit), std::move(call));
  if (!answer) co_return answer.error();
  auto url = answer->body.root()["url"].string();
  if (!url) co_return unreadable_answer(Method::apps_connections_open, url.error());
  if (auto allowed = check_address(*url, impl->options.api_url); !allowed) {
    auto error = allowed.error().in("{}", method_name(Method::apps_connections_open));
    error.kind = ErrorKind::forbidden;
    co_return error;
  }
  co_return url;
}

}  // namespace watchbill::slack
