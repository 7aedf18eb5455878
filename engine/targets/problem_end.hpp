#pragma once

#include <string>

#include "engine/model.hpp"
#include "store/store.hpp"

namespace watchbill::engine {

/// What is said when a problem is over: what is so again, after how long. Where that is not certain (a
/// rotation that was deleted or edited meanwhile) it says that the problem is over, and which. `entry`: the
/// problem's rotation, if it is still there.
std::string problem_end(const store::OpenProblem& open, Instant now, const RotationEntry* entry);

}  // namespace watchbill::engine
