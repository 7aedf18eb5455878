#include "slack/api/answer.hpp"

#include <algorithm>
#include <charconv>

#include "slack/api/codes.hpp"

namespace watchbill::slack {

namespace {

constexpr std::size_t kLongestDetail = 200;

/// Foreign text for a message of ours: printable, and not without end.
std::string quotable(std::string text) {
  if (text.size() > kLongestDetail) {
    text.resize(kLongestDetail);
    // Never half a UTF-8 character at the end.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0U) text.pop_back();
  }
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return text;
}

struct TokenWords {
  std::string_view name;
  std::string_view file;  ///< the configuration's key
};
TokenWords words_of(TokenKind token) {
  switch (token) {
    case TokenKind::user:
      return {"user token", "slack.user_token_file"};
    case TokenKind::app:
      return {"app-level token", "slack.app_token_file"};
    case TokenKind::bot:
      break;
  }
  return {"bot token", "slack.bot_token_file"};
}

std::string filled(std::string_view text, TokenKind token) {
  std::string out(text);
  const auto put = [&out](std::string_view name, std::string_view value) {
    for (auto at = out.find(name); at != std::string::npos; at = out.find(name, at + value.size())) {
      out.replace(at, name.size(), value);
    }
  };
  put("{token}", words_of(token).name);
  put("{file}", words_of(token).file);
  return out;
}

/// What Slack says besides the code: the scope that is needed, or which argument it refused.
std::string details(json::View root) {
  if (const auto needed = root["needed"].text()) return " (needed: " + quotable(*needed) + ")";
  std::string out;
  for (const auto message : root["response_metadata"]["messages"].items()) {
    if (const auto text = message.text()) out += (out.empty() ? "" : "; ") + *text;
  }
  return out.empty() ? out : " (" + quotable(out) + ")";
}

Error refusal(Method method, TokenKind token, const net::HttpResponse& response, json::View root) {
  auto code = root["error"].string_or("");
  // How Slack says that a token of a whole organization names no workspace (docs.slack.dev: developing for
  // Enterprise organizations).
  if (code == "missing_argument" && details(root).find("team_id") != std::string::npos)
    code = "target_team_must_be_specified_in_org_context";
  const auto* meaning = find_code(code);
  Error error;
  error.code = quotable(code);
  if (meaning == nullptr) {
    error.kind = ErrorKind::invalid;
    error.message = fmt::format("{}: Slack refused: {}{}", method_name(method),
                                code.empty() ? "no reason given" : error.code, details(root));
    return error;
  }
  error.kind = meaning->kind;
  error.maybe_done = meaning->maybe_done;
  error.message = fmt::format("{}: {}{} [{}]", method_name(method), filled(meaning->what, token),
                              details(root), error.code);
  if (!meaning->fix.empty()) error.message += ": " + filled(meaning->fix, token);
  if (error.kind == ErrorKind::rate_limited) error.retry_after = retry_after(response);
  return error;
}

Error failed(Method method, ErrorKind kind, std::string_view what) {
  auto error = fail(kind, "{}: {}", method_name(method), what);
  error.maybe_done = is_write(method);
  return error;
}

}  // namespace

seconds retry_after(const net::HttpResponse& response) {
  const auto header = response.header("Retry-After");
  if (!header) return kDefaultRetryAfter;
  std::int64_t value = 0;
  const auto* end = header->data() + header->size();
  const auto [stop, problem] = std::from_chars(header->data(), end, value);
  if (problem == std::errc::result_out_of_range) return kLongestRetryAfter;
  if (problem != std::errc{} || stop != end || value < 0) return kDefaultRetryAfter;
  return std::clamp(seconds{value}, seconds{1}, kLongestRetryAfter);
}

Result<json::Document> interpret(Method method, TokenKind token, const net::HttpResponse& response) {
  if (response.status == 429) {
    auto error = fail(ErrorKind::rate_limited, "{}: Slack asks us to wait", method_name(method));
    error.code = "ratelimited";
    error.retry_after = retry_after(response);
    return error;
  }
  if (response.status >= 500) {
    auto error = failed(method, ErrorKind::server, fmt::format("Slack failed with HTTP {}", response.status));
    error.maybe_done = true;
    return error;
  }
  auto body = json::parse(response.body);
  const auto ok = body ? body->root()["ok"].boolean() : Result<bool>(body.error());
  if (ok && !*ok) return refusal(method, token, response, body->root());
  if (response.status != 200) {
    return failed(method, ErrorKind::unreadable,
                  fmt::format("HTTP {}, which is not an answer of Slack's: check slack.api_url and the proxy",
                              response.status));
  }
  if (!ok) return unreadable_answer(method, ok.error());
  return body;
}

Result<void> interpret_response_url(const net::HttpResponse& response) {
  constexpr std::string_view kWhere = "response_url";
  if (response.status == 429) {
    auto error = fail(ErrorKind::rate_limited, "{}: Slack asks us to wait", kWhere);
    error.retry_after = retry_after(response);
    return error;
  }
  if (response.status >= 500) {
    auto error = fail(ErrorKind::server, "{}: Slack failed with HTTP {}", kWhere, response.status);
    error.maybe_done = true;
    return error;
  }
  // A success is "ok" in plain text.
  const auto body = json::parse(response.body);
  const bool refused = body && !body->root()["ok"].boolean_or(true);
  if (response.status < 300 && !refused) return {};
  const auto code = body ? body->root()["error"].string_or("") : std::string();
  const auto* meaning = find_code(code);
  const bool gone = response.status == 404 || response.status == 410;
  auto error = fail(gone ? ErrorKind::not_found : ErrorKind::invalid, "{}: Slack refused the message: {}",
                    kWhere, code.empty() ? fmt::format("HTTP {}", response.status) : quotable(code));
  if (meaning != nullptr) error.kind = meaning->kind;
  error.code = quotable(code);
  return error;
}

Error unreadable_answer(Method method, const Error& why) {
  return failed(method, ErrorKind::unreadable, "Slack's answer cannot be read: " + why.message);
}

}  // namespace watchbill::slack
