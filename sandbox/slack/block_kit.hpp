#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

/// Block Kit as Slack checks it (docs.slack.dev/reference/block-kit, docs.slack.dev/surfaces/modals). Pure.
/// Strict where the pages leave a choice: an unknown field is refused, lengths count UTF-16 units (the pages
/// name no unit; what fits so also fits by code points). Blocks of other products (video, file, markdown,
/// tables, canvases) are unknown here.
namespace watchbill::sandbox {

/// Where blocks stand: what is allowed depends on it.
enum class Surface { message, modal, home };

/// All that Slack says against something, or nothing, as it words it: "[ERROR] must be less than 76
/// characters [json-pointer:/view/blocks/2/element/options/0/text/text]".
using Complaints = std::vector<std::string>;

/// A view that is to be opened, pushed, updated or published. `surface` is modal or home; of another `type`
/// it is refused. The size of the whole (`kMaxViewBytes`) is the caller's matter: Slack has a code of its own
/// for it.
Complaints view_complaints(json::View view, Surface surface, std::string_view pointer = "/view");
/// The list `blocks` of a message.
Complaints message_complaints(json::View blocks, std::string_view pointer = "/blocks");
/// The answer to a block_suggestion: {"options":[...]} or {"option_groups":[...]}.
Complaints suggestion_complaints(json::View answer);

inline constexpr std::size_t kMaxViewBytes = 250'000;
inline constexpr std::size_t kMaxViewBlocks = 100;
inline constexpr std::size_t kMaxMessageBlocks = 50;

/// Length as Slack's client counts it.
std::size_t utf16_length(std::string_view text);

}  // namespace watchbill::sandbox
