#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Slack's rules for views and messages, read from its documentation (docs.slack.dev/reference/block-kit)
/// independently of the code under test.
namespace watchbill::test {

/// Everything that Slack would refuse in a view (`views.publish`, `views.open`, an answer to a submission);
/// each with its place ("/blocks/3/text/text: …"). Empty: it is good.
std::vector<std::string> view_problems(std::string_view view_json);
/// The same for the `blocks` of a message (a JSON array).
std::vector<std::string> message_problems(std::string_view blocks_json);
/// The same for the answer to a `block_suggestion`.
std::vector<std::string> suggestion_problems(std::string_view answer_json);

/// All texts that people would see, one a line, in the order of the view.
std::string view_texts(std::string_view view_json);

}  // namespace watchbill::test
