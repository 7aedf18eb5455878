#pragma once

#include <optional>

#include "sandbox/front.hpp"

namespace watchbill::sandbox {

/// An answer as a broken system gives it.
struct Disturbed {
  Answer answer{};
  bool hang = false;  ///< accept and never answer
  bool lost = false;  ///< the client gets no complete answer
  std::optional<std::size_t> reset_after{};
};

/// True if `disturb` knows the kind.
bool is_fault_kind(std::string_view kind);
/// Plays the fault. The handler is called (the request takes effect) for "slow", for all kinds that spoil an
/// answer (truncated, wrong_types, huge), and with `after`.
Disturbed disturb(const Fault& fault, System system, const net::ServerRequest& request,
                  const Front::Handler& handler);

/// The vendor's own answer to a call over its limit.
Answer too_many(System system, seconds retry_after);

}  // namespace watchbill::sandbox
