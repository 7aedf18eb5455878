#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace watchbill::providers::xmatters {

/// The host of an xMatters tenant, however it was typed: "https://acme.xmatters.com/",
/// "www.acme.xmatters.com" and "ACME.xmatters.com." are "acme.xmatters.com". Everything that is not a host
/// name (user parts, ports, paths, IP addresses), and every host that neither ends in ".xmatters.com" nor is
/// in `allowed`, is refused: credentials would go there. The error says why.
Result<std::string> clean_host(std::string_view typed, const std::vector<std::string>& allowed);

}  // namespace watchbill::providers::xmatters
