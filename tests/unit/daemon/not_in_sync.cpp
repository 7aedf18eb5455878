#include "daemon/not_in_sync.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::daemon;

TEST_CASE("what is not in sync is named with its reasons, and nothing else is") {
  std::vector<Rotation> rotations(4);
  std::vector<store::RotationStatus> statuses(3);
  const char* const states[] = {"in_sync", "stale", "observing"};
  for (std::size_t i = 0; i < rotations.size(); ++i) {
    rotations[i].id = RotationId{static_cast<std::int64_t>(i + 1)};
    rotations[i].name = fmt::format("r{}", i + 1);
    if (i < statuses.size()) {
      statuses[i].rotation = rotations[i].id;
      statuses[i].state = states[i];
    }
  }
  statuses[1].problems = {"schedule pd/A is silent", "and more"};
  CHECK(not_in_sync_lines(rotations, statuses) ==
        std::vector<std::string>{"rotation \"r2\" is stale: schedule pd/A is silent; and more",
                                 "rotation \"r4\" is pending: its group is not written yet"});
}
