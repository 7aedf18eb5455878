#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "core/history.hpp"
#include "store/store.hpp"

namespace watchbill::engine {

/// So many changes are kept to tell which of them were late.
inline constexpr std::size_t kHandoffsKept = 500;

/// True while a scheduling system does not answer: when it does again, people are told what was found late.
bool tells_of_silence(const store::OpenProblem& problem);

/// Which handoffs were found long after they had happened, as far as the last changes tell.
class LateHandoffs {
 public:
  /// Those of an earlier run, newest first; `kHandoffsKept` of them are not all.
  void load(const std::vector<Change>& changes);
  void note(const Change& change);
  /// Whether a handoff of this rotation since then was late; nothing if that is not known.
  [[nodiscard]] std::optional<bool> any_since(RotationId rotation, Instant since) const;

 private:
  struct Handoff {
    Instant at;
    RotationId rotation;
    std::optional<bool> late;
  };
  std::deque<Handoff> handoffs_;   ///< oldest first
  Instant known_since_ = kAlways;  ///< those before were forgotten
};

}  // namespace watchbill::engine
