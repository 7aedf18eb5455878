#pragma once

#include "providers/provider.hpp"

namespace watchbill::providers {

Adapter pagerduty_adapter();
Adapter opsgenie_adapter();
Adapter jsm_adapter();
Adapter xmatters_adapter();

}  // namespace watchbill::providers
