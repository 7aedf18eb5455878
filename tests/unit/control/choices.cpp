#include "control/choices.hpp"

#include "control/connections.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

std::vector<std::string> handles(const GroupSearch& search) {
  std::vector<std::string> out;
  for (const auto& group : search.groups) out.push_back(group.handle);
  return out;
}

}  // namespace

TEST_CASE("groups are found with and without '@', and say whose they are") {
  ManageWorld world;
  world.connection();
  world.stored("search");
  world.slack.add_group("SSEARCH", "search-oncall", {"UADA", "UBO"});
  world.slack.add_group("S2", "payments-oncall", {});
  world.slack.add_group("S3", "deep-search", {}, true);
  world.slack.add_group("S4", "bosses", {});
  world.slack.groups[GroupId("S4")].unwritable = "Slack keeps it itself";
  Choices choices(*world.context);
  auto found = world.run(choices.search_groups("@SEARCH", 10));
  CHECK(handles(found) == std::vector<std::string>{"search-oncall", "deep-search"});
  CHECK(found.groups[0].taken_by == "search");
  CHECK(found.groups[0].members == 2);
  CHECK_FALSE(found.groups[1].taken_by);
  CHECK(found.groups[1].disabled);
  found = world.run(choices.search_groups("", 2));
  CHECK(handles(found) == std::vector<std::string>{"bosses", "deep-search"});
  CHECK(found.more == 2);
  CHECK(found.groups[0].unwritable == "Slack keeps it itself");
}

TEST_CASE("answers come from memory at once and are renewed behind them") {
  ManageWorld world;
  world.slack.add_group("S1", "one", {});
  Choices choices(*world.context);
  CHECK(world.run(choices.search_groups("", 10)).groups.size() == 1);
  world.slack.add_group("S2", "two", {});
  world.loop.advance(31s);
  const auto before = world.loop.now();
  CHECK(world.run(choices.search_groups("", 10)).groups.size() == 1);
  CHECK(world.loop.now() == before);
  world.loop.advance(6s);
  CHECK(world.run(choices.search_groups("", 10)).groups.size() == 2);
  CHECK(world.slack.calls[slack::Method::usergroups_list] == 2);
}

TEST_CASE(
    "a group that was made since the list was read is there at once, and free when its rotation is gone") {
  ManageWorld world;
  world.connection();
  Choices choices(*world.context);
  CHECK(world.run(choices.search_groups("", 10)).groups.empty());
  const auto rotation = world.stored("search");  // with a group of its own, SSEARCH
  auto found = world.run(choices.search_groups("search", 10));
  REQUIRE(handles(found) == std::vector<std::string>{"search-oncall"});
  CHECK(found.groups[0].taken_by == "search");
  good(world.store->rotations().remove(rotation.id, "cli:ada"));
  found = world.run(choices.search_groups("search", 10));
  REQUIRE(found.groups.size() == 1);
  CHECK_FALSE(found.groups[0].taken_by);
  // Once Slack's list goes without it, it is no choice.
  world.loop.advance(41s);
  (void)world.run(choices.search_groups("search", 10));
  world.loop.advance(6s);
  CHECK(world.run(choices.search_groups("search", 10)).groups.empty());
}

TEST_CASE("a workspace that does not answer is waited for two seconds, and then said to be silent") {
  ManageWorld world;
  world.slack.latency = 1min;
  Choices choices(*world.context);
  const auto before = world.loop.now();
  auto found = world.run(choices.search_groups("", 10));
  CHECK(world.loop.now() - before == 2s);
  CHECK(found.groups.empty());
  CHECK(says(*found.failure, "has not listed its user groups yet"));

  world.context->no_slack = fail(ErrorKind::unauthorized, "Slack's user groups: the token is dead");
  Choices refused(*world.context);
  found = world.run(refused.search_groups("", 10));
  REQUIRE(found.failure);
  CHECK(says(*found.failure, "Slack's user groups"));
}

TEST_CASE("schedules of all connections are found by name or id, grouped, with what went wrong") {
  ManageWorld world;
  world.connection("pd");
  auto broken = Connection{"broken", "pagerduty"};
  broken.secrets = {{"api_key", Secret("dead")}};
  good(world.store->connections().add(broken, "cli:ada"));
  Choices choices(*world.context);
  auto found = world.run(choices.search_schedules("payments", 100));
  REQUIRE(found.connections.size() == 2);
  CHECK(found.connections[0].connection == "broken");
  REQUIRE(found.connections[0].failure);
  CHECK(found.connections[0].schedules.empty());
  CHECK(found.connections[1].title == "PagerDuty");
  REQUIRE(found.connections[1].schedules.size() == 1);
  CHECK(found.connections[1].schedules[0].id == "PONE");
  CHECK(found.found() == 1);
  CHECK(choices.name_of({"pd", "PONE"}) == "Payments primary");
  CHECK_FALSE(choices.name_of({"pd", "PNONE"}));
  CHECK(world.run(choices.search_schedules("pd/ptwo", 100)).found() == 1);
}

TEST_CASE("more schedules than fit are counted, and those of a removed connection are forgotten") {
  ManageWorld world;
  world.connection("pd");
  for (int i = 0; i < 150; ++i)
    world.pagerduty.schedules[fmt::format("PX{}", i)] = {fmt::format("Team {:03}", i), "ada"};
  Choices choices(*world.context);
  const auto found = world.run(choices.search_schedules("team", 100));
  REQUIRE(found.connections.size() == 1);
  CHECK(found.connections[0].schedules.size() == 100);
  CHECK(found.connections[0].schedules.front().name == "Team 000");
  CHECK(found.connections[0].more == 50);
  good(world.run(remove_connection(*world.context, world.cli, "pd")));
  CHECK(world.run(choices.search_schedules("team", 100)).connections.empty());
}

TEST_CASE("a system that hangs does not hold up the others' schedules for more than two seconds") {
  ManageWorld world;
  world.connection("pd");
  world.http.latency = 1min;
  Choices choices(*world.context);
  const auto before = world.loop.now();
  const auto found = world.run(choices.search_schedules("", 100));
  CHECK(world.loop.now() - before == 2s);
  REQUIRE(found.connections.size() == 1);
  CHECK(says(*found.connections[0].failure, "has not answered yet"));
  world.loop.advance(5min);
}

TEST_CASE("who somebody is in Slack comes from Slack, and follows it when he loses his role") {
  ManageWorld world;
  world.slack.users[UserId("UADA")].admin = true;
  world.slack.add_group("S1", "editors", {"UADA", "UBO"});
  Choices choices(*world.context);
  const auto user = [&world, &choices](const char* id) {
    const auto caller = good(world.run(choices.caller(UserId(id))));
    CHECK(caller.actor == id);
    return std::get<SlackUser>(caller.principal);
  };
  CHECK(user("UADA").admin);
  CHECK(user("UADA").groups == std::vector<GroupId>{GroupId("S1")});
  CHECK_FALSE(user("UOTTO").admin);
  CHECK(user("UOTTO").groups.empty());

  world.slack.users[UserId("UADA")].admin = false;
  world.slack.users[UserId("UBO")].guest = true;
  world.slack.groups[GroupId("S1")].members = {UserId("UBO")};
  world.loop.advance(5min);
  CHECK_FALSE(user("UADA").admin);
  CHECK(user("UADA").groups.empty());
  CHECK(user("UBO").guest);
  world.slack.users[UserId("UADA")].deleted = true;
  world.loop.advance(5min);
  CHECK(user("UADA").guest);
}

TEST_CASE("while groups cannot be listed an admin may act, and nobody else") {
  ManageWorld world;
  world.slack.users[UserId("UADA")].admin = true;
  world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_list ? FakeSlack::Fate::refused : FakeSlack::Fate{};
  };
  Choices choices(*world.context);
  const auto who = std::get<SlackUser>(good(world.run(choices.caller(UserId("UADA")))).principal);
  CHECK(who.admin);
  CHECK(who.groups.empty());
  bad(world.run(choices.caller(UserId("UBO"))));
}

TEST_CASE("while Slack is silent the last known role counts for an hour, and nobody unknown gets in") {
  ManageWorld world;
  world.slack.users[UserId("UADA")].admin = true;
  Choices choices(*world.context);
  good(world.run(choices.caller(UserId("UADA"))));
  world.slack.latency = 1min;
  world.loop.advance(6min);
  const auto before = world.loop.now();
  CHECK(std::get<SlackUser>(good(world.run(choices.caller(UserId("UADA")))).principal).admin);
  CHECK(world.loop.now() - before < 3s);
  CHECK(bad(world.run(choices.caller(UserId("UBO")))).kind == ErrorKind::timeout);

  world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  world.slack.latency = 20ms;
  world.loop.advance(2h);
  bad(world.run(choices.caller(UserId("UADA"))));
}
