#include "core/access/may.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Action kAll[] = {
    Action::see_on_call, Action::view,      Action::create, Action::edit,    Action::move_to_another_group,
    Action::remove,      Action::pause,     Action::sync,   Action::restore, Action::connect,
    Action::map_person,  Action::administer};

Rotation rotation(const std::string& managed_by = "slack") {
  Rotation r;
  r.name = "Payments";
  r.group = GroupId("SPAY");
  r.owners = {"UOWNER", "SOWNERS"};
  r.managed_by = managed_by;
  return r;
}

Permissions permissions() {
  return {.editors = {.users = {UserId("UEDIT")}, .group = GroupId("SEDIT"), .workspace_admins = true}};
}

const SlackUser kAnybody{.id = UserId("UANY")};
const SlackUser kOwner{.id = UserId("UOWNER")};
const SlackUser kGuest{.id = UserId("UOWNER"), .admin = true, .guest = true};

bool allowed(const Principal& principal, Action action, const Rotation& r) {
  return may(principal, action, {.rotation = &r}, permissions()).ok();
}

std::string refusal(const Principal& principal, Action action, const Rotation& r,
                    const Permissions& p = permissions()) {
  const auto answer = may(principal, action, {.rotation = &r}, p);
  REQUIRE(!answer);
  CHECK(answer.error().kind == ErrorKind::forbidden);
  return answer.error().message;
}

}  // namespace

TEST_CASE("guests see who is on call and nothing more, whatever else they are") {
  const auto r = rotation();
  for (const auto action : kAll) CHECK(allowed(kGuest, action, r) == (action == Action::see_on_call));
  CHECK_THAT(refusal(kGuest, Action::view, r), ContainsSubstring("Guests can see who is on call"));
}

TEST_CASE("everybody may look, editors may do everything") {
  const auto r = rotation();
  for (const auto action : kAll) {
    CHECK(allowed(kAnybody, action, r) == (action == Action::see_on_call || action == Action::view));
    CHECK(allowed(SlackUser{.id = UserId("UEDIT")}, action, r));
    CHECK(allowed(SlackUser{.id = UserId("U1"), .groups = {GroupId("SEDIT")}}, action, r));
    CHECK(allowed(SlackUser{.id = UserId("U1"), .admin = true}, action, r));
  }
}

TEST_CASE("workspace admins are editors only if the configuration says so") {
  auto p = permissions();
  p.editors.workspace_admins = false;
  const auto r = rotation();
  CHECK(!may(SlackUser{.id = UserId("U1"), .admin = true}, Action::edit, {.rotation = &r}, p));
}

TEST_CASE("an owner may edit his rotation but not move it, nor touch another's") {
  const auto r = rotation();
  auto other = r;
  other.owners = {"UELSE"};
  for (const auto action : {Action::edit, Action::remove, Action::pause, Action::sync, Action::restore}) {
    CHECK(allowed(kOwner, action, r));
    CHECK(allowed(SlackUser{.id = UserId("U1"), .groups = {GroupId("SOWNERS")}}, action, r));
    CHECK(!allowed(kOwner, action, other));
  }
  for (const auto action : {Action::move_to_another_group, Action::create, Action::connect,
                            Action::map_person, Action::notify_everyone, Action::administer})
    CHECK(!allowed(kOwner, action, r));
}

TEST_CASE("a refusal says whom to ask") {
  const auto r = rotation();
  CHECK(
      refusal(kAnybody, Action::edit, r) ==
      "You may not edit this rotation. Ask <@UOWNER>, a member of <!subteam^SOWNERS>, <@UEDIT>, a member of "
      "<!subteam^SEDIT> or a workspace admin.");
  CHECK(refusal(kOwner, Action::move_to_another_group, r) ==
        "You may not move a rotation to another group. Ask <@UEDIT>, a member of <!subteam^SEDIT> or a "
        "workspace admin.");
  CHECK_THAT(refusal(kAnybody, Action::map_person, r, {.editors = {.workspace_admins = false}}),
             ContainsSubstring("Ask whoever runs Watchbill"));
}

TEST_CASE("a rotation managed by a file is changed in the file") {
  const auto r = rotation("file:rotations.yaml");
  const Principal editor = SlackUser{.id = UserId("UEDIT")};
  const Principal local = LocalUser{"root"};
  for (const auto action : {Action::edit, Action::move_to_another_group, Action::remove}) {
    for (const auto& who : {editor, local}) {
      CHECK_THAT(refusal(who, action, r),
                 ContainsSubstring("rotation \"Payments\" is managed by the file rotations.yaml"));
      CHECK_THAT(refusal(who, action, r), ContainsSubstring("`watchbill apply -f rotations.yaml`"));
    }
  }
  for (const auto action : {Action::view, Action::sync}) CHECK(allowed(editor, action, r));
  for (const auto action : {Action::pause, Action::restore}) CHECK(!allowed(editor, action, r));
  for (const auto action : {Action::view, Action::sync, Action::pause, Action::restore})
    CHECK(allowed(local, action, r));
}

TEST_CASE("a file changes everything but does not remove what another file manages") {
  const auto mine = rotation("file:mine.yaml");
  const auto theirs = rotation("file:theirs.yaml");
  const Principal file = RotationFile{"mine.yaml"};
  for (const auto action : kAll) CHECK(allowed(file, action, mine));
  CHECK(allowed(file, Action::remove, rotation("cli")));
  CHECK(allowed(file, Action::edit, theirs));
  CHECK_THAT(refusal(file, Action::remove, theirs), ContainsSubstring("theirs.yaml"));
}

TEST_CASE("the local user may do everything else") {
  const auto r = rotation();
  for (const auto action : kAll) CHECK(allowed(LocalUser{"root"}, action, r));
}

TEST_CASE("no rotation may manage the group of the editors, whoever asks") {
  for (const Principal& who : {Principal{SlackUser{.id = UserId("UEDIT"), .admin = true}},
                               Principal{LocalUser{"root"}}, Principal{RotationFile{"f"}}}) {
    for (const auto action : {Action::create, Action::move_to_another_group}) {
      CHECK(!may(who, action, {.group = GroupId("SEDIT")}, permissions()));
      CHECK(may(who, action, {.group = GroupId("SOTHER")}, permissions()));
      CHECK(may(who, action, {.group = GroupId("SEDIT")}, Permissions{}).ok() == true);
    }
  }
}

TEST_CASE("connections are made in Slack only where that is wanted") {
  auto p = permissions();
  p.credentials_in_modals = false;
  const auto answer = may(SlackUser{.id = UserId("UEDIT")}, Action::connect, {}, p);
  REQUIRE(!answer);
  CHECK_THAT(answer.error().message, ContainsSubstring("watchbill connection add"));
  CHECK(may(LocalUser{"root"}, Action::connect, {}, p));
}
