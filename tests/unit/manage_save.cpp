#include <catch2/catch.hpp>
#include <map>

#include "manage/overview.hpp"
#include "manage/save.hpp"

using namespace watchbill;
using namespace watchbill::manage;

namespace {

Rotation stored(std::int64_t id, const std::string& name, const std::string& group) {
  Rotation r;
  r.id = RotationId{id};
  r.name = name;
  r.group = GroupId(group);
  r.handle = "handle-" + group;
  r.schedules = {{{"pd", "X"}}};
  return r;
}

}  // namespace

TEST_CASE("names can be handed on and exchanged") {
  const std::vector<Rotation> known{stored(1, "a", "S1"), stored(2, "b", "S2"), stored(3, "c", "S3")};
  const auto storable = [&known](const std::vector<std::string>& names) {
    std::vector<Wanted> wanted;
    for (std::size_t i = 0; i < names.size(); ++i) {
      Wanted one;
      one.before = known[i];
      one.rotation = known[i];
      one.rotation.name = names[i];
      wanted.push_back(one);
    }
    std::map<std::int64_t, std::string> now{{1, "a"}, {2, "b"}, {3, "c"}};
    for (const auto& step : in_storable_order(wanted, known)) {
      for (const auto& [id, name] : now) {
        if (id != step.id.value) CHECK(name != step.name);
      }
      now[step.id.value] = step.name;
    }
    std::vector<std::string> result;
    result.reserve(now.size());
    for (const auto& [id, name] : now) result.push_back(name);
    CHECK(result == names);
  };
  storable({"b", "c", "d"});
  storable({"b", "a", "c"});
  storable({"b", "c", "a"});
  storable({"a", "b", "c"});
}

TEST_CASE("a state that nobody has confirmed for three intervals is stale") {
  const Instant now = *parse_rfc3339("2026-11-22T09:00:00Z");
  Rotation r = stored(1, "a", "S1");
  CHECK(state_now(r, "in_sync", 60s, now - 180s, now) == "in_sync");
  CHECK(state_now(r, "in_sync", 60s, now - 181s, now) == "stale");
  CHECK(state_now(r, "pending", 60s, now - 1h, now) == "stale");
  CHECK(state_now(r, "error", 60s, now - 1h, now) == "error");
  CHECK(state_now(r, "", 60s, std::nullopt, now) == "pending");
  CHECK(state_now(r, "paused", 60s, now, now) == "pending");
  r.mode = Mode::observe;
  CHECK(state_now(r, "in_sync", 60s, now - 1h, now) == "observing");
  r.paused = true;
  CHECK(state_now(r, "error", 60s, now - 1h, now) == "paused");
}
