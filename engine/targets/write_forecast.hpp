#pragma once

#include <cstddef>

#include "base/time.hpp"

namespace watchbill::engine {

/// When a queued write of a group will be carried out, as far as the budget tells.
struct WriteForecast {
  std::size_t ahead = 0;  ///< groups that are written before
  Instant at;
};

}  // namespace watchbill::engine
