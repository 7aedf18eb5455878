#include "slack_app/suggestions.hpp"

#include "base/json.hpp"
#include "tests/support/block_kit.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/slack_app/samples.hpp"

namespace watchbill::slack_app {

namespace {

using Problems = std::vector<std::string>;

control::GroupSearch some_groups() {
  control::GroupSearch found;
  found.groups = {{GroupId("S1"), "payments-oncall", "Payments on-call"},
                  {GroupId("S2"), "database", "The payments database"},
                  {GroupId("S3"), "admins", "Admins"},
                  {GroupId("S4"), "old", "Old payments", 0, true},
                  {GroupId("S5"), "search", "Payments search"}};
  found.groups[2].unwritable = "Slack keeps it";
  found.groups[4].taken_by = "Search";
  return found;
}

control::ScheduleSearch schedules(std::size_t count, std::size_t more, const std::string& name) {
  control::ScheduleSearch found;
  found.connections = {{"pd", "pagerduty", "PagerDuty"}, {"xm", "xmatters", "xMatters"}};
  for (std::size_t i = 0; i < count; ++i)
    found.connections[0].schedules.push_back(
        {fmt::format("PS{}", i), fmt::format("{} {}", name, i), "", "", "", ""});
  found.connections[0].more = more;
  found.connections[1].schedules.push_back({"77", "Core", "", "", "", ""});
  return found;
}

}  // namespace

TEST_CASE("groups that are free come first; the others say why they are not") {
  const auto answer = group_suggestions(some_groups(), "payments");
  CHECK(test::suggestion_problems(answer) == Problems{});
  CHECK(test::view_texts(answer) ==
        "Groups\n@payments-oncall\n@database\n@old (disabled)\nNew\nCreate a new group "
        "@payments\nNot free\n@admins (not for rotations)\n@search (taken by Search)\n");
  CHECK(test::view_texts(group_suggestions(some_groups(), "payments", "Search")).find("taken") ==
        std::string::npos);
}

TEST_CASE("a handle that could be made is offered to be made; of what cannot be one the form says so") {
  const auto create = [](std::string_view query) -> std::string {
    const auto answer = group_suggestions(some_groups(), query);
    CHECK(test::suggestion_problems(answer) == Problems{});
    const auto at = answer.find("\"new:");
    return at == std::string::npos ? "none" : answer.substr(at + 5, answer.find('"', at + 1) - at - 5);
  };
  CHECK(create("new-one") == "new-one");
  CHECK(create("@new-one") == "new-one");
  for (const auto* other : {"", "Two Words", "channel", "\xC3\xBC"}) CHECK(create(other).empty());
  CHECK(create("database") == "none");
  CHECK(create("@Database") == "none");
  CHECK(test::view_texts(group_suggestions({}, "no handle!")) == "New\nCreate a new group\n");
}

TEST_CASE("schedules are offered by connection, and a list that is cut says so") {
  const auto all = schedule_suggestions(schedules(100, 250, "Primary"));
  CHECK(test::suggestion_problems(all) == Problems{});
  CHECK(test::view_texts(all).starts_with("pd: 100 of 350, type more of the name\nPrimary 0\n"));
  CHECK(test::view_texts(all).ends_with("xm\nCore\n"));
  CHECK(schedule_suggestions({}) == R"({"options":[]})");
}

TEST_CASE("a system that does not answer says why its schedules are not there") {
  control::ScheduleSearch found;
  found.connections.push_back({"pd", "pagerduty", "PagerDuty"});
  found.connections.back().failure = fail(ErrorKind::unreachable, "PagerDuty: {}", repeated("long ", 50));
  const auto offered = schedule_suggestions(found);
  CHECK(test::suggestion_problems(offered) == Problems{});
  CHECK(test::view_texts(offered).starts_with("pd\nCannot be listed now: try again soon\n"));
}

TEST_CASE("suggestions are what Slack takes, with any names and very many of them") {
  for (const auto& names : sample_names()) {
    control::GroupSearch groups;
    for (int i = 0; i < 500; ++i) {
      groups.groups.push_back({GroupId(fmt::format("S{}", i)), fmt::format("group-{}", i), names.rotation});
      groups.groups.back().disabled = i % 5 == 0;
      if (i % 3 == 0) groups.groups.back().taken_by = names.rotation;
    }
    groups.more = 4000;
    CHECK(test::suggestion_problems(group_suggestions(groups, "")) == Problems{});
    CHECK(test::suggestion_problems(group_suggestions(groups, names.rotation)) == Problems{});
    CHECK(test::suggestion_problems(schedule_suggestions(schedules(500, 7, names.schedule))) == Problems{});
    control::ScheduleSearch many;
    for (int i = 0; i < 120; ++i) {
      many.connections.push_back({repeated("c", 63), "pagerduty", "PagerDuty"});
      many.connections.back().schedules = {{fmt::format("{}", i), names.schedule, "", "", "", ""},
                                           {repeated("x", 200), "long id", "", "", "", ""}};
    }
    CHECK(test::suggestion_problems(schedule_suggestions(many)) == Problems{});
  }
}

}  // namespace watchbill::slack_app
