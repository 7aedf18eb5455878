#pragma once

#include <string>

#include "base/json.hpp"
#include "net/http.hpp"
#include "slack/api/api.hpp"

namespace watchbill::slack {

/// How long we wait when Slack asks us to and does not say how long.
inline constexpr seconds kDefaultRetryAfter{30};
/// A longer `Retry-After` than this counts as this long.
inline constexpr seconds kLongestRetryAfter{3600};

/// Whose token a call is made with: where a person finds it in the configuration.
enum class TokenKind { bot, user, app };

/// How long a 429 asks us to wait, within reason.
seconds retry_after(const net::HttpResponse& response);

/// What an answer to `method` means: its body if `ok` is true, else an error with Slack's code whose message
/// names the method and the fix. Pure.
///
/// Slack answers with status 200 whether it did the work or not; 429 has `Retry-After`, and a 5xx may be
/// HTML.
Result<json::Document> interpret(Method method, TokenKind token, const net::HttpResponse& response);

/// The request to `method` had an answer that says `ok`, but lacks what the API promises: `why` as
/// `unreadable`, with `maybe_done` for writes.
Error unreadable_answer(Method method, const Error& why);

/// What the answer to a message sent to a `response_url` means. Pure.
Result<void> interpret_response_url(const net::HttpResponse& response);

}  // namespace watchbill::slack
