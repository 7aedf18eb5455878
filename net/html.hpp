#pragma once

#include <string>
#include <string_view>

namespace watchbill::net {

/// Text as it stands in HTML, in an element or a quoted attribute. Control characters and those of writing
/// direction (`layout_control_at`) become spaces.
std::string html_text(std::string_view text);

}  // namespace watchbill::net
