#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "net/curl_client.hpp"
#include "sandbox/sandbox.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::test {

/// An answer, and its body read as JSON (null if it is none).
struct Reply {
  Result<net::HttpResponse> http = fail(ErrorKind::internal, "not asked");
  std::shared_ptr<json::Document> document = std::make_shared<json::Document>();

  [[nodiscard]] int status() const { return http ? http->status : 0; }
  json::View operator[](std::string_view name) const { return document->root()[name]; }
  /// Slack: "ok", or the error code.
  [[nodiscard]] std::string slack() const {
    return (*this)["ok"].boolean_or(false) ? "ok" : (*this)["error"].string_or("unreadable");
  }
};

/// An empty sandbox without rate limits, asked over real sockets by hand-made requests.
struct Room {
  net::EventLoop loop;
  net::CurlClient http{loop, {}};
  std::unique_ptr<sandbox::Sandbox> sandbox = start(loop);
  std::string bot = "xoxb-sandbox-bot";

  Room() {
    control(R"({"do":"reset","empty":true})");
    control(R"({"do":"rate","off":true})");
  }

  Reply send(net::HttpRequest request) {
    Reply reply;
    reply.http = loop.run_until_done(http.send(std::move(request)));
    if (reply.http) {
      if (auto parsed = json::parse(reply.http->body)) *reply.document = std::move(*parsed);
    }
    return reply;
  }
  /// A Slack method by form POST.
  Reply slack(const std::string& method, const net::Fields& fields = {}, const std::string& token = {}) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = sandbox->slack_api() + method;
    request.authorization = Secret("Bearer " + (token.empty() ? bot : token));
    if (!fields.empty()) {
      request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
      request.body = net::encode_form(fields);
    }
    request.deadline = 20s;
    return send(std::move(request));
  }
  Reply get(const std::string& url, const std::string& authorization, const net::Headers& headers = {}) {
    net::HttpRequest request;
    request.url = url;
    request.headers = headers;
    request.authorization = Secret(authorization);
    request.deadline = 20s;
    return send(std::move(request));
  }
  Reply pagerduty(const std::string& path, const std::string& authorization = "Token token=pd-sandbox-key") {
    return get(sandbox->pagerduty() + path, authorization,
               {{"Accept", "application/vnd.pagerduty+json;version=2"}});
  }
  Reply token(const net::Fields& fields) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = sandbox->identity() + "/oauth/token";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = net::encode_form(fields);
    return send(std::move(request));
  }
  Reply opsgenie(const std::string& path, const std::string& authorization = "GenieKey og-sandbox-key") {
    return get(sandbox->opsgenie() + path, authorization);
  }
  /// watchbill@example.com:ATATT3xSandbox
  Reply jsm(const std::string& path,
            const std::string& authorization = "Basic d2F0Y2hiaWxsQGV4YW1wbGUuY29tOkFUQVRUM3hTYW5kYm94") {
    return get(sandbox->jsm() + path, authorization);
  }
  Reply xmatters(const std::string& path) {
    // x-api-key-sandbox:xm-sandbox-secret
    return get(sandbox->xmatters() + "/api/xm/1" + path,
               "Basic eC1hcGkta2V5LXNhbmRib3g6eG0tc2FuZGJveC1zZWNyZXQ=");
  }

  Reply control(const std::string& action) {
    auto answer = sandbox->control(action);
    INFO(action << ": " << (answer ? std::string() : answer.error().message));
    REQUIRE(answer);
    Reply reply;
    *reply.document = std::move(*json::parse(*answer));
    return reply;
  }
  std::string refused(const std::string& action) {
    auto answer = sandbox->control(action);
    REQUIRE_FALSE(answer);
    return answer.error().message;
  }
  void people() {
    for (const auto* name : {"ada", "bo", "cy"}) {
      control(fmt::format(R"({{"do":"person","key":"{0}","name":"{0} Example","email":"{0}@example.com"}})",
                          name));
    }
  }
  /// Ids of the members of a group, joined.
  std::string members(const std::string& group) {
    const auto state = control(R"({"do":"state","only":["groups"]})");
    const auto groups = state["groups"];
    for (const auto one : groups.items()) {
      if (one["id"].string_or("") == group) return joined(one["users"]);
    }
    return "no such group";
  }
  static std::string joined(json::View list) {
    std::string text;
    for (const auto item : list.items()) text += (text.empty() ? "" : ",") + item.string_or("?");
    return text;
  }
  std::string on_call(const std::string& id) {
    return joined((
        *control(fmt::format(R"({{"do":"on_call","id":"{}"}})", id))["schedules"].items().begin())["people"]);
  }
  void wait(milliseconds time) {
    struct Nap {
      static net::Task<void> take(net::Loop& on, milliseconds length) { co_await net::sleep_for(on, length); }
    };
    loop.run_until_done(Nap::take(loop, time));
  }
  std::string at(milliseconds from_now) const { return format_rfc3339_ms(loop.now() + from_now); }

 private:
  static std::unique_ptr<sandbox::Sandbox> start(net::EventLoop& on) {
    auto started = sandbox::Sandbox::start(on, {});
    INFO((started ? std::string() : started.error().message));
    REQUIRE(started);
    return std::move(*started);
  }
};

/// The first element of a list.
inline json::View first(json::View list) {
  return list.size() == 0 ? json::View{} : *list.items().begin();
}

}  // namespace watchbill::test
