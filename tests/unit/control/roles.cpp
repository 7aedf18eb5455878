#include "control/roles.hpp"

#include <algorithm>

#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

std::vector<std::string> lost_now(ManageWorld& world, std::optional<UserId> token_user = std::nullopt) {
  std::vector<std::string> keys;
  for (const auto& problem :
       world.run(lost_roles(*world.context, token_user, slack::Priority::background)).problems) {
    keys.push_back(problem.key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

TEST_CASE("people that something depends on and who cannot be that any more are named with the fix") {
  ManageWorld world;
  world.connection();
  auto rotation = world.stored("payments");
  rotation.fallback_members = {UserId("UBO"), UserId("UOTTO")};
  rotation.empty = Empty::fallback;
  rotation.owners = {"UOWNER", "S5"};
  good(world.store->rotations().update(rotation, "cli:ada"));
  world.config.slack.editors.users = {UserId("UEDITOR"), UserId("UNOBODY")};
  CHECK(lost_now(world) == std::vector<std::string>{"role:editor:UNOBODY"});

  world.slack.users[UserId("UBO")].guest = true;
  world.slack.users[UserId("UOWNER")].deleted = true;
  const auto problems =
      world.run(lost_roles(*world.context, std::nullopt, slack::Priority::background)).problems;
  REQUIRE(problems.size() == 3);
  const auto owner = std::find_if(problems.begin(), problems.end(), [](const Problem& problem) {
    return problem.key.find("owner") != std::string::npos;
  });
  REQUIRE(owner != problems.end());
  CHECK(
      owner->text ==
      "owner (UOWNER) is deactivated in Slack, and is an owner of rotation \"payments\": name somebody else "
      "(`watchbill rotation edit \"payments\" --owner …`)");
  CHECK(owner->rotation == rotation.id);
  CHECK(lost_now(world) ==
        std::vector<std::string>{"role:editor:UNOBODY", "role:fallback:1:UBO", "role:owner:1:UOWNER"});
}

TEST_CASE("the owner of the user token is missed when he is deactivated or no admin any more") {
  ManageWorld world;
  const UserId ada("UADA");
  CHECK(lost_now(world, ada).empty());  // never was an admin: the workspace lets him edit groups
  world.slack.users[ada].admin = true;
  CHECK(lost_now(world, ada).empty());
  world.slack.users[ada].admin = false;
  CHECK(lost_now(world, ada) == std::vector<std::string>{"role:user_token:UADA"});
  CHECK(lost_now(world, UserId("UBO")).empty());
  world.slack.users[ada].deleted = true;
  CHECK(lost_now(world, ada) == std::vector<std::string>{"role:user_token:UADA"});
}

TEST_CASE("while Slack does not tell, nobody is called lost, and each person is asked for once") {
  ManageWorld world;
  world.connection();
  auto rotation = world.stored("payments");
  rotation.fallback_members = {UserId("UOWNER")};
  good(world.store->rotations().update(rotation, "cli:ada"));
  CHECK(lost_now(world).empty());
  CHECK(world.slack.calls[slack::Method::users_info] == 1);
  world.slack.users[UserId("UOWNER")].deleted = true;
  world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  const auto lost = world.run(lost_roles(*world.context, std::nullopt, slack::Priority::background));
  CHECK(lost.problems.empty());
  CHECK(lost.unread == std::set<UserId>{UserId("UOWNER")});
}
