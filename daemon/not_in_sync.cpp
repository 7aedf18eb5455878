#include "daemon/not_in_sync.hpp"

#include <algorithm>
#include <array>

namespace watchbill::daemon {

std::vector<std::string> not_in_sync_lines(const std::vector<Rotation>& rotations,
                                           const std::vector<store::RotationStatus>& statuses) {
  static constexpr std::array<std::string_view, 3> in_sync{"in_sync", "paused", "observing"};
  std::vector<std::string> lines;
  for (const auto& rotation : rotations) {
    const auto found = std::find_if(statuses.begin(), statuses.end(),
                                    [&](const auto& status) { return status.rotation == rotation.id; });
    const auto state = found == statuses.end() ? std::string("pending") : found->state;
    if (std::find(in_sync.begin(), in_sync.end(), state) != in_sync.end()) continue;
    const bool told = found != statuses.end() && !found->problems.empty();
    lines.push_back(fmt::format(
        "rotation \"{}\" is {}: {}", rotation.name, state,
        told ? fmt::format("{}", fmt::join(found->problems, "; ")) : "its group is not written yet"));
  }
  return lines;
}

}  // namespace watchbill::daemon
