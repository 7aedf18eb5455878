#include <catch2/catch.hpp>

#include "app/suggestions.hpp"
#include "app_samples.hpp"
#include "json/json.hpp"
#include "tests/support/block_kit.hpp"

namespace watchbill::app {

namespace {

using Problems = std::vector<std::string>;

std::vector<GroupOffer> some_groups() {
  return {{GroupId("S1"), "payments-oncall", "Payments on-call"},
          {GroupId("S2"), "database", "The payments database"},
          {GroupId("S3"), "admins", "Admins", false, true},
          {GroupId("S4"), "old", "Old payments", true},
          {GroupId("S5"), "search", "Payments search", false, false, "Search"}};
}

std::vector<ScheduleOffers> schedules(std::size_t count, const std::string& name) {
  std::vector<ScheduleOffers> out{{"pd", {}}, {"xm", {{{"xm", "77"}, "Core"}}}};
  for (std::size_t i = 0; i < count; ++i)
    out[0].schedules.push_back({{"pd", fmt::format("PS{}", i)}, fmt::format("{} {}", name, i)});
  return out;
}

}  // namespace

TEST_CASE("groups are found by handle and name, with or without @ and in any case") {
  for (const auto* query : {"payments-on", "@payments-on", "PAYMENTS-ON"}) {
    const auto answer = group_suggestions(some_groups(), query);
    CHECK(test::suggestion_problems(answer) == Problems{});
    CHECK(answer.find("\"S1\"") != std::string::npos);
    CHECK(answer.find("\"S2\"") == std::string::npos);
  }
  const auto by_name = test::view_texts(group_suggestions(some_groups(), "payments"));
  CHECK(by_name ==
        "Groups\n@payments-oncall\n@database\n@old (disabled)\nNew\nCreate a new group @payments\nNot free\n"
        "@search (taken by Search)\n");
}

TEST_CASE("a handle that could be made is offered to be made, and no other") {
  const auto create = [](std::string_view query) {
    return group_suggestions(some_groups(), query).find("Create a new group") != std::string::npos;
  };
  CHECK(create(""));
  CHECK(create("new-one"));
  CHECK(create("@new-one"));
  CHECK_FALSE(create("database"));
  CHECK_FALSE(create("Two Words"));
  CHECK_FALSE(create("channel"));
  CHECK(test::suggestion_problems(group_suggestions({}, "")) == Problems{});
  CHECK(group_suggestions({}, "no handle!") == R"({"options":[]})");
}

TEST_CASE("schedules are offered by connection, and a list that is cut says so") {
  const auto all = schedule_suggestions(schedules(350, "Primary"), "");
  CHECK(test::suggestion_problems(all) == Problems{});
  CHECK(test::view_texts(all).starts_with("pd: 100 of 350, type more of the name\nPrimary 0\n"));
  CHECK(test::view_texts(all).ends_with("xm\nCore\n"));
  CHECK(test::view_texts(schedule_suggestions(schedules(350, "Primary"), "primary 349")) ==
        "pd\nPrimary 349\n");
  CHECK(test::view_texts(schedule_suggestions(schedules(350, "Primary"), "ps17")).find("Primary 17\n") !=
        std::string::npos);
  CHECK(schedule_suggestions(schedules(3, "Primary"), "nothing like it") == R"({"options":[]})");
}

TEST_CASE("suggestions are what Slack takes, with any names and very many of them") {
  for (const auto& names : sample_names()) {
    std::vector<GroupOffer> groups;
    for (int i = 0; i < 500; ++i) {
      groups.push_back({GroupId(fmt::format("S{}", i)), fmt::format("group-{}", i), names.rotation,
                        i % 5 == 0, i % 7 == 0, i % 3 == 0 ? names.rotation : ""});
    }
    CHECK(test::suggestion_problems(group_suggestions(groups, "")) == Problems{});
    CHECK(test::suggestion_problems(group_suggestions(groups, names.rotation)) == Problems{});
    CHECK(test::suggestion_problems(schedule_suggestions(schedules(500, names.schedule), "")) == Problems{});
    std::vector<ScheduleOffers> many;
    for (int i = 0; i < 120; ++i)
      many.push_back(
          {repeated("c", 63),
           {{{"c", fmt::format("{}", i)}, names.schedule}, {{"c", repeated("x", 200)}, "long id"}}});
    CHECK(test::suggestion_problems(schedule_suggestions(many, "")) == Problems{});
  }
}

}  // namespace watchbill::app
