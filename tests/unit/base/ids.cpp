#include "base/ids.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a schedule reference is split at its first slash") {
  CHECK(parse_schedule_ref("pagerduty/PSCHED1").value() == ScheduleRef{"pagerduty", "PSCHED1"});
  CHECK(parse_schedule_ref("xm/Team A/B").value() == ScheduleRef{"xm", "Team A/B"});
  CHECK(to_string(ScheduleRef{"pd", "P1"}) == "pd/P1");
}

TEST_CASE("what is no schedule reference is refused with the reason") {
  for (const auto* bad : {"", "pagerduty", "pagerduty/", "/P1", "Pager/P1", "a b/P1"})
    CHECK(!parse_schedule_ref(bad));
  CHECK_THAT(parse_schedule_ref("PSCHED1").error().message, ContainsSubstring("CONNECTION/ID"));
}

TEST_CASE("a rotation of a schedule is named behind a #") {
  CHECK(parse_schedule_ref("pd/PSCHED9#ABC2").value() == ScheduleRef{"pd", "PSCHED9#ABC2"});
  for (const auto* bad : {"pd/#ABC2", "pd/PSCHED9#", "pd/PSCHED9#A#B", "pd/#"})
    CHECK_THAT(parse_schedule_ref(bad).error().message, ContainsSubstring("CONNECTION/ID#ROTATION"));
}

TEST_CASE("forms that are kept for later are refused by name") {
  for (const auto* reserved : {"rotation:payments", "local/x", "pd/policy:P1"})
    CHECK_THAT(parse_schedule_ref(reserved).error().message, ContainsSubstring("reserved"));
  CHECK_THAT(check_connection_name("local").error().message, ContainsSubstring("reserved"));
}

TEST_CASE("names of connections") {
  for (const auto& name : {std::string("a"), std::string("0-x"), std::string(63, 'a')})
    CHECK(check_connection_name(name));
  for (const auto& name : {std::string(), std::string("-a"), std::string("A"), std::string("a_b"),
                           std::string("ä"), std::string(64, 'a')})
    CHECK(!check_connection_name(name));
}
