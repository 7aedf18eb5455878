#include "sandbox/faults.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::array kKinds{"429",  "hang",  "reset", "truncated", "html", "wrong_types",
                            "huge", "empty", "401",   "401_html",  "403",  "404",
                            "slow", "error", "500",   "502",       "503",  "504"};

constexpr std::string_view kHtml =
    "<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>We'll be right back</h1></body></html>";

Answer html(int status) {
  return {status, {{"Content-Type", "text/html; charset=utf-8"}}, std::string(kHtml), "html"};
}

Answer slack_error(std::string_view code) {
  json::Writer w;
  w.begin_object().field("ok", false).field("error", code).end_object();
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), std::string(code)};
}

/// How each vendor words an HTTP error.
Answer refusal(System system, int status) {
  json::Writer w;
  w.begin_object();
  switch (system) {
    case System::slack:
      if (status < 500) return slack_error(status == 401 ? "invalid_auth" : "access_denied");
      return html(status);
    case System::pagerduty:
      w.key("error").begin_object().field("message", "Refused by the sandbox");
      w.field("code", status == 401 ? 2006 : status == 403 ? 2010 : status == 404 ? 2100 : 2000);
      w.end_object();
      break;
    case System::identity:
      w.field("error", status == 401 ? "invalid_client" : "server_error");
      break;
    case System::opsgenie:
      w.field("message", "Refused by the sandbox").field("took", 0.001).field("requestId", "sandbox");
      if (status == 403) w.field("code", 40301);
      break;
    case System::jsm:
      if (status == 401) {
        w.field("code", status).field("message", "Unauthorized");
        break;
      }
      w.key("errors").begin_array().begin_object().field("title", "Refused by the sandbox");
      w.field("code", fmt::format("{}", status)).end_object().end_array();
      break;
    case System::xmatters:
      w.field("code", status).field("reason", "Refused").field("message", "Refused by the sandbox");
      break;
  }
  w.end_object();
  return {status, {{"Content-Type", "application/json"}}, w.take(), fmt::format("{}", status)};
}

void swap_types(json::View view, json::Writer& w) {
  if (view.is_object()) {
    w.begin_object();
    for (const auto member : view.items()) {
      w.key(member.key());
      if (member.key() == "ok") {
        w.value(member.boolean_or(true));
      } else {
        swap_types(member, w);
      }
    }
    w.end_object();
  } else if (view.is_array()) {
    if (view.size() == 0) {
      w.begin_object().end_object();
      return;
    }
    w.begin_array();
    for (const auto item : view.items()) swap_types(item, w);
    w.end_array();
  } else if (view.is_string()) {
    w.value(7);
  } else if (view.is_bool()) {
    w.value("yes");
  } else if (view.is_number()) {
    w.begin_array().end_array();
  } else {
    w.begin_object().end_object();
  }
}

Disturbed reset(const Fault& fault, const net::ServerRequest& request, const Front::Handler& handler) {
  Disturbed out;
  out.lost = true;
  if (fault.after) {
    out.answer = handler(request);
  } else {
    out.answer.body.assign(1000, ' ');
  }
  out.reset_after = out.answer.body.size() / 2;
  return out;
}

std::string huge_body(System system, std::size_t megabytes) {
  const char* start = system == System::slack ? R"({"ok":true,"padding":")" : R"({"padding":")";
  std::string body = start;
  body.append(megabytes << 20U, 'x');
  return body + "\"}";
}

Answer spoiled(const Fault& fault, System system, Answer answer) {
  if (fault.kind == "truncated") answer.body.resize(answer.body.size() / 2);
  if (fault.kind == "wrong_types") answer.body = wrong_types(answer.body);
  if (fault.kind == "huge") answer.body = huge_body(system, fault.megabytes);
  return answer;
}

}  // namespace

bool is_fault_kind(std::string_view kind) {
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

std::string wrong_types(std::string_view text) {
  auto document = json::parse(text);
  if (!document) return "[]";
  json::Writer w;
  swap_types(document->root(), w);
  return w.take();
}

Answer too_many(System system, seconds retry_after) {
  const auto wait = fmt::format("{}", retry_after.count());
  switch (system) {
    case System::slack: {
      auto answer = slack_error("ratelimited");
      answer.status = 429;
      answer.headers.emplace_back("Retry-After", wait);
      return answer;
    }
    case System::pagerduty:
      return {429,
              {{"Content-Type", "application/json"},
               {"ratelimit-limit", "960"},
               {"ratelimit-remaining", "0"},
               {"ratelimit-reset", wait}},
              R"({"error":{"message":"Rate Limit Exceeded","code":2020}})",
              "2020"};
    case System::opsgenie:
      return {429,
              {{"Content-Type", "application/json"},
               {"X-RateLimit-State", "THROTTLED"},
               {"X-RateLimit-Reason", "ACCOUNT"},
               {"X-RateLimit-Period-In-Sec", wait}},
              R"({"message":"TooManyRequests","took":0.001,"requestId":"sandbox"})",
              "429"};
    case System::jsm:
      return {429,
              {{"Content-Type", "application/json"}, {"Retry-After", wait}, {"X-RateLimit-Remaining", "0"}},
              R"({"errors":[{"title":"Rate limit exceeded","code":"429"}]})",
              "429"};
    case System::identity:
    case System::xmatters:
      return {429,
              {{"Content-Type", "application/json"}, {"Retry-After", wait}},
              R"({"code":429,"reason":"Too Many Requests","message":"Rate limit exceeded"})",
              "429"};
  }
  throw std::logic_error("unknown system");
}

Disturbed disturb(const Fault& fault, System system, const net::ServerRequest& request,
                  const Front::Handler& handler) {
  const auto& kind = fault.kind;
  if (kind == "reset") return reset(fault, request, handler);
  Disturbed out;
  if (kind == "slow" || kind == "truncated" || kind == "wrong_types" || kind == "huge") {
    out.answer = spoiled(fault, system, handler(request));
    return out;
  }
  if (fault.after) out.answer = handler(request);
  if (kind == "hang") {
    out.hang = out.lost = true;
  } else if (kind == "html") {
    out.answer = html(200);
  } else if (kind == "401_html") {
    out.answer = html(401);
  } else if (kind == "empty") {
    out.answer = Answer{};
  } else if (kind == "error") {
    out.answer = slack_error(fault.code);
  } else if (kind == "429") {
    out.answer = fault.bare ? Answer{429, {}, {}, "429"} : too_many(system, fault.retry_after);
  } else {
    out.answer = refusal(system, std::stoi(kind));
  }
  return out;
}

}  // namespace watchbill::sandbox
