#pragma once

#include <vector>

#include "sandbox/page/page.hpp"

namespace watchbill::sandbox {

/// Written by sandbox/page/assets/embed.cmake at build time.
const std::vector<PageAsset>& embedded_page_assets();

}  // namespace watchbill::sandbox
