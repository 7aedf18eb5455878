#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace watchbill::providers::jsm {

/// The host name of a Jira Cloud site as people type or paste it ("https://Acme.atlassian.net/jira"),
/// cleaned: "acme.atlassian.net". Only Atlassian's own domains are taken, since the site is asked for its
/// cloud ID.
Result<std::string> clean_site(std::string_view typed);

}  // namespace watchbill::providers::jsm
