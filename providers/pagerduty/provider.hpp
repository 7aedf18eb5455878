#pragma once

#include <memory>

#include "providers/provider.hpp"

namespace watchbill::providers::pagerduty {

/// PagerDuty's REST API. `connection` has gone through the adapter's `prepare`.
std::unique_ptr<Provider> make_provider(const Connection& connection, const AdapterContext& context);

}  // namespace watchbill::providers::pagerduty
