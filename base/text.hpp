#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Text of people in Slack's mrkdwn, and UTF-8.
namespace watchbill {

/// Length in characters (code points). Broken bytes count one each.
std::size_t utf8_length(std::string_view text);
/// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);
/// The longest prefix of at most `bytes` bytes that does not end within a character.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);
/// Length in bytes of the character at `text[at]` if it changes how what stands around it is shown, else 0:
/// control characters (ASCII's and U+0080 to U+009F), line and paragraph separators, and the controls of
/// writing direction (UAX #9, section 2: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
std::size_t layout_control_at(std::string_view text, std::size_t at);
/// True if `text` has such a character.
bool has_control(std::string_view text);
/// What somebody else wrote, as a part of one line: each character of `layout_control_at` becomes a space,
/// broken UTF-8 U+FFFD, and there are no spaces at the ends.
std::string one_line(std::string_view text);

/// `&`, `<` and `>` as entities: exactly what Slack asks for in inserted text
/// (docs.slack.dev/messaging/formatting-message-text). Broken UTF-8 becomes U+FFFD.
std::string escape_slack(std::string_view text);

/// A person's or thing's name as plain text in a mrkdwn line: escaped, in one line (what `layout_control_at`
/// finds becomes a space), and without effect on the formatting around it: `*`, `~`, `` ` ``, and `_` at the
/// edge of a word, become characters that look alike, since mrkdwn has no escape for them. Cut to at most
/// `max_characters` characters, the ellipsis included.
std::string slack_name(std::string_view text, std::size_t max_characters = 120);

/// Cuts mrkdwn to at most `max_characters` characters, the ellipsis included. Never cuts within a character,
/// an entity (`&amp;`) or a token (`<@U1>`, `<!date^…|…>`).
std::string cut_mrkdwn(std::string_view text, std::size_t max_characters);

/// The one of `known` that `word` was most likely meant to be; empty if none is near.
std::string_view closest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace watchbill
